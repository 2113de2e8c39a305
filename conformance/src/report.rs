//! What a run showed: a table for the terminal, RFC_COMPLIANCE.md, and a page that compares servers.

mod html;

use std::collections::BTreeMap;
use std::fmt::Write as _;

pub use html::{Column, html};

use crate::run::Verdict;
use crate::transcript::Transcript;

/// A transcript and how it went.
pub struct Played<'a> {
    /// The transcript.
    pub transcript: &'a Transcript,
    /// How it went.
    pub verdict: Verdict,
}

/// How many passed, failed, deviate as they are known to, and did not apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Failed, and known to.
    pub deviate: usize,
    /// Not offered by the server, or not possible with this player.
    pub not_offered: usize,
}

impl Score {
    /// Counts verdicts.
    pub fn of<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> Self {
        verdicts.into_iter().fold(Self::default(), |mut score, verdict| {
            match verdict {
                Verdict::Pass => score.passed += 1,
                Verdict::Fail(_) => score.failed += 1,
                Verdict::Deviates(..) => score.deviate += 1,
                Verdict::NotOffered(_) => score.not_offered += 1,
            }
            score
        })
    }
}

/// RFC by RFC: how many transcripts passed, and every one that did not, with the reason.
pub fn terminal(played: &[Played<'_>]) -> String {
    let mut out = String::new();
    for (rfc, sections) in by_section(played) {
        let score = Score::of(sections.values().flatten().map(|played| &played.verdict));
        let _ = writeln!(
            out,
            "RFC {rfc:<5}  {:>4} passed  {:>3} failed  {:>3} known to deviate  {:>3} not offered",
            score.passed, score.failed, score.deviate, score.not_offered
        );
    }
    for played in played {
        match &played.verdict {
            Verdict::Pass => {}
            Verdict::Fail(failure) => {
                let _ = writeln!(
                    out,
                    "\nFAIL {}: {}\n  {failure}",
                    played.transcript.file, played.transcript.proves.claim
                );
            }
            Verdict::Deviates(reason, _) => {
                let _ = writeln!(out, "known to deviate ({reason}): {}", played.transcript.file);
            }
            Verdict::NotOffered(what) => {
                let _ = writeln!(out, "not offered ({what}): {}", played.transcript.file);
            }
        }
    }
    let score = Score::of(played.iter().map(|played| &played.verdict));
    let _ = writeln!(
        out,
        "\n{} passed, {} failed, {} known to deviate, {} not offered",
        score.passed, score.failed, score.deviate, score.not_offered
    );
    out
}

/// The text of RFC_COMPLIANCE.md.
pub fn markdown(played: &[Played<'_>]) -> String {
    let score = Score::of(played.iter().map(|played| &played.verdict));
    let mut out = format!(
        "# RFC compliance\n\n\
         Made from the transcripts' run in the pure core by `cargo run -p lightmail-conformance -- report`; do not edit.\n\
         A line is a section of an RFC, what a transcript proves of it, the transcript, and how it went. What has no line here has\n\
         no transcript yet, whatever the server does.\n\n\
         {} transcripts: {} passed, {} failed, {} not offered.\n",
        played.len(),
        score.passed,
        score.failed,
        score.not_offered
    );
    for (rfc, sections) in by_section(played) {
        let _ = write!(
            out,
            "\n## RFC {rfc}\n\n| section | what is proved | transcript | result |\n| --- | --- | --- | --- |\n"
        );
        for (section, played) in sections {
            for played in played {
                let Transcript { file, proves, .. } = played.transcript;
                let result = match &played.verdict {
                    Verdict::Pass => "pass".to_owned(),
                    Verdict::Fail(failure) => format!("**fail**, line {}", failure.line),
                    Verdict::Deviates(reason, _) => format!("deviates: {reason}"),
                    Verdict::NotOffered(what) => format!("not offered: {what}"),
                };
                let claim = proves.claim.replace('|', "\\|");
                let _ = writeln!(
                    out,
                    "| {} | {claim} | [{file}](conformance/transcripts/{file}) | {result} |",
                    section.0
                );
            }
        }
    }
    out
}

/// A section's number, ordered as a reader expects: 6.4.10 behind 6.4.9.
#[derive(PartialEq, Eq)]
struct Section(String);

impl Ord for Section {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |section: &str| {
            section
                .split('.')
                .map(|part| (part.parse::<u32>().ok(), part.to_owned()))
                .collect::<Vec<_>>()
        };
        key(&self.0).cmp(&key(&other.0))
    }
}

impl PartialOrd for Section {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// RFCs, their sections, and what proves each.
type Sections<T> = BTreeMap<u32, BTreeMap<Section, Vec<T>>>;

fn by_section<'a, 'b>(played: &'b [Played<'a>]) -> Sections<&'b Played<'a>> {
    sorted(played, |played| played.transcript)
}

fn sorted<T>(items: &[T], transcript: impl Fn(&T) -> &Transcript) -> Sections<&T> {
    let mut rfcs = Sections::new();
    for item in items {
        for (rfc, section) in &transcript(item).proves.sections {
            let sections: &mut BTreeMap<Section, Vec<&T>> = rfcs.entry(*rfc).or_default();
            sections.entry(Section(section.clone())).or_default().push(item);
        }
    }
    rfcs
}
