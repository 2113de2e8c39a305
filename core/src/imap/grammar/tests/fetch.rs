//! FETCH items.

use super::*;
use crate::imap::ast::{BodySection, FetchItem, Partial, SectionText, Spelling};

/// An item as a client writes it.
pub(super) fn show(item: &FetchItem) -> String {
    match item {
        FetchItem::Flags => "FLAGS".into(),
        FetchItem::Uid => "UID".into(),
        FetchItem::InternalDate => "INTERNALDATE".into(),
        FetchItem::Size => "RFC822.SIZE".into(),
        FetchItem::Envelope => "ENVELOPE".into(),
        FetchItem::Body => "BODY".into(),
        FetchItem::BodyStructure => "BODYSTRUCTURE".into(),
        FetchItem::ModSeq => "MODSEQ".into(),
        FetchItem::Section(section) => show_section(section),
        FetchItem::Binary(section) => {
            let peek = if section.peek { ".PEEK" } else { "" };
            let partial = show_partial(section.partial);
            format!("BINARY{peek}[{}]{partial}", show_part(&section.part))
        }
        FetchItem::BinarySize(part) => format!("BINARY.SIZE[{}]", show_part(part)),
        FetchItem::SaveDate => "SAVEDATE".into(),
        FetchItem::EmailId => "EMAILID".into(),
        FetchItem::ThreadId => "THREADID".into(),
        FetchItem::Preview => "PREVIEW".into(),
    }
}

fn show_part(part: &[u32]) -> String {
    part.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

fn show_partial(partial: Option<Partial>) -> String {
    partial.map_or(String::new(), |p| format!("<{}.{}>", p.offset, p.length))
}

fn show_section(section: &BodySection) -> String {
    match section.spelling {
        Spelling::Rfc822 => return "RFC822".into(),
        Spelling::Rfc822Header => return "RFC822.HEADER".into(),
        Spelling::Rfc822Text => return "RFC822.TEXT".into(),
        Spelling::Body => {}
    }
    let text = match &section.text {
        SectionText::Whole => String::new(),
        SectionText::Header => "HEADER".into(),
        SectionText::Text => "TEXT".into(),
        SectionText::Mime => "MIME".into(),
        SectionText::HeaderFields { names, not } => {
            let mut list = Vec::new();
            for name in names {
                let mut out = bytes::BytesMut::new();
                print::astring(&mut out, name.as_bytes());
                list.push(String::from_utf8(out.to_vec()).unwrap());
            }
            format!(
                "HEADER.FIELDS{} ({})",
                if *not { ".NOT" } else { "" },
                list.join(" ")
            )
        }
    };
    let part = section.part.iter().map(u32::to_string);
    let spec: Vec<_> = part.chain(Some(text).filter(|text| !text.is_empty())).collect();
    let peek = if section.peek { ".PEEK" } else { "" };
    let partial = show_partial(section.partial);
    format!("BODY{peek}[{}]{partial}", spec.join("."))
}

fn parse(args: &mut Cursor<'_>) -> Result<String, Syntax> {
    args.sp()?;
    let set = args.sequence_set()?;
    args.sp()?;
    let items = args.fetch_items()?;
    let set = sequence_set(&set);
    Ok(format!(
        "{set} {}",
        items.iter().map(show).collect::<Vec<_>>().join(" ")
    ))
}

#[test]
fn items_of_extensions() {
    check(
        parse,
        |shown| shown,
        &[
            // RFC 3516, 7
            ("a FETCH 1 BINARY[]", "1 BINARY[]"),
            (
                "a FETCH 1 (binary.peek[1.2]<0.5> Binary[3])",
                "1 BINARY.PEEK[1.2]<0.5> BINARY[3]",
            ),
            ("a FETCH 1 BINARY.SIZE[2.1]", "1 BINARY.SIZE[2.1]"),
            // RFC 8514, 5; RFC 8474, 7
            (
                "a FETCH 1 (SAVEDATE EMAILID threadid)",
                "1 SAVEDATE EMAILID THREADID",
            ),
            // RFC 8970, 6
            ("a FETCH 1 PREVIEW", "1 PREVIEW"),
            ("a FETCH 1 PREVIEW (lazy)", "1 PREVIEW"),
            ("a FETCH 1 (PREVIEW (LAZY LAZY) UID)", "1 PREVIEW UID"),
            (
                "a FETCH 1 BINARY",
                "expected a section at octet 17, found the end",
            ),
            (
                "a FETCH 1 BINARY[HEADER]",
                "expected \"]\" at octet 18, found \"HEADER]\"",
            ),
            (
                "a FETCH 1 BINARY[1.MIME]",
                "expected \"]\" at octet 18, found \"1.MIME]\"",
            ),
            (
                "a FETCH 1 BINARY.SIZE[1]<0.1>",
                "expected the end of the command at octet 25, found \"<0.1>\"",
            ),
            (
                "a FETCH 1 (PREVIEW (EAGER))",
                "expected LAZY at octet 21, found \"EAGER\"",
            ),
            ("a FETCH 1 (PREVIEW ())", "expected LAZY at octet 21, found \")\""),
        ],
    );
}

#[test]
fn items() {
    check(
        parse,
        |shown| shown,
        &[
            // RFC 3501, 6.4.5 and 6.4.8
            (
                "A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])",
                "2:4 FLAGS BODY[HEADER.FIELDS (DATE FROM)]",
            ),
            ("A999 UID FETCH 4827313:4828442 FLAGS", "4827313:4828442 FLAGS"),
            ("a FETCH 1 ALL", "1 FLAGS INTERNALDATE RFC822.SIZE ENVELOPE"),
            ("a FETCH 1 fast", "1 FLAGS INTERNALDATE RFC822.SIZE"),
            ("a FETCH 1 Full", "1 FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY"),
            ("a FETCH 1 BODY", "1 BODY"),
            (
                "a FETCH 1 (BODY BODY BODYSTRUCTURE UID)",
                "1 BODY BODY BODYSTRUCTURE UID",
            ),
            (
                "a FETCH 1 (RFC822 RFC822.SIZE RFC822.HEADER RFC822.TEXT)",
                "1 RFC822 RFC822.SIZE RFC822.HEADER RFC822.TEXT",
            ),
            ("a FETCH 1 body[]", "1 BODY[]"),
            ("a FETCH 1 BODY.PEEK[]<0.100>", "1 BODY.PEEK[]<0.100>"),
            ("a FETCH 1 BODY[TEXT]<4294967295.1>", "1 BODY[TEXT]<4294967295.1>"),
            (
                "a FETCH 1 BODY[1.2.header.fields.not (\"Subject\" x])]",
                "1 BODY[1.2.HEADER.FIELDS.NOT (Subject x])]",
            ),
            (
                "a FETCH 1 BODY[HEADER.FIELDS ({4}\r\nDate)]",
                "1 BODY[HEADER.FIELDS (Date)]",
            ),
            ("a FETCH 1 BODY[3.MIME]", "1 BODY[3.MIME]"),
            (
                "a FETCH 1 (BODY[4.1.MIME] BODY[4.2.2.1])",
                "1 BODY[4.1.MIME] BODY[4.2.2.1]",
            ),
        ],
    );
}

#[test]
fn broken_items() {
    check(
        parse,
        |shown| shown,
        &[
            ("a FETCH 1", "expected a space at octet 10, found the end"),
            ("a FETCH 1 ", "expected a FETCH item at octet 11, found the end"),
            (
                "a FETCH 1 FOO",
                "expected a FETCH item at octet 11, found \"FOO\"",
            ),
            (
                "a FETCH 1 FLAGS UID",
                "expected the end of the command at octet 16, found \" \"",
            ),
            ("a FETCH 1 ()", "expected a FETCH item at octet 12, found \")\""),
            (
                "a FETCH 1 (ALL)",
                "expected a FETCH item at octet 12, found \"ALL\"",
            ),
            (
                "a FETCH 1 (FLAGS  UID)",
                "expected a FETCH item at octet 18, found \" \"",
            ),
            (
                "a FETCH 1 (FLAGS ",
                "expected a FETCH item at octet 18, found the end",
            ),
            (
                "a FETCH 1 (FLAGS",
                "expected a space or \")\" at octet 17, found the end",
            ),
            (
                "a FETCH 1 (FLAGS)(UID)",
                "expected the end of the command at octet 18, found \"(\"",
            ),
            (
                "a FETCH 1 ((FLAGS))",
                "expected a FETCH item at octet 12, found \"(\"",
            ),
            (
                "a FETCH 1 BODY.PEEK",
                "expected a section at octet 20, found the end",
            ),
            (
                "a FETCH 1 BODY[MIME]",
                "expected a section at octet 16, found \"MIME]\"",
            ),
            (
                "a FETCH 1 BODY[0]",
                "expected a number from 1 to 4294967295 at octet 16, found \"0]\"",
            ),
            (
                "a FETCH 1 BODY[01]",
                "expected a number from 1 to 4294967295 at octet 16, found \"01]\"",
            ),
            (
                "a FETCH 1 BODY[4294967296]",
                "expected a number from 1 to 4294967295 at octet 16, found \"4294967296]\"",
            ),
            (
                "a FETCH 1 BODY[1.]",
                "expected HEADER, HEADER.FIELDS, TEXT or MIME at octet 18, found \"]\"",
            ),
            (
                "a FETCH 1 BODY[1.FOO]",
                "expected HEADER, HEADER.FIELDS, TEXT or MIME at octet 18, found \"FOO]\"",
            ),
            (
                "a FETCH 1 BODY[.1]",
                "expected a section at octet 16, found \".1]\"",
            ),
            (
                "a FETCH 1 BODY[HEADER.1]",
                "expected a section at octet 16, found \"HEADER.1]\"",
            ),
            (
                "a FETCH 1 BODY[HEADER.FIELDS]",
                "expected a space at octet 29, found \"]\"",
            ),
            (
                "a FETCH 1 BODY[HEADER.FIELDS ()]",
                "expected the name of a header field at octet 31, found \")\"",
            ),
            (
                "a FETCH 1 BODY[HEADER.FIELDS (a:)]",
                "expected the name of a header field at octet 31, found \"a:\"",
            ),
            (
                "a FETCH 1 BODY[HEADER.FIELDS (\"\")]",
                "expected the name of a header field at octet 31, found \"\\\"\\\"\"",
            ),
            (
                "a FETCH 1 BODY[HEADER.FIELDS ({3}\r\n\r\na)]",
                "expected the name of a header field at octet 31, found \"{3}\"",
            ),
            ("a FETCH 1 BODY[TEXT", "expected \"]\" at octet 20, found the end"),
            (
                "a FETCH 1 BODY[]<0>",
                "expected a partial like <0.1024> at octet 17, found \"<0>\"",
            ),
            (
                "a FETCH 1 BODY[]<0.0>",
                "expected a number from 1 to 4294967295 at octet 20, found \"0>\"",
            ),
            (
                "a FETCH 1 BODY[]<0.4294967296>",
                "expected a number from 1 to 4294967295 at octet 20, found \"4294967296>\"",
            ),
            (
                "a FETCH 1 BODY[]<.1>",
                "expected a number below 4294967296 at octet 18, found \".1>\"",
            ),
            (
                "a FETCH 1 RFC822<0.1>",
                "expected the end of the command at octet 17, found \"<0.1>\"",
            ),
            ("a FETCH 0 UID", "expected a sequence set at octet 9, found \"0\""),
            (
                "a FETCH 1,,2 UID",
                "expected a sequence set at octet 11, found \",2\"",
            ),
            (
                "a FETCH 1: UID",
                "expected a sequence set at octet 9, found \"1:\"",
            ),
            (
                "a FETCH ,1 UID",
                "expected a sequence set at octet 9, found \",1\"",
            ),
            ("a FETCH $ UID", "expected a sequence set at octet 9, found \"$\""),
            (
                "a FETCH 1:2:3 UID",
                "expected a sequence set at octet 9, found \"1:2:3\"",
            ),
            (
                "a FETCH 4294967296 UID",
                "expected a sequence set at octet 9, found \"4294967296\"",
            ),
        ],
    );
}

#[test]
fn items_have_limits() {
    let part = |levels| format!("a FETCH 1 BODY[{}]", vec!["1"; levels].join("."));
    let items = |n| format!("a FETCH 1 ({})", vec!["UID"; n].join(" "));
    let ranges = |n| format!("a FETCH {} UID", vec!["7"; n].join(","));
    let ok = |command: String| {
        head(command.as_bytes())
            .and_then(|mut head| parse(&mut head.args))
            .map(drop)
    };
    let error = |command| ok(command).unwrap_err().to_string();
    assert_eq!(ok(part(32)), Ok(()));
    assert_eq!(
        error(part(33)),
        "expected at most 32 levels of parts at octet 80, found \"1]\""
    );
    assert_eq!(ok(items(200)), Ok(()));
    assert_eq!(
        error(items(201)),
        "expected at most 200 FETCH items at octet 812, found \"UID\""
    );
    let names = |n| format!("a FETCH 1 BODY[HEADER.FIELDS ({})]", vec!["To"; n].join(" "));
    assert_eq!(ok(names(200)), Ok(()));
    assert_eq!(
        error(names(201)),
        "expected at most 200 header fields at octet 631, found \"To\""
    );
    assert_eq!(ok(ranges(10_000)), Ok(()));
    assert_eq!(
        error(ranges(10_001)),
        "expected at most 10000 items in a sequence set at octet 9, found \"7,7,7,7,7,7,7,7,7,7,...\""
    );
}
