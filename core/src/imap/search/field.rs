//! What the index knows of a message's header fields.

use super::truth::Truth;
use crate::imap::fetch::Stored;
use crate::imap::fetch::fields::{field_name, field_value, fields};
use crate::mime::header::unfold;
use crate::mime::text::fold;
use crate::mime::{Limits, Part, Summary, encoded_word};

/// Whether a field of this name, decoded, contains the folded `text`; with an empty text, whether there is such a field.
///
/// Unknown only if the header is too long for the index to hold: then its octets tell.
pub(super) fn contains(stored: &Stored, name: &str, text: &str) -> Truth {
    let summary = summarised(&stored.index().summary, name).filter(|_| !text.is_empty());
    match summary {
        Some(summary) if summary.contains(text) => Truth::True,
        Some(summary) if summary.len() + char::MAX.len_utf8() < Limits::default().summary_octets => Truth::False,
        _ => of_head(stored.head(), name, text).or(of_object(stored, name, text)),
    }
}

/// What the index keeps of the fields of this name: decoded, folded, cut if it is very long.
fn summarised<'a>(summary: &'a Summary, name: &str) -> Option<&'a str> {
    let kept = [
        ("Subject", &summary.subject),
        ("From", &summary.from),
        ("To", &summary.to),
        ("Cc", &summary.cc),
        ("Bcc", &summary.bcc),
    ];
    kept.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, text)| text.as_str())
}

/// Of the trace headers.
fn of_head(head: &[u8], name: &str, text: &str) -> Truth {
    let fields = fields(head).into_iter().filter_map(|range| head.get(range));
    any(fields.filter(|field| field_name(field).eq_ignore_ascii_case(name.as_bytes())), text)
}

/// Of the object's header.
fn of_object(stored: &Stored, name: &str, text: &str) -> Truth {
    let index = stored.index();
    let message = index.parts.first().and_then(|root: &Part| root.message.as_ref());
    let Some(fields) = message.and_then(|message| message.fields.as_ref()) else { return Truth::Unknown };
    let named: Vec<_> = fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name.as_bytes())).collect();
    match &index.raw_header {
        _ if named.is_empty() || text.is_empty() => Truth::from(!named.is_empty()),
        None => Truth::Unknown,
        Some(raw) => {
            let octets = named.into_iter().filter_map(|field| {
                let (from, to) = (usize::try_from(field.range.start).ok()?, usize::try_from(field.range.end).ok()?);
                raw.get(from..to)
            });
            any(octets, text)
        }
    }
}

/// Whether the value of one of these fields, decoded and folded, contains `text`.
fn any<'a>(mut fields: impl Iterator<Item = &'a [u8]>, text: &str) -> Truth {
    Truth::from(fields.any(|field| fold(&encoded_word::decode(&unfold(field_value(field)))).contains(text)))
}
