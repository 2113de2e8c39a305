//! What a server must offer for a message, and the message's MAIL and RCPT.
//!
//! RFC 5321, 4.1.1.2 and 4.1.1.3; RFC 1870, 3 (SIZE); RFC 6152, 2 and RFC 3030, 3 (BODY); RFC 6531, 3.4 (SMTPUTF8); RFC 3461, 4 (RET, ENVID,
//! NOTIFY, ORCPT); RFC 8689, 4.2.1 (REQUIRETLS); RFC 6710, 4.2 (MT-PRIORITY); RFC 2852, 4 (BY). What was to be held back (RFC 4865) has
//! been: its time has come when it is sent.

use std::fmt::{Display, Write as _};

use super::job::{JobMail, JobRecipient, Reason, TlsPolicy};
use super::machine::Link;
use super::offers::Offers;
use super::reply::Status;
use crate::machine::Time;
use crate::store::queue::{DeliverBy, LateMail, MailBody, MailOptions, Notify, Ret};

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
        let terms = Terms {
            mail,
            options,
            offers: &link.offers,
            tls_is_sure: link.encrypted && tls.is_strict(),
            by: options.by.map(|by| (by, seconds_left(&by, now))),
        };
        let body = terms.body()?;
        terms.can_be_written()?;
        terms.is_taken()?;
        terms.is_private()?;
        terms.is_in_time()?;
        let deliver_by = terms.offers.deliver_by.is_some() && options.by.is_some();
        Ok(Self {
            mail: terms.line(body),
            chunked: options.body == MailBody::Binary,
            dsn: terms.offers.dsn,
            deliver_by,
            tell_delay: options.by.is_some() && !deliver_by,
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

/// A message and a server.
struct Terms<'a> {
    mail: &'a JobMail,
    options: &'a MailOptions,
    offers: &'a Offers,
    /// Whether the connection is encrypted to who the server says it is.
    tls_is_sure: bool,
    /// By when it is to be delivered, and how many seconds are left.
    by: Option<(DeliverBy, i64)>,
}

impl Terms<'_> {
    /// Octets, without those that are doubled on the way (RFC 1870, 3).
    fn size(&self) -> u64 {
        self.mail.size.saturating_add(self.mail.head.len() as u64)
    }

    /// Whether it needs SMTPUTF8.
    fn is_utf8(&self) -> bool {
        let mut recipients = self.mail.recipients.iter();
        self.options.utf8 || !self.mail.sender.is_ascii() || recipients.any(|one| !one.address.is_ascii())
    }

    /// BODY, with its space (RFC 6152, 2; RFC 3030, 3).
    fn body(&self) -> Result<&'static str, Reason> {
        match self.options.body {
            MailBody::SevenBit => Ok(""),
            MailBody::EightBit if self.offers.eight_bit => Ok(" BODY=8BITMIME"),
            MailBody::Binary if self.offers.binary && self.offers.chunking => Ok(" BODY=BINARYMIME"),
            MailBody::EightBit | MailBody::Binary => {
                let words = "The server does not take 8-bit or binary mail";
                Err(Reason::found(Status(5, 6, 3), words))
            }
        }
    }

    fn can_be_written(&self) -> Result<(), Reason> {
        let words = "The sender cannot be written into a command";
        require(is_path(&self.mail.sender), Status(5, 1, 7), words)?;
        let words = "The envelope identifier cannot be written into a command";
        let envid = self.options.envid.as_deref();
        require(envid.is_none_or(is_value), Status(5, 5, 4), words)
    }

    fn is_taken(&self) -> Result<(), Reason> {
        let words = "The message is larger than the server takes";
        let fits = self.offers.size.is_none_or(|max| self.size() <= max);
        require(fits, Status(5, 3, 4), words)?;
        let words = "The server does not take addresses and headers beyond ASCII";
        require(!self.is_utf8() || self.offers.utf8, Status(5, 6, 7), words)
    }

    /// A report on mail that needs TLS is better sent than lost (RFC 8689, 4.2.1 and 5).
    fn is_private(&self) -> Result<(), Reason> {
        if !self.options.require_tls || self.mail.sender.is_empty() {
            return Ok(());
        }
        let words = "The message is for encrypted ways only, and the server has not proven its name over TLS";
        require(self.tls_is_sure, Status(5, 7, 10), words)?;
        let words = "The message is for encrypted ways only, and the server does not promise one";
        require(self.offers.require_tls, Status(5, 7, 30), words)
    }

    /// Mail that is sent back when it is late goes only where that is understood, and where there is time enough (RFC 2852, 4.1.4.1).
    fn is_in_time(&self) -> Result<(), Reason> {
        let Some((_, left_s)) = self.by.filter(|(by, _)| by.late == LateMail::Return) else {
            return Ok(());
        };
        require(left_s > 0, Status(5, 4, 7), "The time for the delivery is over")?;
        let least_s = self
            .offers
            .deliver_by
            .map(|least_s| i64::try_from(least_s).unwrap_or(i64::MAX));
        let words = "The server does not promise to deliver it in time";
        require(
            least_s.is_some_and(|least_s| least_s <= left_s),
            Status(5, 4, 7),
            words,
        )
    }

    /// The MAIL command.
    fn line(&self, body: &str) -> String {
        let Self { options, offers, .. } = self;
        let mut line = format!("MAIL FROM:<{}>", self.mail.sender);
        if offers.knows_size {
            add(&mut line, "SIZE", self.size());
        }
        line.push_str(body);
        if self.is_utf8() {
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
        if options.require_tls && offers.require_tls && self.tls_is_sure {
            line.push_str(" REQUIRETLS");
        }
        if offers.priority && options.priority != 0 {
            add(&mut line, "MT-PRIORITY", options.priority);
        }
        if let Some((by, left_s)) = self.by.filter(|_| offers.deliver_by.is_some()) {
            let mode = match by.late {
                LateMail::Return => "R",
                LateMail::Notify => "N",
            };
            let trace = if by.trace { "T" } else { "" };
            add(&mut line, "BY", format_args!("{left_s};{mode}{trace}"));
        }
        line
    }
}

fn require(is_so: bool, status: Status, words: &str) -> Result<(), Reason> {
    if is_so {
        Ok(())
    } else {
        Err(Reason::found(status, words))
    }
}

/// Seconds until the mail should be there, as many as can be written (RFC 2852, 4).
fn seconds_left(by: &DeliverBy, now: Time) -> i64 {
    const MOST_S: i64 = 999_999_999;
    let by_s = i64::try_from(by.until_ms / 1000).unwrap_or(i64::MAX);
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
        Some(Notify::NEVER) => return Some("NEVER".to_owned()),
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
