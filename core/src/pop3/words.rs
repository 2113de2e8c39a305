//! The answers of the server that count nothing, in one table: status, response code (RFC 2449, 8; RFC 3206) and text.
//!
//! The texts are fixed: nothing that a peer chose is echoed. [`failure`] says what a failed effect is in POP3's words.

use std::fmt;

use crate::store::{Budget, Failure, Refusal};
use crate::wire::line::LineFault;

/// One answer of one line. Printed without its line end: `-ERR [AUTH] …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How the command went.
    pub status: Status,
    /// The response code; empty where there is none.
    pub code: &'static str,
    /// What a person reads.
    pub text: &'static str,
}

/// How a command went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Well: `+OK`.
    Ok,
    /// Not: `-ERR`.
    Err,
    /// Not, and the client should have known; this counts against its budget of bad commands. `-ERR` too.
    Bad,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self.status {
            Status::Ok => "+OK",
            Status::Err | Status::Bad => "-ERR",
        };
        match self.code {
            "" => write!(f, "{status} {}", self.text),
            code => write!(f, "{status} [{code}] {}", self.text),
        }
    }
}

macro_rules! table {
    ($($(#[$doc:meta])* $name:ident = $status:ident $code:literal $text:literal;)*) => {
        $($(#[$doc])* pub const $name: Reply = Reply { status: Status::$status, code: $code, text: $text };)*

        /// The whole table, for the tests that hold over all of it.
        pub const ALL: &[Reply] = &[$($name),*];
    };
}

table! {
    /// To QUIT.
    GOODBYE = Ok "" "Goodbye";
    /// To NOOP.
    OK = Ok "" "Nothing done, as you asked";
    /// To USER, whoever that is.
    SAY_PASS = Ok "" "Say PASS";
    /// To STLS.
    BEGIN_TLS = Ok "" "Begin TLS now";
    /// To UTF8.
    UTF8_ON = Ok "" "Headers come in UTF-8 now";
    /// To DELE.
    MARKED = Ok "" "Deleted at QUIT";
    /// To CAPA, in front of the list.
    CAPABILITIES = Ok "" "Capabilities follow";
    /// To LANG, in front of the list.
    LANGUAGES = Ok "" "Languages follow";
    /// To TOP, in front of the lines.
    TOP = Ok "" "The top follows";
    /// To UIDL, in front of the list.
    UNIQUE_IDS = Ok "" "Unique ids follow";

    /// The server stops.
    SHUTDOWN = Err "SYS/TEMP" "The server is going down; try again";
    /// Something here does not work now.
    TRY_LATER = Err "SYS/TEMP" "Not possible now; try again";
    /// The account has as many sessions as it may have.
    TOO_MANY_SESSIONS = Err "SYS/TEMP" "The account has too many connections; close one and try again";
    /// Something here is broken.
    BROKEN = Err "SYS/PERM" "Something is wrong with the server; tell its operator";
    /// A wrong password, an unknown user, a user who may not.
    WRONG_PASSWORD = Err "AUTH" "The name or the password is wrong";
    /// Too many wrong passwords have come: nothing was checked, so it is no wrong password.
    THROTTLED = Err "SYS/TEMP" "Too many wrong passwords, try again later";
    /// A certificate without a name, or with another one.
    NO_IDENTITY = Err "AUTH" "The certificate does not name this user";
    /// A client that was told of fewer mechanisms than there are (RFC 5802, 6).
    DOWNGRADED = Err "AUTH" "Channel binding is offered here, but the client was told that it is not";
    /// Credentials that nobody has.
    OTHER_IDENTITY = Err "AUTH" "To act as another user is not supported";
    /// Somebody else has the maildrop.
    IN_USE = Err "IN-USE" "Another session has the maildrop open; try again when it has ended";
    /// The maildrop's lease went to somebody else.
    LOST_LEASE = Err "SYS/TEMP" "Another session has taken the maildrop over; nothing was deleted";
    /// A password in the clear.
    TLS_FIRST = Err "" "Passwords are taken over TLS only; say STLS first";
    /// A mechanism that is not offered.
    NO_MECHANISM = Err "" "There is no such mechanism";
    /// `*` in an exchange.
    GIVEN_UP = Err "" "Given up";
    /// A message that the store does not have any more.
    GONE = Err "" "The message is gone: it was deleted elsewhere";
    /// A number beyond the last.
    NO_SUCH_MESSAGE = Err "" "There is no such message";
    /// A message with DELE behind it.
    IS_MARKED = Err "" "The message is deleted; RSET brings it back";
    /// QUIT after which there is still what was deleted, and that may change.
    NOT_DELETED = Err "SYS/TEMP" "What was deleted could not be removed; it is still there";
    /// QUIT after which there is still what was deleted.
    NEVER_DELETED = Err "SYS/PERM" "What was deleted could not be removed; tell the server's operator";
    /// A language that nobody here writes.
    NO_LANGUAGE = Err "" "The languages here are en and i-default";
    /// STLS where it does not work.
    NO_TLS = Err "" "TLS is not to be had here";
    /// STLS behind UTF8 (RFC 6856, 2.1).
    TLS_TOO_LATE = Bad "" "STLS comes before UTF8";
    /// STLS once more.
    TLS_ALREADY = Bad "" "TLS has begun already";
    /// Octets between STLS and TLS.
    INJECTED = Bad "" "Something came between STLS and TLS";
    /// The budget of bad commands is used up.
    TOO_MANY_ERRORS = Bad "" "Too many bad commands";
    /// The first line is one of HTTP.
    NOT_HTTP = Bad "" "This is POP3";
    /// No such command.
    UNKNOWN_COMMAND = Bad "" "There is no such command";
    /// A command line over its budget.
    LINE_TOO_LONG = Bad "" "The line is too long";
    /// A command line that does not end as lines do.
    BAD_LINE = Bad "" "A line ends with CRLF and holds no other CR, LF or NUL";
    /// A command line that is not text.
    NOT_TEXT = Bad "" "The line is not UTF-8 text, or holds a control character";
    /// An argument to a command that takes none.
    NO_ARGUMENTS = Bad "" "This command takes no arguments";
    /// No argument to a command that takes one.
    ARGUMENT_MISSING = Bad "" "An argument is missing";
    /// What is no number of a message.
    NO_NUMBER = Bad "" "Messages are numbered from 1 on";
    /// TOP that cannot be read.
    TOP_SYNTAX = Bad "" "Write TOP, a message's number and a number of lines";
    /// A user name or password of no length that there is.
    BAD_CREDENTIALS = Bad "" "A name or a password has 1 to 255 octets";
    /// A response that is not what the mechanism wants.
    BAD_RESPONSE = Bad "" "The response is not in the form that the mechanism wants";
    /// A response that is no base64.
    NO_BASE64 = Bad "" "A response is written in base64";
    /// PASS without USER in front of it.
    USER_FIRST = Bad "" "PASS comes right behind USER";
    /// A command of the transaction state.
    LOG_IN_FIRST = Bad "" "Log in first";
    /// A command of the authorization state.
    LOGGED_IN = Bad "" "You have logged in already";
}

/// What a broken command line is.
pub fn line_fault(fault: LineFault) -> Reply {
    match fault {
        LineFault::TooLong => LINE_TOO_LONG,
        LineFault::BareLf | LineFault::BareCr | LineFault::Nul => BAD_LINE,
    }
}

/// What a failed effect is. What may be mended by waiting is temporary, and all else is for the operator (RFC 3206, 4); but a
/// message that is gone is only that.
pub fn failure(failure: &Failure) -> Reply {
    match failure {
        Failure::Refused(Refusal::Gone) => GONE,
        Failure::Refused(Refusal::Limit(Budget::Connections)) => TOO_MANY_SESSIONS,
        Failure::Unavailable { .. } => TRY_LATER,
        Failure::Refused(_) | Failure::Broken(_) => BROKEN,
    }
}

/// The same of what QUIT was to remove.
pub fn not_deleted(failure: &Failure) -> Reply {
    match failure {
        Failure::Unavailable { .. } => NOT_DELETED,
        Failure::Refused(_) | Failure::Broken(_) => NEVER_DELETED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_one_short_line_of_ascii() {
        for reply in ALL {
            let line = reply.to_string();
            assert!(
                line.len() <= 510 && line.bytes().all(|octet| (0x20..0x7f).contains(&octet)),
                "{line}"
            );
            // RFC 2449, 3: a text that begins with a bracket has a code.
            assert!(!reply.text.contains(['[', ']']), "{line}");
        }
    }

    #[test]
    fn every_failure_of_ours_has_a_system_code() {
        let ours = [Failure::broken("x"), Failure::Unavailable { retry_after_s: 1 }];
        for why in &ours {
            assert!(failure(why).code.starts_with("SYS/") && not_deleted(why).code.starts_with("SYS/"));
        }
        assert_eq!(failure(&Refusal::Gone.into()), GONE);
    }
}
