//! What holds for all input: no parser panics, and what is printed is parsed back.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::imap::ast::{BodySection, FetchItem, Partial, SectionText, Spelling};
use crate::store::{Flag, Flags, Keyword, Keywords, MailboxName};

/// Octets that parsers stumble over, more often than chance would have it.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|octet| vec![octet]),
        proptest::sample::select(&b" ()[]<>{}+*%,:.\"\\~&-\r\n0123456789"[..]).prop_map(|octet| vec![octet]),
        proptest::sample::select(
            &[
                "NOT ",
                "OR ",
                "(",
                "BODY[",
                "HEADER.FIELDS (",
                "1:*",
                "{1}\r\n",
                "RETURN (",
                "CHARSET UTF-8 ",
                "\\Seen"
            ][..]
        )
        .prop_map(|word| word.as_bytes().to_vec()),
        proptest::sample::select(
            &[
                "SINCE 1-Feb-1994 ",
                "FROM a ",
                "FLAGS",
                "UID",
                "<0.1>",
                "NIL ",
                "=",
                "\"x\" "
            ][..]
        )
        .prop_map(|word| word.as_bytes().to_vec()),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Runs every parser there is; each ends within the command, and each error points into it or right behind it.
fn parse_all(octets: &[u8]) {
    fn run<T>(octets: &[u8], parse: impl Fn(&mut Cursor<'_>) -> Result<T, Syntax>) {
        let mut cursor = Cursor::new(octets);
        if let Err(error) = parse(&mut cursor) {
            assert!((1..=octets.len() + 1).contains(&error.at), "{error}");
            assert!(
                error
                    .to_string()
                    .bytes()
                    .all(|octet| octet.is_ascii_graphic() || octet == b' '),
                "{error}"
            );
        }
        assert!(cursor.position() <= octets.len());
    }
    run(octets, |_| head(octets).map(drop));
    run(octets, |args| args.mailbox().map(drop));
    run(octets, |args| args.new_mailbox().map(drop));
    run(octets, |args| args.list_pattern().map(drop));
    run(octets, |args| args.astring().map(drop));
    run(octets, |args| args.string().map(drop));
    run(octets, |args| args.nstring().map(drop));
    run(octets, |args| args.sequence_set().map(drop));
    run(octets, |args| args.flags().map(drop));
    run(octets, |args| args.store_item().map(drop));
    run(octets, |args| args.select_params().map(drop));
    run(octets, |args| args.fetch_modifiers(true).map(drop));
    run(octets, |args| args.store_modifiers().map(drop));
    run(octets, |args| args.search_modseq().map(drop));
    run(octets, |args| args.fetch_items().map(drop));
    run(octets, |args| args.search().map(drop));
    run(octets, |args| args.search_return().map(drop));
    run(octets, |args| args.status_items().map(drop));
    run(octets, |args| args.list_args().map(drop));
    run(octets, |args| args.lsub_args().map(drop));
    run(octets, |args| args.append_args().map(drop));
    run(octets, |args| args.login_args().map(drop));
    run(octets, |args| args.authenticate_args().map(drop));
    run(octets, |args| args.id_args().map(drop));
    run(octets, |args| args.date().map(drop));
    run(octets, |args| args.date_time().map(drop));
    tag(octets);
}

fn keyword() -> impl Strategy<Value = Keyword> {
    "[A-Za-z$][A-Za-z0-9_.+-]{0,9}".prop_map(|name| Keyword::new(&name).unwrap())
}

fn field_name() -> impl Strategy<Value = String> {
    vec(
        (33u8..=126)
            .prop_filter("no colon", |&octet| octet != b':')
            .prop_map(char::from),
        1..12,
    )
    .prop_map(|chars| chars.into_iter().collect())
}

fn fetch_item() -> impl Strategy<Value = FetchItem> {
    let section = (
        vec(1u32.., 0..5),
        0..6,
        vec(field_name(), 1..4),
        any::<Option<(u32, u32)>>(),
        any::<bool>(),
    );
    prop_oneof![
        proptest::sample::select(
            &[
                FetchItem::Flags,
                FetchItem::Uid,
                FetchItem::Envelope,
                FetchItem::Body,
                FetchItem::BodyStructure
            ][..]
        ),
        section.prop_map(|(part, text, names, partial, peek)| {
            let text = match text {
                0 => SectionText::Header,
                1 => SectionText::Text,
                2 => SectionText::HeaderFields { names, not: false },
                3 => SectionText::HeaderFields { names, not: true },
                4 if !part.is_empty() => SectionText::Mime,
                _ => SectionText::Whole,
            };
            let partial = partial.map(|(offset, length)| Partial {
                offset,
                length: length.max(1),
            });
            FetchItem::Section(BodySection {
                part,
                text,
                partial,
                peek,
                spelling: Spelling::Body,
            })
        }),
    ]
}

fn printed(print: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
    let mut out = BytesMut::new();
    print(&mut out);
    out.to_vec()
}

/// Parses the whole of `octets`.
fn whole<'a, T>(
    octets: &'a [u8],
    parse: impl FnOnce(&mut Cursor<'a>) -> Result<T, Syntax>,
) -> Result<T, Syntax> {
    let mut cursor = Cursor::new(octets);
    let value = parse(&mut cursor)?;
    cursor.end()?;
    Ok(value)
}

proptest! {
    #[test]
    fn no_parser_panics(octets in octets()) {
        parse_all(&octets);
    }

    #[test]
    fn no_parser_panics_behind_a_command(octets in octets(), name in "(SEARCH|FETCH|LIST|STORE|APPEND|LOGIN|ID)") {
        if let Ok(head) = head(&[b"a ", name.as_bytes(), b" ", &octets].concat()) {
            parse_all(head.args.rest());
        }
    }

    #[test]
    fn strings(value in vec(1u8.., 0..40)) {
        let string = printed(|out| print::string(out, &value));
        prop_assert_eq!(&*whole(&string, |args| args.string().map(|value| value.into_owned())).unwrap(), &*value);
        let nstring = printed(|out| print::nstring(out, Some(&value)));
        let parsed = whole(&nstring, |args| args.nstring().map(|value| value.map(|value| value.into_owned())));
        prop_assert_eq!(parsed.unwrap(), Some(value));
    }

    #[test]
    fn astrings(value in vec(1u8..128, 0..12)) {
        let astring = printed(|out| print::astring(out, &value));
        prop_assert_eq!(&*whole(&astring, |args| args.astring().map(|value| value.into_owned())).unwrap(), &*value);
    }

    #[test]
    fn mailbox_names(name in "\\PC{1,20}") {
        if let Ok(name) = MailboxName::new(&name) {
            let octets = printed(|out| print::mailbox(out, &name));
            prop_assert!(octets.is_ascii());
            prop_assert_eq!(whole(&octets, Cursor::mailbox).unwrap(), name);
        }
    }

    #[test]
    fn flags(system in 0u64..32, names in vec(keyword(), 0..20)) {
        let mut keywords = Keywords::default();
        let bits = names.iter().filter_map(|name| keywords.find_or_add(name));
        let all = bits.fold(Flags(system), |all, bit| all | bit);
        let list = whole(&printed(|out| print::flags(out, all, &keywords, false)), Cursor::flags).unwrap();
        prop_assert_eq!(list.flags, Flags(system));
        prop_assert!(list.keywords.iter().map(Keyword::as_str).eq(keywords.names()));
    }

    #[test]
    fn fetch_items(items in vec(fetch_item(), 1..5)) {
        let text = format!("({})", items.iter().map(fetch::show).collect::<Vec<_>>().join(" "));
        prop_assert_eq!(whole(text.as_bytes(), Cursor::fetch_items).unwrap(), items, "{}", text);
    }
}

#[test]
fn printing() {
    let long = vec![b'x'; print::QUOTED_LEN_MAX + 1];
    let literal = [format!("{{{}}}\r\n", long.len()).as_bytes(), &long].concat();
    for (value, string, astring) in [
        (&b""[..], &b"\"\""[..], &b"\"\""[..]),
        (b"INBOX", b"\"INBOX\"", b"INBOX"),
        (b"nil", b"\"nil\"", b"\"nil\""),
        (b"a]b", b"\"a]b\"", b"a]b"),
        (b"a b", b"\"a b\"", b"\"a b\""),
        (b"\"\\", b"\"\\\"\\\\\"", b"\"\\\"\\\\\""),
        (b"a%", b"\"a%\"", b"\"a%\""),
        (b"a\r\nb", b"{4}\r\na\r\nb", b"{4}\r\na\r\nb"),
        (b"\xc3\xbc", b"{2}\r\n\xc3\xbc", b"{2}\r\n\xc3\xbc"),
        (b"a\0b", b"{3}\r\na?b", b"{3}\r\na?b"),
        (&long, &literal, &long),
    ] {
        assert_eq!(printed(|out| print::string(out, value)), string);
        assert_eq!(printed(|out| print::astring(out, value)), astring);
    }
    assert_eq!(printed(|out| print::nstring(out, None)), b"NIL");
    let mut keywords = Keywords::default();
    let junk = keywords.find_or_add(&Keyword::new("$Junk").unwrap()).unwrap();
    assert_eq!(
        printed(|out| print::flags(out, junk | Flag::Seen.into(), &keywords, true)),
        b"(\\Seen $Junk \\Recent)"
    );
    assert_eq!(
        printed(|out| print::flags(out, Flags::NONE, &keywords, false)),
        b"()"
    );
    let name = MailboxName::new("Entwürfe & mehr").unwrap();
    assert_eq!(
        printed(|out| print::mailbox(out, &name)),
        b"\"Entw&APw-rfe &- mehr\""
    );
}
