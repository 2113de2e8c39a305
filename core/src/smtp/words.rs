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
        matches!(self.code, 500..=504 | 555)
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
    /// The disk or the bucket is full.
    NO_SPACE = 452 "4.3.1" "Out of space; try again";
    /// The envelope is full.
    TOO_MANY_RECIPIENTS = 452 "4.5.3" "Too many recipients; send the others apart";

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
    /// No such address here.
    UNKNOWN_RECIPIENT = 550 "5.1.1" "No such recipient here";
    /// The mailbox went away between RCPT and the delivery.
    MAILBOX_GONE = 550 "5.2.1" "The mailbox is gone";
    /// A reverse-path beyond ASCII without SMTPUTF8 (RFC 6531, 3.5).
    SENDER_NOT_ASCII = 550 "5.6.7" "An address beyond ASCII needs SMTPUTF8";
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
        Refusal::NoSuchAccount | Refusal::NotOurs => UNKNOWN_RECIPIENT,
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
