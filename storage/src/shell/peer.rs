//! The peer's end: whole reads in, gathered writes out, and a limit on how long a write may stand still.

use std::cell::RefCell;
use std::future::pending;
use std::io;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use futures_lite::FutureExt as _;
use lightmail_core::machine::{Input, READ_MAX};

/// A peer that takes not one octet for this long is gone.
const STALL: Duration = Duration::from_secs(120);
/// After our end, what the peer still writes is read and dropped for so long and in so many reads: closing over unread octets
/// resets the connection, which can overtake our last words.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_READS: usize = 16;
/// Output is gathered up to here before it is written in the middle of a drain.
const GATHER: usize = 64 * 1024;

/// A connected socket, as a runtime has it. All futures are cancel-safe.
pub trait Socket: Send + Sync {
    /// Reads what is there. Errors: `WouldBlock` when there is nothing.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Ready when it is worth trying to read.
    fn readable(&self) -> impl Future<Output = io::Result<()>> + Send;
    /// Writes what the other side takes now.
    fn write(&mut self, octets: &[u8]) -> impl Future<Output = io::Result<usize>> + Send;
    /// Ends our direction in good order.
    fn shutdown(&mut self) -> impl Future<Output = io::Result<()>> + Send;
    /// Whether the end has come: the peer has closed and nothing it wrote is left to read. Errors: `WouldBlock` when it is open
    /// and silent.
    fn is_drained(&self) -> io::Result<bool>;
    /// Ready when the peer has closed and nothing it wrote is left to read; may be never ready while something is.
    fn closed(&self) -> impl Future<Output = ()> + Send;
    /// Ready after a time.
    fn sleep(time: Duration) -> impl Future<Output = ()> + Send;
}

/// The other end of a conversation. Once it is gone, writes do nothing and the next read says `Eof`.
#[derive(Debug)]
pub struct Peer<S> {
    socket: S,
    out: BytesMut,
    /// Whether nothing was unread when the last flush began: then all that is read since came after it.
    is_dry: bool,
    gone: bool,
    told_eof: bool,
}

thread_local! {
    /// Reads land here first, so that a connection that waits holds no read buffer.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_MAX].into());
}

impl<S: Socket> Peer<S> {
    /// Takes over a connected socket.
    pub fn new(socket: S) -> Self {
        Self {
            socket,
            out: BytesMut::new(),
            is_dry: false,
            gone: false,
            told_eof: false,
        }
    }

    /// What was read, whole, or `Eof`. Without `wanted`, only the end of the connection is told, and only while nothing that
    /// the peer wrote before it is waiting to be read. Cancel-safe.
    pub async fn read(&mut self, wanted: bool) -> Input {
        let input = if self.told_eof {
            pending().await
        } else if self.gone {
            Input::Eof
        } else if wanted {
            self.read_octets().await
        } else {
            self.socket.closed().await;
            Input::Eof
        };
        self.told_eof = input == Input::Eof;
        input
    }

    async fn read_octets(&mut self) -> Input {
        loop {
            let read = SCRATCH.with_borrow_mut(|scratch| {
                let n = self.socket.try_read(scratch)?;
                Ok::<_, io::Error>(Bytes::copy_from_slice(scratch.get(..n).unwrap_or_default()))
            });
            match read {
                Ok(octets) if octets.is_empty() => return Input::Eof,
                Ok(octets) => {
                    let waited = self.is_dry;
                    return Input::Bytes { octets, waited };
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.is_dry = true;
                    if self.socket.readable().await.is_err() {
                        return Input::Eof;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Input::Eof,
            }
        }
    }

    /// Octets to the peer; written when enough have gathered, or at the next flush.
    pub async fn send(&mut self, octets: &[u8]) {
        self.out.extend_from_slice(octets);
        if self.out.len() >= GATHER {
            self.flush().await;
        }
    }

    /// Writes what has gathered. Afterwards nothing is held, so that a connection that waits has no write buffer either.
    pub async fn flush(&mut self) {
        if !self.out.is_empty() {
            self.is_dry = self.socket.is_drained().is_err();
        }
        while !self.out.is_empty() && !self.gone {
            match within::<S, _>(self.socket.write(&self.out)).await {
                Ok(n) if n > 0 => self.out.advance(n),
                _ => self.gone = true,
            }
        }
        self.out = BytesMut::new();
    }

    /// Gives the connection up in the middle of something; the machine is told by `Eof`.
    pub fn cut(&mut self) {
        self.gone = true;
        self.out.clear();
    }

    /// Flushes and closes in good order.
    pub async fn close(mut self) {
        self.flush().await;
        // Errors mean that the peer closed first.
        if !self.gone && within::<S, _>(self.socket.shutdown()).await.is_ok() && !self.told_eof {
            self.linger().or(S::sleep(LINGER)).await;
        }
    }

    async fn linger(&mut self) {
        for _ in 0..LINGER_READS {
            if self.read_octets().await == Input::Eof {
                return;
            }
        }
    }
}

/// The same, as long as it makes progress.
async fn within<S: Socket, T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let stalled = async {
        S::sleep(STALL).await;
        Err(io::ErrorKind::TimedOut.into())
    };
    step.or(stalled).await
}
