//! Whether a CR or an LF stands alone in octets that come in pieces: every line ends with CRLF, and neither octet is elsewhere
//! (RFC 5321, 2.3.8).

use memchr::memchr2_iter;

/// Looks at octets as they pass; holds none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineEnds {
    after_cr: bool,
    alone: bool,
}

impl LineEnds {
    /// Looks at the next octets.
    pub fn push(&mut self, octets: &[u8]) {
        let Some(&last) = octets.last() else { return };
        self.alone |= self.after_cr && octets.first() != Some(&b'\n');
        for at in memchr2_iter(b'\r', b'\n', octets) {
            self.alone |= match octets.get(at) {
                Some(b'\n') => match at.checked_sub(1) {
                    Some(before) => octets.get(before) != Some(&b'\r'),
                    None => !self.after_cr,
                },
                // The last CR waits for the next piece.
                _ => octets.get(at + 1).is_some_and(|&next| next != b'\n'),
            };
        }
        self.after_cr = last == b'\r';
    }

    /// Whether one stood alone, now that nothing follows.
    pub fn any_alone(self) -> bool {
        self.alone || self.after_cr
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn alone(pieces: &[&[u8]]) -> bool {
        let mut ends = LineEnds::default();
        pieces.iter().for_each(|piece| ends.push(piece));
        ends.any_alone()
    }

    #[test]
    fn lone_ends_are_found() {
        for text in ["", "a", "a\r\nb", "\r\n\r\n", "a\r\n"] {
            assert!(!alone(&[text.as_bytes()]), "{text:?}");
        }
        for text in ["\n", "\r", "a\rb", "a\nb", "\r\r\n", "\r\n\n", "a\r\n\r"] {
            assert!(alone(&[text.as_bytes()]), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same(text in "[a\r\n]{0,12}", cut in 0usize..13) {
            let cut = cut.min(text.len());
            let (head, tail) = text.as_bytes().split_at(cut);
            let expected = text.replace("\r\n", "").contains(['\r', '\n']);
            prop_assert_eq!(alone(&[text.as_bytes()]), expected);
            prop_assert_eq!(alone(&[head, tail]), expected);
        }
    }
}
