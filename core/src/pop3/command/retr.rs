//! RETR: a message, streamed past the session.
//!
//! RFC 1939, 5 and 3 (dots); RFC 6856, 2.1 (a header that is not ASCII).

use bytes::{BufMut, BytesMut};

use super::super::letter::Letter;
use super::{Context, State, number, words};
use crate::machine::{Done, Outcome};
use crate::store::{self, Actor};
use crate::wire::dot::END;
use crate::wire::filter::{Filter, Filtering};

/// `RETR msg`
pub(super) fn start(cx: &mut Context, arguments: &str) -> State {
    match number(arguments) {
        Ok(number) => send(cx, number, Much::All),
        Err(why) => cx.answer(why),
    }
}

/// How much of a message is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Much {
    All,
    /// The header, the empty line, and so many lines.
    Top(u64),
}

/// Sends a message, asking for its columns first if they are not known.
pub(super) fn send(cx: &mut Context, number: u32, much: Much) -> State {
    let Some(maildrop) = &cx.maildrop else {
        return cx.answer(words::LOG_IN_FIRST);
    };
    let uid = match maildrop.message(number) {
        Ok(row) => row.uid,
        Err(why) => return cx.answer(why),
    };
    if let Some(letter) = maildrop.letter(uid).cloned() {
        return write(cx, letter, much);
    }
    let (account, request) = (maildrop.account, maildrop.page(number));
    cx.ask(Actor::Account(account), request);
    State::AwaitPage(AwaitPage { uid, much })
}

#[derive(Debug)]
pub(in crate::pop3) struct AwaitPage {
    uid: store::Uid,
    much: Much,
}

impl AwaitPage {
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        let page = match outcome {
            Ok(Done::Reply(store::Reply::Page(page))) => page,
            Ok(_) => return cx.answer(words::BROKEN),
            Err(failure) => return cx.answer(words::failure(&failure)),
        };
        let letter = cx.maildrop.as_mut().and_then(|maildrop| {
            maildrop.learn(page);
            maildrop.letter(self.uid).cloned()
        });
        match letter {
            Some(letter) => write(cx, letter, self.much),
            None => cx.answer(words::GONE),
        }
    }
}

/// The answer's first line, what stands in front of the body, the body; the lone dot follows when they have left.
fn write(cx: &mut Context, letter: Letter, much: Much) -> State {
    let mut head = BytesMut::new();
    let size = letter.head.len() as u64 + letter.object_size;
    let first = match much {
        Much::All => format!("+OK {size} octets\r\n"),
        Much::Top(_) => format!("{}\r\n", words::TOP),
    };
    head.put_slice(first.as_bytes());
    let mut filtering = Filtering::new(&ascii(cx, letter.head.len() as u64, Filter::DotStuff));
    filtering.push(&letter.head, &mut head);
    filtering.finish(&mut head);
    let (end, filter) = match (much, letter.header_size) {
        (Much::All, _) => (letter.object_size, Filter::DotStuff),
        (Much::Top(0), Some(header_size)) => (header_size.min(letter.object_size), Filter::DotStuff),
        (Much::Top(lines), _) => (letter.object_size, Filter::TopLines(lines)),
    };
    let filter = match letter.header_size {
        Some(header_size) if !letter.is_ascii => ascii(cx, header_size, filter),
        _ => filter,
    };
    if end == 0 {
        head.put_slice(END);
        cx.out.send(head);
        return State::AwaitCommand;
    }
    cx.out.send_object(head.freeze(), letter.object, 0..end, filter);
    State::AwaitSent(AwaitSent)
}

/// A client that has not said UTF8 gets a header of ASCII.
fn ascii(cx: &Context, header_size: u64, filter: Filter) -> Filter {
    match cx.utf8 {
        true => filter,
        false => Filter::Ascii(header_size, Box::new(filter)),
    }
}

#[derive(Debug)]
pub(in crate::pop3) struct AwaitSent;

impl AwaitSent {
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        match outcome {
            Ok(_) => {
                cx.out.gather().put_slice(END);
                State::AwaitCommand
            }
            Err(failure) => cx.answer(words::failure(&failure)),
        }
    }
}
