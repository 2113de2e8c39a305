//! From octets to a command that has started.

use super::super::command::{self, Allowed, Completion, Row, append};
use super::super::grammar::{self, Head, Syntax};
use super::super::words::Code;
use super::{Phase, Running, Session};
use crate::machine::{Form, Step};
use crate::wire::command::{Announced, Event, Malformed};
use crate::wire::line::LineFault;

impl Session {
    pub(super) fn read(&mut self) -> Option<Step> {
        self.phase = Phase::Reading;
        match self.framing.next() {
            None => {
                return Some(Step::Wait {
                    bytes: true,
                    until: Some(self.due()),
                });
            }
            Some(Event::Command(command)) => {
                self.disclose_command(command.octets(), command.literals().last().cloned());
                self.dispatch(command.octets());
            }
            Some(Event::Literal(announced)) => {
                self.disclose_beginning();
                self.announced(announced);
            }
            Some(Event::Malformed { fault, tag }) => {
                self.disclose(Form::Frame);
                self.malformed(fault, tag.as_deref());
            }
            Some(Event::Fatal) => self.lost(),
            // A literal is streamed only while its command waits for it.
            Some(Event::Stream(_) | Event::StreamEnd | Event::Rest(_)) => {}
        }
        None
    }

    pub(super) fn lost(&mut self) {
        self.disclose(Form::Frame);
        // Only a literal that is too big to be passed over hides what follows it (RFC 7888, 5).
        let code = Code::TOO_BIG;
        self.bye(&format!("[{code}] The next command cannot be found"));
    }

    /// A literal is announced: APPEND streams its message, all other literals are gathered.
    pub(super) fn announced(&mut self, literal: Announced) {
        let command = self.framing.so_far();
        let tag = grammar::tag(command).unwrap_or("*").to_owned();
        if self.cx.account.is_some()
            && let Ok(head) = grammar::head(command)
            && head.name == "APPEND"
            && !head.uid
            && let Some(parsed) = append::announced(&mut head.args.clone())
        {
            return self.start(
                Running {
                    tag,
                    row: command::find("APPEND", false),
                },
                parsed,
            );
        }
        if !self.cx.settings.admits(literal.size, literal.sync) {
            self.complete(Running { tag, row: None }, Completion::too_big_unasked());
        } else if !self.framing.gather() {
            self.complete(
                Running { tag, row: None },
                Completion::bad("A literal is too big, or one too many"),
            );
        } else if literal.sync {
            self.cx.line(format_args!("+ Ready for the literal"));
        }
    }

    pub(super) fn malformed(&mut self, fault: Malformed, tag: Option<&[u8]>) {
        let tag = tag.and_then(grammar::tag).unwrap_or("*").to_owned();
        self.complete(Running { tag, row: None }, Completion::bad(why(fault)));
    }

    pub(super) fn dispatch(&mut self, command: &[u8]) {
        if self.cx.account.is_none() && is_http(command) {
            return self.bye("This is IMAP");
        }
        let head = match grammar::head(command) {
            Ok(head) => head,
            Err(syntax) => {
                let tag = grammar::tag(command).unwrap_or("*").to_owned();
                return self.complete(Running { tag, row: None }, bad(&syntax));
            }
        };
        let Head {
            tag,
            uid,
            name,
            mut args,
        } = head;
        let row = command::find(&name, uid);
        let running = Running {
            tag: tag.to_owned(),
            row,
        };
        match row
            .ok_or(Completion::bad("There is no such command"))
            .and_then(|row| self.allow(row).map(|()| row))
        {
            Ok(row) => {
                let parsed = (row.parse)(&mut args, row.form);
                self.start(running, parsed);
            }
            Err(completion) => self.complete(running, completion),
        }
    }

    pub(super) fn start(&mut self, running: Running, parsed: command::Parsed) {
        match parsed {
            Ok(command) => {
                let next = command.start(&mut self.cx);
                self.follow(running, next);
            }
            Err(syntax) => self.complete(running, bad(&syntax)),
        }
    }

    /// Whether a command is allowed in this state.
    pub(super) fn allow(&self, row: &Row) -> Result<(), Completion> {
        let selected = self.cx.selected();
        match row.allowed {
            Allowed::Always => Ok(()),
            Allowed::NotAuthenticated if self.cx.account.is_some() => {
                Err(Completion::bad("You have logged in already"))
            }
            Allowed::NotAuthenticated => Ok(()),
            _ if self.cx.account.is_none() => Err(Completion::bad("Log in first")),
            Allowed::Authenticated => Ok(()),
            _ if selected.is_none() => Err(Completion::bad("Select a mailbox first")),
            Allowed::Writable if selected.is_some_and(|selected| selected.read_only()) => Err(
                Completion::no(Code::READ_ONLY, "The mailbox is selected read-only"),
            ),
            Allowed::Selected | Allowed::Writable => Ok(()),
        }
    }
}

/// The answer to what does not fit the grammar.
fn bad(syntax: &Syntax) -> Completion {
    match syntax.expected {
        grammar::Expected::Charset => Completion::no(
            Code::BAD_CHARSET.with(format_args!("(US-ASCII UTF-8)")),
            "The charsets here are US-ASCII and UTF-8",
        ),
        _ => Completion::bad(syntax.to_string()),
    }
}

/// What is wrong with octets that are no command.
fn why(fault: Malformed) -> &'static str {
    match fault {
        Malformed::Line(LineFault::TooLong) => "The line is too long",
        Malformed::Line(LineFault::BareLf | LineFault::BareCr) => "Lines end with CRLF",
        Malformed::Line(LineFault::Nul) => "There is a NUL in the line",
        Malformed::LiteralSize => "No literal has such a size",
    }
}

/// Whether a browser speaks, perhaps made to by a hostile page.
pub(super) fn is_http(command: &[u8]) -> bool {
    let verbs: [&[u8]; 7] = [
        b"GET ",
        b"POST ",
        b"HEAD ",
        b"PUT ",
        b"OPTIONS ",
        b"CONNECT ",
        b"DELETE ",
    ];
    let request = verbs.iter().any(|verb| command.starts_with(verb))
        && command.windows(6).any(|part| part == b" HTTP/");
    request
        || command
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"host:"))
}
