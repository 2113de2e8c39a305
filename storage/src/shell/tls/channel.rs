//! The channel: octets sealed on their way to a peer, opened on their way from it. Holds what it was given until it is asked;
//! the socket is the caller's.

use std::fmt;
use std::future::pending;
use std::io::{self, Read as _, Write as _};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_lite::future::yield_now;
use lightmail_core::machine::{Exporter, TlsInfo};
use rustls::ProtocolVersion;
use rustls::server::ServerConnection;

use super::identities;
use crate::shell::Socket;

/// Pulls in a row that bring no octets to read: so many a record of the largest size needs, and some more. A peer that sends
/// records of no octets, as fast as they can be opened, holds its thread no longer.
const PULLS_MAX: usize = 16;

/// A TLS connection whose handshake is done. Its reads and ends are those of [`Socket`], one layer up.
pub(in crate::shell) struct Channel(ServerConnection);

impl Channel {
    pub(in crate::shell) fn new(connection: ServerConnection) -> Self {
        Self(connection)
    }

    /// What the handshake has agreed on.
    pub(in crate::shell) fn info(&self) -> TlsInfo {
        let version = self.0.protocol_version().and_then(|version| version.as_str());
        let suite = self.0.negotiated_cipher_suite();
        let suite = suite.and_then(|suite| suite.suite().as_str());
        // `TLSv1_3` is the library's way to write it.
        let version = version.unwrap_or("TLS").replace('_', ".");
        let summary = format!("{version} {}", suite.unwrap_or("unknown"));
        let certificate = self.0.peer_certificates().and_then(<[_]>::first);
        TlsInfo {
            summary,
            exporter: self.exporter(),
            identities: certificate.map(|der| identities::read(der)).unwrap_or_default(),
        }
    }

    /// `tls-exporter` (RFC 9266, 2), of TLS 1.3 only: an older connection would need an extended master secret, which the library
    /// does not tell of (RFC 9266, 3).
    fn exporter(&self) -> Option<Exporter> {
        let is_new = self.0.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let exported = self
            .0
            .export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None);
        exported.ok().filter(|_| is_new).map(Exporter)
    }

    /// Reads what is there, opened; 0: the peer has ended in good order. Errors: `WouldBlock` when there is nothing,
    /// `Interrupted` when there may be more and it is others' turn, `UnexpectedEof` when the stream ends without the peer's word
    /// that it does.
    pub(in crate::shell) fn try_read(
        &mut self,
        socket: &impl Socket,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        for _ in 0..PULLS_MAX {
            match self.0.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.pull(socket)?,
                read => return read,
            };
        }
        Err(io::ErrorKind::Interrupted.into())
    }

    /// Takes in some of what the socket holds; 0: it is at its end. Alerts and other answers wait for the next [`Self::seal`].
    fn pull(&mut self, socket: &impl Socket) -> io::Result<usize> {
        let n = self.0.read_tls(&mut Wire(socket))?;
        self.0.process_new_packets().map_err(io::Error::other)?;
        Ok(n)
    }

    /// As [`Socket::is_drained`].
    pub(in crate::shell) fn is_drained(&mut self, socket: &impl Socket) -> io::Result<bool> {
        match self.0.process_new_packets() {
            Ok(state) if state.plaintext_bytes_to_read() > 0 => Ok(false),
            Ok(state) if state.peer_has_closed() => Ok(true),
            Ok(_) => socket.is_drained(),
            Err(_) => Ok(true),
        }
    }

    /// As [`Socket::closed`]: looks into what comes until it is the end, or something to read, which stays. Cancel-safe.
    pub(in crate::shell) async fn closed(&mut self, socket: &impl Socket) {
        for pulls in 1.. {
            match self.0.process_new_packets() {
                Ok(state) if state.plaintext_bytes_to_read() > 0 => pending().await,
                Ok(_) => {}
                Err(_) => return,
            }
            match self.pull(socket) {
                Ok(0) => return,
                Ok(_) if pulls % PULLS_MAX == 0 => yield_now().await,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if socket.readable().await.is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }

    /// Takes octets from the front of `out` and gives them sealed, behind all that TLS itself has to say. Empty: there is
    /// nothing to send.
    pub(in crate::shell) fn seal(&mut self, out: &mut BytesMut) -> io::Result<Bytes> {
        // After a fault of the peer nothing more can be sealed, but the alert that says so waits to be sent.
        if !out.is_empty() {
            let taken = self.0.writer().write(out)?;
            out.advance(taken);
        }
        let mut sealed = Vec::new();
        while self.0.wants_write() {
            self.0.write_tls(&mut sealed)?;
        }
        Ok(sealed.into())
    }

    /// Our word that nothing more comes (`close_notify`; RFC 8446, 6.1); the next [`Self::seal`] gives it.
    pub(in crate::shell) fn end(&mut self) {
        self.0.send_close_notify();
    }
}

/// The socket, as the library reads it.
struct Wire<'a, S>(&'a S);

impl<S: Socket> io::Read for Wire<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Channel").field(&self.info().summary).finish()
    }
}
