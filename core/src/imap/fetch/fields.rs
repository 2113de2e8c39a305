//! Fields of a header that is at hand.

use std::ops::Range;

/// The fields of `header`, each from its name to the end of its last continuation line (RFC 5322, 2.2.3).
///
/// The empty line that ends a header is not looked for: trace headers have none.
pub(in crate::imap) fn fields(header: &[u8]) -> Vec<Range<usize>> {
    let mut fields: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    for line in header.split_inclusive(|&octet| octet == b'\n') {
        let range = at..at + line.len();
        at = range.end;
        match fields.last_mut() {
            Some(field) if matches!(line.first(), Some(b' ' | b'\t')) => field.end = range.end,
            _ => fields.push(range),
        }
    }
    fields
}

/// The octets of `header` that `HEADER.FIELDS (names)` selects, or with `not` those that `HEADER.FIELDS.NOT (names)` does;
/// neighbours are joined.
pub(super) fn pick(header: &[u8], names: &[&[u8]], not: bool) -> Vec<Range<usize>> {
    let mut picked: Vec<Range<usize>> = Vec::new();
    for range in fields(header) {
        let name = field_name(header.get(range.clone()).unwrap_or_default());
        match picked.last_mut() {
            _ if names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)) == not => {}
            Some(last) if last.end == range.start => last.end = range.end,
            _ => picked.push(range),
        }
    }
    picked
}

/// What stands before the colon; spaces before the colon are no part of it (RFC 5322, 4.5.8).
pub(in crate::imap) fn field_name(field: &[u8]) -> &[u8] {
    field.split(|&octet| octet == b':').next().unwrap_or_default().trim_ascii_end()
}

/// What stands behind the colon, still folded.
pub(in crate::imap) fn field_value(field: &[u8]) -> &[u8] {
    let colon = memchr::memchr(b':', field).unwrap_or(field.len());
    field.get(colon + 1..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::pick;

    #[test]
    fn whole_fields_are_picked_and_neighbours_joined() {
        let header = b"Return-Path: <a@b>\r\nReceived: from x\r\n\tby y\r\nReceived : z\r\nX:\r\n";
        let text = |names: &[&[u8]], not| -> String {
            let picked = pick(header, names, not);
            picked.into_iter().map(|range| format!("[{}]", String::from_utf8_lossy(&header[range]))).collect()
        };
        assert_eq!(text(&[b"RECEIVED"], false), "[Received: from x\r\n\tby y\r\nReceived : z\r\n]");
        assert_eq!(text(&[b"received"], true), "[Return-Path: <a@b>\r\n][X:\r\n]");
        assert_eq!(text(&[b"x", b"return-path"], false), "[Return-Path: <a@b>\r\n][X:\r\n]");
        assert_eq!(text(&[b"Receive"], false), "");
    }
}
