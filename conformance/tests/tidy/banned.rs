//! What must not stand in the repository, and what to write instead.

use std::fs;

use crate::tree::{paths, read, root, texts};
use crate::{none, rust};

/// What no line of the core may have but in tests, and what to use instead.
const NOT_IN_CORE: &[(&str, &str)] = &[
    ("async ", "a machine and its states"),
    (".await", "a machine and its states"),
    ("Instant", "the `Time` of the input"),
    ("SystemTime", "the `Time` of the input"),
    ("std::thread", "an effect"),
    ("thread::", "an effect"),
    ("Mutex", "a value that its machine owns"),
    ("RwLock", "a value that its machine owns"),
    ("std::fs", "an effect"),
    ("std::io", "an effect"),
    ("std::env", "the settings"),
    ("std::process", "an effect"),
    ("File::", "an effect"),
    ("TcpStream", "actions of the machine"),
    ("UdpSocket", "actions of the machine"),
    ("UnixStream", "actions of the machine"),
    ("ToSocketAddrs", "an effect"),
    ("RandomState", "the `Seed` of the machine, or a BTreeMap"),
    ("new_v4(", "the `Seed` of the machine"),
    ("now_v7(", "the `Seed` of the machine"),
    ("println!", "an action, or an error that is returned"),
    ("print!", "an action, or an error that is returned"),
    ("unsafe ", "safe code"),
    (".unwrap()", "`?`, `match` or `unwrap_or`"),
    (".expect(", "`?`, `match` or `unwrap_or`"),
    ("panic!(", "an error that is returned"),
    (
        "unreachable!(",
        "a type that has no such value, or an answer like `unexpected`",
    ),
    ("todo!(", "the thing itself"),
    ("allow(clippy", "code that clippy has nothing against"),
    ("expect(clippy", "code that clippy has nothing against"),
];

/// The driver of the tests may end a test: it is not part of the server.
const DRIVER: &str = "core/src/pair/";

#[test]
fn the_core_is_pure_and_does_not_panic() {
    let sources = rust::sources("core/src/").filter(|source| !source.is_test());
    let (mut read, mut complaints) = (0, Vec::new());
    for source in sources.map(rust::Source::without_tests) {
        read += 1;
        for (word, instead) in NOT_IN_CORE {
            let panics = [".unwrap()", ".expect(", "panic!("].contains(word);
            if panics && source.path.starts_with(DRIVER) {
                continue;
            }
            for (at, _) in source.code.match_indices(word) {
                let in_word = source.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                if !in_word {
                    let (path, line) = (&source.path, source.line(at));
                    complaints.push(format!("{path}:{line}: no `{word}` in the core: use {instead}"));
                }
            }
        }
    }
    none(&complaints);
    assert!(read > 100, "the core's files were not found: {read}");
}

#[test]
fn clippy_denies_what_panics_in_the_core() {
    let manifest = fs::read_to_string(root().join("core/Cargo.toml")).unwrap();
    let lints = [
        "unsafe_code = \"forbid\"",
        "missing_docs = \"warn\"",
        "unwrap_used = \"deny\"",
        "expect_used = \"deny\"",
        "panic = \"deny\"",
        "indexing_slicing = \"deny\"",
        "unreachable = \"deny\"",
        "todo = \"deny\"",
        "unimplemented = \"deny\"",
        "dbg_macro = \"deny\"",
    ];
    let lacks = |lint: &&str| !manifest.lines().any(|line| line == *lint);
    let complaint = |lint| format!("core/Cargo.toml lacks `{lint}`: input reaches every line of the core");
    let complaints: Vec<_> = lints.into_iter().filter(lacks).map(complaint).collect();
    none(&complaints);
}

#[test]
fn storage_names_a_runtime_only_where_the_sdk_needs_one() {
    let mut seen = 0;
    let sources = rust::sources("storage/src/").filter(|source| !source.path.contains("/tests"));
    let names = |source: &rust::Source| {
        // `async_io` is none: it has a thread of its own and serves whoever asks.
        ["tokio::", "smol::"]
            .iter()
            .any(|name| source.code.contains(name))
    };
    let named = sources.inspect(|_| seen += 1).filter(|source| names(source));
    let needs_one =
        |path: &str| path.starts_with("storage/src/objects/s3/") || path == "storage/src/reactor.rs";
    let elsewhere = named.filter(|source| !needs_one(&source.path));
    let complaint = |source: &rust::Source| {
        format!(
            "{}: name no runtime: use `blocking`, or ask a `Socket` or the `Reactor`",
            source.path
        )
    };
    let complaints: Vec<_> = elsewhere.map(complaint).collect();
    none(&complaints);
    assert!(seen > 50, "the sources were not found: {seen}");
}

/// What no text may have, and what to do instead. Put together here, so that this file is none of them.
fn not_anywhere() -> Vec<(String, &'static str)> {
    let path = "a machine's own path: write one from the repository's root";
    let host = "a registry's host: cargo's configuration names it";
    let promise = "a promise: do it, or open an issue";
    let folders = ["work", "root", "home"].map(|name| (format!("/{name}/"), path));
    let hosts = [
        ["crates", "io"],
        ["pypi", "org"],
        ["npmjs", "org"],
        ["docker", "io"],
    ];
    let hosts = hosts.map(|name| (name.join("."), host));
    let promises = [["TO", "DO"], ["FIX", "ME"], ["X", "XX"]].map(|word| (word.concat(), promise));
    [folders.as_slice(), &hosts, &promises].concat()
}

/// What people write: not what fuzzers made, no mail, and no list of packages, where registries are named by cargo.
fn is_written(path: &str) -> bool {
    let made = ["fuzz/corpus/", "fuzz/seeds/"]
        .iter()
        .any(|folder| path.starts_with(folder));
    !made && path != "Cargo.lock" && !path.ends_with(".eml")
}

/// Whether a line has a word, and not as a part of another.
fn has(line: &str, word: &str) -> bool {
    let whole = |at: usize| {
        let (before, behind) = (&line[..at], &line[at + word.len()..]);
        !before.ends_with(|c: char| c.is_alphanumeric()) && !behind.starts_with(|c: char| c.is_alphanumeric())
    };
    // A folder ends at its slashes.
    line.match_indices(word)
        .any(|(at, _)| word.ends_with('/') || whole(at))
}

#[test]
fn nothing_names_a_machine_or_promises() {
    let banned = not_anywhere();
    let (mut seen, mut complaints) = (0, Vec::new());
    for text in paths()
        .into_iter()
        .filter(|path| is_written(path))
        .filter_map(read)
    {
        seen += 1;
        for (at, line) in text.text.lines().enumerate() {
            for (word, why) in banned.iter().filter(|(word, _)| has(line, word)) {
                complaints.push(format!("{}:{}: {word} is {why}", text.path, at + 1));
            }
        }
    }
    none(&complaints);
    assert!(seen > 800, "the files were not found: {seen}");
}

#[test]
fn every_shell_script_stops_at_its_first_error() {
    let scripts = paths()
        .into_iter()
        .filter(|path| is_written(path))
        .filter_map(read);
    let scripts = scripts.filter(|text| {
        let first = text.text.lines().next().unwrap_or_default();
        text.path.ends_with(".sh") || (first.starts_with("#!") && first.ends_with("sh"))
    });
    let (mut seen, mut complaints) = (0, Vec::new());
    for script in scripts {
        seen += 1;
        let mut lines = script.text.lines();
        if lines.next() != Some("#!/usr/bin/env bash") {
            complaints.push(format!("{}:1: begin with #!/usr/bin/env bash", script.path));
        }
        let first = lines.find(|line| !line.trim().is_empty() && !line.starts_with('#'));
        // To the script that tests a server an error is a result.
        let wanted = match script.path.as_str() {
            "test_imap.sh" => "set -u",
            _ => "set -euo pipefail",
        };
        if first != Some(wanted) {
            complaints.push(format!(
                "{}: the first command is `{wanted}`, so that no error is passed over",
                script.path
            ));
        }
    }
    none(&complaints);
    assert!(seen >= 4, "the scripts were not found: {seen}");
}

#[test]
fn texts_end_with_a_line_end_and_lines_without_spaces() {
    let mut complaints = Vec::new();
    for text in texts(&[".rs", ".md", ".sql", ".toml", ".ini", ".example"]) {
        if !text.text.ends_with('\n') || text.text.ends_with("\n\n") {
            complaints.push(format!("{}: end it with one line end", text.path));
        }
        for (at, _) in text
            .text
            .lines()
            .enumerate()
            .filter(|(_, line)| line.ends_with([' ', '\t']))
        {
            complaints.push(format!(
                "{}:{}: take the spaces at the end away",
                text.path,
                at + 1
            ));
        }
    }
    none(&complaints);
}
