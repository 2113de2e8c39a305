//! What a conversation's actions touch: the store, objects, the clock, the drain.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use lightmail_core::machine::{
    Action, ConnectFailure, Done, Due, Effect, Input, Outcome, Time, TlsFailure, Token, Watched,
};
use lightmail_core::store::{Failure, ObjectId};
use lightmail_core::wire::filter::{Filter, Filtering, Flow};
use lightmail_storage::{Desk, Storage, Watcher};
use tokio::sync::{mpsc, watch};
use tracing::Instrument as _;

use super::observe::Observed;
use super::{Clock, Peer};

/// Everything outside a machine but its peer.
pub struct World {
    clock: Clock,
    storage: Storage,
    desk: Desk,
    watcher: Watcher,
    /// What has happened already and waits to be told.
    ready: VecDeque<Input>,
    ended: mpsc::UnboundedReceiver<Input>,
    tell: mpsc::UnboundedSender<Input>,
    drain: Option<watch::Receiver<bool>>,
}

impl World {
    /// The world of one conversation.
    pub fn new(clock: Clock, storage: &Storage, drain: watch::Receiver<bool>) -> Self {
        let (tell, ended) = mpsc::unbounded_channel();
        Self {
            clock,
            storage: storage.clone(),
            desk: storage.desk(),
            watcher: storage.watch(Watched::Nothing),
            ready: VecDeque::new(),
            ended,
            tell,
            drain: Some(drain),
        }
    }

    /// Now.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// The runtime's instant of a deadline, counted from now.
    pub fn instant(&self, due: Due) -> tokio::time::Instant {
        self.clock.instant(due.at_ms(self.now()))
    }

    /// Carries out one action.
    pub async fn act(&mut self, action: Action, peer: &mut Peer) {
        match action {
            Action::Send(octets) => peer.send(&octets).await,
            Action::SendObject {
                token,
                head,
                object,
                range,
                filter,
            } => {
                let outcome = self.send_object(peer, &head, object, range, &filter).await;
                self.ready.push_back(Input::Outcome(token, outcome));
            }
            Action::OpenUpload(upload, purpose) => self.desk.open_upload(upload, purpose),
            Action::Feed(upload, octets) => self.desk.feed(upload, octets).await,
            Action::FeedObject(upload, object, range) => self.desk.feed_object(upload, object, range).await,
            Action::DropUpload(upload) => self.desk.drop_upload(upload),
            Action::Do(token, effect) => self.start(token, effect),
            Action::Soon(_) => {}
            Action::Watch(watched) => self.watcher = self.storage.watch(watched),
            Action::StartTls(_) => {
                self.ready
                    .push_back(Input::Tls(Err(TlsFailure("no certificate is configured".into()))));
            }
            Action::Connect(_) => {
                let why = "a server's conversation does not choose its peer".into();
                self.ready.push_back(Input::Connected(Err(ConnectFailure(why))));
            }
            Action::StartDeflate | Action::Disconnect => peer.cut(),
        }
    }

    /// Runs an effect as a task of its own, so that nothing that happens to the conversation cuts it.
    fn start(&mut self, token: Token, effect: Effect) {
        let observed = Observed::new(&effect);
        let outcome = self.desk.run(effect);
        let answer = Answer {
            token,
            tell: self.tell.clone(),
            outcome: None,
        };
        let task = async move {
            let outcome = outcome.await;
            observed.ended(&outcome);
            answer.give(outcome);
        };
        tokio::spawn(task.in_current_span());
    }

    /// A stored range to the peer. What fails before the first octet is the machine's to answer; after it the peer is cut.
    async fn send_object(
        &mut self,
        peer: &mut Peer,
        head: &Bytes,
        object: ObjectId,
        range: Range<u64>,
        filter: &Filter,
    ) -> Outcome {
        let mut reader = self.desk.read(object, range);
        let mut filtering = Filtering::new(filter);
        let mut out = BytesMut::new();
        let mut begun = false;
        while let Some(piece) = reader.next().await {
            let piece = piece.inspect_err(|_| {
                if begun {
                    peer.cut()
                }
            })?;
            if !begun {
                peer.send(head).await;
                begun = true;
            }
            let flow = filtering.push(&piece, &mut out);
            peer.send(&out.split()).await;
            if flow == Flow::Enough {
                break;
            }
        }
        filtering.finish(&mut out);
        peer.send(&out).await;
        Ok(Done::Sent)
    }

    /// The next outcome, change, or the news that the server drains, which is told once. Cancel-safe.
    pub async fn happened(&mut self) -> Input {
        if let Some(input) = self.ready.pop_front() {
            return input;
        }
        tokio::select! {
            biased;
            Some(input) = self.ended.recv() => input,
            () = drained(&mut self.drain) => Input::Shutdown,
            (mailbox, modseq) = self.watcher.changed() => Input::Changed { mailbox, modseq },
        }
    }
}

/// Ready once, when the server drains.
async fn drained(drain: &mut Option<watch::Receiver<bool>>) {
    match drain {
        // An error: the server is gone, which is a drain too.
        Some(draining) => drop(draining.wait_for(|draining| *draining).await),
        None => std::future::pending().await,
    }
    *drain = None;
}

/// Answers a token exactly once, also when the effect's task panics.
struct Answer {
    token: Token,
    tell: mpsc::UnboundedSender<Input>,
    outcome: Option<Outcome>,
}

impl Answer {
    fn give(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let outcome = self
            .outcome
            .take()
            .unwrap_or_else(|| Err(Failure::broken("the effect's task panicked")));
        // The conversation may have ended: then nobody waits for the outcome.
        let _ = self.tell.send(Input::Outcome(self.token, outcome));
    }
}
