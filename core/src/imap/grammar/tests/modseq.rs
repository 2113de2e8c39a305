//! Parameters of SELECT, modifiers of FETCH and STORE, MODSEQ of SEARCH.

use super::*;
use crate::imap::ast::{FetchModifiers, SelectParams};

fn select(args: &mut Cursor<'_>) -> Result<SelectParams, Syntax> {
    args.sp()?;
    args.mailbox()?;
    args.select_params()
}

fn show_select(params: SelectParams) -> String {
    let resync = params.resync.map(|resync| {
        let known = resync.known.map(|known| format!(" known {known}"));
        let matches = resync
            .matches
            .map(|pairs| format!(" {}={}", pairs.numbers, pairs.uids));
        let (known, matches) = (known.unwrap_or_default(), matches.unwrap_or_default());
        format!("{} {}{known}{matches}", resync.uid_validity, resync.modseq.0)
    });
    words(&[
        (params.condstore, "condstore"),
        (resync.is_some(), &resync.unwrap_or_default()),
    ])
}

#[test]
fn select_parameters() {
    check(
        select,
        show_select,
        &[
            ("a SELECT x", ""),
            ("a SELECT x (condstore)", "condstore"),
            (
                "a SELECT x (QRESYNC (67890007 20050715194045000 41,43:211,214:541))",
                "67890007 20050715194045000 known 41,43:211,214:541",
            ),
            ("a SELECT x (QRESYNC (1 2) CONDSTORE)", "condstore 1 2"),
            ("a SELECT x (QRESYNC (1 2 (1:3,9 5,7,8:9)))", "1 2 1:3,9=5,7:9"),
            (
                "a SELECT x (QRESYNC (1 9223372036854775807 7:5 (1 2)))",
                "1 9223372036854775807 known 5:7 1=2",
            ),
            (
                "a SELECT x (QRESYNC (1 9223372036854775808))",
                "expected a MODSEQ from 1 to 9223372036854775807 at octet 24, found \"9223372036854775808\"",
            ),
            (
                "a SELECT x (QRESYNC (1 0))",
                "expected a MODSEQ from 1 to 9223372036854775807 at octet 24, found \"0\"",
            ),
            (
                "a SELECT x (QRESYNC (1 1 1:*))",
                "expected an ascending sequence set without \"*\" at octet 26, found \"1:*\"",
            ),
            (
                "a SELECT x (QRESYNC (1 1 (2,1 3,4)))",
                "expected an ascending sequence set without \"*\" at octet 27, found \"2,1\"",
            ),
            (
                "a SELECT x (QRESYNC (1 1 (1:3 3,4)))",
                "expected as many UIDs as sequence numbers at octet 31, found \"3,4\"",
            ),
            (
                "a SELECT x (QRESYNC (1 1) QRESYNC (1 1))",
                "expected CONDSTORE or QRESYNC, each once, at octet 27, found \"QRESYNC\"",
            ),
            (
                "a SELECT x (ANNOTATE)",
                "expected CONDSTORE or QRESYNC, each once, at octet 13, found \"ANNOTATE\"",
            ),
            ("a SELECT x ", "expected \"(\" at octet 12, found the end"),
        ],
    );
}

#[test]
fn fetch_modifiers() {
    let show = |modifiers: FetchModifiers| {
        format!(
            "{:?} {}",
            modifiers.changed_since.map(|since| since.0),
            modifiers.vanished
        )
    };
    check(
        |args| args.fetch_modifiers(true),
        show,
        &[
            ("a X", "None false"),
            ("a X (ChangedSince 5)", "Some(5) false"),
            ("a X (VANISHED CHANGEDSINCE 5)", "Some(5) true"),
            (
                "a X (VANISHED)",
                "expected CHANGEDSINCE beside VANISHED at octet 5, found \"(\"",
            ),
            (
                "a X (CHANGEDSINCE 0)",
                "expected a MODSEQ from 1 to 9223372036854775807 at octet 19, found \"0\"",
            ),
            (
                "a X ()",
                "expected CHANGEDSINCE, or in UID FETCH also VANISHED, each once, at octet 6, found \")\"",
            ),
        ],
    );
    check(
        |args| args.fetch_modifiers(false),
        show,
        &[(
            "a X (CHANGEDSINCE 5 VANISHED)",
            "expected CHANGEDSINCE, or in UID FETCH also VANISHED, each once, at octet 21, found \"VANISHED\"",
        )],
    );
}

#[test]
fn conditions_of_store_and_search() {
    check(
        one(|args: &mut Cursor<'_>| {
            let since = args.store_modifiers()?;
            args.store_item().map(|_| since)
        }),
        |since| format!("{:?}", since.map(|since| since.0)),
        &[
            ("a X FLAGS x", "None"),
            ("a X (unchangedsince 0) FLAGS x", "Some(0)"),
            (
                "a X (UNCHANGEDSINCE 7)FLAGS x",
                "expected a space at octet 23, found \"FLAGS\"",
            ),
            (
                "a X (UNCHANGEDSINCE 7 UNCHANGEDSINCE 8) FLAGS x",
                "expected at most 1 STORE modifiers at octet 23, found \"UNCHANGEDSINCE\"",
            ),
            (
                "a X (X 7) FLAGS x",
                "expected UNCHANGEDSINCE at octet 6, found \"X\"",
            ),
        ],
    );
    check(
        Cursor::search_modseq,
        |modseq| modseq.0.to_string(),
        &[
            ("a MODSEQ 0", "0"),
            ("a MODSEQ \"/flags/\\\\draft\" all 620162338", "620162338"),
            ("a MODSEQ \"/FLAGS/x\" Priv 1", "1"),
            (
                "a MODSEQ \"/flags/\" all 1",
                "expected an entry like \"/flags/\\\\Seen\" at octet 10, found \"\\\"/flags/\\\"\"",
            ),
            (
                "a MODSEQ \"/flags/x\" 1",
                "expected priv, shared or all at octet 21, found \"1\"",
            ),
            (
                "a MODSEQ x",
                "expected a MODSEQ from 0 to 9223372036854775807 at octet 10, found \"x\"",
            ),
        ],
    );
}
