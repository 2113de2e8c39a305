//! The end of service: every conversation is told, and the last one to leave is waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use event_listener::Event;

use super::signal::{Signal, until};

/// The news that the server drains, and the count of those who must hear it. A clone is the same drain.
#[derive(Clone, Debug, Default)]
pub(super) struct Drain(Arc<State>);

#[derive(Debug, Default)]
struct State {
    begun: Signal,
    present: AtomicUsize,
    left: Event,
}

/// One who is waited for; leaves when dropped.
#[derive(Debug)]
pub(super) struct Presence(Drain);

impl Drain {
    /// Tells everybody, whoever comes later too.
    pub(super) fn begin(&self) {
        self.0.begun.give();
    }

    /// Ready once the server drains.
    pub(super) fn begun(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.begun.given()
    }

    /// One more to be waited for.
    pub(super) fn enter(&self) -> Presence {
        self.0.present.fetch_add(1, Ordering::SeqCst);
        Presence(self.clone())
    }

    /// Ready when nobody is there.
    pub(super) async fn all_gone(&self) {
        until(&self.0.left, || self.0.present.load(Ordering::SeqCst) == 0).await;
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let Drain(state) = &self.0;
        if state.present.fetch_sub(1, Ordering::SeqCst) == 1 {
            state.left.notify(usize::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_lite::future::{block_on, poll_once};

    use super::*;

    #[test]
    fn everybody_is_told_and_the_last_is_waited_for() {
        block_on(async {
            let drain = Drain::default();
            drain.all_gone().await;
            let (one, other) = (drain.enter(), drain.enter());
            let mut told = pin!(drain.begun());
            assert_eq!(poll_once(&mut told).await, None);
            drain.begin();
            told.await;
            drain.begun().await;
            let mut gone = pin!(drain.all_gone());
            drop(one);
            assert_eq!(poll_once(&mut gone).await, None);
            drop(other);
            gone.await;
        });
    }
}
