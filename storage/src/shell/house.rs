//! The server as a whole: opened, told of, filled with conversations, drained.

use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_lite::FutureExt as _;
use lightmail_core::announcement::{Announcement, not_served};
use lightmail_core::config::{Config, Limits};
use lightmail_core::doors::{Door, Transport, doors};
use lightmail_core::garbage::{self, Garbage};
use lightmail_core::machine::Peer as PeerFacts;

use socket2::SockRef;

use super::accounts::{first_account, random_seed};
use super::crowd::Crowd;
use super::descriptors;
use super::drain::Drain;
use super::flight::{Records, Ticket};
use super::hall::{Room, TooMany};
use super::{Bound, CliError, Clock, Guest, Loaded, Spawn, Tls, Visit, Worker, World};
use crate::Storage;
use crate::antivirus::Times;

/// Says that there will be fewer connections than configured. The default is a wish of ours, so nobody has to act on it.
fn tell_lowered(possible: usize, wanted: u32) {
    if wanted == Limits::default().connections {
        tracing::info!(
            connections = possible,
            "limits.connections.derived: from the files that the system lets this process open; ulimit -n (LimitNOFILE) raises it"
        );
    } else {
        tracing::warn!(
            connections = possible,
            wanted,
            "limits.connections.lowered: the system lets this process open too few files; raise ulimit -n (LimitNOFILE), or lower [limits] connections"
        );
    }
}

/// What every conversation shares. A clone is the same house.
#[derive(Clone, Debug)]
pub struct House {
    pub(super) clock: Clock,
    pub(super) storage: Storage,
    pub(super) spawn: Spawn,
    pub(super) drain: Drain,
    pub(super) tls: Tls,
    crowd: Crowd,
    records: Records,
    garbage: garbage::Settings,
    drain_limit: Duration,
}

impl House {
    /// Opens the storage, binds every door that is enabled, or none, makes the first account, and says so on standard output.
    pub async fn open(loaded: Loaded, spawn: Spawn) -> Result<(House, Vec<(Door, Bound)>), CliError> {
        let mut config = loaded.config;
        config.server.hostname.get_or_insert_with(machine_name);
        let storage = Storage::open(&config).await.map_err(CliError::failed)?;
        storage.occupy().map_err(CliError::failed)?;
        storage.objects().check().await.map_err(CliError::failed)?;
        storage.enter_epoch().await.map_err(CliError::failed)?;
        let tls = Tls::open(&config)?;
        let open = doors(&config)
            .into_iter()
            .map(|door| Bound::at(&door).map(|bound| (door, bound)))
            .collect::<Result<Vec<_>, _>>()?;
        let made = first_account(&config, &storage).await?;
        let places: Vec<_> = open
            .iter()
            .map(|(door, bound)| (door.scheme(), bound.place()))
            .collect();
        announce(&Announcement {
            config: &config,
            file: loaded.file.map(|file| file.display().to_string()).as_deref(),
            doors: &places,
            certificate: &tls.place(),
            first_password: made.as_ref(),
        });
        spawn(Box::pin(storage.raise_epochs()));
        Ok((House::new(&config, storage, tls, spawn), open))
    }

    /// A house on an open storage.
    pub fn new(config: &Config, storage: Storage, tls: Tls, spawn: Spawn) -> Self {
        let most = usize::try_from(config.limits.connections).unwrap_or(usize::MAX);
        let possible = descriptors::conversations();
        if possible < most {
            tell_lowered(possible, config.limits.connections);
        }
        storage.scan_uploads(&config.antivirus, Times::default());
        House {
            clock: Clock::start(),
            storage,
            spawn,
            drain: Drain::default(),
            tls,
            crowd: Crowd::new(Room::new(config, most.min(possible))),
            records: Records::new(Path::new(&config.server.data_dir), config.log.record_size),
            garbage: garbage::Settings::of(config),
            drain_limit: Duration::from_secs(config.server.drain_seconds.into()),
        }
    }

    /// What the server does when nobody asks, each to be run as a task of its own.
    pub fn workers(&self) -> Vec<Worker> {
        let settings = self.garbage;
        let garbage = move |seed| Box::new(Garbage::new(settings, seed)) as Box<_>;
        vec![Worker::new(self, "garbage", garbage)]
    }

    /// Lets in a peer that has come to a door; `None`, a word to the peer and a line in the log, if it may not. `address`:
    /// `None` on a UNIX socket.
    pub fn admit(&self, door: &Door, socket: &impl AsFd, address: Option<IpAddr>) -> Option<Visit> {
        let address = address.map(|address| address.to_canonical());
        let (proto, peer) = (
            door.proto,
            address.map_or_else(|| "unix".into(), |address| address.to_string()),
        );
        let entered = self.crowd.enter(address, door.may_log_in()).inspect_err(|why| {
            match why {
                TooMany::Everywhere => tracing::warn!(proto, %peer, "session.refused.too_many"),
                TooMany::OfAddress => tracing::warn!(proto, %peer, "session.refused.too_many_of_address"),
            }
            if door.transport == Transport::Plain {
                // A new socket has room for a line. An error: the peer has gone again.
                let _ = SockRef::from(socket).send(door.full.as_bytes());
            }
        });
        let seat = entered.ok()?;
        let seed = random_seed()
            .inspect_err(|error| tracing::error!(%error, "session.refused.no_randomness"))
            .ok()?;
        let id = session_id();
        let span = tracing::info_span!("session", id, proto, %peer);
        Some(Visit {
            greet: door.greet.clone(),
            transport: door.transport,
            facts: PeerFacts { address, tls: None },
            seed,
            flight: Ticket {
                records: self.records.clone(),
                proto,
                id,
            },
            full: door.full,
            world: World::new(self, self.tls.speaking(proto), Some(seat.clone())),
            guest: Guest::new(seat, self.drain.enter()),
            span,
        })
    }

    /// Reads the certificates anew; those in force stay if that fails. The log says how it went.
    pub async fn reload(&self) {
        let tls = self.tls.clone();
        match blocking::unblock(move || tls.reload()).await {
            Ok(()) => tracing::info!(certificate = self.tls.place(), "tls.certificates.read_anew"),
            Err(error) => {
                // The lines behind the first show the configuration's line to a person at a terminal.
                let error = error.to_string();
                let error = error.lines().next().unwrap_or_default();
                tracing::error!(error, "tls.certificates.kept");
            }
        }
    }

    /// Tells every conversation and worker to end and waits for them, as long as is configured; then closes the storage. `sleep` is the
    /// runtime's.
    pub async fn close<F: Future<Output = ()>>(self, sleep: impl FnOnce(Duration) -> F) {
        tracing::info!("server.draining");
        self.drain.begin();
        let overdue = async {
            sleep(self.drain_limit).await;
            tracing::warn!(limit_s = self.drain_limit.as_secs(), "server.drain.overdue");
        };
        self.drain.all_gone().or(overdue).await;
        self.storage.close().await;
        tracing::info!("server.stopped");
    }
}

fn announce(announcement: &Announcement<'_>) {
    for section in not_served(announcement.config) {
        tracing::warn!(section, "section.not_served_yet");
    }
    // A closed standard output is no reason to stop serving.
    let _ = io::stdout().write_all(announcement.to_string().as_bytes());
}

/// Counts conversations, for the log.
fn session_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The name by which this machine knows itself.
fn machine_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() {
        "localhost".to_owned()
    } else {
        name.trim().to_owned()
    }
}
