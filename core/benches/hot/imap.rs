//! How fast IMAP commands are parsed and answered.

use std::sync::Arc;

use bytes::Bytes;
use lightmail_core::imap::grammar::{Syntax, head as parse_head};
use lightmail_core::imap::{Session, Settings};
use lightmail_core::machine::Seed;
use lightmail_core::store::{Actor, Flag, Flags, MailboxName, NewMessage, Request};

use crate::driver::{self, Driver, NOW};
use crate::harness::{Work, head, measure, timed};
use crate::mails;

pub fn all() {
    parser();
    small_mailbox();
    large_mailbox();
    stored_texts();
}

const FETCH: &[u8] = b"a017 UID FETCH 1:100,200:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT)])";
const SEARCH: &[u8] =
    b"a018 UID SEARCH UNSEEN SINCE 1-Feb-2026 OR FROM \"smith\" NOT SUBJECT \"weekly report\"";

fn parser() {
    head("IMAP parser");
    parse("NOOP", b"a001 NOOP");
    parse("FETCH", FETCH);
    parse("SEARCH", SEARCH);
}

/// A thousand commands a round, so that the clock does not count.
fn parse(name: &str, line: &[u8]) {
    let work = Work {
        count: 1_000,
        unit: "command",
        octets: 1_000 * line.len(),
    };
    measure(name, work, || {
        timed(|| (0..work.count).filter(|_| parsed(line).is_ok()).count())
    });
}

fn parsed(line: &[u8]) -> Result<usize, Syntax> {
    let head = parse_head(line)?;
    let mut args = head.args;
    let items = match head.name.as_str() {
        "FETCH" => {
            args.sp()?;
            args.sequence_set()?;
            args.sp()?;
            args.fetch_items()?.len()
        }
        "SEARCH" => args.search()?.ops.len(),
        _ => 0,
    };
    args.end()?;
    Ok(items)
}

fn small_mailbox() {
    head("IMAP session, 100 messages");
    let mut session = selected(100);
    ask(&mut session, "NOOP", "a NOOP", 1, "command");
    for command in ["FETCH 50 (FLAGS)", "FETCH 1:* (FLAGS)"] {
        ask(&mut session, command, &format!("a {command}"), 1, "command");
    }
    let append = Bytes::from(append());
    let work = Work {
        count: 1,
        unit: "command",
        octets: append.len(),
    };
    measure("APPEND of 4 KiB", work, || {
        let spent = session.feed(&append);
        assert!(session.tail.starts_with(b"a OK"), "{:?}", session.tail);
        spent
    });
}

/// APPEND of 4 KiB with LITERAL+, which waits for no continuation (RFC 7888).
pub fn append() -> Vec<u8> {
    let message = mails::of(4 << 10);
    let command = format!("a APPEND Copies (\\Seen) {{{}+}}\r\n", message.len());
    [command.as_bytes(), &message, b"\r\n"].concat()
}

fn large_mailbox() {
    const MESSAGES: usize = 100_000;
    head("IMAP session, 100,000 messages, from the view");
    let mut session = selected(MESSAGES);
    for command in [
        "FETCH 1:* (FLAGS)",
        "UID FETCH 1:* (FLAGS)",
        "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
        "SEARCH UNSEEN",
        "SEARCH FLAGGED",
        "SEARCH UNSEEN SINCE 1-Feb-2026 LARGER 2000",
    ] {
        ask(
            &mut session,
            command,
            &format!("a {command}"),
            MESSAGES,
            "message",
        );
    }
}

fn stored_texts() {
    const MESSAGES: usize = 10_000;
    head("IMAP session, 10,000 messages, from stored columns");
    let mut session = selected(MESSAGES);
    for command in [
        "FETCH 1:* (ENVELOPE INTERNALDATE RFC822.SIZE)",
        "FETCH 1:* (BODYSTRUCTURE)",
        "FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)",
        "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC SUBJECT MESSAGE-ID REFERENCES)])",
        "FETCH 1:* (BODY.PEEK[])",
        "SEARCH SUBJECT bonn",
    ] {
        ask(
            &mut session,
            command,
            &format!("a {command}"),
            MESSAGES,
            "message",
        );
    }
}

/// Measures a command, which is to end well each time.
fn ask(session: &mut Driver<Session>, name: &str, command: &str, count: usize, unit: &'static str) {
    let line = Bytes::from(format!("{command}\r\n"));
    session.feed(&line);
    let octets = session.said;
    measure(name, Work { count, unit, octets }, || {
        let spent = session.feed(&line);
        let done = session.tail.windows(4).any(|part| part == b"a OK");
        assert!(done && session.said == octets, "{command}: {:?}", session.tail);
        spent
    });
}

/// A session that has selected INBOX with so many messages: every other is seen, every tenth flagged.
pub fn selected(messages: usize) -> Driver<Session> {
    let (mut store, account) = driver::store();
    let (mut seed, message) = (Seed::new([2; 32]), mails::small());
    let stored = driver::stored(&mut seed, &message);
    let new = |at: usize| {
        let mut stored = stored.clone();
        stored.object = seed.object(NOW);
        let (seen, flagged) = (at.is_multiple_of(2), at.is_multiple_of(10));
        let bits = [(seen, Flag::Seen), (flagged, Flag::Flagged)].into_iter();
        let flags = bits
            .filter(|(set, _)| *set)
            .fold(Flags::NONE, |flags, (_, flag)| flags | flag.into());
        NewMessage {
            stored,
            flags,
            keywords: Vec::new(),
            internal_date_s: NOW.unix_s(),
            email_id: seed.half(),
        }
    };
    let append = Request::Append {
        name: MailboxName::inbox(),
        instead: None,
        messages: (0..messages).map(new).collect(),
        at_ms: NOW.unix_ms,
    };
    let appended = store.run(Actor::Account(account), append);
    assert!(appended.is_ok(), "{appended:?}");
    let session = Session::new(driver::peer(), Arc::new(Settings::default()), seed);
    let mut driver = Driver::new(session, store, &message);
    for command in [
        "l LOGIN user@example.com secret\r\n",
        "c CREATE Copies\r\n",
        "s EXAMINE INBOX\r\n",
    ] {
        driver.feed(&Bytes::from(command));
    }
    driver
}
