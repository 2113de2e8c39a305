//! SEARCH as a client sees it, and what it asks of the store.

use super::super::fetch::tests::Client;
use crate::machine::{Effect, Scan};
use crate::pair::Fault;
use crate::store::{Flag, Flags};

const ONE: &str = "From: Smith <s@example.org>\r\nSubject: one\r\n\r\nwinter\r\n";
const TWO: &str = "From: b@example.org\r\nSubject: =?utf-8?q?=C3=9Cbung?=\r\n\r\nsummer\r\n";
const THREE: &str = "From: smithers@example.org\r\nSubject: three\r\n\r\nwinter and summer\r\n";

fn three() -> Client {
    Client::new(&[
        (Flag::Flagged.into(), ONE),
        (Flags::NONE, TWO),
        (Flag::Seen.into(), THREE),
    ])
}

#[test]
fn numbers_come_in_order() {
    let mut client = three();
    for (program, expected) in [
        ("ALL", " 1 2 3"),
        ("FLAGGED SINCE 1-Feb-1994 NOT FROM \"Jones\"", " 1"),
        ("TEXT \"string not in mailbox\"", ""),
        ("FROM smith", " 1 3"),
        ("CHARSET UTF-8 SUBJECT {6+}\r\n\u{fc}bung", " 2"),
        ("BODY winter", " 1 3"),
        ("OR FLAGGED BODY summer", " 1 2 3"),
        ("OR SUBJECT three BODY summer NOT SEEN", " 2"),
        ("TEXT example.org UNSEEN", " 1 2"),
        ("HEADER Subject \"\" NOT HEADER Cc \"\"", " 1 2 3"),
        ("1:2 UID 2:*", " 2"),
        ("7", ""),
        ("NOT 1", " 2 3"),
    ] {
        assert_eq!(
            client.ask(&format!("SEARCH {program}")),
            format!("* SEARCH{expected}\r\nOK SEARCH completed\r\n")
        );
        let by_uid = client.ask(&format!("UID SEARCH {program}"));
        assert_eq!(
            by_uid,
            format!("* SEARCH{expected}\r\nOK UID SEARCH completed\r\n"),
            "UIDs are as numbers here"
        );
    }
}

#[test]
fn an_empty_mailbox_holds_nothing() {
    assert_eq!(
        Client::new(&[]).ask("SEARCH 1:*"),
        "* SEARCH\r\nOK SEARCH completed\r\n"
    );
}

#[test]
fn only_what_is_open_is_asked_for() {
    let mut client = three();
    let nothing: [&str; 0] = [];
    assert_eq!(client.effects("SEARCH UNSEEN LARGER 10 1:*"), nothing);
    assert_eq!(client.effects("SEARCH DELETED BODY winter"), nothing);
    assert_eq!(client.effects("SEARCH SUBJECT one"), ["store.FetchPage"]);
    assert_eq!(client.effects("SEARCH BODY winter"), ["store.FetchPage", "Scan"]);
    client.ask("SEARCH FLAGGED BODY winter");
    let Some(Effect::Scan(Scan { targets, .. })) = client.world.log().last().map(|ended| &ended.effect)
    else {
        panic!("no scan")
    };
    assert_eq!(targets.len(), 1);
}

#[test]
fn many_messages_and_many_needles_are_read_in_portions() {
    let messages: Vec<_> = (0..150)
        .map(|n| {
            if n % 2 == 0 {
                (Flags::NONE, ONE)
            } else {
                (Flags::NONE, TWO)
            }
        })
        .collect();
    let mut client = Client::new(&messages);
    let words: Vec<_> = (0..70).map(|n| format!("BODY nothing{n}")).collect();
    let program = words.iter().fold("BODY winter".to_owned(), |program, word| {
        format!("OR {word} {program}")
    });
    let expected: String = (1..=150).step_by(2).map(|n| format!(" {n}")).collect();
    assert_eq!(
        client.ask(&format!("SEARCH {program}")),
        format!("* SEARCH{expected}\r\nOK SEARCH completed\r\n")
    );
    // Three portions of messages, and for each a second round of needles.
    let effects = client.effects(&format!("SEARCH {program}"));
    assert_eq!(effects, [&["store.FetchPage"][..], &["Scan"; 6]].concat());
}

#[test]
fn a_failure_leaves_no_half_of_an_answer() {
    let mut client = three();
    client.world.fail(Fault::timeout("Scan", 1));
    assert!(
        client
            .ask("SEARCH OR FLAGGED BODY summer")
            .starts_with("NO [UNAVAILABLE] ")
    );
    client.world.fail(Fault::before("store.FetchPage", 1));
    assert!(client.ask("SEARCH SUBJECT one").starts_with("NO [SERVERBUG] "));
}

#[test]
fn unknown_charsets_are_refused_with_those_that_are_known() {
    assert!(
        three()
            .ask("SEARCH CHARSET KOI8-R TEXT x")
            .starts_with("NO [BADCHARSET (US-ASCII UTF-8)] ")
    );
}

/// Judging many messages by a long program is done in turns.
#[test]
fn a_long_search_gives_way() {
    let messages: Vec<_> = (0..600).map(|_| (Flags::NONE, "\r\n")).collect();
    let mut client = Client::new(&messages);
    let program = "NOT ".repeat(600);
    assert_eq!(
        client.ask(&format!("SEARCH {program}ALL")),
        "",
        "it waits for its next turn"
    );
    client.world.advance(0);
    let answer = client.heard();
    assert!(
        answer.starts_with("* SEARCH 1 2 3 ") && answer.contains(" 600\r\n"),
        "{answer}"
    );
}

/// So is judging them by fields, which may be long; what comes out is the same, however many turns it takes.
#[test]
fn a_search_of_many_fields_gives_way() {
    let messages: Vec<_> = (0..200)
        .map(|n| (Flags::NONE, if n % 2 == 0 { ONE } else { THREE }))
        .collect();
    let mut client = Client::new(&messages);
    let expected: String = (1..=200).step_by(2).map(|n| format!(" {n}")).collect();
    for program in ["SUBJECT one", "OR SUBJECT one HEADER X-None none"] {
        assert_eq!(
            client.ask(&format!("SEARCH {program}")),
            "",
            "it waits for its next turn"
        );
        client.world.advance(0);
        let answer = client.heard();
        assert!(
            answer.starts_with(&format!("* SEARCH{expected}\r\n")),
            "{program}: {answer}"
        );
    }
}

/// What an extended SEARCH answers, with the tag made anonymous.
fn extended(client: &mut Client, command: &str) -> String {
    let answer = client.ask(command);
    let (before, after) = answer.split_once("(TAG \"t").unwrap();
    let after = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let (told, tagged) = after.split_once("\r\n").unwrap();
    assert!(before == "* ESEARCH " && tagged.starts_with("OK "), "{answer}");
    told.trim_start_matches("\")").to_owned()
}

#[test]
fn an_extended_search_tells_what_it_is_asked_for() {
    let mut client = three();
    client.ask("STORE 2 +FLAGS (\\Deleted)");
    client.ask("EXPUNGE");
    for (command, expected) in [
        ("SEARCH RETURN () ALL", " ALL 1:2"),
        ("UID SEARCH RETURN (ALL) ALL", " UID ALL 1,3"),
        (
            "UID SEARCH RETURN (COUNT ALL MAX MIN) ALL",
            " UID MIN 1 MAX 3 ALL 1,3 COUNT 2",
        ),
        ("SEARCH RETURN (MIN) SEEN", " MIN 2"),
        ("UID SEARCH RETURN (MAX) BODY winter", " UID MAX 3"),
        ("SEARCH RETURN (MIN MAX) BODY winter", " MIN 1 MAX 2"),
        ("SEARCH RETURN (COUNT) SUBJECT three", " COUNT 1"),
        ("SEARCH RETURN (MIN MAX ALL) DRAFT", ""),
        ("UID SEARCH RETURN (MIN COUNT) DRAFT", " UID COUNT 0"),
        ("UID SEARCH RETURN () DRAFT", " UID"),
    ] {
        assert_eq!(extended(&mut client, command), expected, "{command}");
    }
}

/// RFC 4731, 3.2: of MIN and MAX alone, theirs; else the highest of all.
#[test]
fn an_extended_search_tells_the_modseq_of_what_it_returns() {
    let mut client = Client::new(&[(Flags::NONE, ONE); 4]);
    client.ask("STORE 2 +FLAGS (\\Flagged)");
    client.ask("STORE 1 +FLAGS (\\Flagged)");
    let modseqs: Vec<u64> = (1..=4)
        .map(|seq| {
            let told = client.ask(&format!("FETCH {seq} MODSEQ"));
            let (_, rest) = told.split_once("MODSEQ (").unwrap();
            rest.split(')').next().unwrap().parse().unwrap()
        })
        .collect();
    let [one, two, three, four] = modseqs[..] else {
        panic!()
    };
    assert!(three < four && four < two && two < one);
    for (command, expected) in [
        ("SEARCH RETURN (MIN) MODSEQ 1 2:4", format!(" MIN 2 MODSEQ {two}")),
        (
            "SEARCH RETURN (MAX) MODSEQ 1 2:4",
            format!(" MAX 4 MODSEQ {four}"),
        ),
        (
            "SEARCH RETURN (MIN MAX) MODSEQ 1 3:4",
            format!(" MIN 3 MAX 4 MODSEQ {four}"),
        ),
        (
            "SEARCH RETURN (MIN COUNT) MODSEQ 1",
            format!(" MIN 1 COUNT 4 MODSEQ {one}"),
        ),
        (
            "SEARCH RETURN (MAX COUNT) MODSEQ 1 2:4",
            format!(" MAX 4 COUNT 3 MODSEQ {two}"),
        ),
        (
            "UID SEARCH RETURN () MODSEQ 1",
            format!(" UID ALL 1:4 MODSEQ {one}"),
        ),
        ("SEARCH RETURN (ALL) MODSEQ 1 DRAFT", String::new()),
    ] {
        assert_eq!(extended(&mut client, command), expected, "{command}");
    }
}

/// What cannot change the answer is not read.
#[test]
fn ends_read_no_more_than_they_must() {
    let messages: Vec<_> = (0..300)
        .map(|n| (Flags::NONE, if n == 70 { TWO } else { ONE }))
        .collect();
    let mut client = Client::new(&messages);
    let scans = |client: &mut Client, command: &str| {
        let effects = client.effects(command);
        effects.iter().filter(|name| **name == "Scan").count()
    };
    assert_eq!(scans(&mut client, "SEARCH RETURN (COUNT) BODY winter"), 5);
    assert_eq!(scans(&mut client, "SEARCH RETURN (MIN) BODY winter"), 1);
    assert_eq!(scans(&mut client, "SEARCH RETURN (MIN) BODY summer"), 2);
    assert_eq!(
        scans(&mut client, "SEARCH RETURN (MIN MAX) OR 1 OR 300 BODY winter"),
        0
    );
    assert_eq!(scans(&mut client, "SEARCH RETURN (MAX) OR 300 BODY winter"), 0);
    assert_eq!(scans(&mut client, "SEARCH RETURN (MIN) OR 65 BODY summer"), 1);
    assert_eq!(
        extended(&mut client, "SEARCH RETURN (MIN) OR 80 BODY summer"),
        " MIN 71"
    );
}

/// A long answer leaves piece by piece, and is one line.
#[test]
fn a_long_set_is_one_response() {
    let messages: Vec<_> = (0..9_000)
        .map(|n| {
            (
                if n % 2 == 0 {
                    Flag::Seen.into()
                } else {
                    Flags::NONE
                },
                "\r\n",
            )
        })
        .collect();
    let mut client = Client::new(&messages);
    let expected: Vec<_> = (1..=9_000).step_by(2).map(|n| n.to_string()).collect();
    let told = extended(&mut client, "SEARCH RETURN (ALL COUNT) SEEN");
    assert_eq!(told, format!(" ALL {} COUNT 4500", expected.join(",")));
    assert_eq!(
        extended(&mut client, "SEARCH RETURN (ALL) NOT (2 8999)"),
        " ALL 1:9000"
    );
}

#[test]
fn an_extended_search_that_fails_tells_nothing() {
    let mut client = three();
    client.world.fail(Fault::timeout("Scan", 1));
    let answer = client.ask("SEARCH RETURN (ALL) OR FLAGGED BODY summer");
    assert!(answer.starts_with("NO [UNAVAILABLE] "), "{answer}");
    let answer = client.ask("SEARCH RETURN (COUNT) CHARSET KOI8-R TEXT x");
    assert!(
        answer.starts_with("NO [BADCHARSET (US-ASCII UTF-8)] "),
        "{answer}"
    );
}
