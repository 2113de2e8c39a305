//! SEARCH keys, shown as the postfix programs that they become.

use super::*;
use crate::imap::ast::{SearchKey, SearchOp, SearchProgram, SearchReturn};

fn show(program: SearchProgram) -> String {
    let op = |op: &SearchOp| match op {
        SearchOp::Not => "not".to_owned(),
        SearchOp::Or => "or".to_owned(),
        SearchOp::And => "and".to_owned(),
        SearchOp::Key(key) => show_key(key),
    };
    program.ops.iter().map(op).collect::<Vec<_>>().join(" ")
}

fn show_key(key: &SearchKey) -> String {
    match key {
        SearchKey::All => "all".into(),
        SearchKey::Numbers(set) => sequence_set(set),
        SearchKey::Uids(set) => format!("uid:{}", sequence_set(set)),
        SearchKey::Flag(flag) => flag.name().into(),
        SearchKey::Keyword(keyword) => keyword.as_str().into(),
        SearchKey::Recent => "recent".into(),
        SearchKey::Internal(relation, day) => format!("internal:{relation:?}:{}", date(*day)),
        SearchKey::Sent(relation, day) => format!("sent:{relation:?}:{}", date(*day)),
        SearchKey::Larger(size) => format!(">{size}"),
        SearchKey::Smaller(size) => format!("<{size}"),
        SearchKey::Header { name, text, .. } => format!("{name}:{text:?}"),
        SearchKey::Body(text) => format!("body:{text:?}"),
        SearchKey::Text(text) => format!("text:{text:?}"),
        SearchKey::Saved(relation, day) => format!("saved:{relation:?}:{}", date(*day)),
        SearchKey::EmailId(id) => format!("email:{id}"),
        SearchKey::ThreadId => "thread".into(),
        SearchKey::Older(age_s) => format!("older:{age_s}"),
        SearchKey::Younger(age_s) => format!("younger:{age_s}"),
        SearchKey::ModSeq(at_least) => format!("modseq:{}", at_least.0),
    }
}

fn date(day: crate::wire::date::Day) -> String {
    format!("{day:?}")
}

#[test]
fn keys_of_extensions() {
    let day = date(crate::wire::date::Day::of(0));
    let saved = format!("saved:Before:{day} saved:On:{day} and saved:Since:{day} and");
    let long = format!("a SEARCH EMAILID {}", "x".repeat(256));
    check(
        Cursor::search,
        show,
        &[
            // RFC 8514, 5
            (
                "a SEARCH SAVEDBEFORE 1-Jan-1970 SAVEDON 1-Jan-1970 SAVEDSINCE \"1-Jan-1970\"",
                &saved,
            ),
            ("a SEARCH SAVEDATESUPPORTED", "all"),
            // RFC 5032, 3 and 4
            ("a1 SEARCH UNSEEN YOUNGER 259200", "\\Seen not younger:259200 and"),
            ("a SEARCH NOT older 4294967295", "older:4294967295 not"),
            (
                "a SEARCH OLDER 0",
                "expected a number from 1 to 4294967295 at octet 16, found \"0\"",
            ),
            (
                "a SEARCH YOUNGER 4294967296",
                "expected a number from 1 to 4294967295 at octet 18, found \"4294967296\"",
            ),
            (
                "a SEARCH YOUNGER -1",
                "expected a number from 1 to 4294967295 at octet 18, found \"-1\"",
            ),
            // RFC 8474, 7
            ("a SEARCH EMAILID M-_09aZ", "email:M-_09aZ"),
            ("a SEARCH NOT THREADID T1", "thread not"),
            ("a SEARCH EMAILID", "expected a space at octet 17, found the end"),
            (
                "a SEARCH EMAILID \"M\"",
                "expected an object id of at most 255 letters, digits, \"_\" and \"-\" at octet 18, found \"\\\"M\\\"\"",
            ),
            (
                &long,
                "expected an object id of at most 255 letters, digits, \"_\" and \"-\" at octet 18, found \"xxxxxxxxxxxxxxxxxxxx...\"",
            ),
        ],
    );
}

#[test]
fn keys() {
    check(
        Cursor::search,
        show,
        &[
            // RFC 3501, 6.4.4
            ("a SEARCH ALL", "all"),
            ("a SEARCH 1,5:*,2", "1:2,5:9"),
            ("a search answered deleted", "\\Answered \\Deleted and"),
            ("a SEARCH UNANSWERED", "\\Answered not"),
            ("a SEARCH UNDELETED", "\\Deleted not"),
            ("a SEARCH UNDRAFT", "\\Draft not"),
            ("a SEARCH UNFLAGGED", "\\Flagged not"),
            ("a SEARCH UNSEEN", "\\Seen not"),
            ("a SEARCH DRAFT FLAGGED SEEN", "\\Draft \\Flagged and \\Seen and"),
            ("a SEARCH RECENT", "recent"),
            ("a SEARCH OLD", "recent not"),
            ("a SEARCH NEW", "recent \\Seen not and"),
            (
                "a SEARCH KEYWORD $Junk UNKEYWORD NonJunk",
                "$Junk NonJunk not and",
            ),
            ("a SEARCH LARGER 0 SMALLER 4294967295", ">0 <4294967295 and"),
            ("a SEARCH UID 1:*", "uid:1:9"),
            (
                "a SEARCH BCC a CC b FROM c TO d",
                "BCC:\"a\" CC:\"b\" and FROM:\"c\" and TO:\"d\" and",
            ),
            ("a SEARCH SUBJECT \"\"", "SUBJECT:\"\""),
            ("a SEARCH HEADER Message-ID <X@y>", "Message-ID:\"<x@y>\""),
            (
                "a SEARCH BODY Foo TEXT {7}\r\nBar baz",
                "body:\"foo\" text:\"bar baz\" and",
            ),
            (
                "a SEARCH CHARSET UTF-8 TEXT {9}\r\n\u{c4}\u{d6} \u{41f}\u{420}",
                "text:\"äö пр\"",
            ),
            ("a SEARCH CHARSET \"us-ascii\" TEXT X", "text:\"x\""),
        ],
    );
}

#[test]
fn nesting() {
    check(
        Cursor::search,
        show,
        &[
            ("a SEARCH NOT SEEN", "\\Seen not"),
            ("a SEARCH NOT NOT SEEN", "\\Seen not not"),
            ("a SEARCH NOT NEW", "recent \\Seen not and not"),
            ("a SEARCH OR SEEN DRAFT", "\\Seen \\Draft or"),
            ("a SEARCH OR SEEN DRAFT 1", "\\Seen \\Draft or 1 and"),
            ("a SEARCH 1 OR SEEN DRAFT 2", "1 \\Seen \\Draft or and 2 and"),
            ("a SEARCH OR OR 1 2 3", "1 2 or 3 or"),
            ("a SEARCH OR 1 OR 2 3", "1 2 3 or or"),
            ("a SEARCH OR NOT 1 NOT 2", "1 not 2 not or"),
            ("a SEARCH NOT (1 2)", "1 2 and not"),
            ("a SEARCH (1)", "1"),
            ("a SEARCH ((1 2) (3 4))", "1 2 and 3 4 and and"),
            ("a SEARCH OR (1 2) (3 OR 4 5)", "1 2 and 3 4 5 or and or"),
        ],
    );
}

#[test]
fn dates() {
    let day = date(crate::wire::date::parse_day(b"1-Feb-1994").unwrap());
    for (key, shown) in [
        ("BEFORE", "internal:Before"),
        ("ON", "internal:On"),
        ("SINCE", "internal:Since"),
        ("SENTBEFORE", "sent:Before"),
        ("SENTON", "sent:On"),
        ("SENTSINCE", "sent:Since"),
    ] {
        let shown = format!("{shown}:{day}");
        check(
            Cursor::search,
            show,
            &[
                (&format!("a SEARCH {key} 1-Feb-1994"), &shown),
                (&format!("a SEARCH {key} \"1-Feb-1994\""), &shown),
                (&format!("a SEARCH {key} 01-feb-1994"), &shown),
            ],
        );
    }
}

#[test]
fn broken_keys() {
    check(
        Cursor::search,
        show,
        &[
            ("a SEARCH", "expected a space at octet 9, found the end"),
            ("a SEARCH ", "expected a SEARCH key at octet 10, found the end"),
            ("a SEARCH FOO", "expected a SEARCH key at octet 10, found \"FOO\""),
            (
                "a SEARCH RETURN (MIN) ALL",
                "expected a SEARCH key at octet 10, found \"RETURN\"",
            ),
            (
                "a SEARCH SEEN ",
                "expected a SEARCH key at octet 15, found the end",
            ),
            (
                "a SEARCH SEEN  DRAFT",
                "expected a SEARCH key at octet 15, found \" \"",
            ),
            ("a SEARCH NOT", "expected a space at octet 13, found the end"),
            (
                "a SEARCH NOT ",
                "expected a SEARCH key at octet 14, found the end",
            ),
            ("a SEARCH OR SEEN", "expected a space at octet 17, found the end"),
            ("a SEARCH ()", "expected a SEARCH key at octet 11, found \")\""),
            (
                "a SEARCH (SEEN",
                "expected a space or \")\" at octet 15, found the end",
            ),
            (
                "a SEARCH (SEEN))",
                "expected the end of the command at octet 16, found \")\"",
            ),
            (
                "a SEARCH SEEN)",
                "expected the end of the command at octet 14, found \")\"",
            ),
            (
                "a SEARCH (OR SEEN) DRAFT",
                "expected a space at octet 18, found \")\"",
            ),
            ("a SEARCH FROM", "expected a space at octet 14, found the end"),
            (
                "a SEARCH FROM (a)",
                "expected an atom or a string at octet 15, found \"(\"",
            ),
            (
                "a SEARCH TEXT {2}\r\n\u{fc}",
                "expected US-ASCII, since no other charset is named, at octet 15, found \"{2}\"",
            ),
            (
                "a SEARCH CHARSET KOI8-R ALL",
                "expected the charset US-ASCII or UTF-8 at octet 18, found \"KOI8-R\"",
            ),
            (
                "a SEARCH CHARSET UTF-8",
                "expected a space at octet 23, found the end",
            ),
            (
                "a SEARCH ALL CHARSET UTF-8",
                "expected a SEARCH key at octet 14, found \"CHARSET\"",
            ),
            (
                "a SEARCH LARGER -1",
                "expected a number below 4294967296 at octet 17, found \"-1\"",
            ),
            (
                "a SEARCH LARGER 4294967296",
                "expected a number below 4294967296 at octet 17, found \"4294967296\"",
            ),
            (
                "a SEARCH KEYWORD \\Seen",
                "expected a keyword of at most 50 characters at octet 18, found \"\\\\Seen\"",
            ),
            (
                "a SEARCH HEADER a: b",
                "expected the name of a header field at octet 17, found \"a:\"",
            ),
            (
                "a SEARCH SINCE 31-Feb-2026",
                "expected a date like 1-Feb-2026 at octet 16, found \"31-Feb-2026\"",
            ),
            (
                "a SEARCH SINCE \"1-Feb-2026",
                "expected a date like 1-Feb-2026 at octet 16, found \"\\\"1-Feb-2026\"",
            ),
            (
                "a SEARCH SINCE 2026-02-01",
                "expected a date like 1-Feb-2026 at octet 16, found \"2026-02-01\"",
            ),
            (
                "a SEARCH UID a",
                "expected a sequence set at octet 14, found \"a\"",
            ),
        ],
    );
}

#[test]
fn results_of_an_extended_search() {
    let show = |returns: Option<SearchReturn>| match returns {
        None => "none".to_owned(),
        Some(returns) => words(&[
            (returns.min, "min"),
            (returns.max, "max"),
            (returns.all, "all"),
            (returns.count, "count"),
        ]),
    };
    let whole = |args: &mut Cursor<'_>| {
        let returns = args.search_return()?;
        args.search()?;
        Ok(returns)
    };
    check(
        whole,
        show,
        &[
            // RFC 4731, 3.1
            (
                "A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
                "min count",
            ),
            ("A283 SEARCH RETURN () FLAGGED", "all"),
            ("A285 UID SEARCH RETURN (MIN MAX) 1:5000", "min max"),
            ("a SEARCH return (all Count ALL) CHARSET UTF-8 1", "all count"),
            ("a SEARCH 1", "none"),
            (
                "a SEARCH RETURN (SAVE) 1",
                "expected MIN, MAX, ALL or COUNT at octet 18, found \"SAVE\"",
            ),
            (
                "a SEARCH RETURN MIN 1",
                "expected \"(\" at octet 17, found \"MIN\"",
            ),
            (
                "a SEARCH RETURN (MIN)",
                "expected a space at octet 22, found the end",
            ),
            (
                "a SEARCH RETURN(MIN) 1",
                "expected a space at octet 16, found \"(\"",
            ),
            (
                "a SEARCH RETURN () RETURN () 1",
                "expected a SEARCH key at octet 20, found \"RETURN\"",
            ),
        ],
    );
}

#[test]
fn octets_of_a_charset_are_checked() {
    let command = b"a SEARCH CHARSET UTF-8 TEXT {1}\r\n\xff";
    let error = head(command).unwrap().args.search().unwrap_err();
    assert_eq!(error.to_string(), "expected UTF-8 at octet 29, found \"{1}\"");
}

#[test]
fn keys_have_limits() {
    let parse = |command: &str| head(command.as_bytes()).unwrap().args.search();
    let error = |command: &str| parse(command).unwrap_err().to_string();
    let keys = |n| format!("a SEARCH{}", " 1".repeat(n));
    assert_eq!(parse(&keys(1000)).unwrap().ops.len(), 1999);
    assert_eq!(
        error(&keys(1001)),
        "expected at most 1000 SEARCH keys at octet 2010, found \"1\""
    );
    assert_eq!(
        error(&format!("a SEARCH {}1", "NOT ".repeat(1000))),
        "expected at most 1000 SEARCH keys at octet 4010, found \"1\""
    );
    let nested = |n| format!("a SEARCH {}1{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(parse(&nested(32)).unwrap().ops.len(), 1);
    assert_eq!(
        error(&nested(33)),
        "expected at most 32 open parentheses at octet 42, found \"(\""
    );
    let siblings = format!("a SEARCH{}", " (1)".repeat(400));
    assert_eq!(parse(&siblings).unwrap().ops.len(), 799);
}
