//! How a conversation carries out its machine's actions.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

use super::When;
use super::conversation::{Conversation, PeerState};
use super::stage::{Stage, filtered};
use crate::machine::{
    Action, ConnectFailure, Done, Exporter, Input, Peer, TlsFailure, TlsInfo, Token, Watched,
};
use crate::store::{Failure, ObjectId};
use crate::wire::deflate::{InflateFault, Inflater};
use crate::wire::filter::Filter;

/// What every handshake of a pair gives to bind to.
pub const EXPORTER: Exporter = Exporter([0x5e; 32]);

impl Conversation {
    /// Carries out one action.
    pub(super) fn act(&mut self, stage: &mut Stage, action: Action) {
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
                self.send_object(stage, token, &head, object, &range, &filter);
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
            Action::Soon(_) => {}
            Action::Watch(watched) => self.watch(stage, watched),
            Action::StartTls(_) => self.start_tls(stage),
            Action::StartDeflate => self.start_deflate(),
            Action::StopDeflate => self.stop_deflate(),
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
        filter: &Filter,
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
                self.deliver(&filtered(filter, &octets));
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
            exporter: Some(EXPORTER),
            ..TlsInfo::default()
        };
        self.inputs.push_back(Input::Tls(
            fault.map_or(Ok(info), |fault| Err(TlsFailure(format!("{:?}", fault.failure)))),
        ));
    }

    /// From now on the peer is expected to compress. What it is sent stays as the machine said it, for who looks at it.
    fn start_deflate(&mut self) {
        let mut inflater = Box::new(Inflater::new());
        if !self.unread.is_empty() {
            inflater.refuse(InflateFault::Early);
        }
        self.inflater = Some(inflater);
    }

    fn stop_deflate(&mut self) {
        if let Some(inflater) = &mut self.inflater {
            inflater.end();
        }
    }

    fn watch(&mut self, stage: &Stage, watched: Watched) {
        self.told = match watched {
            Watched::Nothing => BTreeMap::new(),
            Watched::Mailbox { id, since } => BTreeMap::from([(id, since)]),
            Watched::Account(account) => stage.store.modseqs(account).collect(),
        };
        self.watched = watched;
    }
}
