//! The words of IMAP's status responses: one table from what went wrong to a response code and a text.
//!
//! RFC 3501, 7.1; RFC 5530 (codes); RFC 4315 (UID codes); RFC 7162 (MODSEQ codes); RFC 9051, 7.1 (HASCHILDREN); RFC 8474, 7 (MAILBOXID);
//! RFC 3516, 7 (UNKNOWN-CTE); RFC 4978, 5 (COMPRESSIONACTIVE). Nothing that a client sent, and nothing of our insides, is among the words.

use std::borrow::Cow;
use std::fmt;

use crate::store::{Budget, Failure, Refusal};
use crate::wire::deflate::InflateFault;

/// A response code, without its brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code(Cow<'static, str>);

macro_rules! codes {
    ($($name:ident = $text:literal;)*) => {
        impl Code {
            $(pub(crate) const $name: Code = Code(Cow::Borrowed($text));)*
        }

        /// The word of every response code that may be sent.
        pub const CODES: &[&str] = &[$($text),*];
    };
}

codes! {
    ALREADY_EXISTS = "ALREADYEXISTS";
    APPEND_UID = "APPENDUID";
    AUTHENTICATION_FAILED = "AUTHENTICATIONFAILED";
    AUTHORIZATION_FAILED = "AUTHORIZATIONFAILED";
    BAD_CHARSET = "BADCHARSET";
    CANNOT = "CANNOT";
    CAPABILITY = "CAPABILITY";
    CLOSED = "CLOSED";
    COMPRESSION_ACTIVE = "COMPRESSIONACTIVE";
    COPY_UID = "COPYUID";
    EXPUNGE_ISSUED = "EXPUNGEISSUED";
    HAS_CHILDREN = "HASCHILDREN";
    HIGHEST_MODSEQ = "HIGHESTMODSEQ";
    LIMIT = "LIMIT";
    MAILBOX_ID = "MAILBOXID";
    MODIFIED = "MODIFIED";
    NO_PERM = "NOPERM";
    NONEXISTENT = "NONEXISTENT";
    OVER_QUOTA = "OVERQUOTA";
    PERMANENT_FLAGS = "PERMANENTFLAGS";
    PRIVACY_REQUIRED = "PRIVACYREQUIRED";
    READ_ONLY = "READ-ONLY";
    READ_WRITE = "READ-WRITE";
    SERVER_BUG = "SERVERBUG";
    TOO_BIG = "TOOBIG";
    TRY_CREATE = "TRYCREATE";
    UID_NEXT = "UIDNEXT";
    UID_VALIDITY = "UIDVALIDITY";
    UNAVAILABLE = "UNAVAILABLE";
    UNKNOWN_CTE = "UNKNOWN-CTE";
    UNSEEN = "UNSEEN";
}

impl Code {
    /// The code with what stands behind its word.
    pub(crate) fn with(self, arguments: fmt::Arguments<'_>) -> Self {
        Self(Cow::Owned(format!("{self} {arguments}")))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The answer to an unknown user, a wrong password, and all that must look like them (RFC 5530, 3).
pub(crate) const REFUSED: (Code, &str) = (Code::AUTHENTICATION_FAILED, "The name or the password is wrong");

/// The answer where too many wrong passwords have come: nothing was checked, so it is no wrong password.
pub(crate) const THROTTLED: (Code, &str) = (Code::UNAVAILABLE, "Too many wrong passwords, try again later");

/// Why a session ends whose numbering is lost: a client that went on would delete the wrong messages.
pub(crate) const LOST: &str = "The mailbox has changed so that it has to be selected anew";

/// Why a session ends whose octets cannot be inflated.
pub(crate) fn deflate(fault: InflateFault) -> &'static str {
    match fault {
        InflateFault::Early => "Something came between COMPRESS and compression",
        InflateFault::Broken => "What came is not compressed as it should be",
        InflateFault::Ended => "Compression was ended",
        InflateFault::Bomb => "Too much came of too few octets",
    }
}

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
        Refusal::OverQuota => (Code::OVER_QUOTA, "The quota is used up"),
        // APPEND, COPY and MOVE name a mailbox that the client may create and try again (RFC 3501, 7.1).
        Refusal::NoSuchMailbox if matches!(command, "APPEND" | "COPY" | "MOVE") => {
            (Code::TRY_CREATE, "There is no such mailbox")
        }
        Refusal::NoSuchMailbox => (Code::NONEXISTENT, "There is no such mailbox"),
        Refusal::NoSuchAccount => (Code::AUTHORIZATION_FAILED, "The account is gone"),
        Refusal::AlreadyExists => (Code::ALREADY_EXISTS, "A mailbox of that name exists"),
        Refusal::HasChildren => (
            Code::HAS_CHILDREN,
            "The mailbox has only inferiors, and they stay",
        ),
        Refusal::NotPermitted => (Code::NO_PERM, "Not permitted"),
        Refusal::NotOurs
        | Refusal::NoSuchCalendar
        | Refusal::NoSuchObject
        | Refusal::Changed
        | Refusal::InvalidSyncToken => (Code::CANNOT, "Not possible"),
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
        Budget::Calendars | Budget::CalendarObjects => {
            (Code::LIMIT, "The account has no room for another calendar object")
        }
        Budget::AppPasswords => (Code::LIMIT, "The account has no room for another app password"),
        Budget::Aliases => (Code::LIMIT, "The account has no room for another alias"),
        Budget::Connections => (
            Code::LIMIT,
            "The account has too many connections, close one and try again",
        ),
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
