//! The documents, held to the repository: links lead somewhere, files and names that are named exist, settings that are shown
//! are settings. (Citations of RFCs: `tidy/citations.rs`.)

mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tree::{Text, paths, root, texts};

/// The text outside of fenced blocks.
fn prose(text: &str) -> String {
    let outside = text.split("\n```").step_by(2);
    outside.collect::<Vec<_>>().join("\n")
}

/// The fenced blocks of a language, each with the line where it begins.
fn blocks(text: &str, language: &str) -> Vec<(usize, String)> {
    let (mut blocks, mut open) = (Vec::new(), None::<(usize, String, bool)>);
    for (at, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(named), None) => open = Some((at + 2, String::new(), named == language)),
            (Some(_), Some(_)) => blocks.extend(open.take().filter(|block| block.2)),
            (None, Some((_, block, _))) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks.into_iter().map(|(line, block, _)| (line, block)).collect()
}

/// What stands in backticks.
fn spans(text: &str) -> Vec<String> {
    prose(text)
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The targets of `[text](target)`.
fn links(text: &str) -> Vec<String> {
    let text: String = prose(text).split('`').step_by(2).collect();
    let targets = text.split("](").skip(1);
    targets
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

/// The anchors of a document's headings, as they are made on the web: lower case, spaces to hyphens, other signs away.
fn anchors(text: &str) -> BTreeSet<String> {
    let text = prose(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let anchor = |line: &str| {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        heading.chars().filter(kept).collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let documents = texts(&[".md"]);
    let mut seen = 0;
    for Text { path, text } in &documents {
        for link in links(text)
            .iter()
            .filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
        {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(path).parent().unwrap();
            let target = if file.is_empty() {
                root().join(path)
            } else {
                root().join(folder).join(file)
            };
            assert!(target.exists(), "{path}: the link to {link} leads nowhere");
            if !anchor.is_empty() {
                let there = anchors(&fs::read_to_string(&target).unwrap());
                assert!(
                    there.contains(anchor),
                    "{path}: {link}: there is no such heading; there are {there:?}"
                );
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "the links were not found");
}

/// The words of all Rust sources: whatever is defined or used has its name among them.
fn identifiers() -> BTreeSet<String> {
    let sources = texts(&[".rs"]);
    let code = sources
        .iter()
        .flat_map(|source| source.text.lines())
        .filter(|line| !line.trim_start().starts_with("//"));
    let words = code.flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_')));
    words.map(str::to_owned).collect()
}

/// How a span of the architecture is read.
enum Named<'a> {
    /// A file or folder: it has a slash, or ends like a source.
    File(&'a str),
    /// A name of the sources: parts between `::`, or a type.
    Name(Vec<&'a str>),
    /// Something else: a word of a protocol, a command line.
    Other,
}

fn named(span: &str) -> Named<'_> {
    let made_of = |more: &str| {
        span.chars()
            .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let is_type =
        span.starts_with(|c: char| c.is_ascii_uppercase()) && span.contains(|c: char| c.is_ascii_lowercase());
    if made_of("_-./") && (span.contains('/') || span.ends_with(".rs")) {
        Named::File(span.trim_end_matches('/'))
    } else if made_of("_:") && (span.contains("::") || is_type) {
        Named::Name(span.split("::").collect())
    } else {
        Named::Other
    }
}

#[test]
fn files_and_names_in_the_architecture_exist() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (paths, words) = (paths(), identifiers());
    let (mut seen, mut missing) = (0, Vec::new());
    for span in spans(&text) {
        let there = match named(&span) {
            Named::File(file) => paths
                .iter()
                .any(|path| path == file || path.ends_with(&format!("/{file}"))),
            Named::Name(parts) => parts.iter().all(|part| words.contains(*part)),
            Named::Other => continue,
        };
        seen += 1;
        if !there {
            missing.push(span);
        }
    }
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md names what is not there: {missing:#?}"
    );
    assert!(seen > 100, "the names were not found: {seen}");
}

#[test]
fn settings_that_are_shown_are_settings() {
    let mut seen = 0;
    for Text { path, text } in texts(&[".md"]) {
        for (line, block) in blocks(&text, "ini") {
            let errors =
                lightmail_core::config::parse(&format!("{path}, block at line {line}"), &block).err();
            let shown: Vec<_> = errors
                .into_iter()
                .flatten()
                .map(|error| error.to_string())
                .collect();
            assert!(shown.is_empty(), "{}", shown.join("\n"));
            seen += 1;
        }
    }
    assert!(seen > 0, "no document shows a configuration");
}

#[test]
fn the_changelog_begins_with_this_version() {
    let text = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let newest = text.lines().find_map(|line| line.strip_prefix("## ")).unwrap();
    assert!(
        newest.starts_with(env!("CARGO_PKG_VERSION")),
        "the newest entry of CHANGELOG.md is {newest:?}"
    );
}
