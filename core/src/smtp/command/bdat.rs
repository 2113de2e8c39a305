//! BDAT: a chunk of the message, ended by its count and by nothing else (RFC 3030, 2; RFC 2033, 4.3).
//!
//! What is in a chunk is stored as it came. Over LMTP that holds for a bare LF or CR too: RFC 3030, 2 counts octets and not lines, the
//! count alone ends it, so that no line end could smuggle anything, and one made whole would shift what the count and a signature speak
//! of. POP3 sends whole lines all the same ([`crate::wire::dot::Encoder`]); IMAP sends counted literals. From strangers it is refused
//! here as it is behind DATA, since only BINARYMIME (RFC 3030, 3), which is not offered, would allow it.
//!
//! The announced octets are read whatever the answer will be: they never become commands. A chunk that is refused fails the
//! transaction, whose later chunks are read and refused alike until RSET.

use bytes::Bytes;

use super::super::context::Context;
use super::super::message;
use super::super::session::State;
use super::super::transaction::Body;
use super::super::words::{self, Reply};
use crate::wire::dot::Bare;

/// `bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ]`
pub(super) fn start(cx: &mut Context, arguments: &str) -> State {
    let (count, marker) = arguments.split_once(' ').unwrap_or((arguments, ""));
    let Some(left) = chunk_size(count) else {
        // Without a count the octets that follow cannot be told from commands: nothing after this line may be obeyed.
        cx.reset();
        cx.out.replies(&[words::BDAT_SYNTAX, words::OUT_OF_STEP]);
        return State::Over;
    };
    let last = marker.trim_start_matches(' ').eq_ignore_ascii_case("LAST");
    let syntax = if last || marker.is_empty() {
        Ok(())
    } else {
        Err(words::BDAT_SYNTAX)
    };
    let refused = begin(cx, left).and(syntax).err();
    if let (Some(why), Some(body)) = (
        refused,
        cx.transaction
            .as_mut()
            .and_then(|transaction| transaction.body.as_mut()),
    ) {
        body.refuse(&mut cx.out, why);
    }
    AwaitChunk { left, last, refused }.feed(cx, &mut Bytes::new())
}

/// `chunk-size = 1*DIGIT`, within 64 bits.
fn chunk_size(digits: &str) -> Option<u64> {
    let valid = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    valid.then(|| digits.parse().ok()).flatten()
}

/// Whether a chunk of this size may go into the message, which begins with the first one.
fn begin(cx: &mut Context, size: u64) -> Result<(), Reply> {
    if cx.hello.is_none() {
        return Err(words::HELLO_FIRST);
    }
    let transaction = cx.transaction.as_mut().ok_or(words::MAIL_FIRST)?;
    if transaction.recipients.is_empty() {
        return Err(cx.manners.no_recipients);
    }
    let body = transaction
        .body
        .get_or_insert_with(|| Body::open(&mut cx.out, cx.seed.object(cx.now), cx.now));
    if let Some(why) = body.refused {
        return Err(why);
    }
    let fits = body
        .octets
        .checked_add(size)
        .is_some_and(|octets| octets <= cx.settings.message_size_max);
    if fits { Ok(()) } else { Err(words::TOO_BIG) }
}

/// The octets of a chunk are coming.
#[derive(Debug)]
pub(in super::super) struct AwaitChunk {
    left: u64,
    last: bool,
    refused: Option<Reply>,
}

impl AwaitChunk {
    /// Takes from `rest` what belongs to the chunk; nothing of it stays here.
    pub fn feed(mut self, cx: &mut Context, rest: &mut Bytes) -> State {
        let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
        let octets = rest.split_to(taken);
        self.left -= taken as u64;
        // What is refused is fed to no upload; it is counted all the same.
        if let Some(body) = cx
            .transaction
            .as_mut()
            .and_then(|transaction| transaction.body.as_mut())
        {
            if cx.manners.bare == Bare::Report {
                body.ends.push(&octets);
            }
            body.feed(&mut cx.out, octets, cx.settings.message_size_max);
        }
        if self.left > 0 {
            State::AwaitChunk(self)
        } else {
            self.end(cx)
        }
    }

    fn end(self, cx: &mut Context) -> State {
        match (self.refused, self.last) {
            (None, true) => finish(cx),
            (None, false) => cx.answer(words::CHUNK_OK),
            (Some(why), false) => cx.answer(why),
            (Some(why), true) => refuse_last(cx, why),
        }
    }
}

/// The message is whole.
fn finish(cx: &mut Context) -> State {
    let body = cx.transaction.as_ref().and_then(|mail| mail.body.as_ref());
    if body.is_some_and(|body| body.ends.any_alone()) {
        message::spoil(cx, words::LONE_LINE_END);
    }
    message::finish(cx)
}

/// In LMTP the last chunk has one reply for each recipient, hence none if there is no recipient (RFC 2033, 4.3); but one if there is
/// no transaction whose recipients could be counted.
fn refuse_last(cx: &mut Context, why: Reply) -> State {
    cx.out.drop_upload();
    match cx.transaction.take() {
        Some(transaction) => message::refuse(cx, &transaction, why),
        None => cx.answer(why),
    }
}
