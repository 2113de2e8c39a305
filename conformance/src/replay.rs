//! Plays a recorded session, or any transcript, in the pure core from its first line to its last, and shows where LightMail
//! answers otherwise. Unlike [`crate::run`] it does not end with the first difference.

use std::fmt;

use crate::Transcript;
use crate::given::Given;
use crate::pure::Core;
use crate::run;

/// A replay: the exchange and what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The exchange, line by line.
    pub lines: Vec<Line>,
    /// Why it could not go on to its end.
    pub broken: Option<String>,
}

/// A line of the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whether LightMail did what the record says.
    pub how: How,
    /// What was said, and by whom: `1S: * OK ready`.
    pub text: String,
}

/// How a line of the exchange compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The same on both sides.
    Same,
    /// The record has it; LightMail does not say it.
    Missing,
    /// LightMail says it; the record does not have it, or forbids it.
    More,
}

impl Replay {
    /// The lines that differ.
    pub fn differences(&self) -> usize {
        let differ = |line: &&Line| line.how != How::Same;
        self.lines.iter().filter(differ).count()
    }
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { how, text } in &self.lines {
            let sign = match how {
                How::Same => ' ',
                How::Missing => '-',
                How::More => '+',
            };
            writeln!(f, "{sign} {text}")?;
        }
        match &self.broken {
            Some(broken) => writeln!(f, "! {broken}"),
            None => Ok(()),
        }
    }
}

/// Plays it in a core of its own. What its `given` names is set up first; the account of a recorded session is made with its
/// masked password.
pub fn replay(transcript: &Transcript) -> Replay {
    let account = transcript
        .given
        .iter()
        .find_map(|phrase| match Given::parse(phrase) {
            Ok(Given::Account { login, password }) => Some((login, password)),
            _ => None,
        });
    let mut core = match &account {
        Some((login, password)) => Core::with_account(login, password),
        None => Core::of(transcript),
    };
    // Whether there was a certificate is not the core's to know; a record says it.
    if transcript.proves.sections.is_empty() && transcript.text.contains("STARTTLS") {
        core = core.offering_tls();
    }
    run::replay(transcript, &mut core)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library;

    fn played(text: &str) -> Replay {
        replay(&Transcript::parse("t", &format!("records  a session\n{text}")).unwrap())
    }

    #[test]
    fn a_session_that_is_the_same_has_no_difference() {
        let replay = played(
            "S: * OK ...\nC: a LOGIN bob xxxx\nS: a OK ...\ngiven    account \"bob\" with password \"xxxx\"\n\
             C: b SELECT INBOX\n{\nS: * FLAGS ...\nS: * 0 EXISTS\nS: * 0 RECENT\n*S: * OK ...\nS: b OK ...\n}\nC: c LOGOUT\nS: * BYE ...\nS: c OK ...\nS closes\n",
        );
        assert_eq!(replay.differences(), 0, "{replay}");
        assert_eq!(replay.broken, None);
    }

    /// The core has a second account, which may not be in the way.
    #[test]
    fn any_account_may_be_the_recorded_one() {
        for login in [
            "other@example.com",
            "Other@Example.com",
            "another@example.com",
            "user@example.com",
        ] {
            let replay = played(&format!(
                "S: * OK ...\nC: a LOGIN {login} xxxx\nS: a OK ...\ngiven    account \"{login}\" with password \"xxxx\"\n",
            ));
            assert_eq!((replay.differences(), replay.broken), (0, None), "{login}");
        }
    }

    #[test]
    fn octets_that_are_no_text_are_seen() {
        let replay = played("S: * OK ...\nC- a NOOP\nC| 00 0d 0a\nS: a BAD ...\n");
        assert!(replay.to_string().contains("1C: \\u{0}\n"), "{replay}");
    }

    #[test]
    fn every_difference_is_shown_and_the_session_goes_on() {
        let replay = played(
            "given    1 has logged in\nC: a NOOP\nS: * 3 EXISTS\nS: a OK ...\nC: b CHECK\nS: b OK ...\nC: c LOGOUT\nS: * BYE ...\nS: c OK ...\nC: d NOOP\n",
        );
        let shown = replay.to_string();
        assert!(
            shown.contains("  1C: a NOOP\n- 1S: * 3 EXISTS\n  1S: a OK "),
            "{shown}"
        );
        assert!(
            shown.contains("  1C: b CHECK\n- 1S: b OK ...\n+ 1S: b BAD "),
            "{shown}"
        );
        assert!(
            shown.ends_with("+ 1S closes\n! line 9: connection 1 is closed and the session cannot go on\n"),
            "{shown}"
        );
        assert_eq!(replay.differences(), 4, "{shown}");
    }

    #[test]
    fn what_must_not_come_and_what_comes_too_often_is_more() {
        let replay = played(
            "given    1 has connected\nC: a CAPABILITY\n!S: * CAPABILITY ...\nS: a OK ...\nC: b CAPABILITY\nS: b OK ...\n",
        );
        let shown = replay.to_string();
        assert_eq!(shown.matches("+ 1S: * CAPABILITY").count(), 2, "{shown}");
    }

    #[test]
    fn the_end_is_compared_too() {
        let replay = played("S: * OK ...\nC: a NOOP\nS: a OK ...\nS closes\n");
        assert!(replay.to_string().ends_with("- 1S closes\n"), "{replay}");
        let replay = played("S: * OK ...\nC: a LOGOUT\n");
        assert!(replay.to_string().contains("+ 1S: a OK"), "{replay}");
    }

    #[test]
    fn what_cannot_be_set_up_is_told() {
        let broken = played("needs    XMAGIC\nS: * OK ...\n").broken.unwrap();
        assert_eq!(broken, "needs XMAGIC");
    }

    #[test]
    fn no_transcript_of_the_repository_shows_a_difference() {
        for transcript in library::read(&library::folder(), "").unwrap_or_else(|error| panic!("{error}")) {
            let replay = replay(&transcript);
            assert!(
                replay.differences() == 0 && replay.broken.is_none(),
                "{}:\n{replay}",
                transcript.file
            );
        }
    }
}
