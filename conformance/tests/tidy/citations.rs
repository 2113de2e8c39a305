//! Citations of RFCs: each names an RFC that `rfcs.txt` knows, and a section that `sections.txt` knows.
//!
//! A citation is written `RFC 3501, 6.4.3 and 7.4.1; RFC 4315, 2.1`, with `to` between the ends of a range and `appendix` before
//! a letter; a line's end may stand within. Several RFCs without sections are `RFC 2342, 3691, 3348`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use lightmail_conformance::{Transcript, library};

use crate::tree::{Text, texts};
use crate::{facts, none};

/// What may cite: sources, documents, transcripts, scripts, settings.
const CITING: &[&str] = &[
    ".rs", ".md", ".txt", ".sql", ".toml", ".ini", ".example", ".sh", ".yml",
];
/// The lists themselves, and this file's examples.
const NOT_CITING: &[&str] = &[
    "conformance/rfcs.txt",
    "conformance/sections.txt",
    "tidy/citations.rs",
];

/// An RFC, or a section of one, and the line that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Citation {
    line: usize,
    rfc: u32,
    section: Option<String>,
}

/// A text without its line ends and comment marks, and the line of each octet in it.
fn joined(text: &str) -> (String, Vec<usize>) {
    let (mut joined, mut lines) = (String::new(), Vec::new());
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let marks = ["//!", "///", "//", "#", "--", ";", "*"];
        let mark = marks.iter().find_map(|mark| line.strip_prefix(mark));
        joined.push_str(mark.unwrap_or(line).trim());
        joined.push(' ');
        lines.resize(joined.len(), at + 1);
    }
    (joined, lines)
}

/// Splits off what is made of digits and dots, or a letter and what follows its dot: `6.4.3`, `A.1`.
fn place(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("appendix ").unwrap_or(text);
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c.is_ascii_uppercase()))
        .unwrap_or(text.len());
    let place = text[..end].trim_end_matches('.');
    let parts = || place.split('.').skip(1);
    let number = |part: &str| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_digit());
    let first = place.split('.').next().unwrap_or_default();
    let lettered = first.len() == 1 && first.bytes().all(|octet| octet.is_ascii_uppercase());
    let word_goes_on = text[end..].starts_with(|c: char| c.is_alphanumeric());
    let fits = (number(first) || lettered) && parts().all(number) && !word_goes_on;
    // What stands behind a full stop does not belong to the citation.
    fits.then(|| (place, &text[place.len()..]))
}

/// All citations of a text.
fn cited(text: &str) -> Vec<Citation> {
    let (text, lines) = joined(text);
    let mut citations = Vec::new();
    for (at, _) in text.match_indices("RFC ") {
        let mut rest = &text[at + "RFC ".len()..];
        let mut rfc = None;
        while let Some((place, behind)) = place(rest) {
            // The first is an RFC; so are later ones of three digits and more: no RFC has so many sections.
            let is_rfc = rfc.is_none() || (place.len() >= 3 && !place.contains('.'));
            let Some(number) = (if is_rfc { place.parse().ok() } else { rfc }) else {
                break;
            };
            rfc = Some(number);
            citations.push(Citation {
                line: lines[at],
                rfc: number,
                section: (!is_rfc).then(|| place.to_owned()),
            });
            let joints = [", ", " and ", " to "];
            match joints.iter().find_map(|joint| behind.strip_prefix(joint)) {
                Some(next) => rest = next,
                None => break,
            }
        }
    }
    citations
}

#[test]
fn citations_are_read_as_they_are_written() {
    let shown = |citation: &Citation| match &citation.section {
        Some(section) => format!("{} {section}", citation.rfc),
        None => citation.rfc.to_string(),
    };
    for (text, found) in [
        (
            "RFC 3501, 6.4.3 and 7.4.1; RFC 4315, 2.1",
            vec!["3501", "3501 6.4.3", "3501 7.4.1", "4315", "4315 2.1"],
        ),
        ("/// RFC 3501,\n    /// 9.", vec!["3501", "3501 9"]),
        ("RFC 2342, 3691, 3348.", vec!["2342", "3691", "3348"]),
        ("RFC 2045 to 2047 and more", vec!["2045", "2047"]),
        (
            "RFC 5321, 4.1.1.5 to 4.1.1.10",
            vec!["5321", "5321 4.1.1.5", "5321 4.1.1.10"],
        ),
        ("RFC 5321, appendix C", vec!["5321", "5321 C"]),
        ("RFC 5322, A.1.1 and LIST", vec!["5322", "5322 A.1.1"]),
        ("(RFC 5321, 4.5.2), and RFC822.SIZE", vec!["5321", "5321 4.5.2"]),
        ("RFC 5321, 4.5.2. A line, 7", vec!["5321", "5321 4.5.2"]),
        ("RFC 822", vec!["822"]),
        ("an RFC editor", vec![]),
    ] {
        let read: Vec<_> = cited(text).iter().map(shown).collect();
        assert_eq!(read, found, "{text}");
    }
    assert_eq!(
        cited("a\nb RFC 822").first().map(|citation| citation.line),
        Some(2)
    );
}

fn list(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// `rfcs.txt`: a number and a title a line.
fn known() -> BTreeMap<u32, String> {
    let text = list("rfcs.txt");
    let read = |line: &str| {
        let (number, title) = line
            .split_once("  ")
            .unwrap_or_else(|| panic!("rfcs.txt: {line}: expected a number, two spaces, a title"));
        (number.parse().unwrap(), title.to_owned())
    };
    facts(&text).map(read).collect()
}

/// `sections.txt`: an RFC's number at the margin, then its sections, also on the indented lines that follow.
pub fn sections() -> BTreeMap<u32, Vec<String>> {
    let text = list("sections.txt");
    let (mut sections, mut rfc) = (BTreeMap::<u32, Vec<String>>::new(), 0);
    for line in facts(&text) {
        let mut words = line.split_whitespace();
        if !line.starts_with(' ') {
            rfc = words.next().unwrap().parse().unwrap();
            assert!(
                !sections.contains_key(&rfc),
                "sections.txt: RFC {rfc} stands twice"
            );
        }
        sections.entry(rfc).or_default().extend(words.map(str::to_owned));
    }
    sections
}

/// The sections to choose from instead: those below the nearest one above that exists.
fn nearby(all: &[String], wrong: &str) -> String {
    let mut above = wrong;
    while let Some((higher, _)) = above.rsplit_once('.') {
        above = higher;
        if all.iter().any(|section| section == above) {
            break;
        }
    }
    let below = format!("{above}.");
    let depth = below.matches('.').count();
    let near = |section: &&String| {
        *section == above || (section.starts_with(&below) && section.matches('.').count() == depth)
    };
    let near: Vec<_> = all.iter().filter(near).map(String::as_str).collect();
    match near.is_empty() {
        true => all.join(", "),
        false => near.join(", "),
    }
}

/// What is wrong with a section of an RFC; `None` if it exists.
pub fn wrong(sections: &BTreeMap<u32, Vec<String>>, rfc: u32, section: &str) -> Option<String> {
    let Some(all) = sections.get(&rfc) else {
        return Some(format!(
            "conformance/sections.txt does not list RFC {rfc}: scripts/sections makes the lines from its text"
        ));
    };
    let missing = !all.iter().any(|known| known == section);
    missing.then(|| {
        let near = nearby(all, section);
        format!("RFC {rfc} has no section {section}; near it are {near}")
    })
}

#[test]
fn a_wrong_section_names_those_nearby() {
    let sections = sections();
    let told = |rfc, section| wrong(&sections, rfc, section).unwrap_or_default();
    assert_eq!(told(3501, "6.4.3"), "");
    assert_eq!(
        told(4315, "2.7"),
        "RFC 4315 has no section 2.7; near it are 2, 2.1"
    );
    assert!(told(3501, "6.4.9.1").contains("6.4.7, 6.4.8"));
    assert!(told(1, "1").contains("scripts/sections"));
}

fn citing() -> Vec<Text> {
    let cites = |text: &Text| !NOT_CITING.iter().any(|list| text.path.ends_with(list));
    texts(CITING).into_iter().filter(cites).collect()
}

#[test]
fn every_rfc_that_is_cited_is_known_and_the_other_way_round() {
    let known = known();
    let (mut everywhere, mut complaints) = (BTreeSet::new(), Vec::new());
    for Text { path, text } in citing() {
        for Citation { line, rfc, .. } in cited(&text) {
            everywhere.insert(rfc);
            if !known.contains_key(&rfc) {
                complaints.push(format!(
                    "{path}:{line}: RFC {rfc}: add its number and title to conformance/rfcs.txt"
                ));
            }
        }
    }
    let idle = known.keys().filter(|rfc| !everywhere.contains(rfc));
    complaints
        .extend(idle.map(|rfc| format!("conformance/rfcs.txt: nothing cites RFC {rfc}: take its line out")));
    none(&complaints);
}

#[test]
fn every_section_that_is_cited_exists() {
    let sections = sections();
    let (mut seen, mut complaints) = (0, Vec::new());
    for Text { path, text } in citing() {
        for citation in cited(&text) {
            let Some(section) = &citation.section else {
                continue;
            };
            seen += 1;
            let told = wrong(&sections, citation.rfc, section);
            complaints.extend(told.map(|told| format!("{path}:{}: {told}", citation.line)));
        }
    }
    none(&complaints);
    assert!(seen > 500, "the citations were not found: {seen}");
}

#[test]
fn citations_are_written_in_one_way() {
    let mut complaints = Vec::new();
    for Text { path, text } in citing() {
        let (text, lines) = joined(&text);
        for (at, _) in text.match_indices("RFC") {
            let behind = &text[at + "RFC".len()..];
            let digits =
                |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let number = behind.trim_start();
            let after = &number[digits(number)..];
            // `RFC822.SIZE` is an item of FETCH.
            let glued = digits(behind) == 4;
            let spaced = digits(number) > 0 && after.strip_prefix(' ').is_some_and(|next| digits(next) > 0);
            let worded = digits(number) > 0
                && ["section", "Section", "§", "sec.", "chapter"]
                    .iter()
                    .any(|word| after.trim_start_matches([',', ' ']).starts_with(word));
            if glued || spaced || worded {
                let written: String = behind.chars().take(20).collect();
                complaints.push(format!(
                    "{path}:{}: RFC{written}: write a citation like RFC 3501, 6.4.3 and 7.4.1",
                    lines[at]
                ));
            }
        }
    }
    none(&complaints);
}

#[test]
fn a_transcript_is_named_by_a_section_that_it_proves() {
    let sections = sections();
    let transcripts = library::read(&library::folder(), "").unwrap_or_else(|error| panic!("{error}"));
    let complaint = |transcript: &Transcript| {
        let told = |what: String| Some(format!("conformance/transcripts/{}: {what}", transcript.file));
        let named = transcript
            .file
            .strip_prefix("rfc")
            .and_then(|name| name.split_once('/'))
            .and_then(|(rfc, name)| Some((rfc.parse().ok()?, name.split_once('-')?.0.to_owned())));
        let Some((rfc, section)) = named else {
            return told("name it rfcNUMBER/SECTION-what-it-shows.txt".to_owned());
        };
        if let Some(wrong) = wrong(&sections, rfc, &section) {
            return told(wrong);
        }
        let below = format!("{section}.");
        let proved = &transcript.proves.sections;
        let fits = |(number, proved): &(u32, String)| {
            *number == rfc && (*proved == section || proved.starts_with(&below))
        };
        match proved.iter().any(fits) {
            true => None,
            false => told(format!(
                "it proves {proved:?}, but not RFC {rfc}, {section}: rename it or mend its first line"
            )),
        }
    };
    none(&transcripts.iter().filter_map(complaint).collect::<Vec<_>>());
}
