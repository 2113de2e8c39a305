//! Modified UTF-7, the form of mailbox names in IMAP4rev1 (RFC 3501, 5.1.3).

use ::base64::Engine as _;
use ::base64::alphabet::IMAP_MUTF7;
use ::base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

const BASE64: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// A text that is no modified UTF-7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUtf7;

/// Decodes, strictly: only the one encoding of a name is taken, so that two texts never mean one mailbox.
pub fn decode(text: &[u8]) -> Result<String, InvalidUtf7> {
    let mut name = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        match octet {
            b'&' => {
                let end = memchr::memchr(b'-', rest).ok_or(InvalidUtf7)?;
                let (shifted, behind) = rest.split_at(end);
                rest = behind.get(1..).unwrap_or_default();
                if shifted.is_empty() {
                    name.push('&')
                } else {
                    decode_shifted(shifted, &mut name)?
                }
            }
            b' '..=b'~' => name.push(char::from(octet)),
            _ => return Err(InvalidUtf7),
        }
    }
    // A superfluous shift (`&AGE-`, or two in a row) would be a second spelling of the same name.
    if encode(&name).as_bytes() == text {
        Ok(name)
    } else {
        Err(InvalidUtf7)
    }
}

fn decode_shifted(shifted: &[u8], name: &mut String) -> Result<(), InvalidUtf7> {
    let octets = BASE64.decode(shifted).map_err(|_| InvalidUtf7)?;
    let (pairs, odd) = octets.as_chunks::<2>();
    let units = pairs.iter().map(|&pair| u16::from_be_bytes(pair));
    let decoded: Result<String, _> = char::decode_utf16(units).collect();
    name.push_str(&decoded.map_err(|_| InvalidUtf7)?);
    if odd.is_empty() { Ok(()) } else { Err(InvalidUtf7) }
}

/// Encodes a name.
pub fn encode(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut units: Vec<u8> = Vec::new();
    for c in name.chars() {
        if matches!(c, ' '..='~') {
            flush(&mut units, &mut text);
            text.push(c);
            if c == '&' {
                text.push('-');
            }
        } else {
            units.extend(
                c.encode_utf16(&mut [0; 2])
                    .iter()
                    .flat_map(|unit| unit.to_be_bytes()),
            );
        }
    }
    flush(&mut units, &mut text);
    text
}

fn flush(units: &mut Vec<u8>, text: &mut String) {
    if !units.is_empty() {
        text.push('&');
        BASE64.encode_string(&units, text);
        text.push('-');
        units.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_rfc() {
        for (text, name) in [
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
            ("&Jjo-!", "☺!"),
            ("a&-b", "a&b"),
            ("", ""),
            ("&2D3eAA-", "\u{1f600}"),
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), Ok(name));
            assert_eq!(encode(name), text);
        }
    }

    #[test]
    fn a_second_spelling_is_refused() {
        // In order: unended, printable shifted, two shifts in a row, bits left over, odd octets, lone surrogate, 8-bit, control.
        for text in [
            "&U,BTFw",
            "&AGE-",
            "&Jjo-&Jjo-",
            "&U,BTFx-",
            "&Jg-",
            "&2D0-",
            "caf\u{e9}",
            "a\r",
            "&Jjo!-",
            "&AGEAYg-",
        ] {
            assert_eq!(decode(text.as_bytes()), Err(InvalidUtf7), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in "\\PC*") {
            prop_assert_eq!(decode(encode(&name).as_bytes()), Ok(name));
        }

        #[test]
        fn any_octets_are_decoded_to_their_one_encoding_or_refused(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(name) = decode(&text) {
                prop_assert_eq!(encode(&name).into_bytes(), text);
            }
        }
    }
}
