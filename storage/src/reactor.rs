//! A thread of tokio, for clients that need one whatever the shell runs on.

use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::timeout;

/// One thread that runs what it is given.
#[derive(Debug)]
pub(crate) struct Reactor(Option<Runtime>);

impl Reactor {
    /// Starts the thread, under a name. Errors: the system gives none.
    pub(crate) fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(name)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// To start something that nobody waits for.
    pub(crate) fn handle(&self) -> Option<&Handle> {
        self.0.as_ref().map(Runtime::handle)
    }

    /// Runs something to its end, whether it is waited for or not; waits on any runtime. Errors: it did not come to its end.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        let handle = self.handle().ok_or("the thread has ended")?;
        handle.spawn(work).await.map_err(|error| error.to_string())
    }

    /// As [`run`](Self::run), for so long at most. Errors: it did not come to its end, or not in time.
    pub(crate) async fn run_within<T: Send + 'static>(
        &self,
        deadline: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        let ended = self.run(async move { timeout(deadline, work).await }).await?;
        ended.map_err(|_| "it takes too long".into())
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        // Waiting for its end would block whoever drops the storage, and tokio forbids that on its own threads.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
