//! The house's arrows: who may depend on whom, and what the core may not have below it. (What its sources may not name:
//! `tidy/banned.rs`.)

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Crates that are a runtime, do I/O, read a clock, draw randomness or start threads. None may be below the core.
const IMPURE: &[&str] = &[
    "async-channel",
    "async-executor",
    "async-fs",
    "async-io",
    "async-lock",
    "async-net",
    "async-std",
    "blocking",
    "crossbeam-channel",
    "event-listener",
    "fastrand",
    "futures",
    "futures-executor",
    "futures-lite",
    "getrandom",
    "hickory-resolver",
    "hyper",
    "mio",
    "polling",
    "rand",
    "rayon",
    "reqwest",
    "rustix",
    "rustls",
    "signal-hook",
    "smol",
    "socket2",
    "sqlx",
    "tokio",
    "tokio-util",
    "tracing",
    "ureq",
    "windows-sys",
];

/// Who may depend on whom: `runtime-* -> storage -> core`, `conformance -> core`, `fuzz -> core`.
const ARROWS: &[(&str, &[&str])] = &[
    ("lightmail-core", &[]),
    ("lightmail-storage", &["lightmail-core"]),
    ("lightmail", &["lightmail-core", "lightmail-storage"]),
    ("lightmail-smol", &["lightmail-core", "lightmail-storage"]),
    ("lightmail-conformance", &["lightmail-core"]),
    ("lightmail-fuzz", &["lightmail-core"]),
];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Names of the packages, by id.
fn names(metadata: &Value) -> BTreeMap<&str, &str> {
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (text(package, "id"), text(package, "name")))
        .collect()
}

/// Packages that a package needs when it is built and run, not for its tests: ids of the nearest.
fn needs<'a>(metadata: &'a Value, id: &str) -> Vec<&'a str> {
    let node = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|node| text(node, "id") == id)
        .unwrap();
    let normal = |dep: &&Value| {
        dep["dep_kinds"]
            .as_array()
            .unwrap()
            .iter()
            .any(|kind| kind["kind"].is_null())
    };
    node["deps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(normal)
        .map(|dep| text(dep, "pkg"))
        .collect()
}

#[test]
fn core_depends_on_no_runtime_and_does_no_io() {
    let metadata = metadata();
    let names = names(&metadata);
    let core = names
        .iter()
        .find(|(_, name)| **name == "lightmail-core")
        .unwrap()
        .0;
    let (mut seen, mut open) = (BTreeSet::new(), vec![(*core, "lightmail-core".to_owned())]);
    while let Some((id, path)) = open.pop() {
        let name = names[id];
        // proptest is there only for the feature `sample`, which only tests turn on.
        if name == "proptest" || !seen.insert(id) {
            continue;
        }
        assert!(
            !IMPURE.contains(&name),
            "{path}: the core may not depend on {name}; ask for an effect, and let a shell or storage do it"
        );
        open.extend(
            needs(&metadata, id)
                .into_iter()
                .map(|need| (need, format!("{path} -> {}", names[need]))),
        );
    }
    assert!(seen.len() > 3, "the core's dependencies were not found");
}

#[test]
fn arrows_point_one_way() {
    let metadata = metadata();
    let names = names(&metadata);
    let members: BTreeSet<_> = metadata["workspace_members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap())
        .collect();
    for id in &members {
        let name = names[id];
        let (_, allowed) = ARROWS.iter().find(|(room, _)| *room == name).unwrap_or_else(|| {
            panic!("{name} is a new room: say in ARROWS what it may depend on, and why in ARCHITECTURE.md")
        });
        for need in needs(&metadata, id)
            .into_iter()
            .filter(|need| members.contains(need))
        {
            assert!(
                allowed.contains(&names[need]),
                "{name} may not depend on {}: arrows run runtime-* -> storage -> core",
                names[need]
            );
        }
    }
}

#[test]
fn libfuzzer_is_there_only_by_feature() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let fuzz = packages
        .iter()
        .find(|package| text(package, "name") == "lightmail-fuzz")
        .unwrap();
    let dependencies = fuzz["dependencies"].as_array().unwrap();
    let libfuzzer = dependencies
        .iter()
        .find(|dependency| text(dependency, "name") == "libfuzzer-sys");
    assert_eq!(libfuzzer.unwrap()["optional"], true);
    assert!(
        fuzz["features"]["default"].is_null(),
        "nothing turns it on by itself"
    );
    for target in fuzz["targets"].as_array().unwrap() {
        let is_binary = target["kind"][0] == "bin";
        assert!(
            !is_binary || target["required-features"][0] == "libfuzzer",
            "{} is built without libFuzzer's feature",
            text(target, "name")
        );
    }
}
