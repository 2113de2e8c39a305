//! BINARY and what else the index tells.

use super::*;
use crate::wire::transfer::{Decoder, Encoding};

const CODED: &str = concat!(
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
    "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9 \r\n=\r\nend\r\n",
    "--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: BASE64\r\n\r\naGVs\r\nbG8=\r\n",
    "--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n",
    "--b\r\nContent-Transfer-Encoding: x-uue\r\n\r\nM\r\n",
    "--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n=41\r\n",
    "--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n\r\n",
    "--b--\r\n",
);

fn told(items: &str) -> String {
    let told = fetch("", CODED, items);
    let told = told
        .strip_prefix("* 12 FETCH (")
        .and_then(|told| told.strip_suffix(")\r\n"));
    told.unwrap().to_owned()
}

#[test]
fn parts_are_decoded() {
    for (items, expected) in [
        ("BINARY.PEEK[1]", "BINARY[1] {10}\r\ncafé\r\nend"),
        ("BINARY[2]", "BINARY[2] {5}\r\nhello"),
        ("BINARY.PEEK[2]<1.3>", "BINARY[2]<1> {3}\r\nell"),
        ("BINARY.PEEK[2]<3.9>", "BINARY[2]<3> {2}\r\nlo"),
        ("BINARY.PEEK[2]<5.9>", "BINARY[2]<5> \"\""),
        ("BINARY[3]", "BINARY[3] ~{3}\r\n\0\u{1}\u{2}"),
        ("BINARY[5]", "BINARY[5] {3}\r\n=41"),
        ("BINARY[5]<1.1>", "BINARY[5]<1> {1}\r\n4"),
        ("BINARY[6]", "BINARY[6] \"\""),
        ("BINARY[7]", "BINARY[7] NIL"),
        (
            "(BINARY.SIZE[1] BINARY.SIZE[2] BINARY.SIZE[5] BINARY.SIZE[6] BINARY.SIZE[7])",
            "BINARY.SIZE[1] 10 BINARY.SIZE[2] 5 BINARY.SIZE[5] 3 BINARY.SIZE[6] 0 BINARY.SIZE[7] 0",
        ),
    ] {
        assert_eq!(told(items), expected, "{items}");
    }
}

/// The message itself has no encoding: it is told as it is, its trace headers in front.
#[test]
fn a_message_is_told_as_it_is() {
    let whole = format!("{HEAD}{CODED}");
    let size = whole.len();
    let expected = format!("* 12 FETCH (BINARY[] {{{size}}}\r\n{whole} BINARY.SIZE[] {size})\r\n");
    assert_eq!(fetch(HEAD, CODED, "(BINARY[] BINARY.SIZE[])"), expected);
}

#[test]
fn an_unknown_encoding_cannot_be_decoded() {
    let stored = stored("", CODED.as_bytes(), 16 << 10);
    for (items, decodes) in [
        ("BINARY[4]", false),
        ("(FLAGS BINARY.SIZE[4])", false),
        ("(BINARY[1] BINARY[7] BODY[4])", true),
    ] {
        assert_eq!(plan(items, false).can_decode(&stored), decodes, "{items}");
    }
}

#[test]
fn sizes_and_previews_and_ids_read_nothing() {
    let stored = stored("", CODED.as_bytes(), 16 << 10);
    let items = plan(
        "(BINARY.SIZE[1] BINARY.SIZE[3] PREVIEW SAVEDATE EMAILID THREADID)",
        false,
    );
    assert!(items.needs_page() && items.ranges(&stored).is_empty());
    let told = received(pieces(&items, Some(&stored)), b"");
    let expected = "* 12 FETCH (BINARY.SIZE[1] 10 BINARY.SIZE[3] 3 PREVIEW {9}\r\ncafé end \
                    SAVEDATE \" 1-Jan-1970 00:00:00 +0000\" EMAILID (M00000000000000000000000000000000) THREADID NIL)\r\n";
    assert_eq!(String::from_utf8(told).unwrap(), expected);
    assert!(!plan("(THREADID FLAGS)", false).needs_page());
    assert!(
        plan("BINARY[1]", false).sets_seen() && !plan("(BINARY.PEEK[1] BINARY.SIZE[1])", false).sets_seen()
    );
}

/// Of a large attachment a piece is read, not all that is in front of it.
#[test]
fn a_piece_of_an_attachment_is_read_alone() {
    let octets: Vec<u8> = (0..100_000u32).map(|n| (n / 7) as u8).collect();
    let text = crate::wire::base64::encode(&octets);
    let lines: String = text
        .as_bytes()
        .chunks(76)
        .map(|line| format!("{}\r\n", str::from_utf8(line).unwrap()))
        .collect();
    let object = format!("Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n{lines}");
    let stored = stored("", object.as_bytes(), 16 << 10);
    for (from, length) in [(0, 1000), (50_000, 1000), (57, 57), (99_990, 1000)] {
        let items = plan(&format!("BINARY.PEEK[1]<{from}.{length}>"), false);
        let told = received(pieces(&items, Some(&stored)), object.as_bytes());
        let end = octets.len().min(from + length);
        let wanted = &octets[from..end];
        assert!(told.windows(wanted.len()).any(|window| window == wanted));
        let read: u64 = items
            .ranges(&stored)
            .iter()
            .map(|(_, range)| range.end - range.start)
            .sum();
        assert!(read <= (wanted.len() as u64).div_ceil(57) * 78 + 78, "{read}");
    }
}

/// Lines that make parts of all encodings.
fn line() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "--b",
        "--b",
        "--b--",
        "",
        "",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: quoted-printable",
        "Content-Transfer-Encoding: binary",
        "Content-Type: a/b",
        "aGVs",
        "aGVs",
        "bG8=",
        "AAAA",
        "=00=41",
        "soft= ",
        "text ",
    ]);
    (line, prop::sample::select(vec!["\r\n", "\r\n", "\n"])).prop_map(|(line, end)| format!("{line}{end}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// BINARY of a part is what BODY of it decodes to, by its own header, cut or not; BINARY.SIZE is how many octets that is.
    #[test]
    fn binary_is_body_decoded(
        lines in proptest::collection::vec(line(), 0..40),
        part in 1u32..5,
        partial in proptest::option::of((0u32..20, 1u32..20)),
    ) {
        let object = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{}", lines.concat());
        let stored = stored("", object.as_bytes(), 16 << 10);
        let Some(found) = stored.index().part(&[part]) else { return Ok(()) };
        let body = found.body();
        let (mut decoder, mut decoded) = (Decoder::new(Encoding::named(found.about().encoding)), Vec::new());
        decoder.push(&object.as_bytes()[body.start as usize..body.end as usize], &mut decoded);
        decoder.finish(&mut decoded);
        let literal = if decoded.contains(&0) { "~{" } else { "{" };
        let (cut, named) = partial.map_or((String::new(), String::new()), |(from, length)| (format!("<{from}.{length}>"), format!("<{from}>")));
        let size = decoded.len();
        let (from, length) = partial.map_or((0, usize::MAX), |(from, length)| (from as usize, length as usize));
        let wanted: Vec<u8> = decoded.into_iter().skip(from).take(length).collect();
        let items = plan(&format!("(BINARY.SIZE[{part}] BINARY.PEEK[{part}]{cut})"), false);
        prop_assert!(items.can_decode(&stored));
        let told = received(pieces(&items, Some(&stored)), object.as_bytes());
        let mut expected = format!("* 12 FETCH (BINARY.SIZE[{part}] {size} BINARY[{part}]{named} ").into_bytes();
        match wanted.len() {
            0 => expected.extend_from_slice(b"\"\""),
            len => expected.extend([format!("{literal}{len}}}\r\n").as_bytes(), &wanted].concat()),
        }
        expected.extend_from_slice(b")\r\n");
        prop_assert_eq!(String::from_utf8_lossy(&told), String::from_utf8_lossy(&expected));
    }
}
