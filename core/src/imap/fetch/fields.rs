//! Fields of a header that is at hand.

use memchr::memchr;

/// The fields of `header`, each from its name to the end of its last continuation line (RFC 5322, 2.2.3); the empty line that
/// ends a header, and lines that are no field, count as fields without a name.
pub(in crate::imap) fn fields(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let mut end = 0;
        while let Some(line) = rest.get(end..).filter(|line| !line.is_empty()) {
            if end > 0 && !matches!(line.first(), Some(b' ' | b'\t')) {
                break;
            }
            end += memchr(b'\n', line).map_or(line.len(), |at| at + 1);
        }
        let (field, behind) = rest
            .split_at_checked(end)
            .filter(|(field, _)| !field.is_empty())?;
        rest = behind;
        Some(field)
    })
}

/// The fields of `header` that `HEADER.FIELDS (names)` selects, or with `not` those that `HEADER.FIELDS.NOT (names)` does.
/// The empty line is among them in both cases (RFC 3501, 6.4.5).
pub(super) fn pick<'a>(header: &'a [u8], names: &[&[u8]], not: bool) -> impl Iterator<Item = &'a [u8]> {
    let is_named = move |field: &[u8]| {
        names
            .iter()
            .any(|name| name.eq_ignore_ascii_case(field_name(field)))
    };
    fields(header).filter(move |field| is_named(field) != not || matches!(*field, b"\r\n" | b"\n"))
}

/// What stands before the colon; spaces before the colon are no part of it (RFC 5322, 4.5.8). Empty for what is no field.
pub(in crate::imap) fn field_name(field: &[u8]) -> &[u8] {
    let name = memchr(b':', field).and_then(|colon| field.get(..colon));
    name.unwrap_or_default().trim_ascii_end()
}

/// What stands behind the colon, still folded.
pub(in crate::imap) fn field_value(field: &[u8]) -> &[u8] {
    let colon = memchr(b':', field).unwrap_or(field.len());
    field.get(colon + 1..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::pick;

    #[test]
    fn whole_fields_are_picked_and_the_empty_line_always() {
        let header =
            b"Return-Path: <a@b>\r\nReceived: from x\r\n\tby y\r\nReceived : z\r\njunk\r\nX:\r\n\r\n";
        let text = |names: &[&[u8]], not| -> String {
            let picked: Vec<_> = pick(header, names, not).collect();
            picked
                .iter()
                .map(|field| format!("[{}]", String::from_utf8_lossy(field)))
                .collect()
        };
        assert_eq!(
            text(&[b"RECEIVED"], false),
            "[Received: from x\r\n\tby y\r\n][Received : z\r\n][\r\n]"
        );
        assert_eq!(
            text(&[b"received"], true),
            "[Return-Path: <a@b>\r\n][junk\r\n][X:\r\n][\r\n]"
        );
        assert_eq!(
            text(&[b"x", b"return-path"], false),
            "[Return-Path: <a@b>\r\n][X:\r\n][\r\n]"
        );
        assert_eq!(text(&[b"Receive", b"junk"], false), "[\r\n]");
    }
}
