//! The crash loop: kill -9 of the server, and of its database, at random moments, under clients of LMTP and APPEND. What was
//! acknowledged is there once, to the octet; what was not is there once or not at all; and fsck finds nothing.
//!
//! `scripts/crashloop` runs it with more kills.

mod common;

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use common::backing::{Backing, Database};
use common::load::{Dice, append, deliver, numbers};
use common::{Server, eventually};

/// The shell.
const BINARY: &str = env!("CARGO_BIN_EXE_lightmail");

/// Kills where nobody asks for more.
const KILLS: usize = 10;
/// Clients of each protocol.
const CLIENTS: u64 = 2;
/// The longest time between an acknowledgement after a kill and the next kill, in milliseconds.
const CALM_MS: usize = 300;

/// What clients know of the mails that they sent.
#[derive(Default)]
struct Book {
    acknowledged: Mutex<Vec<u64>>,
    /// Sent once at least, never acknowledged.
    open: Mutex<Vec<u64>>,
    count: AtomicU64,
}

impl Book {
    fn acknowledge(&self, number: u64) {
        self.acknowledged.lock().unwrap().push(number);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Every acknowledged mail is there once, an open one at most once, no other one.
    fn check(&self, what: &str, mut found: std::collections::BTreeMap<u64, u32>) {
        let (acknowledged, open) = (self.acknowledged.lock().unwrap(), self.open.lock().unwrap());
        for number in acknowledged.iter() {
            assert_eq!(
                found.remove(number),
                Some(1),
                "{what}: mail {number} was acknowledged"
            );
        }
        let there: Vec<_> = open.iter().filter_map(|number| found.remove(number)).collect();
        assert!(
            there.iter().all(|count| *count == 1),
            "{what}: a mail is there twice"
        );
        let there = there.len();
        assert!(found.is_empty(), "{what}: {found:?} were never sent");
        println!(
            "{what}: {} acknowledged, 0 lost, 0 doubled; of {} others {there} are there",
            acknowledged.len(),
            open.len()
        );
    }
}

/// Ends the clients, also when something panics.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The same mail again until it is acknowledged, as a mail transfer agent does; then the next.
fn deliver_until(over: &AtomicBool, client: u64, server: u16, book: &Book) {
    for number in (client..).step_by(CLIENTS as usize) {
        while deliver(server, number).is_err() {
            if over.load(Ordering::Relaxed) {
                return book.open.lock().unwrap().push(number);
            }
            thread::sleep(Duration::from_millis(5));
        }
        book.acknowledge(number);
        if over.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// Each mail once: without an acknowledgement nobody knows.
fn append_until(over: &AtomicBool, client: u64, imap: u16, password: &str, book: &Book) {
    for number in (client..).step_by(CLIENTS as usize) {
        match append(imap, password, "Archive", number) {
            Ok(()) => book.acknowledge(number),
            Err(_) => {
                book.open.lock().unwrap().push(number);
                thread::sleep(Duration::from_millis(5));
            }
        }
        if over.load(Ordering::Relaxed) {
            return;
        }
    }
}

fn crash_loop(name: &str, server: &mut Server, database: Option<&Database>) {
    let (kills, mut dice) = (asked("KILLS").map_or(KILLS, |kills| kills as usize), dice());
    let (delivered, appended, over) = (Book::default(), Book::default(), AtomicBool::new(false));
    let begun = Instant::now();
    thread::scope(|scope| {
        let _end = End(&over);
        for client in 0..CLIENTS {
            let (lmtp, imap, password) = (server.lmtp, server.imap, server.password.clone());
            let (delivered, appended, over) = (&delivered, &appended, &over);
            scope.spawn(move || deliver_until(over, client, lmtp, delivered));
            scope.spawn(move || append_until(over, client, imap, &password, appended));
        }
        for _ in 0..kills {
            for book in [&delivered, &appended] {
                let before = book.count.load(Ordering::Relaxed);
                eventually("an acknowledgement", || {
                    book.count.load(Ordering::Relaxed) > before
                });
            }
            thread::sleep(Duration::from_millis(dice.below(CALM_MS) as u64));
            match database {
                Some(database) if dice.below(2) == 0 => database.kill_and_start_again(),
                _ => server.kill_and_start_again(),
            }
            // Beside the clients, who go on.
            assert_sound(name, server, &[]);
        }
    });
    println!("{name}: {kills} kills in {:.1} s", begun.elapsed().as_secs_f32());
    let mut client = server.logged_in();
    delivered.check(&format!("{name}, LMTP"), numbers(&mut client, "INBOX"));
    appended.check(&format!("{name}, APPEND"), numbers(&mut client, "Archive"));
    assert_sound(name, server, &["--bodies"]);
}

/// `lightmail fsck` finds nothing, beside the server that runs.
fn assert_sound(name: &str, server: &Server, options: &[&str]) {
    let mut fsck = Command::new(BINARY);
    fsck.arg("--config").arg(server.folder.join("config.ini"));
    let fsck = fsck.arg("fsck").args(options).output().unwrap();
    let said = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    assert!(
        fsck.status.success(),
        "{name}: {}{}",
        said(&fsck.stdout),
        said(&fsck.stderr)
    );
}

/// The number that the environment names.
fn asked(name: &str) -> Option<u64> {
    let text = std::env::var(format!("LIGHTMAIL_CRASHLOOP_{name}")).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}: {text} is no number")),
    )
}

fn dice() -> Dice {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = asked("SEED").unwrap_or(u64::from(now.subsec_nanos()));
    println!("seed {seed}");
    Dice(seed)
}

#[test]
fn on_sqlite_and_a_folder() {
    let mut server = Server::start("crashloop");
    crash_loop("SQLite and a folder", &mut server, None);
}

#[test]
fn on_mariadb_and_a_bucket() {
    let database = Database::start("crashloop", &[]);
    let backing = Backing::at(database.name());
    let mut server = Server::start_with("crashloop-backed", &backing.sections());
    crash_loop("MariaDB and S3", &mut server, Some(&database));
}
