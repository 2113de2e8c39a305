//! What a session has to do next: actions in order, the one effect it waits for, the one upload it feeds.

use std::collections::VecDeque;
use std::fmt::{Display, Write as _};

use bytes::Bytes;

use super::words::Reply;
use crate::machine::{Action, Effect, ObjectKind, Purpose, TlsRole, Token, Upload};
use crate::store::ObjectId;

/// Octets of most reply lines.
const LINE_OCTETS: usize = 64;

/// Actions wait here until the shell polls.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    actions: VecDeque<Action>,
    tokens: u64,
    awaited: Option<Token>,
    uploads: u64,
    upload: Option<Upload>,
    /// Whether a reply since the last look blamed the command ([`Reply::blames_command`]).
    pub blamed: bool,
}

impl Outbox {
    pub fn next(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    pub fn reply(&mut self, reply: Reply) {
        self.replies(&[reply]);
    }

    /// Several replies, in one piece.
    pub fn replies(&mut self, replies: &[Reply]) {
        self.blamed |= replies.iter().any(|reply| reply.blames_command());
        self.lines(replies);
    }

    /// Whole reply lines, which end here.
    pub fn lines(&mut self, lines: &[impl Display]) {
        let mut text = String::with_capacity(lines.len() * LINE_OCTETS);
        for line in lines {
            // Writing to memory does not fail.
            let _ = write!(text, "{line}\r\n");
        }
        if !text.is_empty() {
            self.actions.push_back(Action::Send(Bytes::from(text)));
        }
    }

    /// Runs an effect whose outcome is awaited.
    pub fn ask(&mut self, effect: Effect) {
        self.awaited = Some(self.run(effect));
    }

    /// Runs an effect whose outcome nobody waits for.
    pub fn run(&mut self, effect: Effect) -> Token {
        self.tokens += 1;
        self.actions.push_back(Action::Do(Token(self.tokens), effect));
        Token(self.tokens)
    }

    /// Whether this outcome is the awaited one.
    pub fn landed(&mut self, token: Token) -> bool {
        self.awaited.take_if(|awaited| *awaited == token).is_some()
    }

    /// Switches the transport to TLS, behind what has been said.
    pub fn start_tls(&mut self) {
        self.actions.push_back(Action::StartTls(TlsRole::Server));
    }

    pub fn open_upload(&mut self, object: ObjectId) {
        self.uploads += 1;
        let upload = *self.upload.insert(Upload(self.uploads));
        self.actions.push_back(Action::OpenUpload(
            upload,
            Purpose {
                object,
                kind: ObjectKind::Email,
            },
        ));
    }

    /// Octets of the message. A NUL, which no text may hold (RFC 6152, 3; RFC 5322, 2.1) and no IMAP literal can
    /// (`CHAR8`, RFC 3501, 9), becomes 0x80: in the same place, so that no line and no count changes.
    pub fn feed(&mut self, octets: Bytes) {
        if let Some(upload) = self.upload.filter(|_| !octets.is_empty()) {
            self.actions.push_back(Action::Feed(upload, without_nul(octets)));
        }
    }

    pub fn finish_upload(&mut self) {
        if let Some(upload) = self.upload.take() {
            self.ask(Effect::FinishUpload(upload));
        }
    }

    /// Forgets the upload that is open, if one is.
    pub fn drop_upload(&mut self) {
        self.actions.extend(self.upload.take().map(Action::DropUpload));
    }
}

fn without_nul(octets: Bytes) -> Bytes {
    if memchr::memchr(0, &octets).is_none() {
        return octets;
    }
    octets
        .iter()
        .map(|&octet| if octet == 0 { 0x80 } else { octet })
        .collect()
}
