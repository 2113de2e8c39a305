//! What of the peer's octets is no secret: told before a command runs, so that a record shows what broke the session.
//!
//! A command is plain if it is one of ours, but for AUTH, of which its mechanism and the shape of its base64 are; of any other line,
//! which may be a password at the wrong door, only the frame is. A message keeps its shape.

use bytes::Bytes;

use super::command;
use super::session::Server;
use crate::machine::Form;
use crate::wire::http::is_http;
use crate::wire::line::LineFault;

impl Server {
    /// Octets of the peer that lines and content were made of so far.
    fn taken(&self) -> u64 {
        self.pushed - self.rest.len() as u64
    }

    /// Everything that was taken since the last disclosure is of a message.
    pub(super) fn disclose_content(&mut self) {
        self.told.tell(self.taken(), Form::Content);
    }

    /// A command line, or what was none.
    pub(super) fn disclose_line(&mut self, line: &Result<Bytes, LineFault>) {
        let end = self.taken();
        let form = match line {
            Ok(line) => {
                let start = end.saturating_sub(line.len() as u64 + 2);
                // What was passed over: the rest of a line that was none.
                self.told.tell(start, Form::Frame);
                let (known, form) = self.known(line);
                self.told.tell(start + known as u64, Form::Plain);
                form
            }
            Err(_) => Form::Frame,
        };
        self.told.tell(end, form);
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
        match command::known(name) {
            Some("AUTH") => {
                let (mechanism, kind) = command::mechanism(arguments);
                let message = arguments.get(mechanism..).unwrap_or_default();
                let form = kind.map_or(Form::Frame, |kind| Form::of_message(kind, &self.cx.peer, message));
                (verb + mechanism, form)
            }
            // The end of the line belongs to it.
            Some(_) => (line.len() + 2, Form::Plain),
            None if is_http(line) => (verb, Form::Frame),
            None => (0, Form::Frame),
        }
    }
}
