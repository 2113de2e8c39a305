//! Who answers at a door: makes the machine of a new conversation, or once more that of a recorded one.

use std::fmt;
use std::sync::Arc;

use crate::machine::record::{Expected, Origin, Reader, Recordable, words};
use crate::machine::{Machine, Peer, Recorded, Seed};
use crate::{imap, lmtp, pop3, smtp};

type Make = dyn Fn(Peer, Seed) -> Box<dyn Machine + Send> + Send + Sync;

/// Makes machines of one protocol and one operator's settings.
#[derive(Clone)]
pub struct Greet {
    proto: &'static str,
    /// In the words of a record.
    settings: Arc<str>,
    make: Arc<Make>,
}

impl Greet {
    /// Machines of a protocol that no record can be replayed of, as no one here knows what makes them.
    pub fn new(
        proto: &'static str,
        make: impl Fn(Peer, Seed) -> Box<dyn Machine + Send> + Send + Sync + 'static,
    ) -> Self {
        Self {
            proto,
            settings: "".into(),
            make: Arc::new(make),
        }
    }

    /// IMAP sessions.
    pub fn imap(settings: imap::Settings) -> Self {
        let (written, settings) = (words(&settings).into(), Arc::new(settings));
        Self {
            settings: written,
            ..Self::new("imap", move |peer, seed| {
                Box::new(imap::Session::new(peer, Arc::clone(&settings), seed))
            })
        }
    }

    /// POP3 sessions.
    pub fn pop3(settings: pop3::Settings) -> Self {
        let (written, settings) = (words(&settings).into(), Arc::new(settings));
        Self {
            settings: written,
            ..Self::new("pop3", move |peer, seed| {
                Box::new(pop3::Session::new(peer, Arc::clone(&settings), seed))
            })
        }
    }

    /// LMTP sessions.
    pub fn lmtp(settings: smtp::Settings) -> Self {
        Self::of_smtp("lmtp", lmtp::session, settings)
    }

    /// SMTP sessions with other servers.
    pub fn mx(settings: smtp::Settings) -> Self {
        Self::of_smtp("smtp", smtp::mx::session, settings)
    }

    /// Submission sessions.
    pub fn submission(settings: smtp::Settings) -> Self {
        Self::of_smtp("submission", smtp::submission::session, settings)
    }

    fn of_smtp(
        proto: &'static str,
        session: fn(Peer, Arc<smtp::Settings>, Seed) -> smtp::Server,
        settings: smtp::Settings,
    ) -> Self {
        let (written, settings) = (words(&settings).into(), Arc::new(settings));
        Self {
            settings: written,
            ..Self::new(proto, move |peer, seed| {
                Box::new(session(peer, Arc::clone(&settings), seed))
            })
        }
    }

    /// The same machines, each with another one around it, that records do not know of.
    pub fn within<M: Machine + Send + 'static>(
        self,
        around: impl Fn(Box<dyn Machine + Send>) -> M + Send + Sync + 'static,
    ) -> Self {
        let make = self.make;
        Self {
            make: Arc::new(move |peer, seed| Box::new(around(make(peer, seed)))),
            ..self
        }
    }

    /// The machine for a peer that has come.
    pub fn machine(&self, peer: Peer, seed: Seed) -> Box<dyn Machine + Send> {
        (self.make)(peer, seed)
    }

    /// The same, with a record of at most `budget` octets.
    pub fn recorded(&self, peer: Peer, seed: Seed, budget: usize) -> Recorded<Box<dyn Machine + Send>> {
        let origin = Origin {
            proto: self.proto.into(),
            settings: Arc::clone(&self.settings),
            peer: peer.clone(),
            seed: seed.clone(),
        };
        Recorded::new(self.machine(peer, seed), origin, budget)
    }
}

/// A machine made of what a recorded one was made of. Errors: what its protocol or its settings should have been.
pub fn again(origin: &Origin) -> Result<Box<dyn Machine + Send>, Expected> {
    let mut settings = Reader::new(&origin.settings);
    let greet = match &*origin.proto {
        "imap" => Greet::imap(Recordable::read(&mut settings)?),
        "pop3" => Greet::pop3(Recordable::read(&mut settings)?),
        "lmtp" => Greet::lmtp(Recordable::read(&mut settings)?),
        "smtp" => Greet::mx(Recordable::read(&mut settings)?),
        "submission" => Greet::submission(Recordable::read(&mut settings)?),
        _ => return Err("a protocol that can be replayed: imap, pop3, lmtp, smtp or submission"),
    };
    settings.end()?;
    Ok(greet.machine(origin.peer.clone(), origin.seed.clone()))
}

impl fmt::Debug for Greet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Greet({})", self.proto)
    }
}
