//! A door behind which a machine panics when it is told to, for a shell's test that nothing else is hurt.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lightmail_core::config::Config;
use lightmail_core::doors::{Door, Place};
use lightmail_core::machine::{Action, Input, Machine, Step, Time};
use lightmail_storage::Storage;
use lightmail_storage::shell::{Bound, House, Spawn};

/// Says every octet again, until one is `!`.
struct Echo(Option<bytes::Bytes>, bool);

impl Machine for Echo {
    fn handle(&mut self, _: Time, input: Input) {
        match input {
            Input::Bytes { octets, .. } => {
                assert!(!octets.contains(&b'!'), "on purpose");
                self.0 = Some(octets);
            }
            Input::Eof | Input::Shutdown => self.1 = true,
            _ => {}
        }
    }

    fn poll(&mut self) -> Step {
        match self.0.take() {
            Some(octets) => Step::Act(Action::Send(octets)),
            None if self.1 => Step::Over,
            None => Step::Wait {
                bytes: true,
                until: None,
            },
        }
    }
}

/// A house with this one door.
pub async fn house(name: &str, spawn: Spawn) -> (House, Door, Bound) {
    let folder = folder(name);
    let _ = std::fs::remove_dir_all(&folder);
    let storage = Storage::open_at(&folder, 4).await.unwrap();
    let door = Door {
        proto: "echo",
        place: Place::Tcp("127.0.0.1".into(), 0),
        greet: Arc::new(|_, _| Box::new(Echo(None, false))),
    };
    let bound = Bound::at(&door).unwrap_or_else(|error| panic!("{error}"));
    (House::new(&Config::default(), storage, spawn), door, bound)
}

/// Where the house keeps its things.
pub fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("lm-{}-{name}", std::process::id()))
}

/// Lets more sessions panic than there are threads, while another one lives.
pub fn check(place: &str) {
    let mut other = TcpStream::connect(place).unwrap();
    echo(&mut other);
    for _ in 0..8 {
        let mut doomed = TcpStream::connect(place).unwrap();
        echo(&mut doomed);
        doomed.write_all(b"!").unwrap();
        // The end, or a reset.
        assert_eq!(doomed.read(&mut [0]).unwrap_or(0), 0);
        echo(&mut other);
    }
}

fn echo(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut octets = [0; 5];
    stream.write_all(b"hello").unwrap();
    stream.read_exact(&mut octets).unwrap();
    assert_eq!(&octets, b"hello");
}
