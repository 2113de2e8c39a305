//! One machine and its peer: carries out actions, gives inputs one at a time, records what passed.

use std::collections::{BTreeMap, VecDeque};

use bytes::BytesMut;

use super::stage::Stage;
use super::uploads::Uploads;
use super::{Peaks, Summary, Talk};
use crate::machine::{Action, Effect, Input, Machine, READ_MAX, Step, Token, Watched};
use crate::store::{MailboxId, ModSeq};
use crate::wire::deflate::{Inflated, Inflater};

/// A machine that acts so often between two waits runs in a circle.
const ACTIONS_MAX: usize = 1_000_000;

/// One machine and its peer.
pub struct Conversation {
    pub(super) talk: Talk,
    pub(super) machine: Box<dyn Machine>,
    /// What the peer has written and the machine has not read.
    pub(super) unread: BytesMut,
    /// What the peer's octets go through once both sides compress.
    pub(super) inflater: Option<Box<Inflater>>,
    /// The most octets of one read.
    pub(super) read_max: usize,
    pub(super) peer: PeerState,
    /// What is to be given before anything else: outcomes of barriers, TLS, connections.
    pub(super) inputs: VecDeque<Input>,
    /// Effects that were asked for and have not run.
    pub(super) effects: VecDeque<(Token, Effect)>,
    pub(super) uploads: Uploads,
    pub(super) barrier: Option<Token>,
    pub(super) last_token: Option<Token>,
    pub(super) rest: Rest,
    pub(super) watched: Watched,
    /// What the machine was told, or knew, of the mailboxes it watches.
    pub(super) told: BTreeMap<MailboxId, ModSeq>,
    pub(super) sent: Vec<u8>,
    pub(super) taken: usize,
    pub(super) actions: Vec<Action>,
    pub(super) drain_octets: usize,
    pub(super) peaks: Peaks,
}

/// How far the peer's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PeerState {
    Open,
    /// It closed; what it wrote before is still to be read.
    Closing,
    /// The machine has been given `Eof`.
    Gone,
}

/// Where a machine stands after it was drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// It has not been polled yet.
    Never,
    Waiting {
        bytes: bool,
        deadline_ms: Option<u64>,
        /// Whether nothing was left to read when it began to wait.
        dry: bool,
    },
    Over,
}

impl Conversation {
    pub(super) fn new(talk: Talk, machine: Box<dyn Machine>) -> Self {
        Self {
            talk,
            machine,
            unread: BytesMut::new(),
            inflater: None,
            read_max: READ_MAX,
            peer: PeerState::Open,
            inputs: VecDeque::new(),
            effects: VecDeque::new(),
            uploads: Uploads::default(),
            barrier: None,
            last_token: None,
            rest: Rest::Never,
            watched: Watched::Nothing,
            told: BTreeMap::new(),
            sent: Vec::new(),
            taken: 0,
            actions: Vec::new(),
            drain_octets: 0,
            peaks: Peaks::default(),
        }
    }

    /// Everything that was sent to the peer.
    pub fn sent(&self) -> &[u8] {
        &self.sent
    }

    /// Every action, in order.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// The most it ever held.
    pub fn peaks(&self) -> Peaks {
        self.peaks
    }

    /// Whether the machine is over.
    pub fn is_over(&self) -> bool {
        self.rest == Rest::Over
    }

    /// Whether the machine waits for octets.
    pub fn wants_bytes(&self) -> bool {
        matches!(self.rest, Rest::Waiting { bytes: true, .. })
    }

    /// Octets that the peer has written and the machine has not read.
    pub fn unread(&self) -> usize {
        self.unread.len()
    }

    /// When the next `Tick` is due, on the monotonic clock.
    pub fn deadline_ms(&self) -> Option<u64> {
        match self.rest {
            Rest::Waiting { deadline_ms, .. } if self.peer != PeerState::Gone => deadline_ms,
            _ => None,
        }
    }

    /// What must not depend on how the input was cut.
    pub fn summary(&self) -> Summary {
        let effects = self.actions.iter().filter_map(|action| match action {
            Action::Do(_, effect) if !matches!(effect, Effect::ConfirmDelivery(_)) => Some(effect.clone()),
            _ => None,
        });
        let uploads = self.uploads.record().clone();
        Summary {
            sent: self.sent.clone(),
            uploads,
            effects: effects.collect(),
            over: self.is_over(),
        }
    }

    /// What was sent since the last time.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let new = self.sent.get(self.taken..).unwrap_or_default().to_vec();
        self.taken = self.sent.len();
        new
    }

    /// From now on a read gives at most so many octets, 1 to [`READ_MAX`].
    pub(super) fn set_read_max(&mut self, octets: usize) {
        self.read_max = octets.clamp(1, READ_MAX);
    }

    pub(super) fn write(&mut self, octets: &[u8]) {
        if self.peer == PeerState::Open && !self.is_over() {
            self.unread.extend_from_slice(octets);
        }
    }

    pub(super) fn close(&mut self) {
        if self.peer == PeerState::Open {
            self.peer = PeerState::Closing;
        }
    }

    /// The connection breaks: what was not read is lost.
    pub(super) fn cut(&mut self) {
        self.unread.clear();
        self.close();
    }

    /// Gives one input that comes from elsewhere, unless the machine is not to have any more.
    pub(super) fn give(&mut self, stage: &mut Stage, input: Input) {
        if self.peer == PeerState::Open && !self.is_over() {
            self.handle(stage, input);
            self.run(stage);
        }
    }

    /// Runs until the machine waits for something that does not come by itself.
    pub(super) fn run(&mut self, stage: &mut Stage) {
        if self.rest == Rest::Never {
            self.drain(stage);
        }
        while let Some(input) = self.next_input(stage) {
            self.handle(stage, input);
        }
        let abandoned = self.peer == PeerState::Gone && !self.is_over();
        assert!(
            !abandoned,
            "nothing is in flight after Eof, but the machine is not over"
        );
    }

    /// One input in, drained fully.
    fn handle(&mut self, stage: &mut Stage, input: Input) {
        self.machine.handle(stage.now, input);
        self.drain(stage);
    }

    /// What was started is not cancelled because nobody waits for it.
    fn finish(&mut self, stage: &mut Stage) {
        assert!(self.barrier.is_none(), "over before the outcome of SendObject");
        while let Some((_, effect)) = self.effects.pop_front() {
            let _ = stage.run(self.talk, effect, &mut self.uploads);
        }
    }

    /// Carries out actions until the machine waits or is over.
    fn drain(&mut self, stage: &mut Stage) {
        self.drain_octets = 0;
        for _ in 0..ACTIONS_MAX {
            match self.machine.poll() {
                Step::Act(action) => self.act(stage, action),
                Step::Wait { bytes, until } => {
                    let deadline_ms = until.map(|due| due.at_ms(stage.now));
                    self.rest = Rest::Waiting {
                        bytes,
                        deadline_ms,
                        dry: !self.is_readable(),
                    };
                    return;
                }
                Step::Over => {
                    self.rest = Rest::Over;
                    self.unread.clear();
                    return self.finish(stage);
                }
            }
        }
        assert!(
            self.is_over(),
            "the machine acts in a circle: {:?}",
            self.actions.last()
        );
    }

    /// What happens next, if anything happens by itself: outcomes first, then what the peer wrote, then its end.
    fn next_input(&mut self, stage: &mut Stage) -> Option<Input> {
        if self.is_over() {
            return None;
        }
        if let Some(input) = self.inputs.pop_front() {
            self.barrier = None;
            return Some(input);
        }
        if let Some((token, effect)) = self.effects.pop_front() {
            return Some(Input::Outcome(
                token,
                stage.run(self.talk, effect, &mut self.uploads),
            ));
        }
        let Rest::Waiting { bytes, dry, .. } = self.rest else {
            return None;
        };
        if self.peer == PeerState::Gone {
            return None;
        }
        if bytes && let Some(input) = self.read(dry) {
            return Some(input);
        }
        if self.peer == PeerState::Closing {
            self.peer = PeerState::Gone;
            return Some(Input::Eof);
        }
        None
    }

    fn is_readable(&self) -> bool {
        !self.unread.is_empty() || self.inflater.as_ref().is_some_and(|inflater| inflater.has_more())
    }

    /// What one read gives, inflated where the peer compresses.
    fn read(&mut self, waited: bool) -> Option<Input> {
        loop {
            let inflated = self
                .inflater
                .as_mut()
                .map(|inflater| inflater.pull(self.read_max));
            match inflated {
                Some(Ok(Inflated::Octets(octets))) => return Some(Input::Bytes { octets, waited }),
                Some(Ok(Inflated::Over(plain))) => {
                    self.inflater = None;
                    self.unread = [&plain[..], &self.unread[..]].concat().as_slice().into();
                }
                Some(Err(fault)) => {
                    self.inflater = None;
                    return Some(Input::Inflate(fault));
                }
                Some(Ok(Inflated::Hungry)) | None if self.unread.is_empty() => return None,
                Some(Ok(Inflated::Hungry)) | None => {
                    let octets = self
                        .unread
                        .split_to(self.read_max.min(self.unread.len()))
                        .freeze();
                    match &mut self.inflater {
                        Some(inflater) => inflater.push(octets),
                        None => return Some(Input::Bytes { octets, waited }),
                    }
                }
            }
        }
    }

    /// The next change that the machine watches for and was not told of.
    pub(super) fn news(&mut self, stage: &Stage) -> Option<Input> {
        if self.peer != PeerState::Open || self.is_over() {
            return None;
        }
        let newest: Vec<_> = match self.watched {
            Watched::Nothing => Vec::new(),
            Watched::Mailbox { id, .. } => stage
                .store
                .highest_modseq(id)
                .map(|modseq| (id, modseq))
                .into_iter()
                .collect(),
            Watched::Account(account) => stage.store.modseqs(account).collect(),
        };
        let new = |(id, modseq): &(MailboxId, ModSeq)| self.told.get(id).is_none_or(|told| told < modseq);
        let (mailbox, modseq) = newest.into_iter().find(new)?;
        self.told.insert(mailbox, modseq);
        Some(Input::Changed { mailbox, modseq })
    }
}
