//! ENVELOPE: the fields of a header that a list of messages shows (RFC 3501, 7.4.2; RFC 5322, 3.6).

use super::address::{self, Address};
use super::encoded_word;
use super::header::{HeaderBlock, message_ids, unfold};
use super::index::Summary;
use super::quote::{nstring, string};
use super::text;
use crate::wire::date;

/// Octets of a text field that are told.
const TEXT_OCTETS: usize = 8 << 10;
/// Octets of finished address text at which the rest is left out.
const ADDRESS_OCTETS: usize = 64 << 10;

/// The values of a header that ENVELOPE and the summary are made of.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub date: Option<Vec<u8>>,
    pub subject: Option<Vec<u8>>,
    pub from: Vec<Address>,
    pub sender: Vec<Address>,
    pub reply_to: Vec<Address>,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub bcc: Vec<Address>,
    pub in_reply_to: Option<Vec<u8>>,
    pub message_id: Option<Vec<u8>>,
    pub references: Option<Vec<u8>>,
}

impl Values {
    /// Reads a header. Of a field that may stand once, the first counts; recipients of several fields are put together
    /// (RFC 5322, 4.5.3). All address fields together give at most `left` addresses, and it is lowered by what they give.
    pub fn read(block: &HeaderBlock, left: &mut usize) -> Values {
        let mut values = Values::default();
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
            if let Some(list) = list.filter(|list| joined || list.is_empty()) {
                let found = address::parse(field.value, *left);
                *left = left.saturating_sub(found.len());
                list.extend(found);
            }
        }
        values
    }

    /// The finished text, parentheses included. Sender and Reply-To fall back to From.
    pub fn envelope(&self) -> Vec<u8> {
        let or_from = |list: &'_ Vec<Address>| {
            if list.is_empty() {
                self.from.clone()
            } else {
                list.clone()
            }
        };
        let (sender, reply_to) = (or_from(&self.sender), or_from(&self.reply_to));
        let mut out = b"(".to_vec();
        nstring(&mut out, self.date.as_deref().map(cut));
        out.push(b' ');
        nstring(&mut out, self.subject.as_deref().map(cut));
        let mut left = ADDRESS_OCTETS;
        for list in [&self.from, &sender, &reply_to, &self.to, &self.cc, &self.bcc] {
            out.push(b' ');
            let before = out.len();
            write_list(&mut out, list, left);
            left = left.saturating_sub(out.len() - before);
        }
        out.push(b' ');
        nstring(&mut out, self.in_reply_to.as_deref().map(cut));
        out.push(b' ');
        nstring(&mut out, self.message_id.as_deref().map(cut));
        out.push(b')');
        out
    }
}

impl Values {
    /// What search, sort and thread look at, each text at most `octets` long. Preview and attachments are not the header's.
    pub fn summary(&self, octets: usize) -> Summary {
        let folded = |text: &str| text::cut(text::fold(text), octets);
        let list = |list: &[Address]| folded(&address::display(list));
        let ids = |value: &Option<Vec<u8>>| value.as_deref().map(message_ids).unwrap_or_default();
        let sent = self.date.as_deref().and_then(date::rfc5322);
        Summary {
            subject: folded(
                &self
                    .subject
                    .as_deref()
                    .map(encoded_word::decode)
                    .unwrap_or_default(),
            ),
            from: list(&self.from),
            to: list(&self.to),
            cc: list(&self.cc),
            bcc: list(&self.bcc),
            message_id: ids(&self.message_id).into_iter().next().unwrap_or_default(),
            in_reply_to: ids(&self.in_reply_to),
            references: ids(&self.references),
            sent_s: sent.map(date::Sent::local_s),
            sent_zone_min: sent.map_or(0, |sent| sent.zone_min),
            ..Summary::default()
        }
    }
}

/// The beginning of a value, as much of it as an index tells.
pub(super) fn cut(value: &[u8]) -> &[u8] {
    value.get(..TEXT_OCTETS).unwrap_or(value)
}

/// Adds `"(" 1*address ")"` or NIL. Addresses that do not fit into `octets` are left out, with all that follow them but the
/// end of their group.
fn write_list(out: &mut Vec<u8>, list: &[Address], octets: usize) {
    let start = out.len();
    let mut in_group = false;
    out.push(b'(');
    for address in list {
        let before = out.len();
        write_address(out, address);
        if out.len() - start > octets {
            out.truncate(before);
            break;
        }
        in_group = match address {
            Address::Group(_) => true,
            Address::GroupEnd => false,
            Address::Mailbox { .. } => in_group,
        };
    }
    if in_group {
        write_address(out, &Address::GroupEnd);
    }
    if out.len() == start + 1 {
        out.truncate(start);
        return out.extend_from_slice(b"NIL");
    }
    out.push(b')');
}

fn write_address(out: &mut Vec<u8>, address: &Address) {
    match address {
        Address::GroupEnd => out.extend_from_slice(b"(NIL NIL NIL NIL)"),
        Address::Group(name) => {
            out.extend_from_slice(b"(NIL NIL ");
            string(out, name);
            out.extend_from_slice(b" NIL)");
        }
        Address::Mailbox {
            name,
            route,
            mailbox,
            host,
        } => {
            out.push(b'(');
            nstring(out, name.as_deref());
            out.push(b' ');
            nstring(out, route.as_deref());
            out.push(b' ');
            string(out, mailbox);
            out.push(b' ');
            string(out, host);
            out.push(b')');
        }
    }
}
