//! Every reply of the server, in one table: code, enhanced code (RFC 2034, 3463, 5248) and text.
//!
//! The texts are fixed: nothing that a peer chose is echoed, so a reply can carry neither a line end nor a foreign script.
//! [`refusal`] and [`failure`] say what a store's answer is in SMTP's words.

use std::fmt;

use crate::store::{Budget, Failure, Refusal};
use crate::wire::line::LineFault;

/// One reply. Printed without its line end: `250 2.1.0 Sender OK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The reply code (RFC 5321, 4.2).
    pub code: u16,
    /// The enhanced code (RFC 3463); empty where RFC 2034, 3 and 4 want none: `354`, greeting, hello.
    pub enhanced: &'static str,
    /// What a person reads.
    pub text: &'static str,
}

impl Reply {
    /// Whether the command itself was wrong (syntax or sequence), so that it counts against the budget of bad commands.
    /// An unknown recipient does not: the client could not know.
    pub fn blames_command(self) -> bool {
        matches!(self.code, 500..=504 | 530 | 555)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.enhanced {
            "" => write!(f, "{} {}", self.code, self.text),
            enhanced => write!(f, "{} {enhanced} {}", self.code, self.text),
        }
    }
}

const fn reply(code: u16, enhanced: &'static str, text: &'static str) -> Reply {
    Reply { code, enhanced, text }
}

macro_rules! table {
    ($($(#[$doc:meta])* $name:ident = $code:literal $enhanced:literal $text:literal;)*) => {
        $($(#[$doc])* pub const $name: Reply = reply($code, $enhanced, $text);)*

        /// The whole table, for the tests that hold over all of it.
        pub const ALL: &[Reply] = &[$($name),*];
    };
}

table! {
    /// To HELP.
    HELP = 214 "2.0.0" "See RFC 5321 and RFC 2033";
    /// To STARTTLS (RFC 3207, 4).
    BEGIN_TLS = 220 "2.0.0" "Begin TLS now";
    /// To QUIT.
    GOODBYE = 221 "2.0.0" "Goodbye";
    /// To AUTH (RFC 4954, 6).
    AUTHENTICATED = 235 "2.7.0" "Logged in";
    /// To NOOP.
    OK = 250 "2.0.0" "OK";
    /// To RSET.
    FORGOTTEN = 250 "2.0.0" "Forgotten";
    /// To MAIL.
    SENDER_OK = 250 "2.1.0" "Sender OK";
    /// To RCPT.
    RECIPIENT_OK = 250 "2.1.5" "Recipient OK";
    /// To a BDAT chunk that is not the last.
    CHUNK_OK = 250 "2.0.0" "Chunk OK";
    /// To a message: durable, in the recipient's mailbox.
    DELIVERED = 250 "2.1.5" "Delivered";
    /// To VRFY: RCPT tells.
    CANNOT_VERIFY = 252 "2.0.0" "Not verified here; RCPT tells";
    /// To DATA.
    SEND_MESSAGE = 354 "" "Send the message; end with <CRLF>.<CRLF>";

    /// The server stops.
    SHUTDOWN = 421 "4.3.2" "The server is going down; try again";
    /// Nothing came for too long.
    IDLE = 421 "4.4.2" "Nothing came for too long";
    /// A message comes too slowly (RFC 5321, 4.5.3.2.5).
    TOO_SLOW = 421 "4.4.2" "The message comes too slowly";
    /// The budget of bad commands is used up.
    TOO_MANY_ERRORS = 421 "4.7.0" "Too many bad commands";
    /// Octets between STARTTLS and TLS.
    INJECTED = 421 "4.7.0" "Something came between STARTTLS and TLS";
    /// The first line is one of HTTP.
    NOT_HTTP = 421 "4.7.0" "This is a mail server; it does not speak HTTP";
    /// What follows cannot be told from commands.
    OUT_OF_STEP = 421 "4.5.0" "Cannot tell where the chunk ends";
    /// Something here does not work now.
    TRY_LATER = 451 "4.3.0" "Not possible now; try again";
    /// A message that some of its recipients have, and others cannot have.
    PARTLY_DELIVERED = 451 "4.2.0" "Not delivered to all recipients; try again";
    /// The disk or the bucket is full.
    NO_SPACE = 452 "4.3.1" "Out of space; try again";
    /// The envelope is full.
    TOO_MANY_RECIPIENTS = 452 "4.5.3" "Too many recipients; send the others apart";
    /// A log-in that could not be checked (RFC 4954, 6).
    LOGIN_LATER = 454 "4.7.0" "Log-in is not possible now; try again";
    /// Too many wrong passwords have come: nothing was checked, so it is no wrong password.
    THROTTLED = 454 "4.7.0" "Too many wrong passwords, try again later";

    /// No such command.
    UNKNOWN_COMMAND = 500 "5.5.1" "Unknown command";
    /// HELO or EHLO in LMTP (RFC 2033, 4.1).
    SAY_LHLO = 500 "5.5.1" "This is LMTP: say LHLO";
    /// LHLO in SMTP.
    SAY_EHLO = 500 "5.5.1" "This is SMTP: say EHLO";
    /// A command line over its budget.
    LINE_TOO_LONG = 500 "5.5.6" "Line too long";
    /// A command line that does not end as lines do.
    BAD_LINE = 500 "5.5.2" "A line ends with CRLF and holds no other CR, LF or NUL";
    /// A line of an exchange over its budget (RFC 4954, 4).
    RESPONSE_TOO_LONG = 500 "5.5.6" "The response is too long";
    /// A command line that is not text.
    NOT_TEXT = 500 "5.5.2" "The line is not UTF-8 text, or holds a control character";
    /// An argument to a command that takes none.
    NO_ARGUMENTS = 501 "5.5.4" "This command takes no arguments";
    /// A hello without a name.
    HELLO_SYNTAX = 501 "5.5.4" "A host name or address literal is missing";
    /// MAIL that cannot be read.
    MAIL_SYNTAX = 501 "5.5.4" "Write MAIL FROM:<sender> and parameters";
    /// A reverse-path that cannot be read.
    SENDER_SYNTAX = 501 "5.1.7" "The sender is not an address in angle brackets";
    /// RCPT that cannot be read.
    RCPT_SYNTAX = 501 "5.5.4" "Write RCPT TO:<recipient>";
    /// A forward-path that cannot be read.
    RECIPIENT_SYNTAX = 501 "5.1.3" "The recipient is not an address in angle brackets";
    /// A path over the limits of RFC 5321, 4.5.3.1.
    PATH_TOO_LONG = 501 "5.1.0" "The address is too long";
    /// A parameter's value, or a parameter given twice.
    PARAMETER_VALUE = 501 "5.5.4" "A parameter's value is wrong, or it is given twice";
    /// BDAT that cannot be read, with a count that can.
    BDAT_SYNTAX = 501 "5.5.4" "Write BDAT count, and LAST if it is the last chunk";
    /// VRFY without an argument.
    VRFY_SYNTAX = 501 "5.5.4" "Write VRFY and an address";
    /// AUTH without a mechanism.
    AUTH_SYNTAX = 501 "5.5.4" "Write AUTH and a mechanism";
    /// `*` in an exchange (RFC 4954, 4).
    GIVEN_UP = 501 "5.7.0" "Given up";
    /// A response that is none.
    NO_BASE64 = 501 "5.5.2" "A response is written in base64";
    /// A response that its mechanism does not understand.
    BAD_RESPONSE = 501 "5.5.2" "The response is not in the form that the mechanism wants";
    /// A command that we know and do not offer.
    NOT_IMPLEMENTED = 502 "5.5.1" "Not implemented";
    /// A mail command before the hello.
    HELLO_FIRST = 503 "5.5.1" "Say hello first";
    /// STARTTLS once more.
    TLS_ALREADY = 503 "5.5.1" "TLS has begun already";
    /// A second MAIL.
    MAIL_OPEN = 503 "5.5.1" "A transaction is open; RSET ends it";
    /// RCPT, DATA or BDAT before MAIL.
    MAIL_FIRST = 503 "5.5.1" "MAIL comes first";
    /// DATA or BDAT without any recipient (RFC 2033, 4.2).
    NO_RECIPIENTS = 503 "5.5.1" "No valid recipients";
    /// RCPT or DATA in the midst of BDAT (RFC 3030, 2).
    IN_CHUNKS = 503 "5.5.1" "The message has begun with BDAT; only BDAT or RSET may follow";
    /// AUTH once more (RFC 4954, 4).
    LOGGED_IN_ALREADY = 503 "5.5.1" "You have logged in already";
    /// A mechanism that is not offered (RFC 4954, 4).
    NO_MECHANISM = 504 "5.5.4" "There is no such mechanism";
    /// AUTH in the clear, where that may not be (RFC 4954, 4; the 538 of its section 6 is historical).
    ENCRYPTION_NEEDED = 504 "5.5.4" "Passwords are taken over TLS only; say STARTTLS first";
    /// MAIL before a log-in (RFC 4954, 6).
    LOGIN_FIRST = 530 "5.7.0" "Log in first";
    /// MAIL before a log-in, which needs TLS (RFC 3207, 4).
    TLS_FIRST = 530 "5.7.0" "Must issue a STARTTLS command first";
    /// A wrong password, an unknown user, a user who may not.
    WRONG_PASSWORD = 535 "5.7.8" "The name or the password is wrong";
    /// Credentials that nobody has.
    BAD_CREDENTIALS = 535 "5.7.8" "A name or a password has 1 to 255 octets";
    /// A certificate without a name, or with another one.
    NO_IDENTITY = 535 "5.7.8" "The certificate does not name this user";
    /// A client that was told of fewer mechanisms than there are (RFC 5802, 6).
    DOWNGRADED = 535 "5.7.8" "Channel binding is offered here, but the client was told that it is not";
    /// Somebody else is to be acted for.
    OTHER_IDENTITY = 535 "5.7.8" "To act as another user is not supported";
    /// No such address here.
    UNKNOWN_RECIPIENT = 550 "5.1.1" "No such recipient here";
    /// The mailbox went away between RCPT and the delivery.
    MAILBOX_GONE = 550 "5.2.1" "The mailbox is gone";
    /// A reverse-path beyond ASCII without SMTPUTF8 (RFC 6531, 3.5).
    SENDER_NOT_ASCII = 550 "5.6.7" "An address beyond ASCII needs SMTPUTF8";
    /// A CR or an LF alone in a message from a stranger (RFC 5321, 2.3.8).
    LONE_LINE_END = 550 "5.5.2" "A line ends with CRLF, and the message holds another CR or LF";
    /// A recipient whose domain is none of ours.
    RELAYING_DENIED = 550 "5.7.1" "Mail for that domain is not taken here";
    /// A reverse-path that is not the user's (RFC 6409, 6.1).
    NOT_YOUR_ADDRESS = 550 "5.7.1" "The sender is not an address of yours";
    /// A header whose From is not the user's (RFC 6409, 6.3).
    NOT_YOUR_FROM = 550 "5.7.1" "From is not an address of yours";
    /// The store does not let us deliver.
    NOT_PERMITTED = 550 "5.7.1" "Not permitted";
    /// A scanner has found something in the message; what, follows ([`infected`]).
    INFECTED = 550 "5.7.1" "The message has a virus in it";
    /// The quota does not hold the message.
    OVER_QUOTA = 552 "5.2.2" "The mailbox is full";
    /// The message is larger than SIZE says.
    TOO_BIG = 552 "5.3.4" "The message is too big";
    /// A forward-path beyond ASCII without SMTPUTF8 (RFC 6531, 3.5).
    RECIPIENT_NOT_ASCII = 553 "5.6.7" "An address beyond ASCII needs SMTPUTF8";
    /// More `Received` fields than a way has hops.
    LOOP = 554 "5.4.6" "Too many hops: the message goes in circles";
    /// A parameter of no extension that we offer.
    UNKNOWN_PARAMETER = 555 "5.5.4" "Unknown parameter";
}

/// [`INFECTED`] with the name of what was found, which is clean ([`crate::antivirus::Virus`]).
pub fn infected(name: &str) -> String {
    format!("{INFECTED}: {name}")
}

/// What a broken command line is.
pub fn line_fault(fault: LineFault) -> Reply {
    match fault {
        LineFault::TooLong => LINE_TOO_LONG,
        LineFault::BareLf | LineFault::BareCr | LineFault::Nul => BAD_LINE,
    }
}

/// What a refused delivery is to one recipient. What a retry may mend is temporary: mail is never bounced for our faults.
pub fn refusal(refusal: Refusal) -> Reply {
    match refusal {
        Refusal::OverQuota => OVER_QUOTA,
        Refusal::NoSuchAccount => UNKNOWN_RECIPIENT,
        Refusal::NotOurs => RELAYING_DENIED,
        Refusal::NoSuchMailbox => MAILBOX_GONE,
        Refusal::NotPermitted => NOT_PERMITTED,
        Refusal::Limit(Budget::MessageSize) => TOO_BIG,
        Refusal::Limit(Budget::Space) => NO_SPACE,
        Refusal::Limit(Budget::Uids) => OVER_QUOTA,
        Refusal::Limit(
            Budget::Keywords
            | Budget::Mailboxes
            | Budget::Subscriptions
            | Budget::Calendars
            | Budget::CalendarObjects
            | Budget::AppPasswords
            | Budget::Aliases
            | Budget::Connections,
        )
        | Refusal::AlreadyExists
        | Refusal::HasChildren
        | Refusal::NoSuchCalendar
        | Refusal::NoSuchObject
        | Refusal::Changed
        | Refusal::InvalidSyncToken
        | Refusal::Gone => TRY_LATER,
    }
}

/// What a failed effect is to every recipient that waits for it.
pub fn failure(failure: &Failure) -> Reply {
    match failure {
        Failure::Refused(why) => refusal(*why),
        Failure::Unavailable { .. } | Failure::Broken(_) => TRY_LATER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enhanced_codes_have_the_class_of_their_reply() {
        for reply in ALL {
            let class = char::from_digit(u32::from(reply.code / 100), 10);
            match reply.enhanced {
                "" => assert_eq!(reply.code, 354, "{reply}"),
                enhanced => {
                    assert_eq!(enhanced.chars().next(), class, "{reply}");
                    assert_eq!(
                        enhanced
                            .split('.')
                            .filter(|part| part.parse::<u16>().is_ok())
                            .count(),
                        3,
                        "{reply}"
                    );
                }
            }
        }
    }

    #[test]
    fn replies_are_one_short_line_of_ascii() {
        for reply in ALL {
            let line = reply.to_string();
            assert!(
                line.len() <= 510 && line.bytes().all(|octet| (0x20..0x7f).contains(&octet)),
                "{line}"
            );
        }
    }

    #[test]
    fn our_own_faults_are_temporary() {
        let ours = [
            Failure::broken("x"),
            Failure::Unavailable { retry_after_s: 1 },
            Refusal::Gone.into(),
        ];
        assert!(ours.iter().all(|why| failure(why).code / 100 == 4));
        assert_eq!(failure(&Refusal::Limit(Budget::Space).into()), NO_SPACE);
    }
}
