//! Faults on purpose: tests let a step of a delivery fail, as a crash or a full disk would.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A place between two steps. What stands before it is done, what stands behind it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// Before a body's file is made.
    Create,
    /// Before octets are written to it.
    Write,
    /// Before it is made durable.
    SyncFile,
    /// Before it gets its name.
    Rename,
    /// Before the name is made durable.
    SyncFolder,
    /// The body is durable, nobody knows.
    Stored,
    /// Before a transaction begins.
    Begin,
    /// Before a statement.
    Statement,
    /// Before it is committed.
    Commit,
    /// It is committed, nobody knows.
    Committed,
    /// Before a body's file is removed.
    Remove,
}

impl Point {
    /// Those that a delivery passes, in their order.
    pub const ALL: [Point; 10] = [
        Point::Create,
        Point::Write,
        Point::SyncFile,
        Point::Rename,
        Point::SyncFolder,
        Point::Stored,
        Point::Begin,
        Point::Statement,
        Point::Commit,
        Point::Committed,
    ];
}

/// A handle on a storage's faults. Without a fault set it costs one relaxed load a step.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<State>);

#[derive(Debug, Default)]
struct State {
    armed: AtomicBool,
    next: Mutex<Option<Trap>>,
}

/// A fault and the step it waits for.
#[derive(Clone, Copy, Debug)]
struct Trap {
    point: Point,
    /// How often the step is passed before.
    passes: usize,
    fault: Fault,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Error(io::ErrorKind),
    Panic,
}

impl Faults {
    /// Lets the next step at `point` fail, once.
    pub fn fail_once(&self, point: Point, kind: io::ErrorKind) {
        self.fail_after(point, 0, kind);
    }

    /// Lets a step at `point` fail, once, after it has been passed so many times.
    pub fn fail_after(&self, point: Point, passes: usize, kind: io::ErrorKind) {
        self.arm(point, passes, Fault::Error(kind));
    }

    /// Lets nothing fail any more.
    pub fn disarm(&self) {
        *self.0.next.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.armed.store(false, Ordering::Relaxed);
    }

    /// Lets the next step at `point` panic, once.
    pub fn panic_once(&self, point: Point) {
        self.arm(point, 0, Fault::Panic);
    }

    fn arm(&self, point: Point, passes: usize, fault: Fault) {
        let trap = Trap { point, passes, fault };
        *self.0.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(trap);
        self.0.armed.store(true, Ordering::Relaxed);
    }

    /// Whether a fault is still waiting for its step.
    pub fn is_armed(&self) -> bool {
        self.0.armed.load(Ordering::Relaxed)
    }

    pub(crate) fn pass(&self, point: Point) -> io::Result<()> {
        if !self.is_armed() {
            return Ok(());
        }
        let mut next = self.0.next.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(trap) = next.as_mut().filter(|trap| trap.point == point) else {
            return Ok(());
        };
        if trap.passes > 0 {
            trap.passes -= 1;
            return Ok(());
        }
        let fault = trap.fault;
        *next = None;
        self.0.armed.store(false, Ordering::Relaxed);
        drop(next);
        match fault {
            Fault::Error(kind) => Err(io::Error::new(kind, format!("a fault on purpose at {point:?}"))),
            #[allow(clippy::panic, reason = "it is asked for by a test alone")]
            Fault::Panic => panic!("a panic on purpose at {point:?}"),
        }
    }
}
