//! How strings, names and flags are written in responses.

use bytes::{BufMut, BytesMut};

use super::chars;
use crate::store::{Flag, Flags, Keywords, MailboxName};
use crate::wire::{mutf7, quoted};

/// The longest string that is quoted; what is longer travels as a literal.
pub const QUOTED_LEN_MAX: usize = 1024;

/// `string = quoted / literal`: quoted if it is short and 7-bit without CR, LF and NUL, else a literal.
///
/// NUL has no form in a string (`CHAR8`, RFC 3501, 9); it is written as `?`, which keeps the length.
pub fn string(out: &mut BytesMut, octets: &[u8]) {
    let plain = |&octet: &u8| chars::is_quoted(octet) || matches!(octet, b'"' | b'\\');
    if octets.len() <= QUOTED_LEN_MAX && octets.iter().all(plain) {
        quoted::put(out, octets)
    } else {
        literal(out, octets)
    }
}

/// `nstring = string / nil`
pub fn nstring(out: &mut BytesMut, octets: Option<&[u8]>) {
    match octets {
        Some(octets) => string(out, octets),
        None => out.put_slice(b"NIL"),
    }
}

/// `astring = 1*ASTRING-CHAR / string`: as itself where that is possible and cannot be taken for NIL.
pub fn astring(out: &mut BytesMut, octets: &[u8]) {
    let atom = !octets.is_empty() && octets.iter().all(|&octet| chars::is_astring(octet));
    if atom && !octets.eq_ignore_ascii_case(b"NIL") {
        out.put_slice(octets)
    } else {
        string(out, octets)
    }
}

/// `mailbox = "INBOX" / astring`, in modified UTF-7 (RFC 3501, 5.1.3).
pub fn mailbox(out: &mut BytesMut, name: &MailboxName) {
    astring(out, mutf7::encode(name.as_str()).as_bytes());
}

/// `"(" [flag-fetch *(SP flag-fetch)] ")"`: system flags, keywords by their names, and `\Recent` if it is `recent`.
pub fn flags(out: &mut BytesMut, flags: Flags, keywords: &Keywords, recent: bool) {
    let system = Flag::ALL
        .into_iter()
        .filter(|&flag| flags.has(flag))
        .map(|flag| -> &str { flag.name() });
    let recent = recent.then_some("\\Recent");
    list(out, system.chain(keywords.of(flags)).chain(recent));
}

/// `"(" [item *(SP item)] ")"` of what is written as itself: flags, attributes, items.
pub fn list<'a>(out: &mut BytesMut, items: impl IntoIterator<Item = &'a str>) {
    out.put_u8(b'(');
    for (n, item) in items.into_iter().enumerate() {
        if n > 0 {
            out.put_u8(b' ');
        }
        out.put_slice(item.as_bytes());
    }
    out.put_u8(b')');
}

fn literal(out: &mut BytesMut, octets: &[u8]) {
    out.put_slice(format!("{{{}}}\r\n", octets.len()).as_bytes());
    out.extend(octets.iter().map(|&octet| if octet == 0 { b'?' } else { octet }));
}
