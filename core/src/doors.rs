//! The doors of a server: where it listens, and which conversation begins there.
//!
//! A pure reading of the configuration; binding is a shell's work.

use std::fmt;
use std::path::PathBuf;

use crate::config::{Config, Port};
use crate::greet::Greet;
use crate::{imap, pop3, smtp};

/// One place to listen on, and what answers there.
#[derive(Clone)]
pub struct Door {
    /// The protocol: `imap`, `pop3`, `lmtp`, `smtp`, `submission`.
    pub proto: &'static str,
    /// How the octets cross.
    pub transport: Transport,
    /// Where to listen.
    pub place: Place,
    /// Makes the machine for a peer that has come in here.
    pub greet: Greet,
    /// What a peer is told for whom there is no room: a whole line, after which the connection is closed. Behind TLS it is
    /// closed without a word.
    pub full: &'static str,
}

/// RFC 3501, 7.1.5: a BYE in place of the greeting.
const IMAP_FULL: &str = "* BYE [UNAVAILABLE] Too many connections; try again later\r\n";
/// RFC 1939, 4; RFC 3206, 4: in place of the greeting.
const POP3_FULL: &str = "-ERR [SYS/TEMP] Too many connections; try again later\r\n";
/// RFC 5321, 3.8; RFC 3463, 3.8.
const SMTP_FULL: &str = "421 4.7.0 Too many connections; try again later\r\n";

/// How a conversation's octets cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// As they are, until the machine asks for more.
    Plain,
    /// Through TLS, from the first octet (RFC 8314, 3).
    Tls,
}

impl Door {
    /// Whether peers log in here. Those of LMTP are mail servers, which need not.
    pub fn may_log_in(&self) -> bool {
        matches!(self.proto, "imap" | "pop3" | "submission")
    }

    /// The section that configures it.
    pub fn section(&self) -> &'static str {
        match self.proto {
            "smtp" | "submission" => "smtp_server",
            proto => proto,
        }
    }

    /// The protocol as people and URLs name it, with an `s` where TLS comes first.
    pub fn scheme(&self) -> String {
        match self.transport {
            Transport::Plain => self.proto.to_owned(),
            Transport::Tls => format!("{}s", self.proto),
        }
    }
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A TCP port of an address or a host name.
    Tcp(String, u16),
    /// A UNIX socket.
    Unix(SocketPlace),
}

/// Where a UNIX socket lies, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketPlace {
    /// Its file.
    pub path: PathBuf,
    /// The user that owns it, by name or number; `None`: the server's own.
    pub owner: Option<String>,
    /// The group that may connect, by name or number; `None`: the server's own.
    pub group: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(host, port) => write!(f, "{host}:{port}"),
            Place::Unix(socket) => socket.path.display().fmt(f),
        }
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Door({} at {})", self.scheme(), self.place)
    }
}

/// The doors that are enabled, in the order in which they are told.
pub fn doors(config: &Config) -> Vec<Door> {
    let mut doors = Vec::new();
    if config.imap.enabled {
        let greet = Greet::imap(imap::Settings {
            tls: true,
            ..imap::Settings::from_config(config)
        });
        let imap = &config.imap;
        for (transport, port) in [(Transport::Plain, imap.port), (Transport::Tls, imap.tls_port)] {
            doors.extend(tcp("imap", transport, &imap.host, port, greet.clone(), IMAP_FULL));
        }
    }
    if config.pop3.enabled {
        let greet = Greet::pop3(pop3::Settings {
            tls: true,
            ..pop3::Settings::from_config(config)
        });
        let pop3 = &config.pop3;
        for (transport, port) in [(Transport::Plain, pop3.port), (Transport::Tls, pop3.tls_port)] {
            doors.extend(tcp("pop3", transport, &pop3.host, port, greet.clone(), POP3_FULL));
        }
    }
    if config.lmtp.enabled {
        // What never leaves this machine needs no TLS.
        let greet = |tls| {
            Greet::lmtp(smtp::Settings {
                tls,
                ..smtp::Settings::lmtp(config)
            })
        };
        doors.extend(config.lmtp_socket().map(|socket| Door {
            proto: "lmtp",
            transport: Transport::Plain,
            place: Place::Unix(SocketPlace {
                path: socket.into(),
                owner: config.lmtp.socket_owner.clone(),
                group: config.lmtp.socket_group.clone(),
            }),
            greet: greet(false),
            full: SMTP_FULL,
        }));
        let lmtp = &config.lmtp;
        doors.extend(tcp(
            "lmtp",
            Transport::Plain,
            &lmtp.host,
            lmtp.port,
            greet(true),
            SMTP_FULL,
        ));
    }
    doors.extend(smtp_doors(config));
    doors
}

/// Those for other servers and for users.
fn smtp_doors(config: &Config) -> impl Iterator<Item = Door> {
    let smtp = &config.smtp_server;
    let tls = |settings| smtp::Settings {
        tls: true,
        ..settings
    };
    let mx = Greet::mx(tls(smtp::Settings::mx(config)));
    let users = Greet::submission(tls(smtp::Settings::submission(config)));
    let doors = [
        ("smtp", Transport::Plain, smtp.port, mx),
        (
            "submission",
            Transport::Plain,
            smtp.submission_port,
            users.clone(),
        ),
        ("submission", Transport::Tls, smtp.submissions_port, users),
    ];
    let enabled = doors.into_iter().filter(|_| smtp.enabled);
    enabled.filter_map(|(proto, transport, port, greet)| {
        tcp(proto, transport, &smtp.host, port, greet, SMTP_FULL)
    })
}

/// A port, unless it is off.
fn tcp(
    proto: &'static str,
    transport: Transport,
    host: &str,
    port: Port,
    greet: Greet,
    full: &'static str,
) -> Option<Door> {
    let place = Place::Tcp(host.to_owned(), port.0?);
    Some(Door {
        proto,
        transport,
        place,
        greet,
        full,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::machine::{Peer, Seed};

    fn places(text: &str) -> Vec<String> {
        let config = config::parse("config.ini", text).unwrap();
        doors(&config)
            .iter()
            .map(|door| format!("{} {}", door.scheme(), door.place))
            .collect()
    }

    #[test]
    fn doors_are_what_the_configuration_says() {
        let embedded = [
            "imap 127.0.0.1:1143",
            "imaps 127.0.0.1:1993",
            "pop3 127.0.0.1:1110",
            "pop3s 127.0.0.1:1995",
            "lmtp ./data/lmtp.sock",
            "lmtp 127.0.0.1:1124",
            "smtp 127.0.0.1:1025",
            "submission 127.0.0.1:1587",
            "submissions 127.0.0.1:1465",
        ];
        assert_eq!(places(""), embedded);
        assert_eq!(
            places(
                "[imap]\nenabled = no\n[pop3]\nenabled = no\n[lmtp]\nenabled = no\n[smtp_server]\nenabled = no\n"
            ),
            [""; 0]
        );
        let elsewhere = "[imap]\nhost = ::1\nport = 143\ntls_port = off\n[pop3]\nport = off\n[lmtp]\nport = off\nsocket = /run/l.sock\n\
                         [smtp_server]\nhost = ::\nport = 25\nsubmission_port = off\nsubmissions_port = 465\n";
        assert_eq!(
            places(elsewhere),
            [
                "imap ::1:143",
                "pop3s 127.0.0.1:1995",
                "lmtp /run/l.sock",
                "smtp :::25",
                "submissions :::465"
            ]
        );
    }

    #[test]
    fn tls_is_offered_on_ports_and_not_on_the_socket() {
        let offers = doors(&Config::default())
            .into_iter()
            .filter(|door| door.proto == "lmtp");
        let offers = offers.map(|door| {
            let address = match door.place {
                Place::Tcp(..) => Some([127, 0, 0, 1].into()),
                Place::Unix(_) => None,
            };
            let mut world = crate::pair::World::new();
            let talk = world.join(
                door.greet
                    .machine(Peer { address, tls: None }, Seed::new([1; 32])),
            );
            world.feed(talk, b"LHLO x\r\n");
            let said = String::from_utf8(world.take(talk)).unwrap();
            (address.is_some(), said.contains("250-STARTTLS\r\n"))
        });
        assert_eq!(offers.collect::<Vec<_>>(), [(false, false), (true, true)]);
    }

    #[test]
    fn users_log_in_at_submission_and_nowhere_else() {
        let doors = doors(&Config::default()).into_iter();
        let offers = doors.filter(|door| door.section() == "smtp_server").map(|door| {
            let peer = Peer {
                address: Some([127, 0, 0, 1].into()),
                tls: None,
            };
            let mut world = crate::pair::World::new();
            let talk = world.join(door.greet.machine(peer, Seed::new([1; 32])));
            world.feed(talk, b"EHLO x\r\n");
            String::from_utf8_lossy(&world.take(talk)).contains("250-AUTH ")
        });
        assert_eq!(offers.collect::<Vec<_>>(), [false, true, true]);
    }

    #[test]
    fn a_socket_belongs_to_whom_the_configuration_says() {
        let text = "[lmtp]\nsocket = /run/l.sock\nsocket_owner = mail\nsocket_group = postfix\n";
        let config = config::parse("config.ini", text).unwrap();
        let expected = SocketPlace {
            path: "/run/l.sock".into(),
            owner: Some("mail".into()),
            group: Some("postfix".into()),
        };
        assert!(
            doors(&config)
                .iter()
                .any(|door| door.place == Place::Unix(expected.clone()))
        );
    }

    #[test]
    fn each_door_greets_in_its_own_manner() {
        let doors = doors(&Config::default());
        let greetings = doors.iter().map(|door| {
            let peer = Peer {
                address: Some([127, 0, 0, 1].into()),
                tls: None,
            };
            let mut world = crate::pair::World::new();
            let talk = world.join(door.greet.machine(peer, Seed::new([1; 32])));
            String::from_utf8_lossy(&world.take(talk))
                .get(..4)
                .unwrap()
                .to_owned()
        });
        assert_eq!(
            greetings.collect::<Vec<_>>(),
            [
                "* OK", "* OK", "+OK ", "+OK ", "220 ", "220 ", "220 ", "220 ", "220 "
            ]
        );
    }
}
