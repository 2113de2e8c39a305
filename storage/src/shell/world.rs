//! What a conversation's actions touch: the store, objects, the clock, the drain.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use futures_lite::FutureExt as _;
use lightmail_core::machine::{
    Action, ConnectFailure, Done, Due, Effect, Input, Outcome, Time, TlsFailure, TlsInfo, Token, Watched,
};
use lightmail_core::store::{Budget, ObjectId, Refusal};
use lightmail_core::wire::filter::{Filter, Filtering, Flow};
use tracing::Instrument as _;

use super::crowd::Seat;
use super::news::News;
use super::observe::Observed;
use super::{Clock, House, Peer, Socket, Spawn, Tls};
use crate::{Desk, Storage, Watcher};

/// What comes once, or never.
type Awaited = Option<Pin<Box<dyn Future<Output = ()> + Send>>>;

/// Everything outside a machine but its peer.
pub struct World {
    clock: Clock,
    storage: Storage,
    spawn: Spawn,
    desk: Desk,
    watcher: Watcher,
    news: News,
    /// Until it has been told.
    drain: Awaited,
    /// A worker has none.
    seat: Option<Seat>,
    /// That the peer has to go; until it has been told.
    sent_away: Awaited,
    tls: Tls,
}

impl World {
    /// The world of one conversation, which begins TLS in this way; a worker's has no seat in it.
    pub(super) fn new(house: &House, tls: Tls, seat: Option<Seat>) -> Self {
        let sent_away = seat
            .as_ref()
            .map(|seat| Box::pin(seat.sent_away()) as Pin<Box<_>>);
        Self {
            clock: house.clock,
            storage: house.storage.clone(),
            spawn: house.spawn,
            desk: house.storage.desk(),
            watcher: house.storage.watch(Watched::Nothing),
            news: News::default(),
            drain: Some(Box::pin(house.drain.begun())),
            sent_away,
            seat,
            tls,
        }
    }

    /// Now.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// The instant of a deadline, counted from now.
    pub fn instant(&self, due: Due) -> Instant {
        self.clock.instant(due.at_ms(self.now()))
    }

    /// Carries out one action.
    pub async fn act(&mut self, action: Action, peer: &mut Peer<impl Socket>) {
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
                self.news.put(Input::Outcome(token, outcome));
            }
            Action::OpenUpload(upload, purpose) => self.desk.open_upload(upload, purpose),
            Action::Feed(upload, octets) => self.desk.feed(upload, octets).await,
            Action::FeedObject(upload, object, range) => self.desk.feed_object(upload, object, range).await,
            Action::DropUpload(upload) => self.desk.drop_upload(upload),
            Action::Do(token, effect) => self.start(token, effect),
            Action::Soon(ranges) => self.desk.soon(ranges),
            Action::Watch(watched) => self.watcher = self.storage.watch(watched),
            Action::StartTls(_) => {
                let begun = self.start_tls(peer).await;
                match &begun {
                    Ok(info) => tracing::debug!(tls = info.summary, "tls.begun"),
                    Err(TlsFailure(why)) => tracing::info!(why, "tls.handshake.failed"),
                }
                self.news.put(Input::Tls(begun));
            }
            Action::Connect(_) => {
                let why = "a server's conversation does not choose its peer".into();
                self.news.put(Input::Connected(Err(ConnectFailure(why))));
            }
            Action::StartDeflate => {
                peer.start_deflate();
                tracing::debug!("deflate.begun");
            }
            Action::StopDeflate => peer.stop_deflate(),
            Action::Disconnect => peer.cut(),
        }
    }

    /// The handshake, as its server. A server that drains waits for none: it has begun no work that could be lost.
    pub(super) async fn start_tls(&mut self, peer: &mut Peer<impl Socket>) -> Result<TlsInfo, TlsFailure> {
        let Self {
            tls,
            drain,
            sent_away,
            ..
        } = self;
        let draining = async {
            once(drain).await;
            Err(TlsFailure("the server shuts down".into()))
        };
        let crowded = async {
            once(sent_away).await;
            Err(TlsFailure("its place is needed for others".into()))
        };
        let begun = peer.start_tls(tls).or(draining).or(crowded).await;
        if begun.is_err() {
            peer.cut();
        }
        begun
    }

    /// Runs an effect as a task of its own, so that nothing that happens to the conversation cuts it.
    fn start(&mut self, token: Token, effect: Effect) {
        let observed = Observed::new(&effect);
        if let (Effect::TakePlace(account), Some(seat)) = (&effect, &self.seat) {
            let taken = match seat.take_place(*account) {
                true => Ok(Done::PlaceTaken),
                false => Err(Refusal::Limit(Budget::Connections).into()),
            };
            observed.ended(&taken);
            return self.news.put(Input::Outcome(token, taken));
        }
        let outcome = self.desk.run(effect);
        let answer = self.news.answer(token);
        let task = async move {
            let outcome = outcome.await;
            observed.ended(&outcome);
            answer.give(outcome);
        };
        (self.spawn)(Box::pin(task.in_current_span()));
    }

    /// A stored range to the peer. What fails before the first octet is the machine's to answer; after it the peer is cut.
    async fn send_object(
        &mut self,
        peer: &mut Peer<impl Socket>,
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

    /// The next outcome, the news that the server drains or that the peer has to go, each told once, or a change. Cancel-safe.
    pub async fn happened(&mut self) -> Input {
        let Self {
            news,
            drain,
            sent_away,
            watcher,
            ..
        } = self;
        let draining = async {
            once(drain).await;
            Input::Shutdown
        };
        let crowded = async {
            once(sent_away).await;
            Input::Eof
        };
        let changed = async {
            let (mailbox, modseq) = watcher.changed().await;
            Input::Changed { mailbox, modseq }
        };
        news.next().or(draining).or(crowded).or(changed).await
    }
}

/// Ready once, when it comes.
async fn once(awaited: &mut Awaited) {
    match awaited {
        Some(coming) => coming.await,
        None => std::future::pending().await,
    }
    *awaited = None;
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "World({:?}, {:?})", self.desk, self.watcher)
    }
}
