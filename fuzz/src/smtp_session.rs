//! SMTP, of other servers and of users, and LMTP: whatever comes, in whatever cut, at whatever pace.

use lightmail_core::machine::Effect;
use lightmail_core::pair::{Summary, Talk, World};
use lightmail_core::store::Request;

use crate::cut::Pace;
use crate::record::{Record, assert_replays};
use crate::stage::{self, Recorded};

/// Any octets to another server's session that is new, has been greeted, has an envelope, or takes DATA. Any cut gives the same
/// replies, uploads and effects; replies have their form; no more messages arrive than there are ends of messages.
pub fn smtp_session(input: Pace<'_>) {
    try_all(input, &SMTP);
}

/// The same of a user's session that is new, has been greeted, answers a challenge, or takes DATA.
pub fn submission_session(input: Pace<'_>) {
    try_all(input, &SUBMISSION);
}

/// The same of a front's session, which gets a reply for each recipient.
pub fn lmtp_session(input: Pace<'_>) {
    try_all(input, &LMTP);
}

/// What a session hears and does, for the heap's bound.
pub fn record_of_smtp(input: Pace<'_>) -> Record {
    record(input, &SMTP)
}

/// The same of a user's session.
pub fn record_of_submission(input: Pace<'_>) -> Record {
    record(input, &SUBMISSION)
}

/// The same of a front's session.
pub fn record_of_lmtp(input: Pace<'_>) -> Record {
    record(input, &LMTP)
}

struct Dialect {
    join: fn(&mut World) -> (Talk, Recorded),
    /// What a client says first.
    openings: [&'static [u8]; 4],
}

const SMTP: Dialect = Dialect {
    join: stage::join_smtp,
    openings: [
        b"",
        b"EHLO x\r\n",
        b"EHLO x\r\nMAIL FROM:<s@x.org>\r\nRCPT TO:<user@example.com>\r\nRCPT TO:<other@example.com>\r\n",
        b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<user+a@example.com>\r\nDATA\r\n",
    ],
};

const SUBMISSION: Dialect = Dialect {
    join: stage::join_submission,
    openings: [
        b"",
        b"EHLO x\r\n",
        b"EHLO x\r\nAUTH LOGIN\r\n",
        b"EHLO x\r\nAUTH PLAIN AHVzZXJAZXhhbXBsZS5jb20Ac2VjcmV0\r\nMAIL FROM:<user@example.com>\r\n\
          RCPT TO:<other@example.com>\r\nDATA\r\n",
    ],
};

const LMTP: Dialect = Dialect {
    join: stage::join_lmtp,
    openings: [
        b"",
        b"LHLO x\r\n",
        b"LHLO x\r\nMAIL FROM:<s@x.org>\r\nRCPT TO:<user@example.com>\r\nRCPT TO:<other@example.com>\r\n",
        b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<user+a@example.com>\r\nDATA\r\n",
    ],
};

fn try_all(input: Pace<'_>, dialect: &Dialect) {
    let whole = play(input, dialect, [(input.cut.octets, 0)].into_iter());
    let cut = play(input, dialect, input.cut.pieces().map(|piece| (piece, 0)));
    assert_eq!(cut, whole, "another cut, another outcome");
    play(input, dialect, input.steps());
}

fn begin(input: Pace<'_>, dialect: &Dialect) -> (World, Talk, Recorded) {
    let mut world = stage::world();
    let (talk, recorder) = (dialect.join)(&mut world);
    let [.., last] = &dialect.openings;
    let opening = dialect.openings.get(usize::from(input.start & 3)).unwrap_or(last);
    world.feed(talk, opening);
    (world, talk, recorder)
}

fn record(input: Pace<'_>, dialect: &Dialect) -> Record {
    let (mut world, talk, recorder) = begin(input, dialect);
    feed(&mut world, talk, input.cut.pieces().map(|piece| (piece, 0)));
    drop(world);
    recorder.record()
}

fn feed<'a>(world: &mut World, talk: Talk, steps: impl Iterator<Item = (&'a [u8], u64)>) {
    for (piece, pause_ms) in steps {
        world.feed(talk, piece);
        world.advance(pause_ms);
    }
    world.advance(25_000);
}

fn play<'a>(input: Pace<'_>, dialect: &Dialect, steps: impl Iterator<Item = (&'a [u8], u64)>) -> Summary {
    let (mut world, talk, recorder) = begin(input, dialect);
    feed(&mut world, talk, steps);
    let summary = world
        .conversation(talk)
        .map(|one| one.summary())
        .unwrap_or_default();
    assert_replies(&summary.sent);
    assert_deliveries(&summary, input.cut.octets);
    stage::sound(&mut world, talk);
    assert_replays(&recorder.record());
    summary
}

/// `Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF` (RFC 5321, 4.2).
fn assert_replies(sent: &[u8]) {
    let lines = sent
        .strip_suffix(b"\r\n")
        .unwrap_or_else(|| panic!("not whole: {}", sent.escape_ascii()));
    let mut open = None;
    for line in lines.split(|&octet| octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (code, rest) = line.split_at(line.len().min(3));
        assert!(
            matches!(code, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9']),
            "{}",
            line.escape_ascii()
        );
        assert!(
            rest.iter().all(|octet| (b' '..=b'~').contains(octet)),
            "{}",
            line.escape_ascii()
        );
        assert!(
            line.len() <= 510,
            "{} octets in a line (RFC 5321, 4.5.3.1.5)",
            line.len()
        );
        assert!(open.is_none_or(|open| open == code), "{}", sent.escape_ascii());
        open = rest.starts_with(b"-").then_some(code);
    }
    assert!(open.is_none(), "a reply is not whole: {}", sent.escape_ascii());
}

/// Nothing but `CRLF.CRLF` and `BDAT … LAST` ends a message.
fn assert_deliveries(summary: &Summary, octets: &[u8]) {
    let delivers = |effect: &&Effect| matches!(effect, Effect::Store(_, Request::Deliver { .. }));
    let messages = summary.effects.iter().filter(delivers).count();
    let text = [b"\r\n", octets].concat().to_ascii_uppercase();
    let dots = text.windows(5).filter(|five| *five == b"\r\n.\r\n").count();
    let lasts = text.windows(4).filter(|four| *four == b"LAST").count();
    assert!(
        messages <= dots + lasts,
        "{messages} messages of {dots} dots and {lasts} chunks"
    );
}
