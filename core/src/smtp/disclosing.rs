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
        match command::known(name) {
            Some("AUTH") => {
                let (mechanism, form) = Form::of_auth(&self.cx.peer, arguments);
                (verb + mechanism, form)
            }
            // The end of the line belongs to it.
            Some(_) => (line.len() + 2, Form::Plain),
            None if is_http(line) => (verb, Form::Frame),
            None => (0, Form::Frame),
        }
    }
}
