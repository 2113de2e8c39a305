//! STORE, APPEND, STATUS, LIST, LOGIN, AUTHENTICATE, ID.

use super::*;
use crate::machine::Secret;

fn store(args: &mut Cursor<'_>) -> Result<String, Syntax> {
    args.sp()?;
    let set = args.sequence_set()?;
    args.sp()?;
    let StoreItem { change, silent, list } = args.store_item()?;
    let set = sequence_set(&set);
    Ok(format!(
        "{set} {change:?} {}[{}]",
        if silent { "silent " } else { "" },
        flag_list(&list)
    ))
}

#[test]
fn store_items() {
    let many = (0..58).map(|n| format!("k{n}")).collect::<Vec<_>>().join(" ");
    let long = "x".repeat(51);
    check(
        store,
        |shown| shown,
        &[
            // RFC 3501, 6.4.6
            ("A003 STORE 2:4 +FLAGS (\\Deleted)", "2:4 Add [\\Deleted]"),
            ("a STORE 1 FLAGS ()", "1 Replace []"),
            (
                "a STORE 1 -flags.silent (\\SEEN $Junk \\seen $JUNK)",
                "1 Remove silent [\\Seen $Junk]",
            ),
            (
                "a STORE 1 FLAGS.SILENT \\Draft NonJunk",
                "1 Replace silent [\\Draft NonJunk]",
            ),
            ("a STORE 1 FLAGS", "expected a space at octet 16, found the end"),
            ("a STORE 1 FLAGS ", "expected a flag at octet 17, found the end"),
            (
                "a STORE 1 * FLAGS x",
                "expected FLAGS, +FLAGS or -FLAGS, with or without .SILENT, at octet 11, found \"*\"",
            ),
            (
                "a STORE 1 + FLAGS x",
                "expected FLAGS, +FLAGS or -FLAGS, with or without .SILENT, at octet 11, found \"+\"",
            ),
            (
                "a STORE 1 FLAGS.LOUD x",
                "expected FLAGS, +FLAGS or -FLAGS, with or without .SILENT, at octet 11, found \"FLAGS.LOUD\"",
            ),
            (
                "a STORE 1 FLAGS (\\Recent)",
                "expected one of \\Answered, \\Flagged, \\Deleted, \\Seen, \\Draft at octet 18, found \"\\\\Recent\"",
            ),
            (
                "a STORE 1 FLAGS \\",
                "expected one of \\Answered, \\Flagged, \\Deleted, \\Seen, \\Draft at octet 17, found \"\\\\\"",
            ),
            (
                "a STORE 1 FLAGS (a  b)",
                "expected a flag at octet 20, found \" \"",
            ),
            (
                "a STORE 1 FLAGS (a b",
                "expected a space or \")\" at octet 21, found the end",
            ),
            (
                "a STORE 1 FLAGS a]",
                "expected the end of the command at octet 18, found \"]\"",
            ),
            (
                "a STORE 1 FLAGS \"a\"",
                "expected a flag at octet 17, found \"\\\"a\\\"\"",
            ),
            (
                &format!("a STORE 1 FLAGS {long}"),
                &format!(
                    "expected a keyword of at most 50 characters at octet 17, found \"{}...\"",
                    &long[..20]
                ),
            ),
            (
                &format!("a STORE 1 FLAGS ({many})"),
                "expected at most 57 keywords at octet 236, found \"k57\"",
            ),
        ],
    );
}

#[test]
fn appends() {
    let parse = |args: &mut Cursor<'_>| {
        let (mailbox, message) = args.append_args()?;
        let Announced {
            size,
            non_sync,
            binary,
        } = message.literal;
        let date = message
            .internal_date_s
            .map_or("now".into(), |seconds| seconds.to_string());
        let kind = words(&[(non_sync, "non-sync"), (binary, "binary")]);
        Ok(format!(
            "{mailbox} [{}] {date} {size} {kind}",
            flag_list(&message.list)
        ))
    };
    check(
        parse,
        |shown| shown,
        &[
            // RFC 3501, 6.3.11
            (
                "A003 APPEND saved-messages (\\Seen) {310}",
                "saved-messages [\\Seen] now 310 ",
            ),
            ("a APPEND {5}\r\ninbox {310+}", "INBOX [] now 310 non-sync"),
            ("a APPEND x ~{5}", "x [] now 5 binary"),
            ("a APPEND x () ~{5+}", "x [] now 5 non-sync binary"),
            (
                "a APPEND x \" 7-Feb-1994 21:52:25 -0800\" {5}",
                "x [] 760686745 5 ",
            ),
            (
                "a APPEND x (\\Draft $Forwarded) \"17-Jul-1996 02:44:25 -0700\" {0}",
                "x [\\Draft $Forwarded] 837596665 0 ",
            ),
            ("a APPEND x", "expected a space at octet 11, found the end"),
            ("a APPEND x ", "expected a literal at octet 12, found the end"),
            (
                "a APPEND x \"text\"",
                "expected a date and time like \"01-Feb-2026 09:00:00 +0100\" at octet 12, found \"\\\"text\\\"\"",
            ),
            (
                "a APPEND x \"7-Feb-1994 21:52:25 -0800\" {5}",
                "expected a date and time like \"01-Feb-2026 09:00:00 +0100\" at octet 12, found \"\\\"7-Feb-1994\"",
            ),
            (
                "a APPEND x (\\Recent) {5}",
                "expected one of \\Answered, \\Flagged, \\Deleted, \\Seen, \\Draft at octet 13, found \"\\\\Recent\"",
            ),
            ("a APPEND x {5", "expected a literal at octet 12, found \"{5\""),
            (
                "a APPEND x {5} ",
                "expected the end of the command at octet 15, found \" \"",
            ),
            (
                "a APPEND x {18446744073709551616}",
                "expected a literal at octet 12, found \"{1844674407370955161...\"",
            ),
            (
                "a APPEND x {5}\r\nabcde",
                "expected the end of the command at octet 15, found \"\\r\"",
            ),
        ],
    );
}

#[test]
fn status_items() {
    let parse = |args: &mut Cursor<'_>| {
        args.sp()?;
        let mailbox = args.mailbox()?;
        args.sp()?;
        Ok(format!("{mailbox} {:?}", args.status_items()?))
    };
    check(
        parse,
        |shown| shown,
        &[
            // RFC 3501, 6.3.10
            (
                "A042 STATUS blurdybloop (UIDNEXT MESSAGES)",
                "blurdybloop [UidNext, Messages]",
            ),
            (
                "a STATUS x (recent uidvalidity unseen)",
                "x [Recent, UidValidity, Unseen]",
            ),
            // RFC 8474, 7; RFC 7889, 5
            ("a STATUS x (mailboxid APPENDLIMIT)", "x [MailboxId, AppendLimit]"),
            ("a STATUS x ()", "expected a STATUS item at octet 13, found \")\""),
            (
                "a STATUS x MESSAGES",
                "expected \"(\" at octet 12, found \"MESSAGES\"",
            ),
            // RFC 8438, 3
            (
                "A01 STATUS frop (MESSAGES SIZE UIDNEXT)",
                "frop [Messages, Size, UidNext]",
            ),
            (
                "a STATUS x (DELETED)",
                "expected a STATUS item at octet 13, found \"DELETED\"",
            ),
            (
                "a STATUS (MESSAGES)",
                "expected a mailbox name at octet 10, found \"(\"",
            ),
        ],
    );
}

fn show_list(list: ListArgs) -> String {
    let ListArgs {
        select,
        reference,
        patterns,
        returns,
        extended,
    } = list;
    let select = words(&[
        (select.subscribed, "subscribed"),
        (select.remote, "remote"),
        (select.recursive_match, "recursive"),
        (select.special_use, "special-use"),
    ]);
    let returns = words(&[
        (returns.subscribed, "subscribed"),
        (returns.children, "children"),
        (returns.special_use, "special-use"),
        (
            !returns.status.is_empty(),
            &format!("status {:?}", returns.status),
        ),
    ]);
    let extended = if extended { "extended " } else { "" };
    format!("{extended}({select}) {reference:?} {patterns:?} ({returns})")
}

#[test]
fn lists() {
    check(
        Cursor::list_args,
        show_list,
        &[
            // RFC 3501, 6.3.8
            ("A101 LIST \"\" \"\"", "() \"\" [\"\"] ()"),
            (
                "A102 LIST #news.comp.mail.misc \"\"",
                "() \"#news.comp.mail.misc\" [\"\"] ()",
            ),
            ("A202 LIST ~/Mail/ %", "() \"~/Mail/\" [\"%\"] ()"),
            ("a LIST \"\" Entw&APw-*]", "() \"\" [\"Entwü*]\"] ()"),
            // RFC 5258, 5
            (
                "A02 LIST (SUBSCRIBED) \"\" \"*\"",
                "extended (subscribed) \"\" [\"*\"] ()",
            ),
            (
                "A03 LIST () \"\" \"%\" RETURN (CHILDREN)",
                "extended () \"\" [\"%\"] (children)",
            ),
            (
                "A05 LIST (REMOTE RECURSIVEMATCH SUBSCRIBED) \"\" \"%\"",
                "extended (subscribed remote recursive) \"\" [\"%\"] ()",
            ),
            (
                "BBB LIST \"\" (\"INBOX\" \"Drafts\" \"Sent/%\")",
                "extended () \"\" [\"INBOX\", \"Drafts\", \"Sent/%\"] ()",
            ),
            // RFC 6154, 5
            (
                "t2 LIST (SPECIAL-USE) \"\" \"*\"",
                "extended (special-use) \"\" [\"*\"] ()",
            ),
            (
                "t3 LIST \"\" (\"INBOX\" \"Sent/%\") return (Special-Use CHILDREN SUBSCRIBED)",
                "extended () \"\" [\"INBOX\", \"Sent/%\"] (subscribed children special-use)",
            ),
            // RFC 5819, 3; RFC 8438, 3
            (
                "A01 LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN))",
                "extended () \"\" [\"%\"] (status [Messages, Unseen])",
            ),
            (
                "A02 LIST \"\" % RETURN (subscribed status (size) CHILDREN)",
                "extended () \"\" [\"%\"] (subscribed children status [Size])",
            ),
            (
                "a LIST \"\" % RETURN (STATUS)",
                "expected a space at octet 27, found \")\"",
            ),
            (
                "a LIST \"\" % RETURN (STATUS ())",
                "expected a STATUS item at octet 29, found \")\"",
            ),
            ("a LIST \"\" % RETURN ()", "extended () \"\" [\"%\"] ()"),
            ("a LIST \"\"", "expected a space at octet 10, found the end"),
            ("a LIST * *", "expected a mailbox name at octet 8, found \"*\""),
            (
                "a LIST \"\" (",
                "expected a mailbox name or pattern at octet 12, found the end",
            ),
            (
                "a LIST \"\" ()",
                "expected a mailbox name or pattern at octet 12, found \")\"",
            ),
            (
                "a LIST (FOO) \"\" *",
                "expected SUBSCRIBED, REMOTE, RECURSIVEMATCH or SPECIAL-USE at octet 9, found \"FOO\"",
            ),
            (
                "a LIST (RECURSIVEMATCH) \"\" *",
                "expected SUBSCRIBED beside RECURSIVEMATCH at octet 8, found \"(\"",
            ),
            (
                "a LIST (REMOTE RECURSIVEMATCH) \"\" *",
                "expected SUBSCRIBED beside RECURSIVEMATCH at octet 8, found \"(\"",
            ),
            (
                "a LIST \"\" * RETURN",
                "expected a space at octet 19, found the end",
            ),
            ("a LIST \"\" * FOO", "expected RETURN at octet 13, found \"FOO\""),
            (
                "a LIST \"\" * RETURN (MYRIGHTS)",
                "expected SUBSCRIBED, CHILDREN, SPECIAL-USE or STATUS at octet 21, found \"MYRIGHTS\"",
            ),
            ("a LIST \"\" * ", "expected RETURN at octet 13, found the end"),
            (
                &format!("a LIST \"\" ({})", ["%"; 21].join(" ")),
                "expected at most 20 patterns at octet 52, found \"%\"",
            ),
            (
                &format!("a LIST {} %", "x".repeat(1001)),
                "expected at most 1000 octets in a reference at octet 8, found \"xxxxxxxxxxxxxxxxxxxx...\"",
            ),
            (
                &format!("a LIST \"\" {}", "%".repeat(1001)),
                "expected at most 1000 octets in a pattern at octet 11, found \"%%%%%%%%%%%%%%%%%%%%...\"",
            ),
        ],
    );
    check(
        Cursor::lsub_args,
        |(reference, pattern)| format!("{reference:?} {pattern:?}"),
        &[
            (
                "A002 LSUB \"#news.\" \"comp.mail.*\"",
                "\"#news.\" \"comp.mail.*\"",
            ),
            (
                "a LSUB \"\" (a b)",
                "expected a mailbox name or pattern at octet 11, found \"(\"",
            ),
            (
                "a LSUB \"\" * RETURN (CHILDREN)",
                "expected the end of the command at octet 12, found \" \"",
            ),
        ],
    );
}

#[test]
fn logins_do_not_show_passwords() {
    let long = "x".repeat(256);
    check(
        Cursor::login_args,
        |(user, Secret(password))| format!("{user} {password}"),
        &[
            ("a001 LOGIN SMITH SESAME", "SMITH SESAME"),
            // RFC 3501, 7.5
            (
                "A001 LOGIN {11}\r\nFRED FOOBAR {7}\r\nfat man",
                "FRED FOOBAR fat man",
            ),
            ("a LOGIN \"a b\" \"c\\\"d\"", "a b c\"d"),
            ("a LOGIN a {3+}\r\nü]", "a ü]"),
            ("a LOGIN", "expected a space at octet 8, found the end"),
            ("a LOGIN a", "expected a space at octet 10"),
            ("a LOGIN a b c", "expected the end of the command at octet 12"),
            (
                "a LOGIN a pass\"word",
                "expected the end of the command at octet 15",
            ),
            (
                "a LOGIN a \"ü\"",
                "expected a 7-bit character or the closing quote at octet 12",
            ),
            ("a LOGIN (a b)", "expected a user name at octet 9, found \"(\""),
            ("a LOGIN a ()", "expected a password at octet 11"),
            (
                &format!("a LOGIN {long} x"),
                &format!(
                    "expected at most 255 octets in a user name at octet 9, found \"{}...\"",
                    &long[..20]
                ),
            ),
        ],
    );
}

#[test]
fn authentications() {
    let show = |args: AuthenticateArgs| {
        let initial = args.initial.map(|octets| String::from_utf8(octets).unwrap());
        format!("{} {initial:?}", args.mechanism)
    };
    check(
        Cursor::authenticate_args,
        show,
        &[
            ("A001 AUTHENTICATE GSSAPI", "GSSAPI None"),
            // RFC 4959, 4
            (
                "C01 AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=",
                "PLAIN Some(\"test\\0test\\0test\")",
            ),
            ("a authenticate plain =", "PLAIN Some(\"\")"),
            (
                "a AUTHENTICATE PLAIN ",
                "expected an initial response in base64 at octet 22",
            ),
            (
                "a AUTHENTICATE PLAIN dGVzd",
                "expected an initial response in base64 at octet 22",
            ),
            (
                "a AUTHENTICATE PLAIN *",
                "expected an initial response in base64 at octet 22",
            ),
            (
                "a AUTHENTICATE PLAIN dGVz dGVz",
                "expected the end of the command at octet 26",
            ),
            ("a AUTHENTICATE", "expected a space at octet 15, found the end"),
            (
                "a AUTHENTICATE \"PLAIN\"",
                "expected the name of a SASL mechanism at octet 16, found \"\\\"PLAIN\\\"\"",
            ),
        ],
    );
}

#[test]
fn ids() {
    let pairs = |n| format!("a ID ({})", vec!["\"a\" NIL"; n].join(" "));
    check(
        Cursor::id_args,
        |pairs| format!("{pairs:?}"),
        &[
            // RFC 2971, 3.1
            (
                "a023 ID (\"name\" \"sodr\" \"vendor\" NIL)",
                "[(\"name\", Some(\"sodr\")), (\"vendor\", None)]",
            ),
            ("a042 ID NIL", "[]"),
            (
                "a ID ({4}\r\nname {5}\r\nx\u{fc}yz)",
                "[(\"name\", Some(\"xüyz\"))]",
            ),
            ("a ID", "expected a space at octet 5, found the end"),
            (
                "a ID x",
                "expected a list of names and values, or NIL at octet 6, found \"x\"",
            ),
            ("a ID ()", "[]"),
            ("a ID (\"name\")", "expected a space at octet 13, found \")\""),
            ("a ID (name NIL)", "expected a string at octet 7, found \"name\""),
            (
                &pairs(31),
                "expected at most 30 parameters at octet 247, found \"\\\"a\\\"\"",
            ),
            (
                &format!("a ID (\"{}\" NIL)", "n".repeat(31)),
                "expected at most 30 octets in a parameter's name at octet 7, found \"\\\"nnnnnnnnnnnnnnnnnn...\"",
            ),
            (
                &format!("a ID (\"n\" \"{}\")", "v".repeat(1025)),
                "expected at most 1024 octets in a parameter's value at octet 11, found \"\\\"vvvvvvvvvvvvvvvvvv...\"",
            ),
        ],
    );
    assert!(head(pairs(30).as_bytes()).unwrap().args.id_args().is_ok());
}
