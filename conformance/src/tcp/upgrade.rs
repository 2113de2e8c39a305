//! STARTTLS or STLS behind the greeting, so that a transcript which does not speak of TLS runs under it.

use std::io;

use super::Tcp;
use crate::player::{Heard, Player as _};
use crate::transcript::Protocol;

/// What leads to TLS: what is said first and how its answer ends, and what is said last and how a good answer begins.
struct Words {
    hello: Option<(&'static str, &'static str)>,
    command: &'static str,
    good: &'static str,
    /// How the answer to the command begins, good or not.
    answer: &'static str,
}

fn words(protocol: Protocol) -> Words {
    let of_mail = |hello| Words {
        hello: Some((hello, "250 ")),
        command: "STARTTLS\r\n",
        good: "220",
        answer: "",
    };
    match protocol {
        Protocol::Imap => Words {
            hello: None,
            command: "tls STARTTLS\r\n",
            good: "tls OK",
            answer: "tls ",
        },
        Protocol::Pop3 => Words {
            hello: None,
            command: "STLS\r\n",
            good: "+OK",
            answer: "",
        },
        Protocol::Lmtp => of_mail("LHLO client.example\r\n"),
        Protocol::Smtp | Protocol::Submission => of_mail("EHLO client.example\r\n"),
    }
}

/// So many lines may come before an answer.
const LINES_MAX: usize = 100;

impl Tcp {
    /// Reads the greeting, begins TLS, and lays the greeting back for the transcript to hear. [`io::ErrorKind::Unsupported`]: the
    /// server will not.
    pub(super) fn upgrade(&mut self, number: u8, protocol: Protocol) -> io::Result<()> {
        let words = words(protocol);
        let greeting = self.answer(number, "")?;
        if let Some((hello, end)) = words.hello {
            self.send(number, hello.as_bytes())?;
            self.answer(number, end)?;
        }
        self.send(number, words.command.as_bytes())?;
        let answer = self.answer(number, words.answer)?;
        if !answer.starts_with(words.good.as_bytes()) {
            let refused = format!("TLS, which is refused: {}", answer.escape_ascii());
            return Err(io::Error::new(io::ErrorKind::Unsupported, refused));
        }
        self.start_tls(number)?;
        self.connection(number)?.heard = [&greeting, &b"\r\n"[..]].concat();
        Ok(())
    }

    /// The next line that begins so.
    fn answer(&mut self, number: u8, begin: &str) -> io::Result<Vec<u8>> {
        for _ in 0..LINES_MAX {
            match self.hear(number)? {
                Heard::Line(line) if line.starts_with(begin.as_bytes()) => return Ok(line),
                Heard::Line(_) => {}
                Heard::Closed => return Err(io::Error::other("the server closes in place of beginning TLS")),
                Heard::Silence => {
                    return Err(io::Error::other(
                        "the server says nothing in place of beginning TLS",
                    ));
                }
            }
        }
        Err(io::Error::other(
            "the server sends without end in place of beginning TLS",
        ))
    }
}
