//! The trace fields in front of a delivered message: `Return-Path`, `Delivered-To`, `Received`.
//!
//! RFC 5321, 4.4; RFC 3848 and RFC 6531, 3.7.3 (the protocol's name); RFC 5322, 3.6.7. They lie in the recipient's row and not
//! in the object, so that one object serves all recipients. What a peer chose is cleaned before it comes here or is a path that
//! the grammar let through; neither holds a line end.

use bytes::Bytes;

use super::context::Context;
use super::path::{self, Mailbox};
use super::transaction::Transaction;
use crate::machine::{Peer, Time};
use crate::store::ObjectId;
use crate::wire::date;

/// The most octets of a host name in a trace field: ours or the peer's.
const NAME_LEN_MAX: usize = 255;

/// What the heads of one message have in common.
pub(super) struct Trace {
    return_path: String,
    received: String,
}

impl Trace {
    pub fn new(cx: &Context, transaction: &Transaction, object: ObjectId) -> Self {
        let sender = transaction.sender.as_ref().map_or("", |sender| sender.as_str());
        let hello = cx.hello.as_deref().unwrap_or("unknown");
        let protocol = protocol(cx.manners.protocol, &cx.peer, transaction.parameters.utf8);
        Self {
            return_path: format!("Return-Path: <{sender}>\r\n"),
            received: received(
                hello,
                &cx.peer,
                &clean_name(&cx.settings.hostname),
                &protocol,
                object,
                cx.now,
            ),
        }
    }

    /// What stands in front of the object for one recipient: at most [`crate::store::Recipient::HEAD_MAX`] octets, because
    /// paths and names are bounded.
    pub fn head(&self, recipient: &Mailbox) -> Bytes {
        let Self {
            return_path,
            received,
        } = self;
        Bytes::from(format!(
            "{return_path}Delivered-To: {}\r\n{received}",
            recipient.as_str()
        ))
    }
}

/// `Time-stamp-line` (RFC 5321, 4.4), folded so that no line is long.
fn received(hello: &str, peer: &Peer, hostname: &str, protocol: &str, object: ObjectId, now: Time) -> String {
    let address = peer
        .address
        .map_or_else(String::new, |address| match address.to_canonical() {
            std::net::IpAddr::V4(address) => format!(" ([{address}])"),
            std::net::IpAddr::V6(address) => format!(" ([IPv6:{address}])"),
        });
    let date = date::received(now.unix_s());
    format!(
        "Received: from {hello}{address}\r\n\tby {hostname} with {protocol}\r\n\tid {object};\r\n\t{date}\r\n"
    )
}

/// The name of RFC 3848 and RFC 6531: `LMTP`, `LMTPS`, `UTF8LMTP`, `UTF8LMTPS`.
fn protocol(base: &str, peer: &Peer, utf8: bool) -> String {
    let utf8 = if utf8 { "UTF8" } else { "" };
    let tls = if peer.is_encrypted() { "S" } else { "" };
    format!("{utf8}{base}{tls}")
}

/// What a peer calls itself, fit for a trace field: a host name or address literal as it is, of anything else only the
/// characters of a host name, the others as `?`, which is an atom still.
pub(super) fn clean_name(name: &str) -> String {
    if name.is_ascii() && path::is_host(name) {
        return name.to_owned();
    }
    let clean = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
            c
        } else {
            '?'
        }
    };
    name.chars().take(NAME_LEN_MAX).map(clean).collect()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::machine::TlsInfo;

    fn peer(address: Option<&str>, tls: bool) -> Peer {
        let address = address.map(|address| address.parse::<IpAddr>().unwrap());
        Peer {
            address,
            tls: tls.then(TlsInfo::default),
        }
    }

    #[test]
    fn received_names_peer_protocol_and_object() {
        let now = Time {
            mono_ms: 0,
            unix_ms: 879_522_906_000,
        };
        let line = |address| {
            received(
                "x.y",
                &peer(address, false),
                "mx.z",
                "LMTP",
                ObjectId([0; 16]),
                now,
            )
        };
        let tail = "\r\n\tby mx.z with LMTP\r\n\tid 00000000-0000-0000-0000-000000000000;\r\n\tFri, 14 Nov 1997 15:55:06 +0000\r\n";
        assert_eq!(line(None), format!("Received: from x.y{tail}"));
        assert_eq!(
            line(Some("192.0.2.1")),
            format!("Received: from x.y ([192.0.2.1]){tail}")
        );
        assert_eq!(
            line(Some("::ffff:192.0.2.1")),
            format!("Received: from x.y ([192.0.2.1]){tail}")
        );
        assert_eq!(
            line(Some("2001:db8::1")),
            format!("Received: from x.y ([IPv6:2001:db8::1]){tail}")
        );
    }

    #[test]
    fn protocol_names() {
        let table = [
            (false, false, "LMTP"),
            (true, false, "LMTPS"),
            (false, true, "UTF8LMTP"),
            (true, true, "UTF8LMTPS"),
        ];
        for (tls, utf8, name) in table {
            assert_eq!(protocol("LMTP", &peer(None, tls), utf8), name);
        }
    }

    #[test]
    fn names_are_cleaned() {
        let table = [
            ("mx.example", "mx.example"),
            ("[127.0.0.1]", "[127.0.0.1]"),
            ("a (b) <c>; d\te", "a??b???c???d?e"),
            ("exämple", "ex?mple"),
            ("evil[", "evil?"),
        ];
        for (name, clean) in table {
            assert_eq!(clean_name(name), clean);
        }
        assert_eq!(clean_name(&"ü".repeat(5000)).len(), NAME_LEN_MAX);
    }
}
