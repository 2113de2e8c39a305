//! Something that is said once, to whoever listens then or later.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use event_listener::Event;

/// A signal. A clone is the same signal.
#[derive(Clone, Debug, Default)]
pub(super) struct Signal(Arc<State>);

#[derive(Debug, Default)]
struct State {
    given: AtomicBool,
    news: Event,
}

impl Signal {
    /// Gives it.
    pub(super) fn give(&self) {
        self.0.given.store(true, Ordering::SeqCst);
        self.0.news.notify(usize::MAX);
    }

    /// Whether it was given.
    pub(super) fn is_given(&self) -> bool {
        self.0.given.load(Ordering::SeqCst)
    }

    /// Ready once it is given.
    pub(super) fn given(&self) -> impl Future<Output = ()> + Send + use<> {
        let signal = self.clone();
        async move { until(&signal.0.news, || signal.is_given()).await }
    }
}

/// Ready when `is_true`, which is looked at again after each notice.
pub(super) async fn until(noticed: &Event, is_true: impl Fn() -> bool) {
    loop {
        let listener = noticed.listen();
        if is_true() {
            return;
        }
        listener.await;
    }
}
