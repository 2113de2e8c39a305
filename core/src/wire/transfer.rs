//! Content transfer encodings of MIME bodies (RFC 2045, 6.7 and 6.8), decoded as they stream by.
//!
//! Lenient: mail is what it is, so whatever cannot be decoded is passed over or kept as it stands, never an error. Holds
//! at most one group of base64 or one run of blanks, whatever the length of the body.

use bytes::BufMut;

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `7bit`, `8bit`, `binary`, or unknown: octets stand for themselves.
    Identity,
    /// `base64` (RFC 2045, 6.8).
    Base64,
    /// `quoted-printable` (RFC 2045, 6.7).
    QuotedPrintable,
}

impl Encoding {
    /// The encoding that a Content-Transfer-Encoding field names, in any case; unknown ones count as identity.
    pub fn named(name: &str) -> Encoding {
        Encoding::known(name).unwrap_or(Encoding::Identity)
    }

    /// The encoding of that name, in any case; `None` if it is none of the five of RFC 2045, 6.1.
    pub fn known(name: &str) -> Option<Encoding> {
        let is = |known: &&str| name.eq_ignore_ascii_case(known);
        match name {
            _ if is(&"base64") => Some(Encoding::Base64),
            _ if is(&"quoted-printable") => Some(Encoding::QuotedPrintable),
            _ if ["7bit", "8bit", "binary"].iter().any(is) => Some(Encoding::Identity),
            _ => None,
        }
    }
}

/// A streaming decoder: [`push`](Decoder::push) octets in any cut, then [`finish`](Decoder::finish).
#[derive(Clone, Debug)]
pub enum Decoder {
    /// Changes nothing.
    Identity,
    /// Decodes base64.
    Base64(Base64),
    /// Decodes quoted-printable.
    QuotedPrintable(QuotedPrintable),
}

impl Decoder {
    /// A decoder at the start of a body.
    pub fn new(encoding: Encoding) -> Decoder {
        match encoding {
            Encoding::Identity => Decoder::Identity,
            Encoding::Base64 => Decoder::Base64(Base64::default()),
            Encoding::QuotedPrintable => Decoder::QuotedPrintable(QuotedPrintable::default()),
        }
    }

    /// Decodes the next octets of the body and appends what they give to `out`.
    pub fn push(&mut self, octets: &[u8], out: &mut impl BufMut) {
        match self {
            Decoder::Identity => out.put_slice(octets),
            Decoder::Base64(decoder) => decoder.push(octets, out),
            Decoder::QuotedPrintable(decoder) => decoder.push(octets, out),
        }
    }

    /// Appends what the end of the body still gives.
    pub fn finish(&mut self, out: &mut impl BufMut) {
        match self {
            Decoder::Identity => {}
            Decoder::Base64(decoder) => decoder.finish(out),
            Decoder::QuotedPrintable(decoder) => decoder.finish(out),
        }
    }
}

/// The state between two octets of base64: the sextets of an unfinished group.
///
/// Octets outside the alphabet are passed over (RFC 2045, 6.8). Padding ends a group; what follows begins a new one, so
/// encodings set one behind the other decode whole.
#[derive(Clone, Debug, Default)]
pub struct Base64 {
    bits: u32,
    sextets: u8,
}

impl Base64 {
    /// Decodes the next octets.
    pub fn push(&mut self, octets: &[u8], out: &mut impl BufMut) {
        let mut rest = octets;
        loop {
            if self.is_between_groups() {
                rest = whole_groups(rest, out);
            }
            let Some((&octet, behind)) = rest.split_first() else {
                return;
            };
            match sextet(octet) {
                Some(value) => self.take(value, out),
                None if octet == b'=' => self.finish(out),
                None => {}
            }
            rest = behind;
        }
    }

    /// Whether what comes next begins a group, so that a decoder of its own could go on from here.
    pub fn is_between_groups(&self) -> bool {
        self.sextets == 0
    }

    /// Ends a group: two sextets give one octet, three give two, one alone gives none.
    pub fn finish(&mut self, out: &mut impl BufMut) {
        let [_, first, second, _] = (self.bits << (6 * (4 - u32::from(self.sextets)))).to_be_bytes();
        match self.sextets {
            2 => out.put_slice(&[first]),
            3 => out.put_slice(&[first, second]),
            _ => {}
        }
        *self = Base64::default();
    }

    fn take(&mut self, value: u8, out: &mut impl BufMut) {
        self.bits = (self.bits << 6) | u32::from(value);
        self.sextets += 1;
        if self.sextets == 4 {
            let [_, group @ ..] = self.bits.to_be_bytes();
            out.put_slice(&group);
            *self = Base64::default();
        }
    }
}

/// Decodes groups for as long as they have nothing between their octets; gives what follows them. A piece is gathered before it
/// is put, since a line of mail has 19 groups.
fn whole_groups<'a>(octets: &'a [u8], out: &mut impl BufMut) -> &'a [u8] {
    const GATHERED: usize = 32;
    let mut rest = octets;
    loop {
        let (mut piece, mut count) = ([[0; 3]; GATHERED], 0);
        for (group, three) in rest.chunks_exact(4).zip(&mut piece) {
            let bits = group
                .iter()
                .try_fold(0u32, |bits, &octet| Some(bits << 6 | u32::from(sextet(octet)?)));
            let Some(bits) = bits else { break };
            let [_, first, second, third] = bits.to_be_bytes();
            (*three, count) = ([first, second, third], count + 1);
        }
        out.put_slice(piece.get(..count).unwrap_or_default().as_flattened());
        rest = rest.get(4 * count..).unwrap_or_default();
        if count < GATHERED {
            return rest;
        }
    }
}

fn sextet(octet: u8) -> Option<u8> {
    match octet {
        b'A'..=b'Z' => Some(octet - b'A'),
        b'a'..=b'z' => Some(octet - b'a' + 26),
        b'0'..=b'9' => Some(octet - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// The longest run of blanks that is held until it is known whether a line ends behind it. A longer run is text: an
/// encoded line has at most 76 octets (RFC 2045, 6.7, rule 5).
const BLANKS_MAX: usize = 256;

/// The state between two octets of quoted-printable.
///
/// Blanks before a line break are transport padding and dropped (rule 3). A `=` that begins neither an octet nor a soft
/// line break stands for itself.
#[derive(Clone, Debug, Default)]
pub struct QuotedPrintable {
    state: State,
    blanks: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Text,
    /// Behind `=`, and perhaps blanks.
    Equals,
    /// Behind `=` and one hexadecimal digit.
    Digit(u8),
    /// Behind the CR of a soft line break.
    SoftCr,
}

impl QuotedPrintable {
    /// Decodes the next octets.
    pub fn push(&mut self, octets: &[u8], out: &mut impl BufMut) {
        let mut rest = octets;
        loop {
            if matches!(self.state, State::Text) {
                let plain = rest
                    .iter()
                    .take_while(|&&octet| !matches!(octet, b'=' | b' ' | b'\t' | b'\r' | b'\n'));
                let (run, behind) = rest.split_at_checked(plain.count()).unwrap_or((rest, &[]));
                if !run.is_empty() {
                    self.release(out);
                    out.put_slice(run);
                }
                rest = behind;
            }
            let Some((&octet, behind)) = rest.split_first() else {
                return;
            };
            self.take(octet, out);
            rest = behind;
        }
    }

    /// Ends the body: blanks and a `=` at its very end are padding; a `=` with half an octet stands for itself.
    pub fn finish(&mut self, out: &mut impl BufMut) {
        if let State::Digit(digit) = self.state {
            out.put_slice(&[b'=', digit]);
        }
        *self = QuotedPrintable::default();
    }

    fn take(&mut self, octet: u8, out: &mut impl BufMut) {
        match (self.state, octet) {
            (State::Text, _) => self.text(octet, out),
            (State::Equals, b' ' | b'\t') => self.blank(octet, out),
            (State::Equals, b'\r') => self.turn(State::SoftCr),
            (State::Equals, b'\n') => self.turn(State::Text),
            (State::Equals, _) if self.blanks.is_empty() && octet.is_ascii_hexdigit() => {
                self.state = State::Digit(octet);
            }
            (State::Equals, _) => self.literal(b"=", octet, out),
            (State::Digit(first), _) => match (hex(first), hex(octet)) {
                (Some(high), Some(low)) => {
                    out.put_slice(&[high << 4 | low]);
                    self.state = State::Text;
                }
                _ => self.literal(&[b'=', first], octet, out),
            },
            (State::SoftCr, b'\n') => self.state = State::Text,
            (State::SoftCr, _) => {
                self.state = State::Text;
                self.text(octet, out);
            }
        }
    }

    fn text(&mut self, octet: u8, out: &mut impl BufMut) {
        match octet {
            b'=' => {
                self.release(out);
                self.state = State::Equals;
            }
            b' ' | b'\t' => self.blank(octet, out),
            b'\r' | b'\n' => {
                self.blanks.clear();
                out.put_slice(&[octet]);
            }
            _ => {
                self.release(out);
                out.put_slice(&[octet]);
            }
        }
    }

    fn blank(&mut self, octet: u8, out: &mut impl BufMut) {
        if self.blanks.len() == BLANKS_MAX {
            if matches!(self.state, State::Equals) {
                out.put_slice(b"=");
                self.state = State::Text;
            }
            self.release(out);
        }
        self.blanks.push(octet);
    }

    /// What looked like an encoded octet was text: gives it back, and takes `octet` as text.
    fn literal(&mut self, kept: &[u8], octet: u8, out: &mut impl BufMut) {
        out.put_slice(kept);
        self.release(out);
        self.state = State::Text;
        self.text(octet, out);
    }

    fn turn(&mut self, state: State) {
        self.blanks.clear();
        self.state = state;
    }

    fn release(&mut self, out: &mut impl BufMut) {
        out.put_slice(&self.blanks);
        self.blanks.clear();
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(encoding: Encoding, octets: &[u8]) -> Vec<u8> {
        let (mut decoder, mut out) = (Decoder::new(encoding), Vec::new());
        decoder.push(octets, &mut out);
        decoder.finish(&mut out);
        out
    }

    fn decode_bytewise(encoding: Encoding, octets: &[u8]) -> Vec<u8> {
        let (mut decoder, mut out) = (Decoder::new(encoding), Vec::new());
        octets.iter().for_each(|octet| decoder.push(&[*octet], &mut out));
        decoder.finish(&mut out);
        out
    }

    fn check(encoding: Encoding, table: &[(&str, &str)]) {
        for (encoded, plain) in table {
            assert_eq!(
                decode(encoding, encoded.as_bytes()),
                plain.as_bytes(),
                "{encoded:?}"
            );
            assert_eq!(
                decode_bytewise(encoding, encoded.as_bytes()),
                plain.as_bytes(),
                "{encoded:?} octet by octet"
            );
        }
    }

    #[test]
    fn base64_is_lenient() {
        check(
            Encoding::Base64,
            &[
                ("aGVsbG8=\r\n", "hello"),
                ("aGVs\r\nbG8", "hello"),
                ("a G!V.s-bG8", "hello"),
                ("aGVsbA==aGVsbG8=", "hellhello"),
                ("aGVsbG8=====", "hello"),
                ("a", ""),
                ("aA", "h"),
                ("====", ""),
                ("", ""),
            ],
        );
    }

    #[test]
    fn quoted_printable_is_lenient() {
        check(
            Encoding::QuotedPrintable,
            &[
                ("caf=C3=A9=20\r\n", "café \r\n"),
                ("caf=c3=a9", "café"),
                ("soft=\r\nbreak=\nhere=  \t\r\n!", "softbreakhere!"),
                ("padding \t\r\nkept  blanks \n", "padding\r\nkept  blanks\n"),
                ("a=", "a"),
                ("a=4", "a=4"),
                ("a=4x=zz==41", "a=4x=zz=A"),
                ("a= b", "a= b"),
                ("a= =41", "a= A"),
                ("=\rx", "x"),
                ("end   ", "end"),
            ],
        );
    }

    #[test]
    fn names_are_known_in_any_case() {
        assert_eq!(Encoding::named("BASE64"), Encoding::Base64);
        assert_eq!(Encoding::named("Quoted-Printable"), Encoding::QuotedPrintable);
        assert_eq!(Encoding::named("8bit"), Encoding::Identity);
        assert_eq!(Encoding::named("x-uuencode"), Encoding::Identity);
        assert_eq!(Encoding::known("x-uuencode"), None);
        assert_eq!(Encoding::known("Binary"), Some(Encoding::Identity));
        check(Encoding::Identity, &[("=41 \r\n", "=41 \r\n")]);
    }

    #[test]
    fn a_long_run_of_blanks_is_text() {
        let blanks = " ".repeat(100_000);
        let plain = decode(Encoding::QuotedPrintable, format!("={blanks}\r\n").as_bytes());
        assert!(plain.len() > 99_000 && plain.starts_with(b"=  "));
    }

    proptest! {
        #[test]
        fn base64_decodes_what_is_encoded(octets: Vec<u8>) {
            let text = crate::wire::base64::encode(&octets);
            prop_assert_eq!(decode(Encoding::Base64, text.as_bytes()), octets);
        }

        #[test]
        fn any_cut_gives_the_same(text in "[=A-Fa-f0-9 \t\r\nxyz]{0,80}", blanks in 0usize..600, cuts: Vec<prop::sample::Index>) {
            let text = text.replacen('x', &" ".repeat(blanks), 1);
            for encoding in [Encoding::Identity, Encoding::Base64, Encoding::QuotedPrintable] {
                let (mut decoder, mut out) = (Decoder::new(encoding), Vec::new());
                let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
                at.extend([0, text.len()]);
                at.sort_unstable();
                for pair in at.windows(2) {
                    decoder.push(&text.as_bytes()[pair[0]..pair[1]], &mut out);
                }
                decoder.finish(&mut out);
                prop_assert_eq!(out, decode(encoding, text.as_bytes()));
            }
        }
    }
}
