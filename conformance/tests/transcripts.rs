//! Every transcript of the repository, in the pure core: whole, and cut into pieces of every small size.

use lightmail_conformance::report::{self, Played};
use lightmail_conformance::run::{Strictness, Verdict, run};
use lightmail_conformance::transcript::{Expected, Step, StepKind};
use lightmail_conformance::{Transcript, library, pure::Core};

fn transcripts() -> Vec<Transcript> {
    library::read(&library::folder(), "").unwrap_or_else(|error| panic!("{error}"))
}

fn play(transcript: &Transcript, mut core: Core) -> Verdict {
    let verdict = run(transcript, &mut core, Strictness::EveryLine);
    assert_eq!(
        core.check(),
        Vec::<String>::new(),
        "{}: the store is damaged",
        transcript.file
    );
    verdict
}

fn play_all(transcripts: &[Transcript]) -> Vec<Played<'_>> {
    let played = |transcript| Played {
        transcript,
        verdict: play(transcript, Core::of(transcript)),
    };
    transcripts.iter().map(played).collect()
}

#[test]
fn every_transcript_passes_in_the_core() {
    let transcripts = transcripts();
    let played = play_all(&transcripts);
    assert!(
        played.iter().all(|played| played.verdict == Verdict::Pass),
        "{}",
        report::terminal(&played)
    );
}

#[test]
fn no_cut_of_the_input_changes_a_transcript() {
    for transcript in &transcripts() {
        for octets in [1, 2, 3, 7, 16, 61] {
            let verdict = play(transcript, Core::of(transcript).reading_at_most(octets));
            assert_eq!(
                verdict,
                Verdict::Pass,
                "{} read {octets} octets at a time",
                transcript.file
            );
        }
    }
}

#[test]
fn the_published_table_is_what_the_run_shows() {
    let transcripts = transcripts();
    let played = play_all(&transcripts);
    let published =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../RFC_COMPLIANCE.md")).unwrap();
    assert!(
        published == report::markdown(&played),
        "RFC_COMPLIANCE.md is old; make it anew: cargo run -p lightmail-conformance -- report"
    );
}

/// What is said, wherever it stands in its file.
fn said(transcript: &Transcript) -> Vec<String> {
    let said = |step: &Step| match &step.kind {
        StepKind::Expect(lines) => {
            let line = |line: &Expected| format!("{} {:?} {}", line.connection, line.must, line.pattern);
            format!("{:?}", lines.iter().map(line).collect::<Vec<_>>())
        }
        kind => format!("{kind:?}"),
    };
    transcript.steps.iter().map(said).collect()
}

#[test]
fn no_two_transcripts_say_the_same() {
    let transcripts = transcripts();
    let said: Vec<_> = transcripts.iter().map(said).collect();
    for (at, transcript) in transcripts.iter().enumerate() {
        let same = |other: &usize| {
            let claim = transcripts[*other].proves.claim == transcript.proves.claim;
            claim || (transcripts[*other].given == transcript.given && said[*other] == said[at])
        };
        let twin = (0..at).find(same).map(|twin| &transcripts[twin].file);
        assert_eq!(twin, None, "{} says the same: take one out", transcript.file);
    }
}

#[test]
fn what_must_not_come_is_found_also_where_it_is_expected() {
    for (forbidden, passes) in [("a OK ...", false), ("a NO ...", true)] {
        let text =
            format!("proves   RFC 3501, 6.1.2: x\n\nS: * OK ...\nC: a NOOP\n!S: {forbidden}\nS: a ...\n");
        let transcript = Transcript::parse("t", &text).unwrap();
        assert_eq!(
            play(&transcript, Core::new()) == Verdict::Pass,
            passes,
            "{forbidden}"
        );
    }
}
