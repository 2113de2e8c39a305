//! What holds for all octets.

use proptest::prelude::*;

use super::*;
use crate::mime::PartKind;
use crate::wire::transfer::{Decoder, Encoding};

/// Lines that mean something to the scanner, put together at random.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec![
        "Content-Type: multipart/mixed; boundary=a",
        "Content-Type: multipart/digest; boundary=\"a-\"",
        "Content-Type: multipart/alternative; boundary=a--",
        "Content-Type: message/rfc822",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: Quoted-Printable",
        "=00=41 b= ",
        "AGVs",
        "From: (a \"b\" <c@d>, e:",
        "Subject: =?utf-8?q?=C3?= =?utf-8?q?=A4?=",
        "\tfolded",
        "References: <a> <b",
        "--a",
        "--a--",
        "--a-",
        "--a---",
        "--a----  ",
        "-",
        "--",
        "\r",
        "",
        "",
        "text",
    ]);
    let end = prop::sample::select(vec!["\r\n", "\r\n", "\r\n", "\n", ""]);
    prop::collection::vec((line, end), 0..60).prop_map(|lines| {
        let lines: Vec<String> = lines
            .into_iter()
            .map(|(line, end)| format!("{line}{end}"))
            .collect();
        lines.concat().into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_split_gives_the_same_index(message in message(), cuts in prop::collection::vec(1usize..40, 1..20)) {
        let whole = scan(&message);
        prop_assert_eq!(&scan_in(&message, 1), &whole);
        let mut scanner = Scanner::new(Limits::default());
        let mut rest = message.as_slice();
        for cut in cuts.into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, later) = rest.split_at(cut.min(rest.len()));
            scanner.push(piece);
            rest = later;
        }
        prop_assert_eq!(&scanner.finish(), &whole);
    }

    #[test]
    fn what_a_body_decodes_to_is_known(message in message()) {
        for part in &scan(&message).parts {
            let (about, body) = (part.about(), part.body());
            let encoding = Encoding::named(about.encoding);
            let encoded = part.kind == PartKind::Leaf && encoding != Encoding::Identity;
            let (mut decoder, mut decoded) = (Decoder::new(encoding), Vec::new());
            decoder.push(&message[body.start as usize..body.end as usize], &mut decoded);
            decoder.finish(&mut decoded);
            let known = about.decoded.map(|known| (known.octets, known.nul));
            let want = encoded.then_some((decoded.len() as u64, decoded.contains(&0)));
            prop_assert!(known == want || encoded && about.decoded.is_none() && body.is_empty(), "{:?} {:?}", known, want);
        }
    }

    /// Version 1 says nothing of decoded bodies: it has no octet for it behind what the header says.
    #[test]
    fn what_was_stored_by_version_1_is_read(subject in "[a-z]{0,20}") {
        let index = scan(format!("Subject: {subject}\r\n\r\ntext").as_bytes());
        let mut stored = index.encode().to_vec();
        stored[0] = 1;
        let without = |at: usize| [&stored[..at], &stored[at + 1..]].concat();
        let mut candidates = (1..stored.len()).filter(|&at| stored[at] == 0).map(without);
        prop_assert!(candidates.any(|stored| MessageIndex::decode(&stored).as_ref() == Ok(&index)));
    }

    #[test]
    fn any_octets_have_a_sound_index(message in prop::collection::vec(any::<u8>(), 0..300)) {
        scan(&message);
    }

    #[test]
    fn any_values_have_a_sound_index(
        to in "[\"()<>@,;:a. \t\\\\\\[\\]]{0,40}",
        kind in "[\"()/;=*'%01a \\\\]{0,40}",
        subject in "[=?utf8qQbB_ ä]{0,40}",
    ) {
        let fields = format!("To: {to}\nContent-Type: a/b;{kind}\nContent-Disposition: {kind}\nSubject: {subject}\n\n");
        scan(&crlf(&fields));
    }

    #[test]
    fn reading_garbage_fails_or_gives_an_index(garbage in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = MessageIndex::decode(&garbage);
        let _ = MessageIndex::decode(&[&[1, 0, 0, 0, 0], garbage.as_slice()].concat());
        let _ = MessageIndex::decode(&[&[2, 0, 0, 0, 0], garbage.as_slice()].concat());
    }

    #[test]
    fn reading_a_damaged_index_never_panics(message in message(), at in any::<prop::sample::Index>(), octet: u8) {
        let mut stored = scan(&message).encode().to_vec();
        let at = at.index(stored.len());
        prop_assert!(MessageIndex::decode(&stored[..at]).is_err());
        prop_assert!(MessageIndex::decode(&[&stored[..], &[0]].concat()).is_err());
        stored[at] = octet;
        let _ = MessageIndex::decode(&stored);
    }
}

/// Lengths and counts that are announced and not there.
#[test]
fn announced_lengths_allocate_nothing() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    for prefix in [&[1][..], &[1, 0], &[1, 0, 0, 0, 0], &[1, 0, 0, 0, 0, 0], &[2]] {
        assert!(MessageIndex::decode(&[prefix, &huge].concat()).is_err());
    }
    assert!(MessageIndex::decode(&[]).is_err());
}
