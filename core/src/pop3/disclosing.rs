//! What of the client's octets is no secret: told before a command runs, so that a record shows what broke the session.
//!
//! A line is plain only if it is known what it is. USER and PASS keep their frame alone, AUTH its mechanism and the shape of its
//! base64; and whatever is no command of ours keeps its frame, as there may be a password in a line that went wrong.

use bytes::Bytes;

use super::command;
use super::session::Session;
use crate::machine::Form;
use crate::wire::http::is_http;
use crate::wire::line::LineFault;

impl Session {
    /// Octets of the client that lines were made of so far.
    fn taken(&self) -> u64 {
        self.pushed - self.rest.len() as u64
    }

    /// A command line, or what was none.
    pub(super) fn disclose_line(&mut self, line: &Result<Bytes, LineFault>) {
        let end = self.taken();
        match line {
            Ok(line) => {
                let (plain, rest) = self.known(line);
                self.told.tell_line(end, line.len(), plain, rest);
            }
            Err(_) => self.told.tell(end, Form::Frame),
        }
    }

    /// A response to a challenge, if it is a line.
    pub(super) fn disclose_response(&mut self, line: Option<&[u8]>) {
        let form = self.cx.exchange.zip(line).map_or(Form::Frame, |(kind, line)| {
            Form::of_message(kind, &self.cx.peer, line)
        });
        self.told.tell(self.taken(), form);
    }

    /// How many octets at the front of a command are plain, and the form of the rest.
    fn known(&self, line: &[u8]) -> (usize, Form) {
        let verb = line.iter().take_while(|&&octet| octet != b' ').count();
        let (name, arguments) = line.split_at_checked(verb).unwrap_or((line, &[]));
        if is_http(line) {
            return (verb, Form::Frame);
        }
        match command::find(name) {
            None => (0, Form::Frame),
            Some("AUTH") => {
                let (mechanism, form) = Form::of_auth(&self.cx.peer, arguments);
                (verb + mechanism, form)
            }
            Some("LANG") if command::is_language(arguments) => (line.len(), Form::Plain),
            Some(name) if self.cx.maildrop.is_some() && !matches!(name, "USER" | "PASS" | "LANG") => {
                (line.len(), Form::Plain)
            }
            // Before log-in no other command has arguments that mean anything.
            Some(_) => (verb, Form::Frame),
        }
    }
}
