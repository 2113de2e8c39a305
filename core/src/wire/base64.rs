//! Base64 of whole values, as SASL sends them (RFC 4648, 4). Bodies go through [`super::transfer`].

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;

/// Not base64 in its one canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidBase64;

/// Encodes `octets` with padding and without line breaks.
pub fn encode(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// Decodes a whole value: padding is required, unused bits are zero, no octet outside the alphabet.
///
/// Strict, because two spellings of one credential are two ways past a log or a filter (RFC 4648, 3.5 and 12).
pub fn decode(text: &[u8]) -> Result<Vec<u8>, InvalidBase64> {
    STANDARD.decode(text).map_err(|_| InvalidBase64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_values_are_strict() {
        assert_eq!(decode(b"AHRlc3QAc2VjcmV0"), Ok(b"\0test\0secret".to_vec()));
        assert_eq!(decode(b""), Ok(vec![]));
        for bad in [
            &b"AA"[..],
            b"AA=",
            b"AAAA=",
            b"AB==",
            b"AAA\r\n=",
            b"A-__",
            b"=",
            b"====",
            b"AA==AAAA",
            b"\xff",
        ] {
            assert_eq!(decode(bad), Err(InvalidBase64), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(octets: Vec<u8>) {
            prop_assert_eq!(decode(encode(&octets).as_bytes()), Ok(octets));
        }
    }
}
