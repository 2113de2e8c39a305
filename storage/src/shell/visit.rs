//! A peer that was let in: first the handshake, where the door has TLS from the first octet, then the conversation.

use std::fmt;
use std::time::Instant;

use lightmail_core::doors::Transport;
use lightmail_core::greet::Greet;
use lightmail_core::machine::{Machine, Peer as PeerFacts, Seed, TlsFailure};

use super::crowd::Seat;
use super::drain::Presence;
use super::flight::{Flight, Ticket};
use super::{Peer, Socket, World};

/// Somebody who may come in, to be begun with inside the span. Counted from now on.
pub struct Visit {
    /// Holds all that is logged of it.
    pub span: tracing::Span,
    pub(super) greet: Greet,
    pub(super) transport: Transport,
    pub(super) facts: PeerFacts,
    pub(super) seed: Seed,
    /// What is said to a peer for whom there is no room any more.
    pub(super) full: &'static str,
    pub(super) flight: Ticket,
    pub(super) world: World,
    pub(super) guest: Guest,
}

/// A conversation to be driven to its end.
pub struct Conversation<S> {
    /// What decides.
    pub machine: Box<dyn Machine + Send>,
    /// With whom.
    pub peer: Peer<S>,
    /// What it touches.
    pub world: World,
    /// Held as long as the conversation lives.
    pub guest: Guest,
}

impl Visit {
    /// Begins the conversation; `None`, and a line in the log, if the peer does not get through the handshake.
    pub async fn begin<S: Socket>(self, socket: S) -> Option<Conversation<S>> {
        let Self {
            greet,
            transport,
            mut facts,
            seed,
            full,
            flight,
            mut world,
            guest,
            ..
        } = self;
        let mut peer = Peer::new(socket);
        if transport == Transport::Tls {
            match world.start_tls(&mut peer).await {
                Ok(info) => facts.tls = Some(info),
                Err(failure) => {
                    guest.turn_away(&failure);
                    return None;
                }
            }
        }
        tracing::debug!(
            tls = facts.tls.as_ref().map(|tls| &*tls.summary),
            "session.opened"
        );
        let machine = greet.recorded(facts, seed, flight.records.budget);
        Some(Conversation {
            machine: Box::new(Flight::new(machine, flight, guest.seat.clone(), full)),
            peer,
            world,
            guest,
        })
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Visit({:?}, {:?})", self.facts, self.transport)
    }
}

impl<S> fmt::Debug for Conversation<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Conversation({:?})", self.world)
    }
}

/// The mark of a peer that is there.
#[derive(Debug)]
pub struct Guest {
    begun: Instant,
    seat: Seat,
    _presence: Presence,
}

impl Guest {
    pub(super) fn new(seat: Seat, presence: Presence) -> Self {
        Self {
            begun: Instant::now(),
            seat,
            _presence: presence,
        }
    }

    /// Ends what never became a conversation, in one line.
    fn turn_away(self, TlsFailure(why): &TlsFailure) {
        let elapsed_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(elapsed_ms, why, "tls.handshake.failed");
    }
}
