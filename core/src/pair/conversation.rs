//! One machine and its peer: carries out actions, gives inputs one at a time, records what passed.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::stage::{Stage, filtered};
use super::uploads::Uploads;
use super::{Talk, When};
use crate::machine::{
    Action, ConnectFailure, Done, Effect, Input, Machine, Peer, READ_MAX, Step, TlsFailure, TlsInfo, Token,
    Upload, Watched,
};
use crate::store::{Failure, MailboxId, ModSeq, ObjectId};
use crate::wire::filter::Filter;

/// A machine that acts so often between two waits runs in a circle.
const ACTIONS_MAX: usize = 1_000_000;

/// One machine and its peer.
pub struct Conversation {
    talk: Talk,
    machine: Box<dyn Machine>,
    /// What the peer has written and the machine has not read.
    unread: BytesMut,
    /// The most octets of one read.
    read_max: usize,
    peer: PeerState,
    /// What is to be given before anything else: outcomes of barriers, TLS, connections.
    inputs: VecDeque<Input>,
    /// Effects that were asked for and have not run.
    effects: VecDeque<(Token, Effect)>,
    uploads: Uploads,
    barrier: Option<Token>,
    last_token: Option<Token>,
    rest: Rest,
    watched: Watched,
    /// What the machine was told, or knew, of the mailboxes it watches.
    told: BTreeMap<MailboxId, ModSeq>,
    sent: Vec<u8>,
    taken: usize,
    actions: Vec<Action>,
    drain_octets: usize,
    peaks: Peaks,
}

/// How far the peer's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PeerState {
    Open,
    /// It closed; what it wrote before is still to be read.
    Closing,
    /// The machine has been given `Eof`.
    Gone,
}

/// Where a machine stands after it was drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Waiting {
        bytes: bool,
        deadline_ms: Option<u64>,
        /// Whether nothing was left to read when it began to wait.
        dry: bool,
    },
    Over,
}

/// The most that a conversation ever held, in octets and pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peaks {
    /// Octets in one `Send`.
    pub send: usize,
    /// Octets sent, stored ranges aside, between two waits.
    pub drain: usize,
    /// Effects in flight at once.
    pub effects: usize,
    /// Uploads open at once.
    pub uploads: usize,
}

/// What must not depend on how the input was cut: the octets to each destination, and the effects in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// To the peer.
    pub sent: Vec<u8>,
    /// To each upload.
    pub uploads: BTreeMap<Upload, Vec<u8>>,
    /// All but `ConfirmDelivery`, which is about time.
    pub effects: Vec<Effect>,
    /// Whether the machine is over.
    pub over: bool,
}

impl Conversation {
    pub(super) fn new(talk: Talk, machine: Box<dyn Machine>) -> Self {
        Self {
            talk,
            machine,
            unread: BytesMut::new(),
            read_max: READ_MAX,
            peer: PeerState::Open,
            inputs: VecDeque::new(),
            effects: VecDeque::new(),
            uploads: Uploads::default(),
            barrier: None,
            last_token: None,
            rest: Rest::Waiting {
                bytes: false,
                deadline_ms: None,
                dry: false,
            },
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
            self.machine.handle(stage.now, input);
            self.run(stage);
        }
    }

    /// Runs until the machine waits for something that does not come by itself.
    pub(super) fn run(&mut self, stage: &mut Stage) {
        while !self.is_over() {
            self.drain(stage);
            if self.is_over() {
                break;
            }
            match self.next_input(stage) {
                Some(input) => self.machine.handle(stage.now, input),
                None => {
                    assert!(
                        self.peer != PeerState::Gone,
                        "nothing is in flight after Eof, but the machine is not over"
                    );
                    break;
                }
            }
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
                        dry: self.unread.is_empty(),
                    };
                    return;
                }
                Step::Over => {
                    self.rest = Rest::Over;
                    self.unread.clear();
                    return;
                }
            }
        }
        assert!(
            self.is_over(),
            "the machine acts in a circle: {:?}",
            self.actions.last()
        );
    }

    fn next_input(&mut self, stage: &mut Stage) -> Option<Input> {
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
        let readable = bytes && !self.unread.is_empty();
        if self.peer == PeerState::Closing && !readable {
            self.peer = PeerState::Gone;
            return Some(Input::Eof);
        }
        if self.peer == PeerState::Gone || !readable {
            return None;
        }
        let octets = self
            .unread
            .split_to(self.read_max.min(self.unread.len()))
            .freeze();
        Some(Input::Bytes { octets, waited: dry })
    }

    fn act(&mut self, stage: &mut Stage, action: Action) {
        assert!(
            self.barrier.is_none(),
            "an action before the outcome of SendObject: {action:?}"
        );
        self.actions.push(action.clone());
        match action {
            Action::Send(octets) => self.send(&octets),
            Action::SendObject {
                token,
                head,
                object,
                range,
                filter,
            } => {
                self.send_object(stage, token, &head, object, &range, filter);
            }
            Action::OpenUpload(upload, purpose) => self.uploads.open(upload, purpose),
            Action::Feed(upload, octets) => self.uploads.feed(upload, &octets),
            Action::FeedObject(upload, object, range) => {
                self.uploads.feed_object(upload, stage.read(object, &range));
            }
            Action::DropUpload(upload) => self.uploads.drop_upload(upload),
            Action::Do(token, effect) => {
                self.draw(token);
                self.effects.push_back((token, effect));
            }
            Action::Soon(_) | Action::StartDeflate => {}
            Action::Watch(watched) => self.watch(stage, watched),
            Action::StartTls(_) => self.start_tls(stage),
            Action::Connect(_) => {
                let fault = stage.faults.strike("Connect");
                let peer = Peer {
                    address: Some(std::net::Ipv4Addr::LOCALHOST.into()),
                    tls: None,
                };
                let connected = fault.map_or(Ok(peer), |fault| {
                    Err(ConnectFailure(format!("{:?}", fault.failure)))
                });
                self.inputs.push_back(Input::Connected(connected));
            }
            Action::Disconnect => self.unread.clear(),
        }
        self.peaks.effects = self.peaks.effects.max(self.effects.len());
        self.peaks.uploads = self.peaks.uploads.max(self.uploads.open_count());
    }

    /// Each token names one thing only.
    fn draw(&mut self, token: Token) {
        assert!(
            self.last_token.is_none_or(|last| last < token),
            "{token:?} is drawn again"
        );
        self.last_token = Some(token);
    }

    fn send(&mut self, octets: &[u8]) {
        self.drain_octets += octets.len();
        self.peaks.send = self.peaks.send.max(octets.len());
        self.peaks.drain = self.peaks.drain.max(self.drain_octets);
        self.deliver(octets);
    }

    /// Brings octets to the peer, if it is still there.
    fn deliver(&mut self, octets: &[u8]) {
        if self.peer != PeerState::Gone {
            self.sent.extend_from_slice(octets);
        }
    }

    fn send_object(
        &mut self,
        stage: &mut Stage,
        token: Token,
        head: &Bytes,
        object: ObjectId,
        range: &Range<u64>,
        filter: Filter,
    ) {
        assert!(!range.is_empty(), "an empty range to send");
        self.draw(token);
        self.barrier = Some(token);
        let fault = stage.faults.strike("SendObject");
        let read = match &fault {
            Some(fault) if fault.when == When::Before => Err(fault.failure.clone()),
            _ => stage.read(object, range),
        };
        let outcome = match (read, fault) {
            (Err(failure), _) => Err(failure),
            (Ok(octets), None) => {
                self.deliver(head);
                self.deliver(&filtered(&filter, &octets));
                Ok(Done::Sent)
            }
            (Ok(octets), Some(fault)) => {
                self.deliver(head);
                self.deliver(octets.get(..octets.len() / 2).unwrap_or_default());
                return self.cut_short(token, fault.failure);
            }
        };
        self.inputs.push_back(Input::Outcome(token, outcome));
    }

    /// A failure after the first octet: the connection is cut, then the outcome follows.
    fn cut_short(&mut self, token: Token, failure: Failure) {
        if self.peer != PeerState::Gone {
            self.unread.clear();
            self.peer = PeerState::Gone;
            self.inputs.push_back(Input::Eof);
        }
        self.inputs.push_back(Input::Outcome(token, Err(failure)));
    }

    /// Plaintext left over at the switch closes the session.
    fn start_tls(&mut self, stage: &mut Stage) {
        if !self.unread.is_empty() {
            self.cut();
            return;
        }
        let fault = stage.faults.strike("StartTls");
        let info = TlsInfo {
            summary: "TLSv1.3 TLS13_AES_256_GCM_SHA384".to_owned(),
        };
        self.inputs.push_back(Input::Tls(
            fault.map_or(Ok(info), |fault| Err(TlsFailure(format!("{:?}", fault.failure)))),
        ));
    }

    fn watch(&mut self, stage: &Stage, watched: Watched) {
        self.told = match watched {
            Watched::Nothing => BTreeMap::new(),
            Watched::Mailbox { id, since } => BTreeMap::from([(id, since)]),
            Watched::Account(account) => stage.store.modseqs(account).collect(),
        };
        self.watched = watched;
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
