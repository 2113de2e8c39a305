//! Every target on every entry of its corpus and its seeds, and on random octets.

use std::fs;
use std::path::{Path, PathBuf};

use lightmail_fuzz::TARGETS;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// The files that a target is fed with: what fuzzing has found, and what was written by hand.
fn entries(target: &str) -> Vec<PathBuf> {
    let folder = |kind: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target);
    let files = ["corpus", "seeds"].into_iter().flat_map(|kind| {
        let entries =
            fs::read_dir(folder(kind)).unwrap_or_else(|error| panic!("{}: {error}", folder(kind).display()));
        entries.map(|entry| entry.unwrap().path())
    });
    files.collect()
}

#[test]
fn every_entry_passes() {
    for (target, run) in TARGETS {
        let entries = entries(target);
        assert!(!entries.is_empty(), "{target} has no corpus");
        for entry in entries {
            let octets = fs::read(&entry).unwrap();
            if std::panic::catch_unwind(|| run(&octets)).is_err() {
                panic!("{} fails", entry.display());
            }
        }
    }
}

/// Octets at random, and entries with a piece of another one in them.
#[test]
fn random_octets_pass() {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    for (target, run) in TARGETS {
        let seeds: Vec<Vec<u8>> = entries(target)
            .iter()
            .map(|path| fs::read(path).unwrap())
            .collect();
        let seed = || proptest::sample::select(seeds.clone());
        let places = any::<(prop::sample::Index, prop::sample::Index)>();
        let spliced = (seed(), seed(), places).prop_map(|(one, other, (at, from))| {
            let (at, from) = (at.index(one.len() + 1), from.index(other.len() + 1));
            [&one[..at], &other[from..], &one[at..]].concat()
        });
        let octets = prop_oneof![proptest::collection::vec(any::<u8>(), 0..200), spliced];
        let outcome = runner.run(&octets, |octets| {
            run(&octets);
            Ok(())
        });
        assert!(outcome.is_ok(), "{target}: {outcome:?}");
    }
}

/// A file that no target reads would be kept for nothing.
#[test]
fn every_folder_has_a_target() {
    for kind in ["corpus", "seeds"] {
        for folder in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(kind)).unwrap() {
            let name = folder.unwrap().file_name().into_string().unwrap();
            assert!(TARGETS.iter().any(|(target, _)| *target == name), "{kind}/{name}");
        }
    }
    for binary in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets")).unwrap() {
        let path = binary.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            TARGETS.iter().any(|(target, _)| *target == name),
            "{name} is no target"
        );
    }
}
