//! Every transcript of the repository, in the pure core: whole, and cut into pieces of every small size.

use lightmail_conformance::report::{self, Played};
use lightmail_conformance::run::{Strictness, Verdict, run};
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
        verdict: play(transcript, Core::new()),
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
            let verdict = play(transcript, Core::reading_at_most(octets));
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

#[test]
fn no_two_transcripts_say_the_same() {
    let transcripts = transcripts();
    for (at, transcript) in transcripts.iter().enumerate() {
        let steps = |transcript: &Transcript| {
            transcript
                .steps
                .iter()
                .map(|step| format!("{:?}", step.kind))
                .collect::<Vec<_>>()
        };
        let twin = transcripts[..at]
            .iter()
            .find(|other| other.given == transcript.given && steps(other) == steps(transcript));
        assert_eq!(
            twin.map(|twin| &twin.file),
            None,
            "{} says the same",
            transcript.file
        );
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
