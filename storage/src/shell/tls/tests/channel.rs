//! The channel between a client of the same library and a socket that gives what it likes.

use std::collections::VecDeque;
use std::fmt;
use std::future::{pending, ready};
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use futures_lite::future::{block_on, poll_once};
use lightmail_core::machine::Exporter;
use rustls::client::{ClientConfig, ClientConnection};
use rustls::server::{ServerConfig, ServerConnection, WebPkiClientVerifier};
use rustls::{RootCertStore, SupportedProtocolVersion, version};

use super::own;
use crate::shell::Socket;
use crate::shell::tls::certificates::Certificates;
use crate::shell::tls::{Channel, offer, provider};
use crate::tests::scratch::Scratch;

/// What has come from the peer and was not read yet; at most `step` octets a read.
struct Pipe {
    came: Mutex<VecDeque<u8>>,
    ended: bool,
    step: usize,
}

impl Pipe {
    fn new(step: usize) -> Self {
        Self {
            came: Mutex::default(),
            ended: false,
            step,
        }
    }

    /// All that the client has to send.
    fn take(&self, client: &mut ClientConnection) {
        let mut sealed = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sealed).unwrap();
        }
        self.came.lock().unwrap().extend(sealed);
    }
}

impl Socket for Pipe {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut came = self.came.lock().unwrap();
        if came.is_empty() && !self.ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let n = came.len().min(self.step).min(buffer.len());
        for (octet, place) in came.drain(..n).zip(buffer) {
            *place = octet;
        }
        Ok(n)
    }

    async fn readable(&self) -> io::Result<()> {
        pending().await
    }

    async fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Ok(octets.len())
    }

    async fn shutdown(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn is_drained(&self) -> io::Result<bool> {
        match (self.came.lock().unwrap().is_empty(), self.ended) {
            (true, false) => Err(io::ErrorKind::WouldBlock.into()),
            (empty, _) => Ok(empty),
        }
    }

    async fn closed(&self) {
        pending().await
    }

    async fn handshake(&mut self, _: Arc<ServerConfig>) -> io::Result<ServerConnection> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sleep(_: Duration) -> impl Future<Output = ()> + Send {
        ready(())
    }
}

/// A client and our side of a channel, both past the handshake; and the pipe between them.
fn connected(by: &'static SupportedProtocolVersion, step: usize) -> (ClientConnection, Channel, Pipe) {
    let scratch = Scratch::new();
    let certificates = Arc::new(Certificates::open(&own(scratch.path())).unwrap());
    let mut roots = RootCertStore::empty();
    roots.add(certificates.choose(None).cert[0].clone()).unwrap();
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[by])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let nobody = WebPkiClientVerifier::no_client_auth();
    let (client, server) = shaken(config, offer(certificates, nobody).unwrap()).unwrap();
    (client, Channel::new(server), Pipe::new(step))
}

/// Both sides of a handshake that has come to its end. Errors: what the server says of it.
pub(super) fn shaken(
    client: ClientConfig,
    server: ServerConfig,
) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    let mut client = ClientConnection::new(Arc::new(client), "localhost".try_into().unwrap()).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() || server.wants_write() {
        let (mut there, mut back) = (Vec::new(), Vec::new());
        client.write_tls(&mut there).unwrap();
        server.read_tls(&mut there.as_slice()).unwrap();
        server.process_new_packets()?;
        while server.wants_write() {
            server.write_tls(&mut back).unwrap();
        }
        let mut back = back.as_slice();
        while !back.is_empty() {
            client.read_tls(&mut back).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    Ok((client, server))
}

/// RFC 9266, 2: both ends have the same; an old connection has none.
#[test]
fn the_exporter_is_that_of_both_ends() {
    let (client, channel, _) = connected(&version::TLS13, 1000);
    let theirs = client
        .export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""))
        .unwrap();
    assert_eq!(channel.info().exporter, Some(Exporter(theirs)));
    let (_, other, _) = connected(&version::TLS13, 1000);
    assert_ne!(channel.info().exporter, other.info().exporter);
    assert_eq!(connected(&version::TLS12, 1000).1.info().exporter, None);
}

/// All that there is now, and what ends it.
fn read(channel: &mut Channel, pipe: &Pipe) -> (Vec<u8>, io::Result<usize>) {
    let (mut octets, mut buffer) = (Vec::new(), [0; 1000]);
    loop {
        match channel.try_read(pipe, &mut buffer) {
            Ok(n) if n > 0 => octets.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            end => return (octets, end),
        }
    }
}

fn kind<T: fmt::Debug>(result: io::Result<T>) -> io::ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn octets_come_through_in_any_cut() {
    let mail: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    for by in [&version::TLS12, &version::TLS13] {
        for step in [1, 7, 4096, usize::MAX] {
            let (mut client, mut channel, pipe) = connected(by, step);
            assert!(channel.info().summary.starts_with("TLSv1."), "{channel:?}");
            let mut heard = Vec::new();
            for piece in mail.chunks(30_000) {
                client.writer().write_all(piece).unwrap();
                pipe.take(&mut client);
                let (octets, end) = read(&mut channel, &pipe);
                heard.extend(octets);
                assert_eq!(kind(end), io::ErrorKind::WouldBlock);
            }
            assert!(heard == mail, "{by:?}, {step}");

            let mut out = BytesMut::from(mail.as_slice());
            let mut said = Vec::new();
            while !out.is_empty() {
                let sealed = channel.seal(&mut out).unwrap();
                let mut sealed = &sealed[..];
                while !sealed.is_empty() {
                    client.read_tls(&mut sealed).unwrap();
                    client.process_new_packets().unwrap();
                    // Ends at `WouldBlock`, with all that was there.
                    let _ = io::Read::read_to_end(&mut client.reader(), &mut said);
                }
            }
            assert!(said == mail);
            assert!(channel.seal(&mut out).unwrap().is_empty());
        }
    }
}

#[test]
fn an_end_in_good_order_differs_from_a_cut() {
    let (mut client, mut channel, pipe) = connected(&version::TLS13, 4096);
    client.writer().write_all(b"bye").unwrap();
    client.send_close_notify();
    pipe.take(&mut client);
    let (octets, end) = read(&mut channel, &pipe);
    assert_eq!((octets.as_slice(), end.unwrap()), (&b"bye"[..], 0));
    assert!(channel.is_drained(&pipe).unwrap());

    let (mut client, mut channel, mut pipe) = connected(&version::TLS13, 4096);
    client.writer().write_all(b"bye").unwrap();
    pipe.take(&mut client);
    pipe.ended = true;
    let (octets, end) = read(&mut channel, &pipe);
    assert_eq!(
        (octets.as_slice(), kind(end)),
        (&b"bye"[..], io::ErrorKind::UnexpectedEof)
    );

    let (mut client, mut channel, pipe) = connected(&version::TLS13, 4096);
    client.writer().write_all(b"spoilt").unwrap();
    pipe.take(&mut client);
    *pipe.came.lock().unwrap().back_mut().unwrap() ^= 1;
    assert_eq!(kind(channel.try_read(&pipe, &mut [0; 10])), io::ErrorKind::Other);
    assert!(
        !channel.seal(&mut BytesMut::new()).unwrap().is_empty(),
        "an alert"
    );
}

#[test]
fn what_was_opened_and_not_read_counts_as_unread() {
    let (mut client, mut channel, pipe) = connected(&version::TLS13, usize::MAX);
    assert_eq!(kind(channel.is_drained(&pipe)), io::ErrorKind::WouldBlock);
    client.writer().write_all(b"two words").unwrap();
    pipe.take(&mut client);
    let mut word = [0; 4];
    assert_eq!(channel.try_read(&pipe, &mut word).unwrap(), 4);
    assert_eq!(
        kind(pipe.is_drained()),
        io::ErrorKind::WouldBlock,
        "the socket is silent"
    );
    assert!(!channel.is_drained(&pipe).unwrap(), "the channel is not");
    block_on(async {
        assert_eq!(poll_once(channel.closed(&pipe)).await, None);
        assert_eq!(read(&mut channel, &pipe).0, b"words");
        assert_eq!(poll_once(channel.closed(&pipe)).await, None);
        client.send_close_notify();
        pipe.take(&mut client);
        channel.closed(&pipe).await;
    });
}

/// As records without octets would; the library's client makes none.
#[test]
fn a_peer_that_sends_nothing_to_read_holds_no_thread() {
    let (mut client, mut channel, pipe) = connected(&version::TLS13, 1);
    client.writer().write_all(&[b'x'; 1000]).unwrap();
    pipe.take(&mut client);
    let left = || pipe.came.lock().unwrap().len();
    let all = left();
    assert_eq!(
        kind(channel.try_read(&pipe, &mut [0; 10])),
        io::ErrorKind::Interrupted
    );
    let later = left();
    assert_eq!(block_on(poll_once(channel.closed(&pipe))), None);
    assert!(
        all > later && later > left() && left() > 0,
        "{all}, {later}, {}",
        left()
    );
    assert_eq!(read(&mut channel, &pipe).0, [b'x'; 1000]);
}
