//! Where a transcript starts: a small language of phrases, carried out over IMAP itself, so that it works with every server.
//!
//! | phrase | what is done |
//! | --- | --- |
//! | `INBOX with 3 messages` | three times the sample `plain` |
//! | `INBOX with plain, attachment` | these samples, in order |
//! | `mailbox "Work" with …` | a mailbox is made, then filled |
//! | `mailbox "Work"` | an empty mailbox |
//! | `account "user" with password "xxxx"` | of a recorded session: this account is `$user`; only the core can make it |
//! | `1 has connected` · `1 and 2 have connected` | the greeting was read |
//! | `1 has logged in` | and LOGIN was answered |
//! | `1 has selected it` · `… selected "Work"` · `… examined it` | and SELECT or EXAMINE was; *it* is INBOX, or the mailbox made last |
//! | `1 has logged in` | over POP3: USER and PASS were answered |
//! | `1 has said LHLO` | over LMTP: the greeting was read and LHLO answered |
//! | `1 has said EHLO` | over SMTP and SUBMISSION: the greeting was read and EHLO answered |
//! | `1 has logged in` | over SUBMISSION: AUTH PLAIN was answered too |
//! | `2 speaks IMAP` | this connection's protocol, where it is not the transcript's; it is opened when it is first used |
//! | `2 speaks IMAP and has selected INBOX` | the same, and it has come that far |
//! | `3 speaks IMAP as $other and has logged in` | the same, and it logs in to the second account |
//!
//! Every transcript, whatever it speaks, starts with an empty INBOX and no mailbox but those that the server makes by itself.

use std::fmt;

use crate::transcript::Protocol;

/// One phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// A mailbox with messages, named by their samples.
    Mailbox {
        /// Its name as IMAP writes it, without quotes.
        name: String,
        /// Samples.
        samples: Vec<String>,
    },
    /// The account of a recorded session, with its masked password.
    Account {
        /// Its login name.
        login: String,
        /// Its password.
        password: String,
    },
    /// Connections in a state.
    Connections {
        /// Their numbers.
        numbers: Vec<u8>,
        /// What they speak; `None` is what the transcript speaks.
        speaks: Option<Protocol>,
        /// Whether they log in to the second account.
        other: bool,
        /// How far they have come.
        state: State,
    },
}

/// How far a connection has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not even opened.
    Unopened,
    /// The greeting was read.
    Connected,
    /// LOGIN was answered.
    LoggedIn,
    /// SELECT was answered.
    Selected(Option<String>),
    /// EXAMINE was answered.
    Examined(Option<String>),
    /// LHLO or EHLO was answered.
    Greeted,
}

/// A phrase that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadGiven(pub String);

impl fmt::Display for BadGiven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "given {:?} is no phrase that is known; conformance/src/given.rs lists them",
            self.0
        )
    }
}

impl Given {
    /// Reads a phrase.
    pub fn parse(phrase: &str) -> Result<Self, BadGiven> {
        mailbox(phrase)
            .or_else(|| account(phrase))
            .or_else(|| connections(phrase))
            .ok_or_else(|| BadGiven(phrase.to_owned()))
    }
}

fn mailbox(phrase: &str) -> Option<Given> {
    let (name, rest) = match phrase.strip_prefix("INBOX") {
        Some(rest) => ("INBOX", rest),
        None => phrase.strip_prefix("mailbox \"")?.split_once('"')?,
    };
    let samples = match rest.strip_prefix(" with ") {
        None if rest.is_empty() => Vec::new(),
        None => return None,
        Some(listed) => match listed
            .strip_suffix(" messages")
            .or_else(|| listed.strip_suffix(" message"))
        {
            Some(number) => vec!["plain".to_owned(); number.parse().ok()?],
            None => listed
                .replace(" and ", ", ")
                .split(", ")
                .map(known)
                .collect::<Option<_>>()?,
        },
    };
    Some(Given::Mailbox {
        name: name.to_owned(),
        samples,
    })
}

fn account(phrase: &str) -> Option<Given> {
    let (login, rest) = phrase
        .strip_prefix("account \"")?
        .split_once("\" with password \"")?;
    let password = rest.strip_suffix('"')?;
    Some(Given::Account {
        login: login.to_owned(),
        password: password.to_owned(),
    })
}

fn known(name: &str) -> Option<String> {
    crate::samples::names()
        .any(|known| known == name.trim())
        .then(|| name.trim().to_owned())
}

fn connections(phrase: &str) -> Option<Given> {
    let (phrase, what) = match phrase.split_once(" has ").or_else(|| phrase.split_once(" have ")) {
        Some((before, what)) => (before, Some(what)),
        None => (phrase, None),
    };
    let (who, manner) = match phrase
        .split_once(" speaks ")
        .or_else(|| phrase.split_once(" speak "))
    {
        // `2 speaks IMAP and has …`: the `and` is there exactly if something follows.
        Some((who, manner)) if what.is_some() => (who, Some(manner.strip_suffix(" and")?)),
        Some((who, manner)) => (who, Some(manner)),
        None => (phrase, None),
    };
    let (speaks, other) = match manner {
        None => (None, false),
        Some("IMAP") => (Some(Protocol::Imap), false),
        Some("IMAP as $other") => (Some(Protocol::Imap), true),
        Some("LMTP") => (Some(Protocol::Lmtp), false),
        Some("POP3") => (Some(Protocol::Pop3), false),
        Some("SMTP") => (Some(Protocol::Smtp), false),
        Some("SUBMISSION") => (Some(Protocol::Submission), false),
        Some(_) => return None,
    };
    Some(Given::Connections {
        numbers: numbers(who)?,
        speaks,
        other,
        state: match what {
            Some(what) => state(what)?,
            None => speaks.map(|_| State::Unopened)?,
        },
    })
}

/// `1`, `1 and 2`, `1, 2 and 3`.
fn numbers(who: &str) -> Option<Vec<u8>> {
    who.replace(" and ", ", ")
        .split(", ")
        .map(|number| number.parse().ok())
        .collect()
}

fn state(what: &str) -> Option<State> {
    Some(match what {
        "connected" => State::Connected,
        "logged in" => State::LoggedIn,
        "said LHLO" | "said EHLO" => State::Greeted,
        _ => match what.split_once(' ')? {
            ("selected", place) => State::Selected(named(place)?),
            ("examined", place) => State::Examined(named(place)?),
            _ => return None,
        },
    })
}

/// `it` is `None`, `INBOX` or a quoted name is that.
fn named(place: &str) -> Option<Option<String>> {
    match place {
        "it" => Some(None),
        "INBOX" => Some(Some(place.to_owned())),
        _ => Some(Some(place.strip_prefix('"')?.strip_suffix('"')?.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_read() {
        let mailbox = |name: &str, samples: &[&str]| Given::Mailbox {
            name: name.into(),
            samples: samples.iter().map(|name| (*name).into()).collect(),
        };
        assert_eq!(
            Given::parse("INBOX with 2 messages"),
            Ok(mailbox("INBOX", &["plain", "plain"]))
        );
        assert_eq!(
            Given::parse("INBOX with plain, attachment and nested"),
            Ok(mailbox("INBOX", &["plain", "attachment", "nested"]))
        );
        assert_eq!(Given::parse("mailbox \"a/b\""), Ok(mailbox("a/b", &[])));
        assert_eq!(
            Given::parse("1 and 2 have selected it"),
            Ok(Given::Connections {
                numbers: vec![1, 2],
                speaks: None,
                other: false,
                state: State::Selected(None)
            })
        );
        assert_eq!(
            Given::parse("3 has examined \"Work\""),
            Ok(Given::Connections {
                numbers: vec![3],
                speaks: None,
                other: false,
                state: State::Examined(Some("Work".into()))
            })
        );
        let speaks = |phrase, speaks, other, state| {
            let read = Given::Connections {
                numbers: vec![2, 3],
                speaks: Some(speaks),
                other,
                state,
            };
            assert_eq!(Given::parse(phrase), Ok(read));
        };
        speaks("2 and 3 speak IMAP", Protocol::Imap, false, State::Unopened);
        speaks(
            "2, 3 speak LMTP and have said LHLO",
            Protocol::Lmtp,
            false,
            State::Greeted,
        );
        speaks(
            "2 and 3 speak SMTP and have said EHLO",
            Protocol::Smtp,
            false,
            State::Greeted,
        );
        speaks(
            "2 and 3 speak SUBMISSION and have logged in",
            Protocol::Submission,
            false,
            State::LoggedIn,
        );
        speaks(
            "2 and 3 speak IMAP as $other and have logged in",
            Protocol::Imap,
            true,
            State::LoggedIn,
        );
        assert_eq!(
            Given::parse("account \"a b\" with password \"xxx\""),
            Ok(Given::Account {
                login: "a b".into(),
                password: "xxx".into()
            })
        );
        for wrong in [
            "account a with password \"xxx\"",
            "INBOX with three",
            "INBOX with nonsense",
            "x has selected it",
            "1 has eaten it",
            "1",
            "1 speaks HTTP",
            "1 speaks IMAP has logged in",
            "1 speaks LMTP as $other",
            "",
        ] {
            assert_eq!(Given::parse(wrong), Err(BadGiven(wrong.into())));
        }
    }
}
