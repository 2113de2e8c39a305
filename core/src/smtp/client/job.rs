//! What a client is to do, and what has become of it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;

use super::reply::{Reply, Status, harmless};
use crate::machine::Secret;
use crate::store::ObjectId;
use crate::store::queue::{MailOptions, QueueId};

/// Mail that goes one way: to the hosts of a domain, or to the relay that takes all mail.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Where to: tried one after the other, in this order (RFC 5321, 5.1).
    pub hosts: Vec<Host>,
    /// Our name, for EHLO and HELO.
    pub hello: String,
    /// How the connection is encrypted.
    pub tls: TlsPolicy,
    /// As whom to log in; `None`: as nobody.
    pub login: Option<Login>,
    /// The messages, sent one after the other.
    pub deliveries: Vec<JobMail>,
}

/// One address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name, which its certificate bears.
    pub name: String,
    /// Where it is.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsPolicy {
    /// Not at all.
    Never,
    /// Where the server offers it and it works, with whatever certificate; else not at all.
    Opportunistic,
    /// By STARTTLS, with a certificate of the host's name; or no mail is sent (RFC 8461, 4.1; RFC 3207, 4.1).
    Verified,
    /// From the first octet, with a certificate of the host's name; or no mail is sent (RFC 8314, 3.3).
    Implicit,
}

impl TlsPolicy {
    /// Whether mail is sent over TLS alone, to a server that has proven its name.
    pub fn is_strict(self) -> bool {
        matches!(self, TlsPolicy::Verified | TlsPolicy::Implicit)
    }
}

/// A user of a relay. The password goes out over TLS with a server that has proven its name, and to this machine itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// What proves it.
    pub password: Secret,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct JobMail {
    /// The stored object.
    pub object: ObjectId,
    /// Its size in octets.
    pub size: u64,
    /// What stands in front of it: whole lines.
    pub head: Bytes,
    /// The reverse-path; empty: `<>`.
    pub sender: String,
    /// To whom. What their options say of the message is the same; the first one's is taken.
    pub recipients: Vec<JobRecipient>,
}

/// One recipient.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRecipient {
    /// Names them in the report.
    pub id: QueueId,
    /// The forward-path.
    pub address: String,
    /// What the sender wants.
    pub options: MailOptions,
}

/// What has become of a job: every recipient is in it once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobReport {
    /// What has become of each recipient, in the order in which it was known.
    pub done: Vec<Told>,
    /// How many connections were asked for.
    pub connections: u32,
    /// The TLS of the last connection that had one: version and cipher suite.
    pub tls: Option<String>,
}

/// What has become of one recipient.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Whose.
    pub id: QueueId,
    /// What.
    pub fate: Fate,
    /// The host, as [`Job::hosts`] counts, whose word it is, or that was tried last; `None`: there was none.
    pub host: Option<usize>,
}

/// What has become of a message on its way to a recipient.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// The server has taken it over.
    Delivered {
        /// Its words.
        reply: Reply,
        /// Whether it was asked to tell of the delivery, where the sender wants to be told (RFC 3461, 5.2.2: where it was not, we do).
        dsn: bool,
        /// Whether it was told by when (RFC 2852, 4.1.4.2).
        deliver_by: bool,
    },
    /// It will never be taken.
    Refused(Reason),
    /// Not now.
    Later(Reason),
    /// All of it was sent and the answer is not known: it may have been delivered.
    Unknown(Reason),
}

/// Why a message was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The server has said so.
    Replied(Reply),
    /// We have found so.
    Found(Status, Arc<str>),
}

impl Reason {
    /// What we have found, in words of ours.
    pub(super) fn found(status: Status, words: &str) -> Self {
        Reason::Found(status, words.into())
    }

    /// The same, with words of others behind it, made harmless.
    pub(super) fn found_why(status: Status, words: &str, why: &str) -> Self {
        Reason::Found(
            status,
            format!("{words}: {}", harmless(why.as_bytes(), WHY_MAX)).into(),
        )
    }

    /// The status code, for a report (RFC 3464, 2.3.4).
    pub fn status(&self) -> Status {
        match self {
            Reason::Replied(reply) => reply.status(),
            Reason::Found(status, _) => *status,
        }
    }
}

/// The most octets of others' words for what has failed.
const WHY_MAX: usize = 256;

impl fmt::Display for Reason {
    /// One line, safe to show: `550 5.1.1 No such user`, or `4.4.2 The server has closed the connection`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Replied(reply) => reply.fmt(f),
            Reason::Found(status, words) => write!(f, "{status} {words}"),
        }
    }
}
