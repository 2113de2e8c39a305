//! The content of DATA: dots off, end found, line ends made CRLF (RFC 5321, 4.5.2).
//!
//! Only `CRLF.CRLF` ends the content; the CRLF behind DATA counts as its first one. A bare CR or LF becomes CRLF in what comes
//! out, but what follows it is no new line where dots are concerned: the peer saw none there.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;

/// Where in the content the next octet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Behind a true CRLF, or at the start.
    #[default]
    LineStart,
    InLine,
    /// Behind a CR in or at the start of a line.
    Cr,
    /// Behind the dot that begins a line; it is not written.
    Dot,
    /// Behind that dot and a CR.
    DotCr,
}

/// Takes the dots off, across any cut.
#[derive(Debug, Default)]
pub(super) struct Unstuff {
    place: Place,
}

impl Unstuff {
    /// Takes content from `rest` and writes it to `out`; `true` when the end has come, with what is behind it left in `rest`.
    pub fn push(&mut self, rest: &mut Bytes, out: &mut BytesMut) -> bool {
        while let Some(&octet) = rest.first() {
            if self.place == Place::InLine {
                let run = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                out.extend_from_slice(&rest.split_to(run));
                if rest.is_empty() {
                    break;
                }
            }
            let octet = rest.first().copied().unwrap_or(octet);
            let (next, consumed) = self.step(octet, out);
            if consumed {
                rest.advance(1);
            }
            match next {
                Some(place) => self.place = place,
                None => return true,
            }
        }
        false
    }

    /// The next place, `None` at the end; and whether the octet was consumed.
    fn step(&self, octet: u8, out: &mut BytesMut) -> (Option<Place>, bool) {
        match (self.place, octet) {
            (Place::LineStart, b'.') => (Some(Place::Dot), true),
            (Place::DotCr, b'\n') => (None, true),
            (Place::Dot, b'\r') => (Some(Place::DotCr), true),
            (Place::Cr, b'\n') => {
                out.extend_from_slice(b"\r\n");
                (Some(Place::LineStart), true)
            }
            // A bare CR: the octet is looked at again, as one of a line that goes on.
            (Place::Cr | Place::DotCr, _) => {
                out.extend_from_slice(b"\r\n");
                (Some(Place::InLine), false)
            }
            (Place::LineStart | Place::InLine, b'\r') => (Some(Place::Cr), true),
            (Place::LineStart | Place::InLine | Place::Dot, b'\n') => {
                out.extend_from_slice(b"\r\n");
                (Some(Place::InLine), true)
            }
            (Place::LineStart | Place::InLine | Place::Dot, _) => (Some(Place::InLine), false),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What comes out, and what is left behind the end; `None` if the end has not come.
    fn unstuff<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Option<Vec<u8>>) {
        let (mut dots, mut out, mut left) = (Unstuff::default(), BytesMut::new(), None);
        for piece in pieces {
            match &mut left {
                Some(left) => Vec::extend_from_slice(left, piece),
                None => {
                    let mut rest = Bytes::copy_from_slice(piece);
                    left = dots.push(&mut rest, &mut out).then(|| rest.to_vec());
                }
            }
        }
        (out.to_vec(), left)
    }

    #[test]
    fn only_crlf_dot_crlf_ends() {
        let table: [(&str, &str, Option<&str>); 18] = [
            (".\r\n", "", Some("")),
            ("\r\n.\r\nQUIT", "\r\n", Some("QUIT")),
            ("a\r\n.\r\n", "a\r\n", Some("")),
            ("a\r\n..\r\n.\r\n", "a\r\n.\r\n", Some("")),
            ("..a\r\n.b\r\n...\r\n.\r\n", ".a\r\nb\r\n..\r\n", Some("")),
            ("a\n.\nb", "a\r\n.\r\nb", None),
            ("a\n.\r\nb", "a\r\n.\r\nb", None),
            ("a\r\n.\nb", "a\r\n\r\nb", None),
            ("a\r.\rb", "a\r\n.\r\nb", None),
            ("a\r\n.\rb", "a\r\n\r\nb", None),
            ("a\r\n\0.\r\nb", "a\r\n\0.\r\nb", None),
            ("a\r\n.\r\r\nb", "a\r\n\r\n\r\nb", None),
            ("a\r\r\n.\r\n", "a\r\n\r\n", Some("")),
            ("a\r.\r\nb", "a\r\n.\r\nb", None),
            ("a\n.\rb", "a\r\n.\r\nb", None),
            (".\r.\r\n", "\r\n.\r\n", None),
            ("\n.\r\n", "\r\n.\r\n", None),
            ("a\r\n. \r\n.x\r\n", "a\r\n \r\nx\r\n", None),
        ];
        for (content, out, left) in table {
            let expected = (out.as_bytes().to_vec(), left.map(|left| left.as_bytes().to_vec()));
            assert_eq!(unstuff([content.as_bytes()]), expected, "{content:?}");
            assert_eq!(unstuff(content.as_bytes().chunks(1)), expected, "{content:?} cut");
        }
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_and_only_whole_line_ends(content in "[\r\n.a]{0,40}", at in 0usize..40) {
            let octets = content.as_bytes();
            let (first, second) = octets.split_at(at.min(octets.len()));
            let (out, left) = unstuff([octets]);
            prop_assert_eq!(unstuff([first, second]), (out.clone(), left.clone()));
            let end = format!("\r\n{content}").find("\r\n.\r\n");
            prop_assert_eq!(left.map(|left| octets.len() - left.len()), end.map(|at| at + 3));
            if end.is_some() {
                let text = String::from_utf8(out).unwrap();
                prop_assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
            }
        }

        #[test]
        fn the_inverse_of_stuffing(lines in proptest::collection::vec("[.a]{0,4}", 0..8)) {
            let plain: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let stuffed: String = lines.iter().map(|line| if line.starts_with('.') { format!(".{line}\r\n") } else { format!("{line}\r\n") }).collect();
            prop_assert_eq!(unstuff([format!("{stuffed}.\r\n").as_bytes()]), (plain.into_bytes(), Some(Vec::new())));
        }
    }
}
