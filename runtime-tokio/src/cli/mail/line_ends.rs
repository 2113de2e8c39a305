//! Line ends on their way in and out: a store's messages have CRLF, files mostly LF.

/// Makes CRLF of every LF that has no CR in front of it. Octets may come in any cut.
#[derive(Debug, Default)]
pub struct ToCrlf {
    after_cr: bool,
}

impl ToCrlf {
    /// The next octets.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for line in octets.split_inclusive(|octet| *octet == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(line) => {
                    let has_cr = line.last().map_or(self.after_cr, |last| *last == b'\r');
                    out.extend_from_slice(line);
                    out.extend_from_slice(if has_cr { b"\n" } else { b"\r\n" });
                    self.after_cr = false;
                }
                None => {
                    out.extend_from_slice(line);
                    self.after_cr = line.last() == Some(&b'\r');
                }
            }
        }
    }
}

/// Makes LF of every CRLF. Octets may come in any cut.
#[derive(Debug, Default)]
pub struct ToLf {
    held_cr: bool,
}

impl ToLf {
    /// The next octets.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for &octet in octets {
            if std::mem::take(&mut self.held_cr) && octet != b'\n' {
                out.push(b'\r');
            }
            match octet {
                b'\r' => self.held_cr = true,
                _ => out.push(octet),
            }
        }
    }

    /// There are no more.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.held_cr) {
            out.push(b'\r');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn to_crlf(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut filter, mut out) = (ToCrlf::default(), Vec::new());
        pieces.iter().for_each(|piece| filter.push(piece, &mut out));
        out
    }

    fn to_lf(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut filter, mut out) = (ToLf::default(), Vec::new());
        pieces.iter().for_each(|piece| filter.push(piece, &mut out));
        filter.finish(&mut out);
        out
    }

    #[test]
    fn line_ends_become_others() {
        assert_eq!(to_crlf(&[b"a\nb\r\n\nc\rd"]), b"a\r\nb\r\n\r\nc\rd");
        assert_eq!(to_lf(&[b"a\r\nb\n\r\r\nc\rd\r"]), b"a\nb\n\r\nc\rd\r");
    }

    proptest! {
        #[test]
        fn a_cut_changes_nothing(octets in "[\r\na]{0,12}", cut in 0usize..12) {
            let octets = octets.as_bytes();
            let (a, b) = octets.split_at(cut.min(octets.len()));
            prop_assert_eq!(to_crlf(&[a, b]), to_crlf(&[octets]));
            prop_assert_eq!(to_lf(&[a, b]), to_lf(&[octets]));
        }
    }
}
