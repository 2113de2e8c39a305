//! What holds for all octets.

use proptest::prelude::*;

use super::*;

/// Lines that mean something to the scanner, put together at random.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec![
        "Content-Type: multipart/mixed; boundary=a",
        "Content-Type: multipart/digest; boundary=\"a-\"",
        "Content-Type: multipart/alternative; boundary=a--",
        "Content-Type: message/rfc822",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: base64",
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
