//! Modified UTF-7, the form of mailbox names on the wire (RFC 3501, 5.1.3).
//!
//! Each name has one spelling; the decoder takes only that one, so that two octet strings never name one mailbox.

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Base64 with `,` for `/`, without padding; unused bits are zero.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Not modified UTF-7 in its one canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUtf7;

/// The name that `name` spells.
///
/// Errors: an octet outside printable US-ASCII, a shift without end, one that is superfluous or empty of sense, printable
/// US-ASCII inside a shift, half a UTF-16 unit, a lone surrogate, bits left over that are not zero.
pub fn decode(name: &[u8]) -> Result<String, InvalidUtf7> {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    let mut after_shift = false;
    while let Some((&octet, behind)) = rest.split_first() {
        rest = behind;
        if octet != b'&' {
            out.push(printable(octet)?);
            after_shift = false;
            continue;
        }
        let end = memchr::memchr(b'-', rest).ok_or(InvalidUtf7)?;
        let (shifted, behind) = rest.split_at_checked(end).ok_or(InvalidUtf7)?;
        rest = behind.get(1..).unwrap_or_default();
        if shifted.is_empty() {
            out.push('&');
        } else if after_shift {
            return Err(InvalidUtf7);
        } else {
            unshift(shifted, &mut out)?;
        }
        after_shift = !shifted.is_empty();
    }
    Ok(out)
}

/// The one spelling of `name`.
pub fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut units: Vec<u8> = Vec::new();
    for char in name.chars() {
        if !is_printable(char) {
            let mut pair = [0; 2];
            units.extend(
                char.encode_utf16(&mut pair)
                    .iter()
                    .flat_map(|unit| unit.to_be_bytes()),
            );
            continue;
        }
        shift(&mut units, &mut out);
        out.push(char);
        if char == '&' {
            out.push('-');
        }
    }
    shift(&mut units, &mut out);
    out
}

fn is_printable(char: char) -> bool {
    matches!(char, ' '..='~')
}

fn printable(octet: u8) -> Result<char, InvalidUtf7> {
    Some(char::from(octet))
        .filter(|char| is_printable(*char))
        .ok_or(InvalidUtf7)
}

fn unshift(shifted: &[u8], out: &mut String) -> Result<(), InvalidUtf7> {
    let octets = ENGINE.decode(shifted).map_err(|_| InvalidUtf7)?;
    let (pairs, half) = octets.as_chunks::<2>();
    if pairs.is_empty() || !half.is_empty() {
        return Err(InvalidUtf7);
    }
    for char in char::decode_utf16(pairs.iter().map(|pair| u16::from_be_bytes(*pair))) {
        out.push(char.ok().filter(|char| !is_printable(*char)).ok_or(InvalidUtf7)?);
    }
    Ok(())
}

fn shift(units: &mut Vec<u8>, out: &mut String) {
    if !units.is_empty() {
        out.push('&');
        ENGINE.encode_string(&*units, out);
        out.push('-');
        units.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_have_one_spelling() {
        for (wire, name) in [
            ("INBOX", "INBOX"),
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
            ("&Jjo-!", "☺!"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("R&-D", "R&D"),
            ("&APw-&-", "ü&"),
            ("&2D3eAA-", "😀"),
            ("&AAo-", "\n"),
            ("", ""),
        ] {
            assert_eq!(decode(wire.as_bytes()).as_deref(), Ok(name), "{wire}");
            assert_eq!(encode(name), wire, "{name}");
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for bad in [
            "&Jjo!",              // the example of RFC 3501: no shift back
            "&U,BTFw-&ZeVnLIqe-", // the example of RFC 3501: a superfluous shift
            "&",
            "&Jjo",
            "&AGE-", // "a" needs no shift
            "&AGEA,A-",
            "&ACY-",    // "&" is "&-"
            "&2D0-",    // half a surrogate pair
            "&3gDYPQ-", // the pair the wrong way round
            "&Jjp-",    // bits left over
            "&Jjo=-",
            "&Jj-",
            "&J-",
            "&Jj/-",
            "caf\u{e9}",
            "tab\t",
            "del\x7f",
            "nul\0",
        ] {
            assert_eq!(decode(bad.as_bytes()), Err(InvalidUtf7), "{bad}");
        }
        assert_eq!(decode(b"\xff"), Err(InvalidUtf7));
    }

    proptest! {
        #[test]
        fn round_trip(name: String) {
            let wire = encode(&name);
            prop_assert!(wire.bytes().all(|octet| matches!(octet, b' '..=b'~')));
            prop_assert_eq!(decode(wire.as_bytes()), Ok(name));
        }

        #[test]
        fn what_decodes_encodes_to_the_same(wire in "[&A-Za-c,+/0-4=-]{0,24}") {
            if let Ok(name) = decode(wire.as_bytes()) {
                prop_assert_eq!(encode(&name), wire);
            }
        }
    }
}
