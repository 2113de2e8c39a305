//! What a server must offer for a message, and the message's MAIL and RCPT.
//!
//! RFC 5321, 4.1.1.2 and 4.1.1.3; RFC 1870, 3 (SIZE); RFC 6152, 2 and RFC 3030, 3 (BODY); RFC 6531, 3.4 (SMTPUTF8); RFC 3461, 4 (RET, ENVID,
//! NOTIFY, ORCPT); RFC 8689, 4.2.1 (REQUIRETLS); RFC 6710, 4.2 (MT-PRIORITY); RFC 2852, 4 (BY). What was to be held back (RFC 4865) has
//! been: its time has come when it is sent.

use std::fmt::{Display, Write as _};

use super::job::{JobMail, JobRecipient, Reason, TlsPolicy};
use super::machine::Link;
use super::options::{Body, DeliverBy, MailOptions, Notify, Ret};
use super::reply::Status;
use crate::machine::Time;

/// How a message goes to one server.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    /// The MAIL command.
    pub mail: String,
    /// Whether it is sent by BDAT.
    pub chunked: bool,
    /// Whether the server takes over to tell of what becomes of it.
    pub dsn: bool,
    /// Whether the server is told by when it is to be delivered.
    pub deliver_by: bool,
    /// Whether the server is to tell of a delay too: it does not know by when (RFC 2852, 4.1.4.2).
    tell_delay: bool,
}

impl Envelope {
    /// The envelope of a message that this server can be sent. Errors: what the server lacks.
    pub fn of(mail: &JobMail, link: &Link, tls: TlsPolicy, now: Time) -> Result<Self, Reason> {
        let default = MailOptions::default();
        let options = mail.recipients.first().map_or(&default, |first| &first.options);
        let offers = &link.offers;
        let size = mail.size.saturating_add(mail.head.len() as u64);
        let is_ascii = mail.sender.is_ascii() && mail.recipients.iter().all(|one| one.address.is_ascii());
        let utf8 = options.utf8 || !is_ascii;
        let tls_is_sure = link.encrypted && tls.is_strict();
        let by_s = options.by.map(|by| seconds_left(&by, now));

        require(
            is_path(&mail.sender),
            Status(5, 1, 7),
            "The sender cannot be written into a command",
        )?;
        require(
            options.envid.as_deref().is_none_or(is_value),
            Status(5, 5, 4),
            "The envelope identifier cannot be written into a command",
        )?;
        require(
            offers.size.is_none_or(|max| size <= max),
            Status(5, 3, 4),
            "The message is larger than the server takes",
        )?;
        require(
            !utf8 || offers.utf8,
            Status(5, 6, 7),
            "The server does not take addresses and headers beyond ASCII",
        )?;
        let body = match options.body {
            Body::SevenBit => "",
            Body::EightBit if offers.eight_bit => " BODY=8BITMIME",
            Body::Binary if offers.binary && offers.chunking => " BODY=BINARYMIME",
            Body::EightBit | Body::Binary => {
                let words = "The server does not take 8-bit or binary mail";
                return Err(Reason::found(Status(5, 6, 3), words));
            }
        };
        // A report on mail that needs TLS is better sent than lost (RFC 8689, 4.2.1 and 5).
        if options.require_tls && !mail.sender.is_empty() {
            let words =
                "The message is for encrypted ways only, and the server has not proven its name over TLS";
            require(tls_is_sure, Status(5, 7, 10), words)?;
            let words = "The message is for encrypted ways only, and the server does not promise one";
            require(offers.require_tls, Status(5, 7, 30), words)?;
        }
        if let (Some(by), Some(left_s)) = (options.by, by_s) {
            may_be_late(&by, left_s, offers.deliver_by)?;
        }

        let mut line = format!("MAIL FROM:<{}>", mail.sender);
        if offers.knows_size {
            add(&mut line, "SIZE", size);
        }
        line.push_str(body);
        if utf8 {
            line.push_str(" SMTPUTF8");
        }
        if offers.dsn {
            options
                .ret
                .into_iter()
                .for_each(|ret| add(&mut line, "RET", ret_word(ret)));
            options
                .envid
                .iter()
                .for_each(|envid| add(&mut line, "ENVID", envid));
        }
        if options.require_tls && offers.require_tls && tls_is_sure {
            line.push_str(" REQUIRETLS");
        }
        if offers.priority && options.priority != 0 {
            add(&mut line, "MT-PRIORITY", options.priority);
        }
        let by = options.by.zip(by_s).filter(|_| offers.deliver_by.is_some());
        if let Some((by, left_s)) = by {
            let mode = if by.returns { "R" } else { "N" };
            let trace = if by.trace { "T" } else { "" };
            add(&mut line, "BY", format_args!("{left_s};{mode}{trace}"));
        }
        Ok(Self {
            mail: line,
            chunked: options.body == Body::Binary,
            dsn: offers.dsn,
            deliver_by: by.is_some(),
            tell_delay: options.by.is_some() && by.is_none(),
        })
    }

    /// The RCPT command; `None`: the address, or what is wanted for it, cannot be written into one.
    pub fn rcpt(&self, recipient: &JobRecipient) -> Option<String> {
        let (path, orcpt) = (&recipient.address, recipient.options.orcpt.as_deref());
        let mut line = format!("RCPT TO:<{path}>");
        if self.dsn {
            let notify = notify_words(recipient.options.notify, self.tell_delay);
            notify
                .into_iter()
                .for_each(|words| add(&mut line, "NOTIFY", words));
            orcpt.into_iter().for_each(|orcpt| add(&mut line, "ORCPT", orcpt));
        }
        (!path.is_empty() && is_path(path) && orcpt.is_none_or(is_value)).then_some(line)
    }
}

fn require(is_so: bool, status: Status, words: &str) -> Result<(), Reason> {
    if is_so {
        Ok(())
    } else {
        Err(Reason::found(status, words))
    }
}

/// Mail that is sent back when it is late goes only where that is understood, and where there is time enough (RFC 2852, 4.1.4.1).
fn may_be_late(by: &DeliverBy, left_s: i64, offered: Option<u64>) -> Result<(), Reason> {
    if !by.returns {
        return Ok(());
    }
    require(left_s > 0, Status(5, 4, 7), "The time for the delivery is over")?;
    let enough = offered.is_some_and(|least_s| i64::try_from(least_s).is_ok_and(|least_s| least_s <= left_s));
    require(
        enough,
        Status(5, 4, 7),
        "The server does not promise to deliver it in time",
    )
}

/// Seconds until the mail should be there, as many as can be written (RFC 2852, 4).
fn seconds_left(by: &DeliverBy, now: Time) -> i64 {
    const MOST_S: i64 = 999_999_999;
    let by_s = i64::try_from(by.at_ms / 1000).unwrap_or(i64::MAX);
    by_s.saturating_sub(now.unix_s()).clamp(-MOST_S, MOST_S)
}

/// `NOTIFY=NEVER`, or what to tell of (RFC 3461, 4.1); `None`: nothing was said, and nothing is.
fn notify_words(notify: Option<Notify>, tell_delay: bool) -> Option<String> {
    let notify = match notify {
        None if tell_delay => Notify {
            success: false,
            failure: true,
            delay: true,
        },
        None => return None,
        Some(notify) if notify.is_never() => return Some("NEVER".to_owned()),
        Some(notify) => Notify {
            delay: notify.delay || tell_delay,
            ..notify
        },
    };
    let words = [
        notify.success.then_some("SUCCESS"),
        notify.failure.then_some("FAILURE"),
        notify.delay.then_some("DELAY"),
    ];
    let words: Vec<_> = words.into_iter().flatten().collect();
    Some(words.join(","))
}

fn ret_word(ret: Ret) -> &'static str {
    match ret {
        Ret::Full => "FULL",
        Ret::Headers => "HDRS",
    }
}

/// Writing to memory does not fail.
fn add(line: &mut String, keyword: &str, value: impl Display) {
    let _ = write!(line, " {keyword}={value}");
}

/// Whether an address ends where its path does. One that quotes angle brackets is an address too, but not every server knows that.
fn is_path(address: &str) -> bool {
    !address.chars().any(|c| c.is_control() || matches!(c, '<' | '>'))
}

/// Whether a parameter's value ends where it should: `esmtp-value` has neither spaces nor control characters (RFC 5321, 4.1.2).
fn is_value(value: &str) -> bool {
    !value.is_empty() && !value.chars().any(|c| c.is_control() || c == ' ')
}
