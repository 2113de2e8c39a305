//! COMPRESS: from the answer on both sides compress what they send.
//!
//! RFC 4978, 3. DEFLATE is the only mechanism. TLS never compresses here, though RFC 4978, 1 would like it to: the lengths would tell of
//! the passwords in it, while COMPRESS comes behind them. So whoever asks twice is answered BAD, never NO.

use super::{Command, Completion, Context, Cursor, Form, Next, Parsed, Then};
use crate::imap::words::Code;

/// `compress = "COMPRESS" SP algorithm`; an algorithm is an atom (RFC 4978, 5).
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.sp()?;
    let is_known = args.atom()?.eq_ignore_ascii_case("DEFLATE");
    args.end()?;
    Ok(Box::new(Compress { is_known }))
}

#[derive(Debug)]
struct Compress {
    is_known: bool,
}

impl Command for Compress {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        if !self.is_known {
            Completion::bad("DEFLATE is the only mechanism here").into()
        } else if cx.compressed {
            Completion::bad("DEFLATE is active already")
                .code(Code::COMPRESSION_ACTIVE)
                .into()
        } else {
            Completion::ok()
                .text("DEFLATE is active")
                .then(Then::StartDeflate)
                .into()
        }
    }
}
