//! The peer's end: whole reads in, gathered writes out, sealed once TLS has begun and compressed once both ends have agreed to it, and
//! a limit on how long a write may stand still.

use std::cell::RefCell;
use std::future::pending;
use std::io;
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use futures_lite::FutureExt as _;
use futures_lite::future::yield_now;
use lightmail_core::machine::{Input, READ_MAX, TlsFailure, TlsInfo};
use lightmail_core::wire::deflate::{Deflater, InflateFault, Inflated, Inflater};
use rustls::server::{ServerConfig, ServerConnection};

use super::Tls;
use super::tls::Channel;

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
    /// A TLS handshake, as its server. After an error nothing more can be said.
    fn handshake(
        &mut self,
        config: Arc<ServerConfig>,
    ) -> impl Future<Output = io::Result<ServerConnection>> + Send;
    /// Ready after a time.
    fn sleep(time: Duration) -> impl Future<Output = ()> + Send;
}

/// The other end of a conversation. Once it is gone, writes do nothing and the next read says `Eof`.
#[derive(Debug)]
pub struct Peer<S> {
    socket: S,
    /// What the octets go through once TLS has begun.
    channel: Option<Box<Channel>>,
    /// What is read goes through this, above TLS (RFC 4978, 3).
    inflater: Option<Box<Inflater>>,
    /// What is sent goes through this.
    deflater: Option<Deflater>,
    /// What waits to be written, compressed where it is to be.
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
            channel: None,
            inflater: None,
            deflater: None,
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
            self.closed().await;
            Input::Eof
        };
        self.told_eof = input == Input::Eof;
        input
    }

    async fn read_octets(&mut self) -> Input {
        if self.has_more() {
            // Others have their turn between two pieces of what a few octets have become.
            yield_now().await;
        }
        loop {
            if let Some(input) = self.inflate() {
                return input;
            }
            match self.try_read() {
                Ok(octets) if octets.is_empty() => return Input::Eof,
                Ok(octets) => match &mut self.inflater {
                    // It may have become nothing, and the next read the same, as fast as the peer writes.
                    Some(inflater) => {
                        inflater.push(octets);
                        yield_now().await;
                    }
                    None => return self.bytes(octets),
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.is_dry = true;
                    if self.socket.readable().await.is_err() {
                        return Input::Eof;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => yield_now().await,
                Err(_) => return Input::Eof,
            }
        }
    }

    /// Reads what is there, opened.
    fn try_read(&mut self) -> io::Result<Bytes> {
        SCRATCH.with_borrow_mut(|scratch| {
            let n = match &mut self.channel {
                Some(channel) => channel.try_read(&self.socket, scratch)?,
                None => self.socket.try_read(scratch)?,
            };
            Ok(Bytes::copy_from_slice(scratch.get(..n).unwrap_or_default()))
        })
    }

    fn bytes(&self, octets: Bytes) -> Input {
        let waited = self.is_dry;
        Input::Bytes { octets, waited }
    }

    /// What was read already and is still to be inflated, at most a whole read; `None`: nothing is there.
    fn inflate(&mut self) -> Option<Input> {
        match self.inflater.as_mut()?.pull(READ_MAX) {
            Ok(Inflated::Octets(octets)) => Some(self.bytes(octets)),
            Ok(Inflated::Hungry) => None,
            Ok(Inflated::Over(plain)) => {
                self.inflater = None;
                (!plain.is_empty()).then(|| self.bytes(plain))
            }
            Err(fault) => {
                // What still comes is dropped as it comes.
                self.inflater = None;
                tracing::info!(why = %fault, "deflate.failed");
                Some(Input::Inflate(fault))
            }
        }
    }

    /// Whether something that was read is still to be inflated.
    fn has_more(&self) -> bool {
        self.inflater.as_ref().is_some_and(|inflater| inflater.has_more())
    }

    async fn closed(&mut self) {
        if self.has_more() {
            pending().await
        }
        match &mut self.channel {
            Some(channel) => channel.closed(&self.socket).await,
            None => self.socket.closed().await,
        }
    }

    /// As [`Socket::is_drained`], of what the machine can still be given.
    fn is_drained(&mut self) -> io::Result<bool> {
        if self.has_more() {
            return Ok(false);
        }
        match &mut self.channel {
            Some(channel) => channel.is_drained(&self.socket),
            None => self.socket.is_drained(),
        }
    }

    /// Open, and nothing that the peer wrote is unread.
    fn is_silent(&mut self) -> bool {
        self.is_drained().is_err()
    }

    /// Octets to the peer; written when enough have gathered, or at the next flush.
    pub async fn send(&mut self, octets: &[u8]) {
        match &mut self.deflater {
            Some(deflater) => deflater.push(octets, &mut self.out),
            None => self.out.extend_from_slice(octets),
        }
        if self.out.len() >= GATHER {
            self.write_gathered().await;
        }
    }

    /// Writes all that was sent. Afterwards nothing is held, so that a connection that waits has no write buffer either.
    pub async fn flush(&mut self) {
        if let Some(deflater) = &mut self.deflater {
            deflater.flush(&mut self.out);
        }
        self.write_gathered().await;
    }

    async fn write_gathered(&mut self) {
        if !self.out.is_empty() {
            self.is_dry = self.is_silent();
        }
        while !self.gone {
            let octets = match &mut self.channel {
                Some(channel) => channel.seal(&mut self.out),
                None => Ok(take(&mut self.out).freeze()),
            };
            match octets {
                Ok(octets) if octets.is_empty() => break,
                Ok(octets) => self.write(octets).await,
                Err(_) => self.gone = true,
            }
        }
        self.out = BytesMut::new();
    }

    async fn write(&mut self, mut octets: Bytes) {
        while !octets.is_empty() && !self.gone {
            match within::<S, _>(self.socket.write(&octets)).await {
                Ok(n) if n > 0 => octets.advance(n),
                _ => self.gone = true,
            }
        }
    }

    /// Begins TLS as its server, within the time that a handshake may take. What is read from now on has come through it; what
    /// had been read before is the machine's to refuse.
    ///
    /// Errors: why it failed, for the log; the peer is of no use any more.
    pub(super) async fn start_tls(&mut self, tls: &Tls) -> Result<TlsInfo, TlsFailure> {
        self.flush().await;
        if self.channel.is_some() || self.gone {
            return Err(TlsFailure("it has begun already, or the peer is gone".into()));
        }
        let overdue = async {
            S::sleep(tls.limit()).await;
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the handshake takes too long",
            ))
        };
        // Boxed: a conversation that waits for its peer is not as large as a handshake.
        let connection = Box::pin(self.socket.handshake(tls.config()).or(overdue)).await;
        match connection {
            Ok(connection) => {
                let channel = Channel::new(connection);
                let info = channel.info();
                self.channel = Some(Box::new(channel));
                Ok(info)
            }
            Err(error) => Err(TlsFailure(error.to_string())),
        }
    }

    /// From here on what is sent is compressed, and so is what is read. The peer has not seen the answer yet that lets it compress:
    /// what it has written already is refused.
    pub(super) fn start_deflate(&mut self) {
        let mut inflater = Box::new(Inflater::new());
        if matches!(self.is_drained(), Ok(false)) {
            inflater.refuse(InflateFault::Early);
        }
        self.inflater = Some(inflater);
        self.deflater = Some(Deflater::new());
    }

    /// From here on what is sent is not compressed. What is read is not either, behind the flush in which the last octets came.
    pub(super) fn stop_deflate(&mut self) {
        if let Some(mut deflater) = self.deflater.take() {
            deflater.flush(&mut self.out);
        }
        if let Some(inflater) = &mut self.inflater {
            inflater.end();
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
        if let Some(channel) = &mut self.channel {
            channel.end();
            self.flush().await;
        }
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
