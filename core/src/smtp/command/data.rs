//! DATA: the message, ended by `CRLF.CRLF` and by nothing else.
//!
//! RFC 5321, 4.1.1.4 and 4.5.2; RFC 2033, 4.2. A bare LF or CR never counts towards the end, which is what smuggling lives by. Over
//! LMTP, where our own relay speaks, it becomes CRLF, so that what is stored has one kind of line end; a stranger's message is read to
//! its true end and refused.

use bytes::{Bytes, BytesMut};

use super::super::context::Context;
use super::super::message;
use super::super::session::State;
use super::super::transaction::Body;
use super::super::words;
use crate::wire::dot::{Bare, Decoder, Piece};

pub(super) fn start(cx: &mut Context, _: &str) -> State {
    let Some(transaction) = &mut cx.transaction else {
        return State::AwaitCommand;
    };
    transaction.body = Some(Body::open(&mut cx.out, cx.seed.object(cx.now), cx.now));
    cx.out.reply(words::SEND_MESSAGE);
    State::AwaitContent(AwaitContent {
        dots: Decoder::new(cx.manners.bare),
    })
}

/// The message is coming.
#[derive(Debug)]
pub(in super::super) struct AwaitContent {
    dots: Decoder,
}

impl AwaitContent {
    /// Pieces shorter than this are gathered before they are fed; longer ones are not copied.
    const SMALL: usize = 1024;

    /// Takes from `rest` what belongs to the message; commands behind its end stay there.
    pub fn feed(mut self, cx: &mut Context, rest: &mut Bytes) -> State {
        let mut small = BytesMut::new();
        while let Some(piece) = self.dots.next(rest) {
            match piece {
                Piece::Body(octets) if octets.len() < Self::SMALL => small.extend_from_slice(&octets),
                Piece::Body(octets) => {
                    feed(cx, small.split().freeze());
                    feed(cx, octets);
                }
                Piece::End { bare } => {
                    feed(cx, small.freeze());
                    if bare && cx.manners.bare == Bare::Report {
                        message::spoil(cx, words::LONE_LINE_END);
                    }
                    return message::finish(cx);
                }
            }
        }
        feed(cx, small.freeze());
        State::AwaitContent(self)
    }
}

fn feed(cx: &mut Context, octets: Bytes) {
    if let Some(body) = cx
        .transaction
        .as_mut()
        .and_then(|transaction| transaction.body.as_mut())
    {
        body.feed(&mut cx.out, octets, cx.settings.message_size_max);
    }
}
