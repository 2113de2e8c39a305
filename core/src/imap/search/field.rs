//! What the index knows of a message's header fields.

use super::truth::Truth;
use crate::imap::fetch::Stored;
use crate::imap::fetch::fields::{field_name, field_value, fields};
use crate::mime::header::unfold;
use crate::mime::text::fold;
use crate::mime::{Limits, encoded_word};

/// Whether a field of this name, decoded, contains the folded `text`; with an empty text, whether there is such a field.
/// `written`: as the field stands there, with the quotes and commas between its addresses (HEADER); else its addresses count
/// as the envelope has them (FROM, TO, CC, BCC; RFC 3501, 6.4.4).
///
/// Unknown only if the header is too long for the index to hold: then its octets tell.
pub(super) fn contains(stored: &Stored, name: &str, text: &str, written: bool) -> Truth {
    let summary = if text.is_empty() || written {
        None
    } else {
        summarised(stored, name)
    };
    match summary {
        Some(summary) if summary.contains(text) => Truth::True,
        // One that long may have been cut.
        Some(summary) if summary.len() + char::MAX.len_utf8() < Limits::default().summary_octets => {
            Truth::False
        }
        _ => among(stored.head(), name, text).or(of_object(stored, name, text)),
    }
}

/// What the index keeps of the fields of this name, decoded and folded; `None` if it has no place for them, or has nothing.
fn summarised(stored: &Stored, name: &str) -> Option<String> {
    let field = ["subject", "from", "to", "cc", "bcc"]
        .iter()
        .position(|known| known.eq_ignore_ascii_case(name))?;
    let summary = stored.summary()?;
    [summary.subject, summary.from, summary.to, summary.cc, summary.bcc]
        .into_iter()
        .nth(field)
}

/// Of the object's header.
fn of_object(stored: &Stored, name: &str, text: &str) -> Truth {
    if let Some(raw) = stored.raw_header() {
        return among(raw, name, text);
    }
    let root = stored.index().parts.first();
    match root.and_then(|root| root.fields()) {
        None => Truth::Unknown,
        Some(mut fields) => match fields.any(|field| field.name.eq_ignore_ascii_case(name.as_bytes())) {
            false => Truth::False,
            true if text.is_empty() => Truth::True,
            true => Truth::Unknown,
        },
    }
}

/// Of a header that is at hand.
fn among(header: &[u8], name: &str, text: &str) -> Truth {
    let mut named = fields(header).filter(|field| field_name(field).eq_ignore_ascii_case(name.as_bytes()));
    Truth::from(named.any(|field| fold(&encoded_word::decode(&unfold(field_value(field)))).contains(text)))
}
