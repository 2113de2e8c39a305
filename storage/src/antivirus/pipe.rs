//! A connection to clamd, and how long it may stand still.

use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use async_io::{Async, Timer};
use futures_lite::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use futures_lite::{FutureExt as _, future};

use super::{Place, Times};

trait Socket: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Socket for S {}

/// A connection that is open.
pub(super) struct Pipe {
    socket: Box<dyn Socket>,
    times: Times,
}

impl Pipe {
    /// Errors: nobody takes connections there, or not in time.
    pub(super) async fn open(place: &Place, times: Times) -> io::Result<Self> {
        let connected = async {
            Ok(match place {
                Place::Tcp(host, port) => tcp(host.clone(), *port).await?,
                Place::Unix(path) => unix(path).await?,
            })
        };
        let socket = within(times.connect, "clamd takes no connection", connected).await?;
        Ok(Self { socket, times })
    }

    /// Errors: clamd has closed, or takes no octets.
    pub(super) async fn write(&mut self, mut octets: &[u8]) -> io::Result<()> {
        while !octets.is_empty() {
            let writing = self.socket.write(octets);
            let taken = within(self.times.progress, "clamd takes no more of a message", writing).await?;
            match octets.split_at_checked(taken) {
                Some((_, rest)) if taken > 0 => octets = rest,
                _ => return Err(io::ErrorKind::WriteZero.into()),
            }
        }
        Ok(())
    }

    /// Some octets; none at the end. Errors: nothing comes in time.
    pub(super) async fn read<'b>(&mut self, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
        let reading = self.socket.read(buffer);
        let read = within(self.times.answer, "clamd does not answer", reading).await?;
        Ok(buffer.get(..read).unwrap_or_default())
    }
}

async fn tcp(host: String, port: u16) -> io::Result<Box<dyn Socket>> {
    let addresses = blocking::unblock(move || (host, port).to_socket_addrs()).await?;
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match Async::<TcpStream>::connect(address).await {
            Ok(stream) => {
                // Each chunk is written whole: nothing is gained by waiting for more.
                stream.get_ref().set_nodelay(true)?;
                return Ok(Box::new(stream));
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

async fn unix(path: &Path) -> io::Result<Box<dyn Socket>> {
    Ok(Box::new(Async::<UnixStream>::connect(path).await?))
}

/// What is done in time. Errors: those of what is done; `TimedOut` with these words.
async fn within<T>(
    limit: Duration,
    words: &'static str,
    done: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let late = async {
        Timer::after(limit).await;
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("{words} for {limit:?}"),
        ))
    };
    future::or(done, late.boxed()).await
}
