//! ENVELOPE: the fields of a header that a list of messages shows (RFC 3501, 7.4.2; RFC 5322, 3.6).

use super::address::{self, Address};
use super::encoded_word;
use super::header::{HeaderBlock, message_ids, unfold};
use super::index::Summary;
use super::packed::{Pack, Sink};
use super::quote::{nstring, string};
use super::text;
use crate::wire::date;

/// Octets of a text field that are told.
const TEXT_OCTETS: usize = 8 << 10;
/// Octets of finished address text at which the rest is left out.
const ADDRESS_OCTETS: usize = 64 << 10;

/// Entries of From that may stand for Sender and Reply-To beside the budget of a message's own addresses.
const OWN_FROM: usize = 10;

/// An address field as ENVELOPE tells it, and as a search looks at it.
#[derive(Debug, Default)]
struct List {
    /// `1*address`; empty if there is none.
    text: Vec<u8>,
    entries: usize,
    /// As [`Address::display`] writes it, not much more of it than the summary takes.
    shown: String,
}

/// The values of a header that ENVELOPE and the summary are made of.
#[derive(Debug, Default)]
pub(super) struct Values {
    date: Option<Vec<u8>>,
    subject: Option<Vec<u8>>,
    from: List,
    sender: List,
    reply_to: List,
    to: List,
    cc: List,
    bcc: List,
    in_reply_to: Option<Vec<u8>>,
    message_id: Option<Vec<u8>>,
    references: Option<Vec<u8>>,
}

/// What is left of the budgets while a header is read.
struct Left<'a> {
    addresses: &'a mut usize,
    octets: usize,
    /// Octets of a list that are shown.
    shown: usize,
}

impl Values {
    /// Reads a header. Of a field that may stand once, the first counts; recipients of several fields are put together
    /// (RFC 5322, 4.5.3). Sender and Reply-To fall back to From. All address fields together give at most `left` addresses,
    /// and it is lowered by what they give. With `summary_octets` the summary can be had, whose texts are that long; else
    /// only the envelope.
    pub fn read(block: &HeaderBlock, left: &mut usize, summary_octets: Option<usize>) -> Values {
        let mut values = Values::default();
        // Folding makes a third of a text at most.
        let shown = summary_octets.map_or(0, |octets| octets.saturating_mul(3));
        let mut left = Left {
            addresses: left,
            octets: ADDRESS_OCTETS,
            shown,
        };
        for field in block.fields() {
            let (text, list, joined) = match field.name.to_ascii_lowercase().as_slice() {
                b"date" => (Some(&mut values.date), None, false),
                b"subject" => (Some(&mut values.subject), None, false),
                b"in-reply-to" => (Some(&mut values.in_reply_to), None, false),
                b"message-id" => (Some(&mut values.message_id), None, false),
                b"references" => (Some(&mut values.references), None, false),
                b"from" => (None, Some(&mut values.from), false),
                b"sender" => (None, Some(&mut values.sender), false),
                b"reply-to" => (None, Some(&mut values.reply_to), false),
                b"to" => (None, Some(&mut values.to), true),
                b"cc" => (None, Some(&mut values.cc), true),
                b"bcc" => (None, Some(&mut values.bcc), true),
                _ => continue,
            };
            if let Some(text) = text.filter(|text| text.is_none()) {
                *text = Some(unfold(field.value));
            }
            if let Some(list) = list.filter(|list| joined || list.entries == 0) {
                list.read(field.value, &mut left);
            }
        }
        let free = summary_octets.is_some() && values.from.entries <= OWN_FROM;
        for list in [&mut values.sender, &mut values.reply_to] {
            if list.entries == 0 {
                list.copy(&values.from, &mut left, free);
            }
        }
        values
    }

    /// What search, sort and thread look at, each text at most `octets` long. Preview and attachments are not the header's.
    pub fn summary(&self, octets: usize) -> Summary {
        let folded = |text: &str| text::cut(text::fold(text), octets);
        let ids = |value: &Option<Vec<u8>>| value.as_deref().map(message_ids).unwrap_or_default();
        let sent = self.date.as_deref().and_then(date::rfc5322);
        let subject = self
            .subject
            .as_deref()
            .map(|subject| encoded_word::decode(cut(subject)));
        Summary {
            subject: folded(&subject.unwrap_or_default()),
            from: folded(&self.from.shown),
            to: folded(&self.to.shown),
            cc: folded(&self.cc.shown),
            bcc: folded(&self.bcc.shown),
            message_id: ids(&self.message_id).into_iter().next().unwrap_or_default(),
            in_reply_to: ids(&self.in_reply_to),
            references: ids(&self.references),
            sent_s: sent.map(date::Sent::local_s),
            sent_zone_min: sent.map_or(0, |sent| sent.zone_min),
            ..Summary::default()
        }
    }

    fn lists(&self) -> [&List; 6] {
        [
            &self.from,
            &self.sender,
            &self.reply_to,
            &self.to,
            &self.cc,
            &self.bcc,
        ]
    }
}

impl Pack for Values {
    /// The finished text of ENVELOPE, parentheses included.
    fn pack(&self, out: &mut impl Sink) {
        let text = |out: &mut _, value: &Option<Vec<u8>>| nstring(out, value.as_deref().map(cut));
        out.put(b"(");
        text(out, &self.date);
        out.put(b" ");
        text(out, &self.subject);
        for list in self.lists() {
            match list.text.as_slice() {
                [] => out.put(b" NIL"),
                addresses => {
                    out.put(b" (");
                    out.put(addresses);
                    out.put(b")");
                }
            }
        }
        out.put(b" ");
        text(out, &self.in_reply_to);
        out.put(b" ");
        text(out, &self.message_id);
        out.put(b")");
    }
}

impl List {
    /// Adds the addresses of a field. Those that do not fit are left out, with all that follow them but the end of their
    /// group.
    fn read(&mut self, value: &[u8], left: &mut Left<'_>) {
        let (mut in_group, mut full) = (false, false);
        let before = self.text.len();
        let found = address::each(value, *left.addresses, |address| {
            if self.shown.len() < left.shown {
                address.display(&mut self.shown);
            }
            let start = self.text.len();
            let ends = in_group && address == Address::GroupEnd;
            if !full || ends {
                write_address(&mut self.text, &address);
            }
            full |= self.text.len() - before > left.octets;
            if full && !ends {
                self.text.truncate(start);
            }
            in_group = match address {
                Address::Group(_) => !full,
                Address::GroupEnd => false,
                Address::Mailbox { .. } => in_group,
            };
        });
        self.entries += found;
        *left.addresses = left.addresses.saturating_sub(found);
        left.octets = left.octets.saturating_sub(self.text.len() - before);
    }

    /// Takes the addresses of another list if they fit; they count unless they are `free`.
    fn copy(&mut self, other: &List, left: &mut Left<'_>, free: bool) {
        let fits = free || other.entries <= *left.addresses;
        if fits && other.text.len() <= left.octets {
            self.text = other.text.as_slice().into();
            self.entries = other.entries;
            left.octets -= other.text.len();
            *left.addresses -= if free { 0 } else { other.entries };
        }
    }
}

/// The beginning of a value, as much of it as an index tells.
pub(super) fn cut(value: &[u8]) -> &[u8] {
    value.get(..TEXT_OCTETS).unwrap_or(value)
}

fn write_address(out: &mut impl Sink, address: &Address) {
    match address {
        Address::GroupEnd => out.put(b"(NIL NIL NIL NIL)"),
        Address::Group(name) => {
            out.put(b"(NIL NIL ");
            string(out, name);
            out.put(b" NIL)");
        }
        Address::Mailbox {
            name,
            route,
            mailbox,
            host,
        } => {
            out.put(b"(");
            nstring(out, name.as_deref());
            out.put(b" ");
            nstring(out, route.as_deref());
            out.put(b" ");
            string(out, mailbox);
            out.put(b" ");
            string(out, host);
            out.put(b")");
        }
    }
}
