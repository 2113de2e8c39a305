//! MIME: a message of any octets has an index, the same in any cut, which tells the truth.

use lightmail_core::mime::{Limits, MessageIndex, Scanner};

use crate::cut::Cut;
use crate::mime_sound::assert_sound;

/// The index of a message is sound, no cut changes it, its stored form is read back; octets that are no index are no trap.
pub fn mime_index(input: Cut<'_>) {
    let whole = scan(Cut::whole(input.octets));
    assert_eq!(scan(input), whole, "another cut, another index");
    assert_sound(&whole, input.octets);
    let _ = MessageIndex::decode(input.octets);
    let _ = MessageIndex::decode(&[&[1, 0, 0, 0, 0], input.octets].concat());
    damaged(&whole, input);
}

/// Scans a message.
pub fn scan(input: Cut<'_>) -> MessageIndex {
    let mut scanner = Scanner::new(Limits::default());
    input.pieces().for_each(|piece| scanner.push(piece));
    scanner.finish()
}

/// A stored index with one octet changed, and one that is cut short: an error or an index, never a panic.
fn damaged(index: &MessageIndex, input: Cut<'_>) {
    let mut stored = index.encode().to_vec();
    let hint = input
        .pieces()
        .map(<[u8]>::len)
        .fold(7, |at, size| (at * 31 + size) % 65_521);
    let at = hint % stored.len();
    assert!(MessageIndex::decode(&stored[..at]).is_err());
    stored[at] = stored[at].wrapping_add(input.octets.first().copied().unwrap_or(1));
    let _ = MessageIndex::decode(&stored);
}
