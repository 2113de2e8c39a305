//! Answers of clamd: anything is an answer or none, however it is cut, and what it says is safe to show.

use lightmail_core::clamd::{ANSWER_MAX, Answer, Fault, Found, NAME_MAX};

use crate::Cut;

/// Any octets, in any cut.
pub fn clamd_reply(cut: Cut<'_>) {
    let told = answer(Cut::whole(cut.octets));
    assert_eq!(told, answer(cut));
    match told {
        Some(Ok(Found::Virus(name))) => {
            assert!(
                (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(|octet| octet.is_ascii_graphic())
            );
        }
        Some(Err(Fault::Error(words))) => {
            assert!(words.bytes().all(|octet| (0x20..0x7f).contains(&octet)));
        }
        Some(Ok(Found::Nothing) | Err(_)) => {}
        None => assert!(cut.octets.len() <= ANSWER_MAX && !cut.octets.contains(&0)),
    }
}

/// What the octets say, as they are cut.
pub(crate) fn answer(cut: Cut<'_>) -> Option<Result<Found, Fault>> {
    let mut answer = Answer::default();
    cut.pieces().find_map(|piece| answer.push(piece))
}
