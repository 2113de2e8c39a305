//! Files and functions stay small. What is larger stands in `large.txt` with its size, and may only shrink.

use std::collections::{BTreeMap, BTreeSet};

use crate::{facts, none, rust};

/// The most lines of a Rust file.
const FILE_LINES_MAX: usize = 600;
/// The most lines between a function's braces.
const FUNCTION_LINES_MAX: usize = 60;
/// The same in tests, where a function may be a table of cases.
const TEST_LINES_MAX: usize = 150;

/// `large.txt`: a path, or a path and a function's name, and a number of lines.
fn large() -> BTreeMap<String, usize> {
    let read = |line: &str| {
        let (what, lines) = line.rsplit_once(' ').unwrap();
        (what.trim().to_owned(), lines.parse().unwrap())
    };
    facts(include_str!("large.txt")).map(read).collect()
}

/// Where functions begin.
fn lines_of_functions(source: &rust::Source) -> BTreeSet<usize> {
    source.functions().iter().map(|function| function.line).collect()
}

/// What is above its limit: where, how many lines, and what may be.
fn above() -> BTreeMap<String, (String, usize, usize)> {
    let mut above = BTreeMap::new();
    let mut seen = 0;
    for source in rust::sources("") {
        let lines = source.code.lines().count();
        if lines > FILE_LINES_MAX {
            let place = source.path.clone();
            above.insert(source.path.clone(), (place, lines, FILE_LINES_MAX));
        }
        let served: BTreeSet<_> = match source.is_test() {
            true => BTreeSet::new(),
            false => lines_of_functions(&source.without_tests()),
        };
        for function in source.functions() {
            seen += 1;
            let most = match served.contains(&function.line) {
                true => FUNCTION_LINES_MAX,
                false => TEST_LINES_MAX,
            };
            if function.lines > most {
                let name = format!("{} {}", source.path, function.name);
                let place = format!("{}:{}: {}", source.path, function.line, function.name);
                above.insert(name, (place, function.lines, most));
            }
        }
    }
    assert!(seen > 2000, "the functions were not found: {seen}");
    above
}

#[test]
fn files_and_functions_do_not_grow() {
    let (large, above) = (large(), above());
    let mut complaints = Vec::new();
    for (what, (place, lines, most)) in &above {
        let remedy = match large.get(what) {
            None => "split it by concern: one concept, one file; a function is one step".to_owned(),
            Some(listed) if lines > listed => {
                format!("it had {listed} and may only shrink: take apart what was added")
            }
            Some(listed) if lines < listed => {
                format!(
                    "it had {listed}: write {lines} into conformance/tests/tidy/large.txt, so that it stays so"
                )
            }
            Some(_) => continue,
        };
        complaints.push(format!("{place}: {lines} lines, above {most}: {remedy}"));
    }
    let gone = large.keys().filter(|what| !above.contains_key(*what));
    complaints.extend(
        gone.map(|what| {
            format!("{what} is no longer large: take it out of conformance/tests/tidy/large.txt")
        }),
    );
    none(&complaints);
}
