//! DATA: the message, ended by `CRLF.CRLF` and by nothing else.
//!
//! RFC 5321, 4.1.1.4 and 4.5.2; RFC 2033, 4.2. A bare LF or CR in it becomes CRLF, so that what is stored has one kind of line end;
//! it never counts towards the end, which is what smuggling lives by.

use bytes::{Bytes, BytesMut};

use super::super::context::Context;
use super::super::message;
use super::super::session::State;
use super::super::transaction::Body;
use super::super::unstuff::Unstuff;
use super::super::words;

pub(super) fn start(cx: &mut Context, _: &str) -> State {
    let Some(transaction) = &mut cx.transaction else {
        return State::AwaitCommand;
    };
    transaction.body = Some(Body::open(&mut cx.out, cx.seed.object(cx.now)));
    cx.out.reply(words::SEND_MESSAGE);
    State::AwaitContent(AwaitContent {
        dots: Unstuff::default(),
    })
}

/// The message is coming.
#[derive(Debug)]
pub(in super::super) struct AwaitContent {
    dots: Unstuff,
}

impl AwaitContent {
    /// Takes from `rest` what belongs to the message; commands behind its end stay there.
    pub fn feed(mut self, cx: &mut Context, rest: &mut Bytes) -> State {
        let mut octets = BytesMut::with_capacity(rest.len());
        let ended = self.dots.push(rest, &mut octets);
        if let Some(body) = cx
            .transaction
            .as_mut()
            .and_then(|transaction| transaction.body.as_mut())
        {
            body.feed(&mut cx.out, octets.freeze(), cx.settings.message_size_max);
        }
        if ended {
            message::finish(cx)
        } else {
            State::AwaitContent(self)
        }
    }
}
