//! A command is over: what the client may hear, the tagged response, and what follows it.

use super::super::command::{Completion, Condition, Expunges, Form, Then};
use super::super::enabled::Extension;
use super::super::selected::Told;
use super::super::words;
use super::{Phase, Running, Session};
use crate::machine::{Action, TlsRole};
use crate::wire::deflate::InflateFault;

impl Session {
    pub(super) fn complete(&mut self, running: Running, completion: Completion) {
        self.framing.conclude();
        match completion.condition {
            Condition::Ok => self.bad_commands = 0,
            Condition::Bad => self.bad_commands += 1,
            Condition::No | Condition::Failed(_) => {}
        }
        let bad = completion.condition == Condition::Bad;
        self.phase = if bad && self.bad_commands > self.cx.settings.bad_commands_free {
            Phase::Penalty(
                self.cx.now.mono_ms.saturating_add(self.cx.settings.delay_ms),
                running,
                completion,
            )
        } else {
            Phase::Telling(running, completion)
        };
    }

    /// Tells the client what it may hear now, piece by piece, then the tagged response.
    pub(super) fn tell(&mut self, running: Running, completion: Completion) {
        let expunges = completion.expunges && running.row.is_some_and(|row| row.expunges == Expunges::Yes);
        let uid = running.row.is_some_and(|row| row.form == Form::Uid);
        match self.cx.tell(expunges, uid) {
            Told::More => self.phase = Phase::Telling(running, completion),
            Told::All => self.finish(&running, completion),
            Told::Lost => self.bye(words::LOST),
        }
    }

    pub(super) fn finish(&mut self, running: &Running, completion: Completion) {
        // Plaintext behind STARTTLS would be taken for the encrypted client's (RFC 3501, 6.2.1).
        if completion.then == Then::StartTls && !self.framing.is_empty() {
            return self.bye("Something came between STARTTLS and TLS");
        }
        self.cx.tell_synced();
        self.tagged(running, &completion);
        self.phase = Phase::Reading;
        match completion.then {
            Then::Go => {}
            Then::LoggedIn => self.framing.budget(self.cx.settings.after_login),
            Then::LoggedOut => {
                self.stop_deflate();
                self.framing.budget(self.cx.settings.before_login);
                let login_time_ms = self.cx.settings.login_time_ms;
                self.login_until_ms = Some(self.cx.now.mono_ms.saturating_add(login_time_ms));
                self.changed = None;
            }
            Then::StartTls => {
                self.cx.act(Action::StartTls(TlsRole::Server));
                self.phase = Phase::Tls;
            }
            Then::StartDeflate => self.start_deflate(),
            Then::Close => self.phase = Phase::Closing,
        }
        if self.bad_commands >= self.cx.settings.bad_commands {
            self.bye("Too many bad commands");
        }
    }

    /// From the octet behind the OK on, both sides compress. A client waits for it (RFC 4978, 3): what has come before is not compressed,
    /// and what is read from now on is.
    fn start_deflate(&mut self) {
        self.cx.act(Action::StartDeflate);
        self.cx.compressed = true;
        if !self.framing.is_empty() {
            self.bye(words::deflate(InflateFault::Early));
        }
    }

    /// Behind the OK nothing is compressed any more, and behind the client's command nothing was (RFC 8437, 4.1).
    fn stop_deflate(&mut self) {
        if std::mem::take(&mut self.cx.compressed) {
            self.cx.act(Action::StopDeflate);
            if !self.framing.is_empty() {
                self.bye(words::deflate(InflateFault::Broken));
            }
        }
    }

    pub(super) fn tagged(&mut self, running: &Running, completion: &Completion) {
        let name = running.row.map_or("Command", |row| row.name);
        let uid = if running.row.is_some_and(|row| row.form == Form::Uid) {
            "UID "
        } else {
            ""
        };
        let tag = &running.tag;
        let (condition, code, text) = match &completion.condition {
            Condition::Ok if completion.removed && self.cx.has_enabled(Extension::QResync) => {
                ("OK", self.cx.highest_modseq(), &completion.text)
            }
            Condition::Ok => ("OK", completion.code.clone(), &completion.text),
            Condition::No => ("NO", completion.code.clone(), &completion.text),
            Condition::Bad => ("BAD", completion.code.clone(), &completion.text),
            Condition::Failed(failure) => {
                let (code, text) = words::failure(name, failure);
                return self.cx.line(format_args!("{tag} NO [{code}] {text}"));
            }
        };
        let code = code.map(|code| format!("[{code}] ")).unwrap_or_default();
        match text {
            Some(text) => self.cx.line(format_args!("{tag} {condition} {code}{text}")),
            None => self
                .cx
                .line(format_args!("{tag} {condition} {code}{uid}{name} completed")),
        }
    }

    pub(super) fn bye(&mut self, why: &str) {
        self.cx.line(format_args!("* BYE {why}"));
        self.phase = Phase::Closing;
    }
}
