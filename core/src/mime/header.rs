//! Header blocks: where their fields begin and end, and their text within the budgets.
//!
//! A [`HeaderBlock`] takes a header line by line and in pieces, as it flows by. It keeps the text of the fields within the
//! budgets and the place of each field in the object; what lies beyond is counted and forgotten. Lines end with CRLF or a
//! bare LF. Lines that are no field (mbox `From `, garbage) are passed over. RFC 5322, 2.2 and 4.5.

use std::ops::Range;

use super::packed::{Input, number};

/// The budgets of one header block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderBudget {
    /// Octets of one field.
    pub field_octets: usize,
    /// Octets of the block.
    pub octets: usize,
    /// Lines of the block.
    pub lines: usize,
}

/// One field of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderField<'a> {
    /// The name as written, without the spaces that old mail has before the colon.
    pub name: &'a [u8],
    /// What follows the colon, still folded; cut at the budget.
    pub value: &'a [u8],
    /// Where the whole field lies, its last line end included, cut or not.
    pub place: (u64, u64),
}

/// A header that is being read.
#[derive(Debug)]
pub struct HeaderBlock {
    budget: HeaderBudget,
    text: Vec<u8>,
    /// Of each whole field, packed: octets since the one before it, its octets, those of its text.
    whole: Vec<u8>,
    /// Where in the object and in the text the last whole field ends.
    end: (u64, usize),
    /// Where in the object the field lies that may go on; its text is what stands behind that of the last whole one.
    last: Option<Range<u64>>,
    lines: usize,
    line: LineState,
    /// Whether a budget was crossed, so that what follows is in no field.
    past: bool,
    line_at: u64,
    blank_line: Option<Range<u64>>,
}

/// What is known of the line that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineState {
    /// Nothing of it was seen.
    Start,
    /// Only a CR was seen, so it may be the empty line.
    Cr,
    /// More of it follows.
    Text,
}

impl HeaderBlock {
    /// An empty block.
    pub fn new(budget: HeaderBudget) -> HeaderBlock {
        HeaderBlock {
            budget,
            text: Vec::new(),
            whole: Vec::new(),
            end: (0, 0),
            last: None,
            lines: 0,
            line: LineState::Start,
            past: false,
            line_at: 0,
            blank_line: None,
        }
    }

    /// Takes octets of one line, up to and including its line end at most; they lie at `offset` in the object. True once the
    /// empty line that ends the header is complete.
    pub fn push(&mut self, octets: &[u8], offset: u64) -> bool {
        let Some((&first, rest)) = octets.split_first() else {
            return false;
        };
        if self.line == LineState::Start {
            self.line_at = offset;
        }
        match self.line {
            LineState::Start if first == b'\r' && rest.is_empty() => self.line = LineState::Cr,
            LineState::Start if matches!(octets, b"\n" | b"\r\n") => return self.end(octets, offset),
            LineState::Cr if first == b'\n' => return self.end(octets, offset),
            LineState::Start => self.begin_line(octets, offset),
            LineState::Cr => {
                self.begin_line(b"\r", self.line_at);
                self.append(octets, offset);
            }
            LineState::Text => self.append(octets, offset),
        }
        if octets.ends_with(b"\n") {
            self.line = LineState::Start;
        }
        false
    }

    /// The empty line that ended the header, if it has come.
    pub fn blank_line(&self) -> Option<Range<u64>> {
        self.blank_line.clone()
    }

    fn end(&mut self, octets: &[u8], offset: u64) -> bool {
        self.blank_line = Some(self.line_at..offset + octets.len() as u64);
        true
    }

    /// The fields in their order.
    pub fn fields(&self) -> impl Iterator<Item = HeaderField<'_>> + Clone {
        let mut input = Input { rest: &self.whole };
        let mut end = (0u64, 0usize);
        let whole = std::iter::from_fn(move || {
            let start = end.0.saturating_add(input.number().ok()?);
            let text = end.1;
            end.0 = start.saturating_add(input.number().ok()?);
            end.1 = text.saturating_add(usize::try_from(input.number().ok()?).ok()?);
            Some((start..end.0, text..end.1))
        });
        let last = self
            .last
            .as_ref()
            .map(|place| (place.clone(), self.end.1..self.text.len()));
        whole.chain(last).filter_map(|(place, text)| {
            let (name, value) = split(self.text.get(text)?)?;
            Some(HeaderField {
                name,
                value,
                place: (place.start, place.end),
            })
        })
    }

    /// Octets of text that the block holds.
    pub fn held_octets(&self) -> usize {
        self.text.len()
    }

    /// Begins a field, or goes on with the last one. A field that begins past a budget has no entry, nor have its lines.
    fn begin_line(&mut self, octets: &[u8], offset: u64) {
        self.lines += 1;
        self.line = LineState::Text;
        if !matches!(octets.first(), Some(b' ' | b'\t')) {
            self.seal();
            self.past = self.lines > self.budget.lines || self.text.len() >= self.budget.octets;
            if !self.past {
                self.last = Some(offset..offset);
            }
        }
        self.append(octets, offset);
    }

    /// Packs the last field, or drops it if it turned out to be none, so that junk costs no memory and its continuations no
    /// sense.
    fn seal(&mut self) {
        let Some(place) = self.last.take() else { return };
        let (end, text) = self.end;
        match self.text.get(text..).and_then(split) {
            None => self.text.truncate(text),
            Some(_) => {
                number(&mut self.whole, place.start.saturating_sub(end));
                number(&mut self.whole, place.end - place.start);
                number(&mut self.whole, (self.text.len() - text) as u64);
                self.end = (place.end, self.text.len());
            }
        }
    }

    /// Adds octets to the last field as far as the budgets reach.
    fn append(&mut self, octets: &[u8], offset: u64) {
        let Some(place) = self.last.as_mut().filter(|_| !self.past) else {
            return;
        };
        place.end = offset + octets.len() as u64;
        let used = self.text.len() - self.end.1;
        let room = self.budget.field_octets.saturating_sub(used);
        let room = room.min(self.budget.octets.saturating_sub(self.text.len()));
        let room = if self.lines > self.budget.lines { 0 } else { room };
        self.text.extend_from_slice(octets.get(..room).unwrap_or(octets));
    }
}

/// Octets of the longest name that is taken for one; RFC 5322 lines end at 998.
const NAME_OCTETS: usize = 255;

/// Splits a field at its colon. `None` if it is none: no colon, a name that is too long or not of printable US-ASCII.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', text)?;
    let (name, value) = text.split_at_checked(colon)?;
    let name = name.trim_ascii_end();
    let sound = (1..=NAME_OCTETS).contains(&name.len()) && name.iter().all(|octet| octet.is_ascii_graphic());
    sound.then_some((name, value.get(1..).unwrap_or_default()))
}

/// A field's value on one line: line ends and NUL are taken out, and the space at both ends. RFC 5322, 2.2.3.
pub fn unfold(value: &[u8]) -> Vec<u8> {
    let kept = value.iter().copied().filter(|octet| !is_folding(octet));
    kept.collect::<Vec<u8>>().trim_ascii().to_vec()
}

/// Whether an octet is none of the value that it stands in.
pub(super) fn is_folding(octet: &u8) -> bool {
    matches!(octet, b'\r' | b'\n' | 0)
}

/// Ids of one field that are looked at, and octets of them together.
const IDS: usize = 100;
const ID_OCTETS: usize = 8 << 10;

/// The ids `<…>` in the value of Message-ID, In-Reply-To or References, without their brackets and in their order; of more
/// than 100 ids or 8 KiB the last ones, which are the nearest in a thread. RFC 5322, 3.6.4.
pub fn message_ids(value: &[u8]) -> Vec<String> {
    let mut left = ID_OCTETS;
    let ids = value.rsplit(|&octet| octet == b'>').skip(1);
    let ids = ids.filter_map(|before| {
        before
            .rsplitn(2, |&octet| octet == b'<')
            .next()
            .filter(|id| id.len() < before.len())
    });
    let ids = ids.map(|id| {
        id.iter()
            .copied()
            .filter(|octet| !octet.is_ascii_whitespace() && *octet != 0)
            .collect()
    });
    let ids = ids
        .map(|id: Vec<u8>| String::from_utf8_lossy(&id).into_owned())
        .filter(|id| !id.is_empty());
    let ids = ids.take(IDS).take_while(|id| {
        let fits = id.len() <= left;
        left = left.saturating_sub(id.len());
        fits
    });
    let mut ids: Vec<String> = ids.collect();
    ids.reverse();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: HeaderBudget = HeaderBudget {
        field_octets: 1_000,
        octets: 4_000,
        lines: 10,
    };

    /// Names, unfolded values and places of a header, given in pieces of `cut` octets at most.
    fn read(header: &[u8], budget: HeaderBudget, cut: usize) -> Vec<(String, String, (u64, u64))> {
        let mut block = HeaderBlock::new(budget);
        let mut offset = 0;
        for line in header.split_inclusive(|&octet| octet == b'\n') {
            for piece in line.chunks(cut) {
                block.push(piece, offset);
                offset += piece.len() as u64;
            }
        }
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        block
            .fields()
            .map(|field| (text(field.name), text(&unfold(field.value)), field.place))
            .collect()
    }

    fn check(header: &str, expected: &[(&str, &str, (u64, u64))]) {
        for cut in [1, 2, 7, 1_000] {
            let got = read(header.as_bytes(), BUDGET, cut);
            let got: Vec<_> = got.iter().map(|(n, v, p)| (n.as_str(), v.as_str(), *p)).collect();
            assert_eq!(got, expected, "{header:?} in pieces of {cut}");
        }
    }

    #[test]
    fn fields_are_found_folded_or_not_with_either_line_end() {
        check(
            "A: 1\r\nB: 2\r\n\t3\r\n\r\n",
            &[("A", "1", (0, 6)), ("B", "2\t3", (6, 16))],
        );
        check("A: 1\nB:2\n 3\n\n", &[("A", "1", (0, 5)), ("B", "2 3", (5, 12))]);
        check("A  : obsolete\r\n\r\n", &[("A", "obsolete", (0, 15))]);
        check("A:\r\n\r\n", &[("A", "", (0, 4))]);
    }

    #[test]
    fn junk_is_passed_over_with_its_continuations() {
        check("From a@b Mon\r\n x\r\nA: 1\r\n", &[("A", "1", (18, 24))]);
        check(" folded first\r\nA: 1\r\n", &[("A", "1", (15, 21))]);
        check(
            "A: 1\r\nno colon\r\n B: 2\r\nC: 3\r\n",
            &[("A", "1", (0, 6)), ("C", "3", (23, 29))],
        );
        check("b\u{e4}d: 1\r\n\rX: 2\r\n", &[]);
    }

    #[test]
    fn the_empty_line_ends_the_block_however_it_is_cut() {
        for (line, ends) in [("\r\n", true), ("\n", true), ("\rx\n", false), (" \r\n", false)] {
            for cut in [1, 9] {
                let mut block = HeaderBlock::new(BUDGET);
                let ended = line
                    .as_bytes()
                    .chunks(cut)
                    .fold(false, |_, piece| block.push(piece, 7));
                assert_eq!(ended, ends, "{line:?} in pieces of {cut}");
                assert_eq!(block.blank_line().is_some(), ends);
            }
        }
    }

    #[test]
    fn budgets_cut_text_but_not_places() {
        let long = format!("A: {}\r\nB: 1\r\n", "x".repeat(5_000));
        let got = read(long.as_bytes(), BUDGET, 64);
        assert_eq!(got[0].1.len() + 3, BUDGET.field_octets);
        assert_eq!(got[0].2, (0, 5_005));
        assert_eq!(got[1], ("B".into(), "1".into(), (5_005, 5_011)));

        let many = "A: 1\r\n".repeat(50) + " folded\r\n";
        let got = read(many.as_bytes(), BUDGET, 64);
        assert_eq!(got.len(), BUDGET.lines);
        assert_eq!(got[9].2, (54, 60), "lines past the budget belong to no field");

        let folded = format!("A: 1\r\n{}B: 2\r\n", " \r\n".repeat(50));
        let got = read(folded.as_bytes(), BUDGET, 64);
        assert_eq!(got, [("A".into(), "1".into(), (0, 6 + 150))]);
    }

    #[test]
    fn message_ids_lose_brackets_and_the_oldest_go_first() {
        assert_eq!(message_ids(b"<a@b> (c)\r\n\t<c @d><>"), ["a@b", "c@d"]);
        assert_eq!(message_ids(b"none"), [""; 0]);
        let many: String = (0..1_000).map(|n| format!("<{n}>")).collect();
        let ids = message_ids(many.as_bytes());
        assert_eq!(
            (ids.len(), ids[0].as_str(), ids[IDS - 1].as_str()),
            (IDS, "900", "999")
        );
        let long = format!("<{0}><{0}><1>", "x".repeat(5_000));
        assert_eq!(message_ids(long.as_bytes()).len(), 2);
    }
}
