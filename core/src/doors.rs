//! The doors of a server: where it listens, and which conversation begins there.
//!
//! A pure reading of the configuration; binding is a shell's work.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{Config, Port};
use crate::machine::record::{Expected, Origin, Reader, Recordable, words};
use crate::machine::{Machine, Peer, Seed};
use crate::{imap, lmtp, smtp};

/// Makes the machine of a new conversation.
pub type Greet = Arc<dyn Fn(Peer, Seed) -> Box<dyn Machine + Send> + Send + Sync>;

/// One place to listen on, and what answers there.
#[derive(Clone)]
pub struct Door {
    /// The protocol, which is the section's name too.
    pub proto: &'static str,
    /// Where to listen.
    pub place: Place,
    /// Makes the machine for a peer that has come in here.
    pub greet: Greet,
    /// What the machine is made of besides peer and seed, in the words of a record.
    pub settings: Arc<str>,
    /// What a peer is told for whom there is no room: a whole line, after which the connection is closed.
    pub full: &'static str,
}

/// RFC 3501, 7.1.5: a BYE in place of the greeting.
const IMAP_FULL: &str = "* BYE [UNAVAILABLE] Too many connections; try again later\r\n";
/// RFC 5321, 3.8; RFC 3463, 3.8.
const LMTP_FULL: &str = "421 4.7.0 Too many connections; try again later\r\n";

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A TCP port of an address or a host name.
    Tcp(String, u16),
    /// The file of a UNIX socket.
    Unix(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(host, port) => write!(f, "{host}:{port}"),
            Place::Unix(path) => path.display().fmt(f),
        }
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Door({} at {})", self.proto, self.place)
    }
}

/// The doors that are enabled, in the order in which they are told.
pub fn doors(config: &Config) -> Vec<Door> {
    let mut doors = Vec::new();
    if config.imap.enabled {
        let settings = imap::Settings::from_config(config);
        let door = |place| Door {
            proto: "imap",
            place,
            settings: words(&settings).into(),
            greet: greet_imap(settings.clone()),
            full: IMAP_FULL,
        };
        doors.extend(tcp(&config.imap.host, config.imap.port).map(door));
    }
    if config.lmtp.enabled {
        let settings = smtp::Settings::lmtp(config);
        let door = |place| Door {
            proto: "lmtp",
            place,
            settings: words(&settings).into(),
            greet: greet_lmtp(settings.clone()),
            full: LMTP_FULL,
        };
        let socket = config.lmtp_socket().map(|socket| Place::Unix(socket.into()));
        doors.extend(socket.map(door));
        doors.extend(tcp(&config.lmtp.host, config.lmtp.port).map(door));
    }
    doors
}

fn greet_imap(settings: imap::Settings) -> Greet {
    let settings = Arc::new(settings);
    Arc::new(move |peer, seed| Box::new(imap::Session::new(peer, settings.clone(), seed)))
}

fn greet_lmtp(settings: smtp::Settings) -> Greet {
    let settings = Arc::new(settings);
    Arc::new(move |peer, seed| Box::new(lmtp::session(peer, settings.clone(), seed)))
}

/// A machine made of what a recorded one was made of. Errors: what its protocol or its settings should have been.
pub fn again(origin: &Origin) -> Result<Box<dyn Machine + Send>, Expected> {
    let mut reader = Reader::new(&origin.settings);
    let greet = match &*origin.proto {
        "imap" => greet_imap(Recordable::read(&mut reader)?),
        "lmtp" => greet_lmtp(Recordable::read(&mut reader)?),
        _ => return Err("a protocol of ours: imap or lmtp"),
    };
    reader.end()?;
    Ok(greet(origin.peer.clone(), origin.seed.clone()))
}

/// A port, unless it is off.
fn tcp(host: &str, port: Port) -> Option<Place> {
    Some(Place::Tcp(host.to_owned(), port.0?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn places(text: &str) -> Vec<String> {
        let config = config::parse("config.ini", text).unwrap();
        doors(&config)
            .iter()
            .map(|door| format!("{} {}", door.proto, door.place))
            .collect()
    }

    #[test]
    fn doors_are_what_the_configuration_says() {
        let embedded = [
            "imap 127.0.0.1:1143",
            "lmtp ./data/lmtp.sock",
            "lmtp 127.0.0.1:1124",
        ];
        assert_eq!(places(""), embedded);
        assert_eq!(places("[imap]\nenabled = no\n[lmtp]\nenabled = no\n"), [""; 0]);
        let elsewhere = "[imap]\nhost = ::1\nport = 143\n[lmtp]\nport = off\nsocket = /run/l.sock\n";
        assert_eq!(places(elsewhere), ["imap ::1:143", "lmtp /run/l.sock"]);
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
            let talk = world.join((door.greet)(peer, Seed::new([1; 32])));
            String::from_utf8_lossy(&world.take(talk))
                .get(..4)
                .unwrap()
                .to_owned()
        });
        assert_eq!(greetings.collect::<Vec<_>>(), ["* OK", "220 ", "220 "]);
    }
}
