//! Where a transcript starts: a small language of phrases, carried out over IMAP itself, so that it works with every server.
//!
//! | phrase | what is done |
//! | --- | --- |
//! | `INBOX with 3 messages` | three times the sample `plain` |
//! | `INBOX with plain, attachment` | these samples, in order |
//! | `mailbox "Work" with …` | a mailbox is made, then filled |
//! | `mailbox "Work"` | an empty mailbox |
//! | `clamd finds "name", mode tag` | every message with this text in it is infected by what has this name; what becomes of it is `reject`, `quarantine` or `tag` of `[antivirus] mode`; only the core can do it |
//! | `account "user" with password "xxxx"` | of a recorded session: this account is `$user`; only the core can make it |
//! | `alias "info" of $user and $other` | in `$userdomain` such an address leads to these accounts; only the core can make it |
//! | `catch-all $other` | mail for unknown addresses of `$userdomain` goes to this account; only the core can make it |
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
//! | `1 has connected over TLS` | the same, behind a handshake; of the other states too, and so are the next two |
//! | `1 has connected over TLS as $user` | with a client certificate that names this address; the core can make one |
//! | `1 has connected from afar` | from a host of the open network, in the clear; only the core can |
//! | `token "abc" of $user` | a bearer token is good for this account; only the core can issue one |
//!
//! Every transcript, whatever it speaks, starts with an empty INBOX and no mailbox but those that the server makes by itself.

use std::fmt;

use lightmail_core::config::AntivirusMode;

use crate::player::Way;
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
    /// A scanner.
    Clamd {
        /// What it finds: the text, and its name.
        name: String,
        /// What becomes of messages with it.
        mode: AntivirusMode,
    },
    /// The account of a recorded session, with its masked password.
    Account {
        /// Its login name.
        login: String,
        /// Its password.
        password: String,
    },
    /// Where addresses of the accounts' domain lead.
    Places {
        /// The local part of an alias; `None`: all addresses that lead nowhere else.
        local: Option<String>,
        /// `$user`, `$other`.
        accounts: Vec<String>,
    },
    /// A bearer token.
    Token {
        /// The token.
        token: String,
        /// Whose it is; captures are put in.
        login: String,
    },
    /// Connections in a state.
    Connections {
        /// Their numbers.
        numbers: Vec<u8>,
        /// What they speak; `None` is what the transcript speaks.
        speaks: Option<Protocol>,
        /// What they come through; captures are put in.
        way: Way,
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
            .or_else(|| places(phrase))
            .or_else(|| clamd(phrase))
            .or_else(|| token(phrase))
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

fn places(phrase: &str) -> Option<Given> {
    let (local, accounts) = match phrase.strip_prefix("alias \"") {
        Some(rest) => rest
            .split_once("\" of ")
            .map(|(local, accounts)| (Some(local.to_owned()), accounts))?,
        None => (None, phrase.strip_prefix("catch-all ")?),
    };
    let accounts: Vec<_> = accounts.split(" and ").map(str::to_owned).collect();
    let known = accounts
        .iter()
        .all(|account| matches!(account.as_str(), "$user" | "$other"));
    let fits = known && (local.is_some() || accounts.len() == 1);
    fits.then_some(Given::Places { local, accounts })
}

fn clamd(phrase: &str) -> Option<Given> {
    let (name, mode) = phrase.strip_prefix("clamd finds \"")?.split_once("\", mode ")?;
    Some(Given::Clamd {
        name: name.to_owned(),
        mode: match mode {
            "reject" => AntivirusMode::Reject,
            "quarantine" => AntivirusMode::Quarantine,
            "tag" => AntivirusMode::Tag,
            _ => return None,
        },
    })
}

fn token(phrase: &str) -> Option<Given> {
    let (token, login) = phrase.strip_prefix("token \"")?.split_once("\" of ")?;
    Some(Given::Token {
        token: token.to_owned(),
        login: login.to_owned(),
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
    let (state, way) = match what.map(way) {
        Some((what, way)) => (state(what)?, way),
        None => (speaks.map(|_| State::Unopened)?, Way::Usual),
    };
    Some(Given::Connections {
        numbers: numbers(who)?,
        speaks,
        way,
        other,
        state,
    })
}

/// `connected over TLS as $user`: the state, and how it was reached.
fn way(what: &str) -> (&str, Way) {
    if let Some(what) = what.strip_suffix(" from afar") {
        return (what, Way::Afar);
    }
    match what.split_once(" over TLS") {
        Some((what, "")) => (what, Way::Tls),
        Some((state, named)) => match named.strip_prefix(" as ") {
            Some(name) => (state, Way::Certificate(name.to_owned())),
            None => (what, Way::Usual),
        },
        None => (what, Way::Usual),
    }
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
                way: Way::Usual,
                other: false,
                state: State::Selected(None)
            })
        );
        assert_eq!(
            Given::parse("3 has examined \"Work\""),
            Ok(Given::Connections {
                numbers: vec![3],
                speaks: None,
                way: Way::Usual,
                other: false,
                state: State::Examined(Some("Work".into()))
            })
        );
        let speaks = |phrase, speaks, other, state| {
            let read = Given::Connections {
                numbers: vec![2, 3],
                speaks: Some(speaks),
                way: Way::Usual,
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
        let places = |local: Option<&str>, accounts: &[&str]| {
            Ok(Given::Places {
                local: local.map(str::to_owned),
                accounts: accounts.iter().map(|account| (*account).into()).collect(),
            })
        };
        assert_eq!(
            Given::parse("alias \"info\" of $user and $other"),
            places(Some("info"), &["$user", "$other"])
        );
        assert_eq!(Given::parse("catch-all $other"), places(None, &["$other"]));
        assert_eq!(
            Given::parse("clamd finds \"a virus\", mode quarantine"),
            Ok(Given::Clamd {
                name: "a virus".into(),
                mode: AntivirusMode::Quarantine
            })
        );
        let way = |phrase, way| {
            let read = Given::Connections {
                numbers: vec![1],
                speaks: None,
                way,
                other: false,
                state: State::Connected,
            };
            assert_eq!(Given::parse(phrase), Ok(read));
        };
        way("1 has connected over TLS", Way::Tls);
        way(
            "1 has connected over TLS as $user",
            Way::Certificate("$user".into()),
        );
        way("1 has connected from afar", Way::Afar);
        assert_eq!(
            Given::parse("token \"a.b\" of $user"),
            Ok(Given::Token {
                token: "a.b".into(),
                login: "$user".into()
            })
        );
        for wrong in [
            "1 has connected over TLS to $user",
            "token abc of $user",
            "clamd finds \"a virus\", mode eat",
            "clamd finds a virus, mode tag",
            "alias \"info\" of me",
            "catch-all $user and $other",
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
