//! Classes of characters (RFC 3501, 9).

/// `ATOM-CHAR = <any CHAR except atom-specials>`
pub(super) fn is_atom(octet: u8) -> bool {
    octet.is_ascii_graphic() && !matches!(octet, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

/// `ASTRING-CHAR = ATOM-CHAR / resp-specials`
pub(super) fn is_astring(octet: u8) -> bool {
    is_atom(octet) || octet == b']'
}

/// `list-char = ATOM-CHAR / list-wildcards / resp-specials`
pub(super) fn is_list(octet: u8) -> bool {
    is_astring(octet) || matches!(octet, b'%' | b'*')
}

/// `tag = 1*<any ASTRING-CHAR except "+">`
pub(super) fn is_tag(octet: u8) -> bool {
    is_astring(octet) && octet != b'+'
}

/// What a quoted string holds as itself: `<any TEXT-CHAR except quoted-specials>`.
pub(super) fn is_quoted(octet: u8) -> bool {
    octet.is_ascii() && !matches!(octet, 0 | b'\r' | b'\n' | b'"' | b'\\')
}

/// What an object's id is made of: `ALPHA / DIGIT / "_" / "-"` (RFC 8474, 7)
pub(super) fn is_object_id(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-')
}

/// What the names of commands, items, keys and options are made of.
pub(super) fn is_word(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-')
}
