//! What an IMAP server has said, taken apart as a client does: lines, with the literals that they announce.

/// The responses, each without its line end. Panics where what was said does not follow the grammar of responses
/// (RFC 3501, 9): every response is whole, begins as one does, and holds no odd octets outside of literals.
pub fn responses(said: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    let mut rest = said;
    while !rest.is_empty() {
        let length = length(rest);
        let (response, later) = rest.split_at(length);
        assert!(
            response.starts_with(b"* ") || response.starts_with(b"+ ") || tag(response).is_some(),
            "no response: {}",
            response.escape_ascii()
        );
        all.push(response);
        rest = &later[2..];
    }
    all
}

/// The tag that a response ends a command with.
pub fn tag(response: &[u8]) -> Option<&[u8]> {
    let mut words = response.split(|&octet| octet == b' ');
    let (tag, kind) = (words.next()?, words.next()?);
    let tagged = tag.iter().all(u8::is_ascii_graphic) && !matches!(tag, b"" | b"*" | b"+");
    (tagged && matches!(kind, b"OK" | b"NO" | b"BAD")).then_some(tag)
}

/// The literal that a line announces at its end: its size, and whether it waits for `+`.
pub fn announced(line: &[u8]) -> Option<(usize, bool)> {
    let inner = line.strip_suffix(b"}")?;
    let (inner, sync) = inner
        .strip_suffix(b"+")
        .map_or((inner, true), |inner| (inner, false));
    let digits = inner
        .iter()
        .rev()
        .take_while(|octet| octet.is_ascii_digit())
        .count();
    let (before, number) = inner.split_at(inner.len() - digits);
    let size = std::str::from_utf8(number).ok()?.parse().ok()?;
    before.ends_with(b"{").then_some((size, sync))
}

/// Octets of the first response, without its line end.
fn length(said: &[u8]) -> usize {
    let mut from = 0;
    loop {
        let end = said[from..].windows(2).position(|pair| pair == b"\r\n");
        let end = from + end.unwrap_or_else(|| panic!("not whole: {}", said.escape_ascii()));
        let line = &said[from..end];
        let odd = |&octet: &u8| !(b' '..=b'~').contains(&octet);
        assert!(!line.iter().any(odd), "odd octets: {}", line.escape_ascii());
        match announced(line) {
            Some((size, _)) => {
                from = end + 2 + size;
                assert!(
                    from <= said.len(),
                    "a literal is not whole: {}",
                    line.escape_ascii()
                );
            }
            None => return end,
        }
    }
}
