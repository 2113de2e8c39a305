//! What a machine asks its shell to do.

use std::ops::Range;

use bytes::Bytes;

use super::{Effect, Token, Upload};
use crate::store::{MailboxId, ModSeq, ObjectId};
use crate::wire::filter::Filter;

/// One thing for the shell to do before it polls again.
///
/// Bodies are four movements, to the peer or to an upload, from bytes or from a stored object, and none of them is a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Octets to the peer. The shell gathers them and flushes once per drain.
    Send(Bytes),
    /// A stored range to the peer, past the core. A barrier: exactly one outcome follows ([`super::Done::Sent`] or a failure).
    ///
    /// `head` is written only when the first octets of the object are there. A failure before that becomes a protocol answer;
    /// after it the shell cuts the connection and gives `Eof`.
    SendObject {
        /// Answered when the last octet has been written, or with a failure before the first.
        token: Token,
        /// Written right before the object's first octet.
        head: Bytes,
        /// The object to read, of any kind: its row says which. One that no row names cannot be read.
        object: ObjectId,
        /// Its octets to send, counted from its first; never empty.
        range: Range<u64>,
        /// What changes the octets on the way.
        filter: Filter,
    },
    /// Begins an object.
    OpenUpload(Upload, Purpose),
    /// Octets to an object being written. Never answered; after an error it does nothing and `FinishUpload` tells.
    Feed(Upload, Bytes),
    /// A stored range to an object being written.
    FeedObject(Upload, ObjectId, Range<u64>),
    /// Forgets an object being written. Dropping one that is finished or unknown does nothing.
    DropUpload(Upload),
    /// Runs an effect and answers with [`super::Input::Outcome`].
    Do(Token, Effect),
    /// A hint which objects will be sent next; ignoring it changes no byte.
    Soon(Vec<(ObjectId, Range<u64>)>),
    /// What to tell of by [`super::Input::Changed`] from now on; replaces what was watched.
    Watch(Watched),
    /// Switches the transport to TLS. Plaintext left over at the switch closes the session, however it was cut.
    StartTls(TlsRole),
    /// Switches both directions to DEFLATE (RFC 4978). What the peer had written before it could see our answer is not compressed,
    /// and is told by [`super::Input::Inflate`].
    StartDeflate,
    /// Compression ends: behind what was sent so far, and behind the flush in which the peer's last octets came (RFC 8437, 4.1).
    StopDeflate,
    /// Sets the machine's one peer.
    Connect(Target),
    /// Drops the machine's one peer.
    Disconnect,
}

impl Action {
    /// Its name in logs and records; of [`Action::Do`] the effect has another one.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Send(_) => "Send",
            Action::SendObject { .. } => "SendObject",
            Action::OpenUpload(..) => "OpenUpload",
            Action::Feed(..) => "Feed",
            Action::FeedObject(..) => "FeedObject",
            Action::DropUpload(_) => "DropUpload",
            Action::Do(..) => "Do",
            Action::Soon(_) => "Soon",
            Action::Watch(_) => "Watch",
            Action::StartTls(_) => "StartTls",
            Action::StartDeflate => "StartDeflate",
            Action::StopDeflate => "StopDeflate",
            Action::Connect(_) => "Connect",
            Action::Disconnect => "Disconnect",
        }
    }
}

/// What an object being written is for, and which taps drink from its stream.
///
/// SHA-256 and size are always taken; an [`ObjectKind::Email`] is scanned into a message index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// The object's id, from which its key is made (`emails/<uuidv7>.eml`).
    pub object: ObjectId,
    /// What it is.
    pub kind: ObjectKind,
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A message: `emails/<uuidv7>.eml`.
    Email,
    /// A calendar object: `calendars/<uuidv7>.ics`.
    Calendar,
}

impl ObjectKind {
    /// The key of an object in the bucket or below the data folder.
    pub fn key(self, object: ObjectId) -> String {
        match self {
            ObjectKind::Email => format!("emails/{object}.eml"),
            ObjectKind::Calendar => format!("calendars/{object}.ics"),
        }
    }

    /// What stands before the first `/` of its keys.
    pub fn folder(self) -> &'static str {
        match self {
            ObjectKind::Email => "emails",
            ObjectKind::Calendar => "calendars",
        }
    }

    /// The object that has this key; `None` if no object of this kind has it.
    pub fn object(self, key: &str) -> Option<ObjectId> {
        let id = key.strip_prefix(self.folder())?.strip_prefix('/')?;
        let object = ObjectId::parse(id.rsplit_once('.')?.0)?;
        (self.key(object) == key).then_some(object)
    }
}

/// What a machine is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Nothing.
    Nothing,
    /// One mailbox. `since` is a MODSEQ, so that nothing is lost between SELECT and Watch: what is already newer is told at once.
    Mailbox {
        /// The mailbox.
        id: MailboxId,
        /// What the machine knows already.
        since: ModSeq,
    },
    /// Every mailbox of the account, and its list of mailboxes.
    Account(crate::store::AccountId),
}

/// Which end of a handshake this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsRole {
    /// We accept.
    Server,
    /// We connect.
    Client {
        /// The name the peer's certificate must bear.
        name: String,
    },
}

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// A host name or address.
    pub host: String,
    /// A TCP port.
    pub port: u16,
}
