//! The mail transaction: envelope and, once it has begun, the message (RFC 5321, 3.3).

use bytes::Bytes;

use super::outbox::Outbox;
use super::parameters::MailParameters;
use super::path::Mailbox;
use super::settings::Settings;
use super::words::{self, Reply};
use crate::machine::Time;
use crate::store::{ObjectId, RecipientPlace};
use crate::wire::alone::LineEnds;

/// From MAIL to the end of the message, RSET or a new hello.
#[derive(Debug)]
pub(super) struct Transaction {
    /// The reverse-path; `None` is the null path.
    pub sender: Option<Mailbox>,
    pub parameters: MailParameters,
    /// In the order of RCPT, which is the order of LMTP's replies (RFC 2033, 4.2). One address may be here twice.
    pub recipients: Vec<Accepted>,
    pub body: Option<Body>,
}

impl Transaction {
    /// Mailboxes that the message goes to.
    pub fn places(&self) -> usize {
        self.recipients.iter().map(|accepted| accepted.places.len()).sum()
    }
}

/// A recipient that was answered 250.
#[derive(Debug)]
pub(super) struct Accepted {
    pub mailbox: Mailbox,
    /// At least one; an alias may have several.
    pub places: Vec<RecipientPlace>,
}

/// A message that flows into an upload.
#[derive(Debug)]
pub(super) struct Body {
    /// Octets that came, those beyond the limit among them.
    pub octets: u64,
    /// How its lines end; of chunks that are looked at for that.
    pub ends: LineEnds,
    began_ms: u64,
    /// Why it will be refused at its end; its octets are read and forgotten until then.
    pub refused: Option<Reply>,
}

impl Body {
    pub fn open(out: &mut Outbox, object: ObjectId, now: Time) -> Self {
        out.open_upload(object);
        Self {
            octets: 0,
            ends: LineEnds::default(),
            began_ms: now.mono_ms,
            refused: None,
        }
    }

    /// Whether it has taken longer than its octets may.
    pub fn is_slow(&self, now: Time, settings: &Settings) -> bool {
        let taken_ms = now.mono_ms.saturating_sub(self.began_ms);
        let allowed_ms = self
            .octets
            .saturating_mul(1000)
            .checked_div(settings.data_rate.into());
        allowed_ms.is_some_and(|allowed_ms| taken_ms > allowed_ms.saturating_add(settings.slow_ms))
    }

    /// Passes octets on to the upload, up to `size_max` of them in all: what is beyond is not fed, however the input was cut.
    pub fn feed(&mut self, out: &mut Outbox, mut octets: Bytes, size_max: u64) {
        let room = usize::try_from(size_max.saturating_sub(self.octets)).unwrap_or(usize::MAX);
        self.octets = self.octets.saturating_add(octets.len() as u64);
        let too_big = octets.len() > room;
        octets.truncate(room);
        out.feed(octets);
        if too_big {
            self.refuse(out, words::TOO_BIG);
        }
    }

    /// Forgets the upload; the first reason stays.
    pub fn refuse(&mut self, out: &mut Outbox, why: Reply) {
        self.refused.get_or_insert(why);
        out.drop_upload();
    }
}
