//! Sections of sample messages, and the rule that holds for all: a literal announces exactly what follows.

mod binary;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::{Message, Piece, Plan, Response, Stored};
use crate::imap::grammar::Cursor;
use crate::mime::{Limits, MessageIndex, Scanner, Section};
use crate::store::{Flag, Flags, Keyword, Keywords, ModSeq, ObjectId, PageRow, Row, Uid};
use crate::wire::filter::Filtering;

const HEAD: &str = "Return-Path: <s@x>\r\nReceived: by us\r\n\tfor a@b\r\n";

const PLAIN: &str = "From: a@b\r\nSubject: one\r\n two\r\nsubject : three\r\n\r\nHello\r\n";
const EMPTY_BODY: &str = "Subject: x\r\n\r\n";
const HEADER_ONLY: &str = "Subject: x\r\n";
const NO_HEADER: &str = "\r\ntext";

/// A text, an attachment, and a message that is itself a multipart.
const MIXED: &str = concat!(
    "Subject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n",
    "preamble\r\n--o\r\nContent-Type: text/plain\r\n\r\nfirst\r\n",
    "--o\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n",
    "--o\r\nContent-Type: message/rfc822\r\nX-Holder: yes\r\n\r\n",
    "Subject: inner\r\nTo: c@d\r\nX-A: 1\r\nCc: e@f\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n",
    "--i\r\n\r\nplain\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>\r\n--i--\r\n",
    "--o--\r\nepilogue\r\n",
);

/// A message whose content is one message.
const FORWARDED: &str =
    "Subject: out\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\nDate: today\r\n\r\nbody\r\n";

fn scan(message: &[u8], raw_header_octets: usize) -> MessageIndex {
    let mut scanner = Scanner::new(Limits {
        raw_header_octets,
        ..Limits::default()
    });
    scanner.push(message);
    scanner.finish()
}

fn stored(head: &str, object: &[u8], raw_header_octets: usize) -> Stored {
    Stored::new(PageRow {
        uid: Uid(7),
        object: ObjectId([1; 16]),
        object_size: object.len() as u64,
        head: Bytes::copy_from_slice(head.as_bytes()),
        index: scan(object, raw_header_octets).encode(),
        email_id: [0; 16],
        save_date_s: 0,
    })
}

fn row() -> Row {
    let flags = Flags::from(Flag::Answered) | Flags::keyword(1);
    let (internal_date_s, sent_date_s) = (837_596_665, 0);
    Row {
        uid: Uid(7),
        size: 4286,
        flags,
        modseq: ModSeq(9),
        internal_date_s,
        sent_date_s,
    }
}

fn plan(items: &str, uid: bool) -> Plan {
    let mut cursor = Cursor::new(items.as_bytes());
    let items = cursor.fetch_items().unwrap();
    cursor.end().unwrap();
    Plan::new(items, uid)
}

/// The pieces of message 12's response.
fn pieces(plan: &Plan, stored: Option<&Stored>) -> Vec<Piece> {
    let mut keywords = Keywords::default();
    keywords.find_or_add(&Keyword::new("$A").unwrap());
    keywords.find_or_add(&Keyword::new("$B").unwrap());
    let mut out = Response::default();
    let (row, keywords) = (&row(), &keywords);
    plan.respond(
        &Message {
            seq: 12,
            row,
            recent: true,
            keywords,
            stored,
        },
        &mut out,
    );
    out.take()
}

/// What a client receives; the object is read and filtered as a shell does it.
fn received(pieces: Vec<Piece>, object: &[u8]) -> Vec<u8> {
    let mut all = BytesMut::new();
    for piece in pieces {
        match piece {
            Piece::Octets(octets) => all.extend_from_slice(&octets),
            Piece::Object {
                head, range, filter, ..
            } => {
                assert!(!range.is_empty(), "an empty range is not sent");
                all.extend_from_slice(&head);
                let mut filtering = Filtering::new(&filter);
                filtering.push(&object[range.start as usize..range.end as usize], &mut all);
                filtering.finish(&mut all);
            }
        }
    }
    all.to_vec()
}

/// The response to items of a message, whether the index holds its header or not: both ways must look the same.
fn fetch_octets(head: &str, object: &str, items: &str) -> Vec<u8> {
    let tell = |raw| {
        let stored = stored(head, object.as_bytes(), raw);
        received(pieces(&plan(items, false), Some(&stored)), object.as_bytes())
    };
    let (held, read) = (tell(16 << 10), tell(0));
    assert_eq!(
        String::from_utf8_lossy(&held),
        String::from_utf8_lossy(&read),
        "{items}"
    );
    held
}

fn fetch(head: &str, object: &str, items: &str) -> String {
    String::from_utf8(fetch_octets(head, object, items)).unwrap()
}

/// The value of a section: `None` for NIL.
fn section(head: &str, object: &str, section: &str) -> Option<String> {
    let told = fetch(head, object, &format!("BODY.PEEK[{section}"));
    let name = section
        .split_once('<')
        .map_or(section.to_owned(), |(name, partial)| {
            format!("{name}<{}>", partial.split('.').next().unwrap())
        });
    let value = told
        .strip_prefix(&format!("* 12 FETCH (BODY[{name} "))
        .unwrap_or_else(|| panic!("{told}"));
    let value = value.strip_suffix(")\r\n").unwrap();
    match value.strip_prefix('{').and_then(|rest| rest.split_once("}\r\n")) {
        None if value == "NIL" => None,
        None if value == "\"\"" => Some(String::new()),
        None => panic!("{told}"),
        Some((announced, octets)) => {
            assert_eq!(announced.parse(), Ok(octets.len()), "{told}");
            Some(octets.to_owned())
        }
    }
}

#[test]
fn sections_of_a_plain_message() {
    let body = "Hello\r\n";
    for (wanted, expected) in [
        ("]", format!("{HEAD}{PLAIN}")),
        (
            "HEADER]",
            format!("{HEAD}From: a@b\r\nSubject: one\r\n two\r\nsubject : three\r\n\r\n"),
        ),
        ("TEXT]", body.to_owned()),
        ("1]", body.to_owned()),
        (
            "1.MIME]",
            format!("{HEAD}From: a@b\r\nSubject: one\r\n two\r\nsubject : three\r\n\r\n"),
        ),
        (
            "HEADER.FIELDS (subject)]",
            "Subject: one\r\n two\r\nsubject : three\r\n\r\n".to_owned(),
        ),
        (
            "HEADER.FIELDS (Received FROM)]",
            "Received: by us\r\n\tfor a@b\r\nFrom: a@b\r\n\r\n".to_owned(),
        ),
        (
            "HEADER.FIELDS.NOT (SUBJECT Received)]",
            "Return-Path: <s@x>\r\nFrom: a@b\r\n\r\n".to_owned(),
        ),
        ("HEADER.FIELDS (Nothing)]", "\r\n".to_owned()),
    ] {
        assert_eq!(section(HEAD, PLAIN, wanted), Some(expected), "{wanted}");
    }
    for missing in [
        "2]",
        "1.1]",
        "1.TEXT]",
        "1.HEADER]",
        "2.MIME]",
        "1.HEADER.FIELDS (Subject)]",
    ] {
        assert_eq!(section(HEAD, PLAIN, missing), None, "{missing}");
    }
}

#[test]
fn sections_of_messages_that_lack_something() {
    for (object, wanted, expected) in [
        (EMPTY_BODY, "TEXT]", ""),
        (EMPTY_BODY, "1]", ""),
        (EMPTY_BODY, "HEADER]", "Subject: x\r\n\r\n"),
        (HEADER_ONLY, "TEXT]", ""),
        (HEADER_ONLY, "HEADER]", "Subject: x\r\n"),
        (HEADER_ONLY, "HEADER.FIELDS (SUBJECT)]", "Subject: x\r\n"),
        (HEADER_ONLY, "HEADER.FIELDS (DATE)]", ""),
        (NO_HEADER, "HEADER]", "\r\n"),
        (NO_HEADER, "]", "\r\ntext"),
        ("", "]", ""),
        ("", "HEADER]", ""),
    ] {
        assert_eq!(
            section("", object, wanted).as_deref(),
            Some(expected),
            "{wanted} of {object:?}"
        );
    }
}

#[test]
fn sections_of_a_multipart_with_a_message_inside() {
    let inner_header = "Subject: inner\r\nTo: c@d\r\nX-A: 1\r\nCc: e@f\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n";
    let inner_body = "--i\r\n\r\nplain\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>\r\n--i--";
    for (wanted, expected) in [
        ("1]", "first".to_owned()),
        ("1.MIME]", "Content-Type: text/plain\r\n\r\n".to_owned()),
        ("2]", "AAAA".to_owned()),
        ("3]", format!("{inner_header}{inner_body}")),
        (
            "3.MIME]",
            "Content-Type: message/rfc822\r\nX-Holder: yes\r\n\r\n".to_owned(),
        ),
        ("3.HEADER]", inner_header.to_owned()),
        ("3.TEXT]", inner_body.to_owned()),
        ("3.1]", "plain".to_owned()),
        ("3.2]", "<p>".to_owned()),
        ("3.2.MIME]", "Content-Type: text/html\r\n\r\n".to_owned()),
        (
            "3.HEADER.FIELDS (CC Subject)]",
            "Subject: inner\r\nCc: e@f\r\n\r\n".to_owned(),
        ),
        ("3.HEADER.FIELDS (CC Subject)]<9.12>", "inner\r\nCc: e".to_owned()),
        (
            "3.HEADER.FIELDS.NOT (X-A Content-Type)]",
            "Subject: inner\r\nTo: c@d\r\nCc: e@f\r\n\r\n".to_owned(),
        ),
    ] {
        assert_eq!(section(HEAD, MIXED, wanted), Some(expected), "{wanted}");
    }
    for missing in ["4]", "1.1]", "3.3]", "3.1.HEADER]", "1.HEADER]", "2.TEXT]"] {
        assert_eq!(section(HEAD, MIXED, missing), None, "{missing}");
    }
}

#[test]
fn sections_of_a_forwarded_message() {
    let inner = "Subject: in\r\nDate: today\r\n\r\n";
    assert_eq!(section("", FORWARDED, "1]"), Some(format!("{inner}body\r\n")));
    assert_eq!(section("", FORWARDED, "1.HEADER]").as_deref(), Some(inner));
    assert_eq!(section("", FORWARDED, "1.TEXT]").as_deref(), Some("body\r\n"));
    assert_eq!(section("", FORWARDED, "1.1]").as_deref(), Some("body\r\n"));
    assert_eq!(
        section("", FORWARDED, "1.HEADER.FIELDS (DATE)]").as_deref(),
        Some("Date: today\r\n\r\n")
    );
    assert_eq!(
        section("", FORWARDED, "HEADER.FIELDS (SUBJECT)]").as_deref(),
        Some("Subject: out\r\n\r\n")
    );
}

/// RFC 3501, 6.4.5: cut at the end, empty past it; a partial of chosen fields counts octets of those.
#[test]
fn partials() {
    let whole = format!("{HEAD}{PLAIN}");
    for (wanted, expected) in [
        ("]<0.5>", "Retur"),
        ("]<0.100000>", whole.as_str()),
        ("]<3.4294967295>", &whole[3..]),
        ("]<100000.5>", ""),
        ("TEXT]<5.2>", "\r\n"),
        ("TEXT]<7.2>", ""),
        (
            "HEADER.FIELDS (RECEIVED SUBJECT)]<17.20>",
            "\tfor a@b\r\nSubject: o",
        ),
    ] {
        assert_eq!(
            section(HEAD, PLAIN, wanted).as_deref(),
            Some(expected),
            "{wanted}"
        );
    }
    let across = HEAD.len() - 2;
    assert_eq!(
        section(HEAD, PLAIN, &format!("]<{across}.6>")).as_deref(),
        Some("\r\nFrom")
    );
}

#[test]
fn items_are_told_in_order_and_once() {
    let told = |items, uid| String::from_utf8(received(pieces(&plan(items, uid), None), b"")).unwrap();
    assert_eq!(
        told("(FLAGS RFC822.SIZE)", false),
        "* 12 FETCH (FLAGS (\\Answered $B \\Recent) RFC822.SIZE 4286)\r\n"
    );
    assert_eq!(
        told("RFC822.SIZE", true),
        "* 12 FETCH (UID 7 RFC822.SIZE 4286)\r\n"
    );
    assert_eq!(
        told("(UID FLAGS UID)", true),
        "* 12 FETCH (UID 7 FLAGS (\\Answered $B \\Recent))\r\n"
    );
    assert_eq!(
        told("INTERNALDATE", false),
        "* 12 FETCH (INTERNALDATE \"17-Jul-1996 09:44:25 +0000\")\r\n"
    );
}

#[test]
fn old_spellings_keep_their_names() {
    for (item, expected) in [
        ("RFC822", format!("RFC822 {{{}}}\r\n{PLAIN}", PLAIN.len())),
        ("RFC822.TEXT", "RFC822.TEXT {7}\r\nHello\r\n".to_owned()),
        (
            "RFC822.HEADER",
            format!(
                "RFC822.HEADER {{{}}}\r\n{}",
                PLAIN.len() - 7,
                &PLAIN[..PLAIN.len() - 7]
            ),
        ),
    ] {
        assert_eq!(fetch("", PLAIN, item), format!("* 12 FETCH ({expected})\r\n"));
    }
}

#[test]
fn names_of_fields_come_back_as_strings_that_a_client_can_read() {
    let told = fetch("", EMPTY_BODY, "BODY[HEADER.FIELDS (\"a(b\" \"x]y\" Date)]");
    assert_eq!(
        told,
        "* 12 FETCH (BODY[HEADER.FIELDS (\"a(b\" \"x]y\" Date)] {2}\r\n\r\n)\r\n"
    );
}

#[test]
fn what_a_plan_needs() {
    for (items, page, seen) in [
        ("FAST", false, false),
        ("ALL", true, false),
        ("(UID BODYSTRUCTURE)", true, false),
        ("BODY.PEEK[]", true, false),
        ("BODY[HEADER]", true, true),
        ("RFC822.HEADER", true, false),
        ("(RFC822.TEXT)", true, true),
        ("RFC822", true, true),
    ] {
        let plan = plan(items, false);
        assert_eq!((plan.needs_page(), plan.sets_seen()), (page, seen), "{items}");
    }
}

/// One response, two objects: each head runs up to its literal's announcement, and only the first stands for itself.
#[test]
fn a_head_carries_the_response_up_to_the_object() {
    let stored = stored("", PLAIN.as_bytes(), 0);
    let size = PLAIN.len() as u64;
    let pieces = pieces(&plan("(FLAGS BODY[TEXT] UID BODY[])", false), Some(&stored));
    let [
        Piece::Object {
            head, first: true, ..
        },
        Piece::Object {
            head: next,
            first: false,
            range,
            ..
        },
        Piece::Octets(end),
    ] = pieces.as_slice()
    else {
        panic!("{pieces:?}")
    };
    assert_eq!(
        head,
        "* 12 FETCH (FLAGS (\\Answered $B \\Recent) BODY[TEXT] {7}\r\n"
    );
    assert_eq!(next, &format!(" UID 7 BODY[] {{{size}}}\r\n"));
    assert_eq!((range, &end[..]), (&(0..size), &b")\r\n"[..]));
    let ranges = plan("(BODY[TEXT] BODY[])", false).ranges(&stored);
    assert_eq!(
        ranges,
        [(ObjectId([1; 16]), size - 7..size), (ObjectId([1; 16]), 0..size)]
    );
}

/// Earlier responses are whole, so they do not wait for a later one's object.
#[test]
fn earlier_responses_are_not_part_of_a_head() {
    let (with, without) = (stored("", PLAIN.as_bytes(), 0), stored("", b"", 0));
    let (plan, row, keywords, recent) = (plan("BODY[]", false), row(), Keywords::default(), false);
    let (row, keywords, mut out) = (&row, &keywords, Response::default());
    plan.respond(
        &Message {
            seq: 1,
            row,
            recent,
            keywords,
            stored: Some(&without),
        },
        &mut out,
    );
    plan.respond(
        &Message {
            seq: 2,
            row,
            recent,
            keywords,
            stored: Some(&with),
        },
        &mut out,
    );
    let pieces = out.take();
    let [
        Piece::Octets(earlier),
        Piece::Object {
            head, first: true, ..
        },
        Piece::Octets(_),
    ] = pieces.as_slice()
    else {
        panic!("{pieces:?}")
    };
    assert_eq!(earlier, "* 1 FETCH (BODY[] \"\")\r\n");
    assert!(head.starts_with(b"* 2 FETCH ("));
}

/// A message whose index cannot be read, or is that of another object, is read as a text.
#[test]
fn a_message_without_a_usable_index_can_be_read() {
    for index in [
        Bytes::new(),
        Bytes::from_static(b"\xff\xff\xff"),
        scan(b"another", 0).encode(),
    ] {
        let row = PageRow {
            index,
            ..stored(HEAD, PLAIN.as_bytes(), 0).row().clone()
        };
        let stored = Stored::new(row);
        let tell = |items| {
            let told = received(pieces(&plan(items, false), Some(&stored)), PLAIN.as_bytes());
            String::from_utf8(told).unwrap()
        };
        let size = HEAD.len() + PLAIN.len();
        assert_eq!(
            tell("BODY[]"),
            format!("* 12 FETCH (BODY[] {{{size}}}\r\n{HEAD}{PLAIN})\r\n")
        );
        assert_eq!(
            tell("BODY[TEXT]"),
            format!("* 12 FETCH (BODY[TEXT] {{{}}}\r\n{PLAIN})\r\n", PLAIN.len())
        );
        assert_eq!(
            tell("BODY[1]"),
            format!("* 12 FETCH (BODY[1] {{{}}}\r\n{PLAIN})\r\n", PLAIN.len())
        );
        assert_eq!(
            tell("BODY[HEADER]"),
            format!("* 12 FETCH (BODY[HEADER] {{{}}}\r\n{HEAD})\r\n", HEAD.len())
        );
        assert_eq!(
            tell("ENVELOPE"),
            "* 12 FETCH (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL))\r\n"
        );
        let body = format!("\"text\" \"plain\" NIL NIL NIL \"8bit\" {} 0", PLAIN.len());
        assert_eq!(tell("BODY"), format!("* 12 FETCH (BODY ({body}))\r\n"));
        assert_eq!(
            tell("BODYSTRUCTURE"),
            format!("* 12 FETCH (BODYSTRUCTURE ({body} NIL NIL NIL NIL))\r\n")
        );
    }
}

#[test]
fn finished_texts_are_copied() {
    let index = scan(MIXED.as_bytes(), 0);
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let envelope = text(index.parts[0].root().unwrap().envelope());
    assert_eq!(
        fetch(HEAD, MIXED, "ENVELOPE"),
        format!("* 12 FETCH (ENVELOPE {envelope})\r\n")
    );
    assert_eq!(
        fetch(HEAD, MIXED, "BODY"),
        format!("* 12 FETCH (BODY {})\r\n", text(&index.body()))
    );
    let structure = text(&index.bodystructure());
    assert_eq!(
        fetch(HEAD, MIXED, "BODYSTRUCTURE"),
        format!("* 12 FETCH (BODYSTRUCTURE {structure})\r\n")
    );
}

fn line() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Subject: a\r\n",
        "X: b\r\n",
        " folded\r\n",
        "junk\r\n",
        "x : c\n",
        "\r\n",
        "\n",
        "Content-Type: multipart/mixed; boundary=o\r\n",
        "Content-Type: message/rfc822\r\n",
        "Content-Type: multipart/digest; boundary=i\r\n",
        "--o\r\n",
        "--i\r\n",
        "--o--\r\n",
        "--i--\r\n",
        "text\r\n",
        "\u{e4}",
    ])
}

/// `BODY.PEEK[…]` and the octets it means, by an index of the whole message.
fn naive(whole: &[u8], path: &[u32], text: &str) -> Option<Vec<u8>> {
    let index = scan(whole, 0);
    let slice = |range: std::ops::Range<u64>| whole[range.start as usize..range.end as usize].to_vec();
    let kind = match text {
        "" => Section::Whole,
        "HEADER" => Section::Header,
        "TEXT" => Section::Text,
        "MIME" => Section::Mime,
        fields => {
            let root = index.message(path)?;
            let ranges = MessageIndex::fields(root, &[b"X"], fields.contains("NOT")).unwrap();
            return Some(ranges.into_iter().flat_map(slice).collect());
        }
    };
    index.section(path, kind).map(slice)
}

proptest! {
    /// A message is its head and its object: whichever section and partial, the octets are those of the whole message, and
    /// the literal announces exactly them, whether the header is read or at hand.
    #[test]
    fn literals_announce_what_follows(
        lines in proptest::collection::vec(line(), 0..30),
        head in prop::sample::select(vec!["", HEAD, "X: of the head\r\n"]),
        path in proptest::collection::vec(1u32..3, 0..4),
        text in prop::sample::select(vec!["", "HEADER", "TEXT", "MIME", "HEADER.FIELDS (X)", "HEADER.FIELDS.NOT (X)"]),
        partial in proptest::option::of((0u32..80, 1u32..80)),
    ) {
        // MIME needs a part. A first line that is folded, or no field, would belong to the head's last field.
        prop_assume!(text != "MIME" || !path.is_empty());
        let object: String = ["Subject: first\r\n"].into_iter().chain(lines).collect();
        let mut name: Vec<_> = path.iter().map(u32::to_string).collect();
        name.extend((!text.is_empty()).then(|| text.to_owned()));
        let cut = partial.map(|(offset, length)| format!("<{offset}.{length}>")).unwrap_or_default();
        let whole = format!("{head}{object}");
        let expected = naive(whole.as_bytes(), &path, text).map(|octets| match partial {
            None => octets,
            Some((offset, length)) => octets.into_iter().skip(offset as usize).take(length as usize).collect(),
        });
        let told = fetch_octets(head, &object, &format!("BODY.PEEK[{}]{cut}", name.join(".")));
        let value = match expected {
            None => b"NIL".to_vec(),
            Some(octets) if octets.is_empty() => b"\"\"".to_vec(),
            Some(octets) => [format!("{{{}}}\r\n", octets.len()).as_bytes(), &octets].concat(),
        };
        let cut = partial.map(|(offset, _)| format!("<{offset}>")).unwrap_or_default();
        let expected = [format!("* 12 FETCH (BODY[{}]{cut} ", name.join(".")).as_bytes(), &value, b")\r\n"].concat();
        prop_assert_eq!(String::from_utf8_lossy(&told), String::from_utf8_lossy(&expected));
    }
}
