//! Background workers: machines that the server drives for itself, with nobody at the other end.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_lite::FutureExt as _;
use lightmail_core::machine::{Machine, Seed};
use tracing::Instrument as _;

use super::accounts::random_seed;
use super::{House, Nobody, Peer, World};

/// How long a worker that has panicked rests before it is begun anew.
const REST: Duration = Duration::from_secs(60);

/// A worker of the server, to be run as a task of its own.
pub struct Worker {
    house: House,
    name: &'static str,
    make: Box<dyn Fn(Seed) -> Box<dyn Machine + Send> + Send + Sync>,
    rest: Duration,
}

impl Worker {
    /// A worker of this name; `make` begins it.
    pub fn new(
        house: &House,
        name: &'static str,
        make: impl Fn(Seed) -> Box<dyn Machine + Send> + Send + Sync + 'static,
    ) -> Self {
        Self {
            house: house.clone(),
            name,
            make: Box::new(make),
            rest: REST,
        }
    }

    /// The same, resting so long after a panic.
    pub fn resting(self, rest: Duration) -> Self {
        Self { rest, ..self }
    }

    /// Works until the server drains, which waits for the step under way. A panic ends no more than that step: it is logged,
    /// and after a rest the worker is begun anew. `drive` and `sleep` are the shell's.
    pub async fn run<D: Future<Output = ()>, S: Future<Output = ()>>(
        self,
        drive: impl Fn(Box<dyn Machine + Send>, Peer<Nobody>, World) -> D,
        sleep: impl Fn(Duration) -> S,
    ) {
        let span = tracing::info_span!("worker", work = self.name);
        let working = async {
            while !self.run_once(&drive).await {
                let draining = self.house.drain.begun();
                sleep(self.rest).or(draining).await;
            }
            tracing::debug!("worker.ended");
        };
        working.instrument(span).await;
    }

    /// Whether it has ended in good order.
    async fn run_once<D: Future<Output = ()>>(
        &self,
        drive: impl Fn(Box<dyn Machine + Send>, Peer<Nobody>, World) -> D,
    ) -> bool {
        let seed = match random_seed() {
            Ok(seed) => seed,
            Err(error) => {
                tracing::error!(%error, "worker.not_begun.no_randomness");
                return false;
            }
        };
        let _present = self.house.drain.enter();
        let world = World::new(&self.house, self.house.tls.clone(), None);
        let shift = async { drive((self.make)(seed), Peer::new(Nobody), world).await };
        let ended = AssertUnwindSafe(shift).catch_unwind().await;
        if ended.is_err() {
            tracing::error!(rest_s = self.rest.as_secs(), "worker.panicked");
        }
        ended.is_ok()
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Worker({})", self.name)
    }
}
