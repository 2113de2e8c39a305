//! Tasks, and the threads that run them: one for each processor.
//!
//! The executor keeps a task's panic to that task.

use std::future::pending;
use std::{io, thread};

use smol::{Executor, Task};

static EXECUTOR: Executor<'static> = Executor::new();

/// Starts the threads; they run as long as the process.
pub fn start_threads() -> io::Result<()> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    for number in 0..threads {
        thread::Builder::new()
            .name(format!("smol-{number}"))
            .spawn(|| smol::block_on(EXECUTOR.run(pending::<()>())))?;
    }
    Ok(())
}

/// Runs a task; dropping the handle cancels it, detaching it lets it run to its end.
pub fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Task<()> {
    EXECUTOR.spawn(task)
}
