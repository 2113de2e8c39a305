//! Content-Transfer-Encoding, decoded as it flows by and forgiving (RFC 2045, 6.7 and 6.8; RFC 2047, 4.2).

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// 7bit, 8bit, binary, or unknown: octets stand for themselves.
    Identity,
    /// Base64; octets outside the alphabet are passed over.
    Base64,
    /// Quoted-printable with its soft line breaks.
    QuotedPrintable,
    /// The Q of encoded words, `_` already replaced: as quoted-printable, without line breaks and trailing-space rules.
    HeaderQ,
}

impl Transfer {
    /// The encoding that a Content-Transfer-Encoding field names, in any case; unknown ones count as identity.
    pub fn named(name: &str) -> Transfer {
        match name {
            _ if name.eq_ignore_ascii_case("base64") => Transfer::Base64,
            _ if name.eq_ignore_ascii_case("quoted-printable") => Transfer::QuotedPrintable,
            _ => Transfer::Identity,
        }
    }
}

/// Decodes a body that comes in pieces. Holds four octets at most.
#[derive(Debug)]
pub struct TransferDecoder {
    transfer: Transfer,
    /// Base64: six-bit groups not yet written. Quoted-printable: an escape that has begun with `=`.
    held: Held,
}

#[derive(Debug, Clone, Copy)]
enum Held {
    Bits { value: u32, groups: u8 },
    Text,
    Escape,
    SoftBreak,
    Hex { octet: u8, value: u8 },
}

impl TransferDecoder {
    /// A decoder at the start of a body.
    pub fn new(transfer: Transfer) -> TransferDecoder {
        let held = match transfer {
            Transfer::Base64 => Held::Bits { value: 0, groups: 0 },
            _ => Held::Text,
        };
        TransferDecoder { transfer, held }
    }

    /// Takes the next octets and adds what they stand for.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match self.transfer {
            Transfer::Identity => out.extend_from_slice(octets),
            _ => octets.iter().for_each(|&octet| self.step(octet, out)),
        }
    }

    /// Ends the body: adds what was held back.
    pub fn finish(self, out: &mut Vec<u8>) {
        match self.held {
            Held::Bits { value, groups: 2 } => out.push((value >> 4) as u8),
            Held::Bits { value, groups: 3 } => out.extend([(value >> 10) as u8, (value >> 2) as u8]),
            Held::Escape => out.push(b'='),
            Held::Hex { octet, .. } => out.extend([b'=', octet]),
            Held::Bits { .. } | Held::Text | Held::SoftBreak => {}
        }
    }

    fn step(&mut self, octet: u8, out: &mut Vec<u8>) {
        self.held = match (self.held, octet) {
            (Held::Bits { value, groups }, _) => base64_step(value, groups, octet, out),
            (Held::Text, b'=') => Held::Escape,
            (Held::Text | Held::SoftBreak, b'\n') if matches!(self.held, Held::SoftBreak) => Held::Text,
            (Held::Escape | Held::SoftBreak, b'\r' | b' ' | b'\t') if self.breaks() => Held::SoftBreak,
            (Held::Escape, b'\n') if self.breaks() => Held::Text,
            (Held::Escape, _) => match hex(octet) {
                Some(value) => Held::Hex { octet, value },
                None => literal(&[b'=', octet], out),
            },
            (Held::Hex { octet: first, value }, _) => match hex(octet) {
                Some(low) => literal(&[value << 4 | low], out),
                None => literal(&[b'=', first, octet], out),
            },
            (Held::Text | Held::SoftBreak, _) => literal(&[octet], out),
        };
    }

    fn breaks(&self) -> bool {
        self.transfer == Transfer::QuotedPrintable
    }
}

fn literal(octets: &[u8], out: &mut Vec<u8>) -> Held {
    out.extend_from_slice(octets);
    Held::Text
}

/// Adds one octet of base64. Padding ends a quantum, so that encodings put one behind the other decode too.
fn base64_step(value: u32, groups: u8, octet: u8, out: &mut Vec<u8>) -> Held {
    let bits = match octet {
        b'A'..=b'Z' => octet - b'A',
        b'a'..=b'z' => octet - b'a' + 26,
        b'0'..=b'9' => octet - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        b'=' => {
            TransferDecoder {
                transfer: Transfer::Base64,
                held: Held::Bits { value, groups },
            }
            .finish(out);
            return Held::Bits { value: 0, groups: 0 };
        }
        _ => return Held::Bits { value, groups },
    };
    let value = value << 6 | u32::from(bits);
    if groups < 3 {
        return Held::Bits {
            value,
            groups: groups + 1,
        };
    }
    out.extend([(value >> 16) as u8, (value >> 8) as u8, value as u8]);
    Held::Bits { value: 0, groups: 0 }
}

fn hex(octet: u8) -> Option<u8> {
    (octet as char)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(transfer: Transfer, encoded: &[u8], expected: &[u8]) {
        for cut in [1, 3, 1_000] {
            let mut decoder = TransferDecoder::new(transfer);
            let mut out = Vec::new();
            encoded
                .chunks(cut)
                .for_each(|piece| decoder.push(piece, &mut out));
            decoder.finish(&mut out);
            assert_eq!(
                out,
                expected,
                "{:?} in pieces of {cut}",
                String::from_utf8_lossy(encoded)
            );
        }
    }

    #[test]
    fn base64_is_forgiving() {
        check(Transfer::Base64, b"SGVs\r\nbG8h", b"Hello!");
        check(Transfer::Base64, b"SGVsbG8=", b"Hello");
        check(Transfer::Base64, b"SGVsbG8", b"Hello");
        check(Transfer::Base64, b"SGVsbA==SGk=", b"HellHi");
        check(Transfer::Base64, b"S*G-V s", b"Hel");
        check(Transfer::Base64, b"S", b"");
    }

    #[test]
    fn quoted_printable_is_forgiving() {
        let check = |encoded: &[u8], expected: &[u8]| check(Transfer::QuotedPrintable, encoded, expected);
        check(
            b"Now's the time =\r\nfor all=20folk=\n.",
            b"Now's the time for all folk.",
        );
        check(b"=e4=C3=B6", b"\xe4\xc3\xb6");
        check(b"soft =  \r\nbreak", b"soft break");
        check(b"a=zb =1x =", b"a=zb =1x =");
        check(b"end=4", b"end=4");
        check(b"line\r\nline", b"line\r\nline");
    }

    #[test]
    fn names_are_known_in_any_case() {
        assert_eq!(Transfer::named("BASE64"), Transfer::Base64);
        assert_eq!(Transfer::named("Quoted-Printable"), Transfer::QuotedPrintable);
        assert_eq!(Transfer::named("8bit"), Transfer::Identity);
    }
}
