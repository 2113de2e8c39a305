//! What a command sees of its session, and how it asks and speaks.
//!
//! A command asks at most one question at a time; its output leaves in the order in which it is said.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::command::{Completion, Form};
use super::enabled::{Enabled, Extension};
use super::output::Output;
use super::selected::{Manner, NoSuchNumber, Selected, Told};
use super::settings::Settings;
use super::words::Code;
use crate::login::{self, Patience};
use crate::machine::{Action, Effect, ObjectKind, Peer, Purpose, Seed, Time, Token, Upload, Watched};
use crate::sasl::{self, Kind, Mechanism};
use crate::store::set::{SequenceSet, UidSet};
use crate::store::{AccountId, Actor, ObjectId, Refreshed, Request};
use crate::wire::filter::Filter;

/// The session, as its commands see it.
#[derive(Debug)]
pub(crate) struct Context {
    /// The moment of the last input.
    pub(crate) now: Time,
    /// Draws ids.
    pub(crate) seed: Seed,
    /// What the operator decided.
    pub(crate) settings: Arc<Settings>,
    /// Who is at the other end.
    pub(crate) peer: Peer,
    /// Who has logged in.
    pub(crate) account: Option<AccountId>,
    /// The mechanism of the AUTHENTICATE that was begun last.
    pub(crate) exchange: Option<Kind>,
    /// Whether what passes is compressed.
    pub(crate) compressed: bool,
    /// The selected mailbox.
    pub(crate) selected: Option<Selected>,
    enabled: Enabled,
    /// The log-ins that have failed here.
    pub(crate) patience: Patience,
    output: Output,
    awaited: Option<Token>,
    tokens: u64,
    uploads: u64,
}

impl Context {
    pub(super) fn new(peer: Peer, settings: Arc<Settings>, seed: Seed) -> Self {
        Self {
            now: Time::default(),
            seed,
            settings,
            peer,
            account: None,
            exchange: None,
            compressed: false,
            selected: None,
            enabled: Enabled::default(),
            patience: Patience::default(),
            output: Output::default(),
            awaited: None,
            tokens: 0,
            uploads: 0,
        }
    }

    /// The SASL mechanisms that work on this connection.
    pub(crate) fn offered(&self) -> impl Iterator<Item = Kind> {
        sasl::offered(&self.settings.mechanisms, self.peer.tls.as_ref())
    }

    /// A fresh exchange of a mechanism.
    pub(crate) fn mechanism(&mut self, kind: Kind) -> Box<dyn Mechanism> {
        self.exchange = Some(kind);
        let (wanted, tls) = (&self.settings.mechanisms, self.peer.tls.as_ref());
        sasl::exchange(kind, wanted, tls, &mut self.seed)
    }

    /// Asks the store, on behalf of who has logged in. The answer comes as [`super::command::Event::Outcome`].
    pub(crate) fn ask(&mut self, request: Request) {
        let actor = self.account.map_or(Actor::Door, Actor::Account);
        self.effect(Effect::Store(actor, request));
    }

    /// Asks for an effect. The answer comes as [`super::command::Event::Outcome`].
    pub(crate) fn effect(&mut self, effect: Effect) {
        let token = self.token();
        self.output.push(Action::Do(token, effect));
    }

    /// Sends a stored range, `head` before it. A barrier: answered by [`super::command::Event::Outcome`], `Sent` or a failure.
    pub(crate) fn send_object(&mut self, head: Bytes, object: ObjectId, range: Range<u64>, filter: Filter) {
        let token = self.token();
        self.output.push(Action::SendObject {
            token,
            head,
            object,
            range,
            filter,
        });
    }

    /// Where responses are printed.
    pub(crate) fn out(&mut self) -> &mut BytesMut {
        self.output.gather()
    }

    /// Octets that are there already.
    pub(crate) fn send(&mut self, octets: Bytes) {
        self.output.send(octets);
    }

    /// One line; the CRLF is added.
    pub(crate) fn line(&mut self, line: fmt::Arguments<'_>) {
        print(self.out(), line);
    }

    /// What to be told of from now on.
    pub(crate) fn watch(&mut self, watched: Watched) {
        self.output.push(Action::Watch(watched));
    }

    /// Any other action that is not answered by an outcome.
    pub(crate) fn act(&mut self, action: Action) {
        self.output.push(action);
    }

    /// Begins a message.
    pub(crate) fn open_upload(&mut self) -> Upload {
        self.uploads += 1;
        let upload = Upload(self.uploads);
        let object = self.seed.object(self.now);
        self.output.push(Action::OpenUpload(
            upload,
            Purpose {
                object,
                kind: ObjectKind::Email,
            },
        ));
        upload
    }

    /// The selected mailbox's numbering; only in the selected state is there one.
    pub(crate) fn selected(&self) -> Option<&Selected> {
        self.selected.as_ref()
    }

    /// The messages that a set means in the selected mailbox, or the answer that some do not exist.
    pub(crate) fn resolve(&self, set: SequenceSet, form: Form) -> Result<UidSet, Completion> {
        let selected = self.selected().ok_or(Completion::bad("Select a mailbox first"))?;
        let resolved = selected.resolve(set, form == Form::Uid);
        resolved.map_err(|NoSuchNumber| Completion::bad("There is no message of such a number"))
    }

    /// Takes a newer view of the selected mailbox in; the client is told when the command ends.
    pub(crate) fn absorb(&mut self, refreshed: Refreshed) {
        if let Some(selected) = &mut self.selected {
            selected.absorb(refreshed);
        }
    }

    /// Tells what is new in the selected mailbox, a piece at a time: expunges if they may be told, flags with the UID if `uid`.
    pub(crate) fn tell(&mut self, expunges: bool, uid: bool) -> Told {
        let manner = Manner {
            expunges,
            vanished: self.has_enabled(Extension::QResync),
            uid,
            modseq: self.has_enabled(Extension::CondStore),
        };
        match &mut self.selected {
            Some(selected) => selected.tell(self.output.gather(), manner),
            None => Told::All,
        }
    }

    /// Whether the client has enabled an extension.
    pub(crate) fn has_enabled(&self, extension: Extension) -> bool {
        self.enabled.has(extension)
    }

    /// Enables an extension. The first command that enables CONDSTORE tells the HIGHESTMODSEQ of the selected mailbox
    /// (RFC 7162, 3.1).
    pub(crate) fn enable(&mut self, extension: Extension) {
        let was_aware = self.has_enabled(Extension::CondStore);
        self.enabled.insert(extension);
        if !was_aware && self.has_enabled(Extension::CondStore) {
            self.tell_highest_modseq();
        }
    }

    /// The HIGHESTMODSEQ of the selected mailbox, if there is one, as far as the client has been told.
    pub(crate) fn highest_modseq(&self) -> Option<Code> {
        let synced = self.selected().map(Selected::synced)?;
        Some(Code::HIGHEST_MODSEQ.with(format_args!("{}", synced.0)))
    }

    /// The same as an untagged response.
    pub(crate) fn tell_highest_modseq(&mut self) {
        if let Some(code) = self.highest_modseq() {
            self.line(format_args!("* OK [{code}] The highest MODSEQ"));
        }
    }

    /// Tells up to which MODSEQ the client knows everything, where it could think otherwise.
    pub(crate) fn tell_synced(&mut self) {
        if let Some(selected) = &mut self.selected {
            selected.tell_synced(self.output.gather());
        }
    }

    /// Forgets who has logged in and all that the client has set up since it connected; TLS stays, and so do the counts of what
    /// it did wrong (RFC 8437, 3); compression ends behind the answer (RFC 8437, 4.1). Whatever a session is given one day is forgotten too, unless it is named here.
    pub(crate) fn forget_client(&mut self) {
        let seed = std::mem::replace(&mut self.seed, Seed::new([0; 32]));
        let fresh = Self::new(self.peer.clone(), Arc::clone(&self.settings), seed);
        let old = std::mem::replace(self, fresh);
        (self.now, self.patience, self.compressed) = (old.now, old.patience, old.compressed);
        (self.output, self.awaited) = (old.output, old.awaited);
        (self.tokens, self.uploads) = (old.tokens, old.uploads);
    }

    /// Whether a password may be sent as things are.
    pub(crate) fn may_log_in(&self) -> bool {
        login::may_begin(self.settings.plaintext, &self.peer)
    }

    /// Whether STARTTLS works as things are.
    pub(crate) fn may_start_tls(&self) -> bool {
        self.settings.tls && !self.peer.is_encrypted()
    }

    pub(super) fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// Whether this answers the question asked last; then nothing is awaited any more.
    pub(super) fn answers(&mut self, token: Token) -> bool {
        self.awaited.take_if(|awaited| *awaited == token).is_some()
    }

    /// Whether a question is open.
    pub(super) fn awaits(&self) -> bool {
        self.awaited.is_some()
    }

    fn token(&mut self) -> Token {
        self.tokens += 1;
        let token = Token(self.tokens);
        self.awaited = Some(token);
        token
    }
}

/// One line onto `out`, with its CRLF.
pub(super) fn print(out: &mut BytesMut, line: fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = fmt::write(out, line);
    out.put_slice(b"\r\n");
}
