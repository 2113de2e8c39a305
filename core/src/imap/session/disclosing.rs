//! What of the client's octets is no secret: told before a command runs, so that a record shows what broke the session.
//!
//! A line is plain only if it is known what it is. LOGIN and AUTHENTICATE, and whatever is no command of ours, keep their frame
//! alone: there may be a password in a line that went wrong.

use std::ops::Range;

use super::super::command::{self, Event};
use super::super::grammar::{self, Cursor};
use super::reading::is_http;
use super::{Running, Session};
use crate::machine::Form;
use crate::sasl::Kind;

impl Session {
    /// Everything that was taken since the last disclosure.
    pub(super) fn disclose(&mut self, form: Form) {
        self.told.tell(self.framing.taken(), form);
    }

    /// A command up to the announcement of a literal.
    pub(super) fn disclose_beginning(&mut self) {
        let command = self.framing.so_far();
        let (known, form) = self.known(command);
        let (len, literal) = (command.len(), self.framing.last_literal());
        self.disclose_piece(len, literal, known, form);
    }

    /// A whole command; what is in front of its last literal, if it has one, was disclosed before.
    pub(super) fn disclose_command(&mut self, command: &[u8], literal: Option<Range<usize>>) {
        let (known, form) = self.known(command);
        self.disclose_piece(command.len(), literal, known, form);
    }

    /// `len`: of the command so far, without its line end, which has been taken too; `known`: how many octets of it are plain.
    fn disclose_piece(&mut self, len: usize, literal: Option<Range<usize>>, known: usize, form: Form) {
        let end = self.framing.taken();
        let start = end.saturating_sub(len as u64 + 2);
        match literal {
            None => {
                // What was passed over: the rest of a line that was none.
                self.told.tell(start, Form::Frame);
                self.told.tell(start + known as u64, Form::Plain);
            }
            Some(literal) => {
                let within = if form == Form::Plain { form } else { Form::Hidden };
                self.told.tell(start + literal.end as u64, within);
            }
        }
        self.told.tell(end, form);
    }

    /// A line that a command listens for, if it was one.
    pub(super) fn disclose_line(&mut self, running: &Running, event: &Event) {
        let is_login = running.row.is_some_and(|row| row.name == "AUTHENTICATE");
        match event {
            Event::Line(line) if is_login => {
                let form = self
                    .cx
                    .exchange
                    .map_or(Form::Frame, |kind| Form::of_message(kind, &self.cx.peer, line));
                self.disclose(form);
            }
            Event::Line(line) if line.eq_ignore_ascii_case(b"DONE") => self.disclose(Form::Plain),
            Event::Line(_) => self.disclose(Form::Frame),
            _ => {}
        }
    }

    /// How many octets at the front of a command are plain, and the form of the rest.
    fn known(&self, command: &[u8]) -> (usize, Form) {
        if is_http(command) {
            let verb = command.iter().take_while(|&&octet| octet != b' ').count();
            return (verb, Form::Frame);
        }
        let Ok(head) = grammar::head(command) else {
            return (0, Form::Frame);
        };
        match head.name.as_str() {
            name if command::find(name, head.uid).is_none() => (0, Form::Frame),
            "LOGIN" => (head.args.position(), Form::Frame),
            "AUTHENTICATE" => self.authenticate(head.args),
            "ID" => (command.len(), Form::Plain),
            // Before log-in no other command has arguments that mean anything.
            _ if self.cx.account.is_none() && !head.args.rest().is_empty() => {
                (head.args.position(), Form::Frame)
            }
            _ => (command.len(), Form::Plain),
        }
    }

    /// AUTHENTICATE is plain up to its mechanism, if it is one.
    fn authenticate(&self, mut args: Cursor<'_>) -> (usize, Form) {
        let name = args.position();
        let kind = args.sp().ok().and_then(|()| Kind::named(args.word()));
        match kind {
            Some(kind) if args.skip(b' ') || args.rest().is_empty() => (
                args.position(),
                Form::of_message(kind, &self.cx.peer, args.rest()),
            ),
            _ => (name, Form::Frame),
        }
    }
}
