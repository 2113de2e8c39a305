//! The trace fields in front of a delivered message: `Return-Path`, `Delivered-To`, `Received`.
//!
//! RFC 5321, 4.4; RFC 3848 and RFC 6531, 3.7.3 (the protocol's name); RFC 5322, 3.6.7. They lie in the recipient's row and not
//! in the object, so that one object serves all recipients. What a peer chose is cleaned before it comes here or is a path that
//! the grammar let through; neither holds a line end.

use bytes::Bytes;

use super::context::Context;
use super::manners::{Hello, With};
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
        let hello = cx.hello.as_ref().map_or("unknown", |hello| hello.name.as_str());
        let protocol = protocol(cx, transaction.parameters.utf8);
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

/// The name of RFC 3848 and RFC 6531, 4.3: `LMTP`, `ESMTPSA`, `UTF8SMTPS`.
fn protocol(cx: &Context, utf8: bool) -> String {
    let With {
        plain,
        extended,
        utf8: international,
    } = &cx.manners.with;
    if cx.hello.as_ref().is_some_and(|hello| hello.by == Hello::Helo) {
        return (*plain).to_owned();
    }
    let base = if utf8 { international } else { extended };
    let tls = if cx.peer.is_encrypted() { "S" } else { "" };
    let user = if cx.account.is_some() { "A" } else { "" };
    format!("{base}{tls}{user}")
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
        use crate::smtp::context::Greeted;
        use crate::smtp::{Settings, submission};
        use crate::store::AccountId;
        use std::sync::Arc;

        let name = |manners, by, tls, user: bool, utf8| {
            let settings = Arc::new(Settings::default());
            let seed = crate::machine::Seed::new([1; 32]);
            let mut cx = Context::new(manners, peer(None, tls), settings, seed);
            let name = "x".to_owned();
            cx.hello = Some(Greeted { name, by });
            cx.account = user.then_some(AccountId(1));
            protocol(&cx, utf8)
        };
        let (lmtp, smtp) = (&crate::lmtp::MANNERS, &submission::MANNERS);
        for (manners, by, tls, user, utf8, expected) in [
            (lmtp, Hello::Lhlo, false, false, false, "LMTP"),
            (lmtp, Hello::Lhlo, true, false, false, "LMTPS"),
            (lmtp, Hello::Lhlo, false, false, true, "UTF8LMTP"),
            (lmtp, Hello::Lhlo, true, false, true, "UTF8LMTPS"),
            (smtp, Hello::Helo, true, true, true, "SMTP"),
            (smtp, Hello::Ehlo, false, false, false, "ESMTP"),
            (smtp, Hello::Ehlo, true, false, false, "ESMTPS"),
            (smtp, Hello::Ehlo, false, true, false, "ESMTPA"),
            (smtp, Hello::Ehlo, true, true, false, "ESMTPSA"),
            (smtp, Hello::Ehlo, true, true, true, "UTF8SMTPSA"),
        ] {
            assert_eq!(name(manners, by, tls, user, utf8), expected);
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
