//! The peer's socket: whole reads in, gathered writes out, and a limit on how long either may stand still.

use std::cell::RefCell;
use std::future::pending;
use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use lightmail_core::machine::{Input, READ_MAX};
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// A peer that takes not one octet for this long is gone.
const STALL: Duration = Duration::from_secs(120);
/// Output is gathered up to here before it is written in the middle of a drain.
const GATHER: usize = 64 * 1024;

/// What a conversation runs over.
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// A UNIX socket.
    Unix(UnixStream),
}

/// The other end of a conversation. Once it is gone, writes do nothing and the next read says `Eof`.
pub struct Peer {
    socket: Socket,
    out: BytesMut,
    gone: bool,
    told_eof: bool,
}

thread_local! {
    /// Reads land here first, so that a connection that waits holds no read buffer.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_MAX].into());
}

impl Peer {
    /// Takes over a connected socket.
    pub fn new(socket: Socket) -> Self {
        Self {
            socket,
            out: BytesMut::new(),
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
            self.socket.closed().await
        };
        self.told_eof = input == Input::Eof;
        input
    }

    async fn read_octets(&mut self) -> Input {
        let mut waited = false;
        loop {
            let read = SCRATCH.with_borrow_mut(|scratch| {
                self.socket
                    .try_read(scratch)
                    .map(|n| Bytes::copy_from_slice(scratch.get(..n).unwrap_or_default()))
            });
            match read {
                Ok(octets) if octets.is_empty() => return Input::Eof,
                Ok(octets) => return Input::Bytes { octets, waited },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    waited = true;
                    if self.socket.ready(Interest::READABLE).await.is_err() {
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

    /// Writes what has gathered.
    pub async fn flush(&mut self) {
        while !self.out.is_empty() && !self.gone {
            match timeout(STALL, self.socket.write(&mut self.out)).await {
                Ok(Ok(n)) if n > 0 => {}
                _ => self.gone = true,
            }
        }
        if self.gone || self.out.capacity() > 4 * GATHER {
            self.out = BytesMut::new();
        }
        if self.out.is_empty() {
            self.out = BytesMut::new(); // a connection that waits holds no write buffer either
        }
    }

    /// Gives the connection up in the middle of something; the machine is told by `Eof`.
    pub fn cut(&mut self) {
        self.gone = true;
        self.out.clear();
    }

    /// Flushes and closes in good order.
    pub async fn close(mut self) {
        self.flush().await;
        if !self.gone {
            // Errors mean that the peer closed first.
            let _ = timeout(STALL, self.socket.shutdown()).await;
        }
    }
}

impl Socket {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.try_read(buffer),
            Socket::Unix(stream) => stream.try_read(buffer),
        }
    }

    async fn ready(&self, interest: Interest) -> io::Result<tokio::io::Ready> {
        match self {
            Socket::Tcp(stream) => stream.ready(interest).await,
            Socket::Unix(stream) => stream.ready(interest).await,
        }
    }

    async fn write(&mut self, out: &mut BytesMut) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.write_buf(out).await,
            Socket::Unix(stream) => stream.write_buf(out).await,
        }
    }

    async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.shutdown().await,
            Socket::Unix(stream) => stream.shutdown().await,
        }
    }

    /// Ready when the peer has closed and nothing it wrote is left to read.
    async fn closed(&self) -> Input {
        match self.ready(Interest::READABLE).await {
            Ok(ready) if ready.is_read_closed() && self.is_drained() => Input::Eof,
            Ok(_) => pending().await,
            Err(_) => Input::Eof,
        }
    }

    fn is_drained(&self) -> bool {
        let mut octet = [MaybeUninit::uninit()];
        let peeked = match self {
            Socket::Tcp(stream) => socket2::SockRef::from(stream).peek(&mut octet),
            Socket::Unix(stream) => socket2::SockRef::from(stream).peek(&mut octet),
        };
        !matches!(peeked, Ok(1..))
    }
}
