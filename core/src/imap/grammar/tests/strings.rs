//! Heads, strings, mailbox names.

use super::*;

#[test]
fn heads() {
    for (command, expected) in [
        ("a NOOP", "a NOOP"),
        ("a]1 noop", "a]1 NOOP"),
        ("A142 SELECT INBOX", "A142 SELECT \" INBOX\""),
        ("a uid fetch 1 FLAGS", "a UID FETCH \" 1 FLAGS\""),
        ("a UIDFETCH", "a UIDFETCH"),
        ("", "expected a tag at octet 1, found the end"),
        (" a NOOP", "expected a tag at octet 1, found \" \""),
        ("+ NOOP", "expected a tag at octet 1, found \"+\""),
        ("{3}\r\nabc NOOP", "expected a tag at octet 1, found \"{3}\""),
        ("a{3}\r\nabc NOOP", "expected a space at octet 2, found \"{3}\""),
        ("a\u{1}b NOOP", "expected a space at octet 2, found \"\\x01b\""),
        ("a", "expected a space at octet 2, found the end"),
        ("a ", "expected a command at octet 3, found the end"),
        ("a  NOOP", "expected a command at octet 3, found \" \""),
        ("a *", "expected a command at octet 3, found \"*\""),
        ("a UID", "expected a space at octet 6, found the end"),
        ("a UID ", "expected a command at octet 7, found the end"),
        (
            "a averyveryveryverylongname",
            "expected a command at octet 3, found \"averyveryveryverylon...\"",
        ),
        ("a \r\n", "expected a command at octet 3, found \"\\r\""),
    ] {
        let shown = match head(command.as_bytes()) {
            Ok(Head { tag, uid, name, args }) => {
                let uid = if uid { " UID" } else { "" };
                let rest = str::from_utf8(args.rest()).unwrap();
                let rest = if rest.is_empty() {
                    String::new()
                } else {
                    format!(" {rest:?}")
                };
                format!("{tag}{uid} {name}{rest}")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "{command:?}");
    }
}

#[test]
fn a_broken_command_is_answered_by_its_tag() {
    for (command, expected) in [
        ("a  NOOP", Some("a")),
        ("a", Some("a")),
        ("a\r\n", Some("a")),
        ("", None),
        ("+ x", None),
        ("a(b NOOP", None),
        ("\u{fc} NOOP", None),
    ] {
        assert_eq!(tag(command.as_bytes()), expected, "{command:?}");
    }
}

#[test]
fn mailboxes() {
    check(
        one(Cursor::mailbox),
        |name| name.to_string(),
        &[
            ("a SELECT INBOX", "INBOX"),
            ("a SELECT iNbOx", "INBOX"),
            ("a SELECT \"inbox\"", "INBOX"),
            ("a SELECT {5}\r\ninbox", "INBOX"),
            ("a SELECT {5+}\r\nSent1", "Sent1"),
            ("a SELECT \"Sent \\\\ \\\"x\\\"\"", "Sent \\ \"x\""),
            ("a SELECT a]b", "a]b"),
            ("a SELECT NIL", "NIL"),
            // RFC 3501, 5.1.3
            (
                "a SELECT ~peter/mail/&U,BTFw-/&ZeVnLIqe-",
                "~peter/mail/台北/日本語",
            ),
            ("a SELECT \"Entw&APw-rfe\"", "Entwürfe"),
            ("a SELECT &-", "&"),
            (
                "a SELECT &Jjo",
                "expected a mailbox name in modified UTF-7 at octet 10, found \"&Jjo\"",
            ),
            (
                "a SELECT &Jjo!",
                "expected a mailbox name in modified UTF-7 at octet 10, found \"&Jjo!\"",
            ),
            ("a SELECT", "expected a space at octet 9, found the end"),
            ("a SELECT ", "expected a mailbox name at octet 10, found the end"),
            ("a SELECT  x", "expected a mailbox name at octet 10, found \" \""),
            ("a SELECT\tx", "expected a space at octet 9, found \"\\tx\""),
            (
                "a SELECT x ",
                "expected the end of the command at octet 11, found \" \"",
            ),
            (
                "a SELECT x y",
                "expected the end of the command at octet 11, found \" \"",
            ),
            ("a SELECT )", "expected a mailbox name at octet 10, found \")\""),
            (
                "a SELECT \"\"",
                "expected a mailbox name without an empty level at octet 10, found \"\\\"\\\"\"",
            ),
            (
                "a SELECT a//b",
                "expected a mailbox name without an empty level at octet 10, found \"a//b\"",
            ),
            (
                "a SELECT a/",
                "expected a mailbox name without an empty level at octet 10, found \"a/\"",
            ),
            (
                "a SELECT \"a*b\"",
                "expected a mailbox name without control characters, \"%\" and \"*\" at octet 10, found \"\\\"a*b\\\"\"",
            ),
            (
                "a SELECT a*b",
                "expected the end of the command at octet 11, found \"*b\"",
            ),
            (
                "a SELECT \"x",
                "expected a 7-bit character or the closing quote at octet 12, found the end",
            ),
            (
                "a SELECT \"x\r\ny\"",
                "expected a 7-bit character or the closing quote at octet 12, found \"\\r\"",
            ),
            (
                "a SELECT \"ü\"",
                "expected a 7-bit character or the closing quote at octet 11, found \"\\xc3\\xbc\\\"\"",
            ),
            (
                "a SELECT \"a\0\"",
                "expected a 7-bit character or the closing quote at octet 12, found \"\\x00\\\"\"",
            ),
            (
                "a SELECT \"a\\nb\"",
                "expected a quote or a backslash at octet 13, found \"nb\\\"\"",
            ),
            (
                "a SELECT \"a\\",
                "expected a quote or a backslash at octet 13, found the end",
            ),
            (
                "a SELECT {5}\r\nab",
                "expected as many octets as the literal announces at octet 10, found \"{5}\"",
            ),
            (
                "a SELECT {2}\r\na\0",
                "expected a literal without NUL at octet 10, found \"{2}\"",
            ),
            (
                "a SELECT {2}\r\n\u{fc}",
                "expected a mailbox name in modified UTF-7 at octet 10, found \"{2}\"",
            ),
            (
                "a SELECT {99999999999999999999}\r\nab",
                "expected a literal at octet 10, found \"{9999999999999999999...\"",
            ),
            (
                "a SELECT {4294967296}\r\nab",
                "expected as many octets as the literal announces at octet 10, found \"{4294967296}\"",
            ),
            (
                "a SELECT {+5}\r\nabcde",
                "expected a literal at octet 10, found \"{+5}\"",
            ),
            (
                "a SELECT {5-}\r\nabcde",
                "expected a literal at octet 10, found \"{5-}\"",
            ),
            ("a SELECT {}\r\n", "expected a literal at octet 10, found \"{}\""),
            (
                "a SELECT {5}abcde",
                "expected a literal at octet 10, found \"{5}abcde\"",
            ),
            (
                "a SELECT ~{5}\r\nabcde",
                "expected the end of the command at octet 11, found \"{5}\"",
            ),
        ],
    );
}

#[test]
fn names_have_limits() {
    let deep = vec!["x"; 33].join("/");
    let found = |name: &str| format!("{}...", &name[..20]);
    let long = "x".repeat(256);
    check(
        one(Cursor::mailbox),
        |name| name.to_string(),
        &[
            (
                &format!("a SELECT {deep}"),
                &format!(
                    "expected a mailbox name of at most 32 levels at octet 10, found \"{}\"",
                    found(&deep)
                ),
            ),
            (
                &format!("a SELECT {long}"),
                &format!(
                    "expected a mailbox name of at most 1000 octets, 255 in each level, at octet 10, found \"{}\"",
                    found(&long)
                ),
            ),
        ],
    );
}

#[test]
fn a_created_mailbox_may_announce_inferiors() {
    check(
        one(Cursor::new_mailbox),
        |name| name.to_string(),
        &[
            // RFC 3501, 6.3.3
            ("A003 CREATE owatagusiam/", "owatagusiam"),
            ("A004 CREATE owatagusiam/blurdybloop", "owatagusiam/blurdybloop"),
            (
                "a CREATE /",
                "expected a mailbox name without an empty level at octet 10, found \"/\"",
            ),
            (
                "a CREATE a//",
                "expected a mailbox name without an empty level at octet 10, found \"a//\"",
            ),
        ],
    );
}
