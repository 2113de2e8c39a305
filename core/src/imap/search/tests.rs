//! Programs judged with less and with more knowledge of a message.

use bytes::Bytes;

use super::{Candidate, Found, Needles, Search, Truth};
use crate::imap::fetch::Stored;
use crate::imap::grammar::Cursor;
use crate::machine::Scope;
use crate::mime::{Limits, Scanner};
use crate::store::{Flag, Flags, Keyword, Keywords, ModSeq, ObjectId, PageRow, Row, Uid};

const HEAD: &str = "Return-Path: <sender@example.org>\r\n";
const MESSAGE: &str = concat!(
    "From: =?utf-8?q?J=C3=BCrgen?= <jm@example.org>\r\n",
    "To: a@b\r\n",
    "Subject: Monthly\r\n report\r\n",
    "X-Note: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n",
    "Received: one\r\nReceived: two\r\n",
    "\r\nbody\r\n",
);

const DAY_S: i64 = 86_400;

/// A minute before it is looked for.
const ARRIVED_S: i64 = 8_798 * DAY_S + 100;

fn search(program: &str) -> Search {
    let arguments = format!(" {program}");
    let mut cursor = Cursor::new(arguments.as_bytes());
    let program = cursor.search().unwrap();
    cursor.end().unwrap();
    let mut keywords = Keywords::default();
    keywords.find_or_add(&Keyword::new("$Known").unwrap());
    Search::new(program, &keywords, 9, 90, ARRIVED_S + 60)
}

/// Number 5, UID 50, of 1000 octets, arrived on 2 February 1994, written the day before, `\Seen`, `\Flagged`, `$Known`, recent.
fn judge_with(search: &Search, stored: Option<&Stored>, found: &Found) -> Truth {
    let internal_date_s = ARRIVED_S;
    let flags = Flags::from(Flag::Seen) | Flags::from(Flag::Flagged) | Flags::keyword(0);
    let (size, modseq, sent_date_s) = (1000, ModSeq(70), internal_date_s - DAY_S);
    let row = Row {
        uid: Uid(50),
        size,
        flags,
        modseq,
        internal_date_s,
        sent_date_s,
    };
    search.judge(&Candidate {
        seq: 5,
        row: &row,
        recent: true,
        stored,
        found,
    })
}

fn by_view(program: &str) -> Truth {
    judge_with(&search(program), None, &Found::NOTHING)
}

fn stored(raw_header_octets: usize, head: &str) -> Stored {
    let mut scanner = Scanner::new(Limits {
        raw_header_octets,
        ..Limits::default()
    });
    scanner.push(MESSAGE.as_bytes());
    let index = scanner.finish().encode();
    let (uid, object, head) = (
        Uid(50),
        ObjectId([1; 16]),
        Bytes::copy_from_slice(head.as_bytes()),
    );
    Stored::new(PageRow {
        uid,
        object,
        object_size: MESSAGE.len() as u64,
        head,
        index,
        email_id: [0; 16],
        save_date_s: 0,
    })
}

#[test]
fn the_view_decides_most() {
    for (program, expected) in [
        ("ALL", true),
        ("5", true),
        ("1:4,6:*", false),
        ("UID 50", true),
        ("UID 51:*", false),
        ("*", false),
        ("FLAGGED SEEN", true),
        ("FLAGGED DELETED", false),
        ("UNSEEN", false),
        ("UNANSWERED", true),
        ("KEYWORD $known", true),
        ("KEYWORD other", false),
        ("UNKEYWORD other", true),
        ("RECENT", true),
        ("OLD", false),
        ("NEW", false),
        ("SINCE 2-Feb-1994", true),
        ("ON 2-Feb-1994", true),
        ("BEFORE 2-Feb-1994", false),
        ("SENTON 1-Feb-1994", true),
        ("SENTBEFORE 2-Feb-1994 SENTSINCE 1-Feb-1994", true),
        ("OLDER 60 YOUNGER 60", true),
        ("OLDER 61", false),
        ("OLDER 59 YOUNGER 61", true),
        ("YOUNGER 59", false),
        ("OLDER 4294967295", false),
        ("NOT YOUNGER 4294967295", false),
        ("LARGER 999 SMALLER 1001", true),
        ("OR LARGER 1000 SMALLER 1000", false),
        ("NOT (SEEN DELETED)", true),
        ("OR (SEEN DELETED) NOT UNSEEN", true),
    ] {
        assert_eq!(by_view(program), Truth::from(expected), "{program}");
    }
}

#[test]
fn the_view_leaves_texts_open_unless_the_rest_decides() {
    for (program, expected) in [
        ("SUBJECT x", Truth::Unknown),
        ("NOT BODY x", Truth::Unknown),
        ("SEEN TEXT x", Truth::Unknown),
        ("SAVEDON 1-Jan-1970", Truth::Unknown),
        ("EMAILID M0", Truth::Unknown),
        ("THREADID T0", Truth::False),
        ("SAVEDATESUPPORTED", Truth::True),
        ("UNSEEN TEXT x", Truth::False),
        ("OR SEEN TEXT x", Truth::True),
        ("OR UNSEEN TEXT x", Truth::Unknown),
    ] {
        assert_eq!(by_view(program), expected, "{program}");
    }
}

#[test]
fn the_index_decides_fields() {
    for (program, held, unheld) in [
        ("SUBJECT \"monthly REPORT\"", Truth::True, Truth::True),
        ("SUBJECT weekly", Truth::False, Truth::False),
        ("SAVEDON 1-Jan-1970", Truth::True, Truth::True),
        ("SAVEDSINCE 2-Jan-1970", Truth::False, Truth::False),
        ("SAVEDBEFORE 2-Jan-1970", Truth::True, Truth::True),
        (
            "EMAILID M00000000000000000000000000000000",
            Truth::True,
            Truth::True,
        ),
        (
            "EMAILID m00000000000000000000000000000000",
            Truth::False,
            Truth::False,
        ),
        (
            "EMAILID F00000000000000000000000000000000",
            Truth::False,
            Truth::False,
        ),
        ("CHARSET UTF-8 FROM {7}\r\nJÜRGEN", Truth::True, Truth::True),
        ("FROM jm@example", Truth::True, Truth::True),
        ("CC a@b", Truth::False, Truth::False),
        ("HEADER Subject \"\"", Truth::True, Truth::True),
        ("HEADER Cc \"\"", Truth::False, Truth::False),
        ("HEADER X-None x", Truth::False, Truth::False),
        (
            "CHARSET UTF-8 HEADER X-NOTE {6}\r\nGRÜSS",
            Truth::False,
            Truth::Unknown,
        ),
        ("HEADER X-Note \"gr\"", Truth::True, Truth::Unknown),
        ("TO <a@b>", Truth::True, Truth::True),
        ("HEADER To <a@b>", Truth::False, Truth::Unknown),
        ("HEADER To a@b", Truth::True, Truth::Unknown),
        ("HEADER Received two", Truth::True, Truth::Unknown),
        ("HEADER Received \"one Received\"", Truth::False, Truth::Unknown),
        ("HEADER Return-Path SENDER@", Truth::True, Truth::True),
    ] {
        let judge = |raw| judge_with(&search(program), Some(&stored(raw, HEAD)), &Found::NOTHING);
        assert_eq!((judge(16 << 10), judge(0)), (held, unheld), "{program}");
    }
}

#[test]
fn the_octets_decide_the_rest() {
    let search = search("OR BODY a (TEXT b HEADER X-Note gr)");
    let scopes: Vec<_> = search
        .needles()
        .round(0)
        .iter()
        .map(|needle| needle.scope.clone())
        .collect();
    assert_eq!(
        scopes,
        [Scope::Body, Scope::Text, Scope::Field("X-Note".to_owned())]
    );
    for (bits, expected) in [(0b001, true), (0b010, false), (0b110, true), (0b100, false)] {
        let mut found = Found::NOTHING;
        found.add(bits);
        assert_eq!(
            judge_with(&search, None, &found),
            Truth::from(expected),
            "{bits:b}"
        );
    }
}

#[test]
fn more_needles_than_a_scan_takes_come_in_rounds() {
    let texts: Vec<_> = (0..100).map(|n| format!("TEXT w{n}")).collect();
    let search = search(&format!("{} TEXT w0", texts.join(" ")));
    let rounds: Vec<_> = (0..3).map(|round| search.needles().round(round).len()).collect();
    assert_eq!(rounds, [Needles::ROUND, 36, 0], "the second w0 is the first");
    let mut found = Found::NOTHING;
    found.add(u64::MAX);
    assert_eq!(judge_with(&search, None, &found), Truth::Unknown);
    found.add(u64::MAX >> 28);
    assert_eq!(judge_with(&search, None, &found), Truth::True);
}
