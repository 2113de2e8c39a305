//! The words of IMAP's status responses: one table from what went wrong to a response code and a text.
//!
//! RFC 3501, 7.1; RFC 5530 (codes); RFC 4315 (UID codes). Nothing that a client sent, and nothing of our insides, is among the words.

use std::borrow::Cow;
use std::fmt;

use crate::store::{Budget, Failure, Refusal};

/// A response code, without its brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code(Cow<'static, str>);

impl Code {
    pub(crate) const AUTHENTICATION_FAILED: Code = Code::of("AUTHENTICATIONFAILED");
    pub(crate) const BAD_CHARSET: Code = Code::of("BADCHARSET (US-ASCII UTF-8)");
    pub(crate) const CANNOT: Code = Code::of("CANNOT");
    pub(crate) const CLOSED: Code = Code::of("CLOSED");
    pub(crate) const EXPUNGE_ISSUED: Code = Code::of("EXPUNGEISSUED");
    pub(crate) const LIMIT: Code = Code::of("LIMIT");
    pub(crate) const PRIVACY_REQUIRED: Code = Code::of("PRIVACYREQUIRED");
    pub(crate) const READ_ONLY: Code = Code::of("READ-ONLY");
    pub(crate) const READ_WRITE: Code = Code::of("READ-WRITE");
    pub(crate) const SERVER_BUG: Code = Code::of("SERVERBUG");
    pub(crate) const TOO_BIG: Code = Code::of("TOOBIG");
    pub(crate) const TRY_CREATE: Code = Code::of("TRYCREATE");
    pub(crate) const UNAVAILABLE: Code = Code::of("UNAVAILABLE");

    const fn of(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// A code with arguments.
    pub(crate) fn new(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a session ends whose numbering is lost: a client that went on would delete the wrong messages.
pub(crate) const LOST: &str = "The mailbox has changed so that it has to be selected anew";

/// The code and the text of a tagged `NO` for `command`, whose effect failed.
pub(crate) fn failure(command: &str, failure: &Failure) -> (Code, &'static str) {
    match failure {
        Failure::Refused(refusal) => refused(command, *refusal),
        Failure::Unavailable { .. } => (Code::UNAVAILABLE, "Not possible now, try again later"),
        Failure::Broken(_) => (Code::SERVER_BUG, "Something broke here, it has been logged"),
    }
}

fn refused(command: &str, refusal: Refusal) -> (Code, &'static str) {
    match refusal {
        Refusal::OverQuota => (Code::of("OVERQUOTA"), "The quota is used up"),
        // APPEND, COPY and MOVE name a mailbox that the client may create and try again (RFC 3501, 7.1).
        Refusal::NoSuchMailbox if matches!(command, "APPEND" | "COPY" | "MOVE") => {
            (Code::TRY_CREATE, "There is no such mailbox")
        }
        Refusal::NoSuchMailbox => (Code::of("NONEXISTENT"), "There is no such mailbox"),
        Refusal::NoSuchAccount => (Code::of("AUTHORIZATIONFAILED"), "The account is gone"),
        Refusal::AlreadyExists => (Code::of("ALREADYEXISTS"), "A mailbox of that name exists"),
        Refusal::HasChildren => (
            Code::of("HASCHILDREN"),
            "The mailbox has only inferiors, and they stay",
        ),
        Refusal::NotPermitted => (Code::of("NOPERM"), "Not permitted"),
        Refusal::Gone => (Code::EXPUNGE_ISSUED, "Some messages are gone"),
        Refusal::Limit(budget) => limit(budget),
    }
}

fn limit(budget: Budget) -> (Code, &'static str) {
    match budget {
        Budget::Keywords => (Code::LIMIT, "The mailbox has no room for another keyword"),
        Budget::Mailboxes => (Code::LIMIT, "The account has no room for another mailbox"),
        Budget::Uids => (Code::LIMIT, "The mailbox has given its last UID"),
        Budget::Subscriptions => (Code::LIMIT, "The account has no room for another subscription"),
        Budget::MessageSize => (Code::TOO_BIG, "The message is too big"),
        Budget::Space => (Code::UNAVAILABLE, "No space is left here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_target_may_be_created() {
        let missing = Failure::Refused(Refusal::NoSuchMailbox);
        assert_eq!(failure("COPY", &missing).0, Code::TRY_CREATE);
        assert_eq!(failure("SELECT", &missing).0.to_string(), "NONEXISTENT");
    }

    #[test]
    fn insides_are_not_told() {
        let broken = Failure::broken("disk sdb");
        assert!(!failure("FETCH", &broken).1.contains("sdb"));
    }
}
