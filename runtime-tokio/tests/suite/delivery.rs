//! One mail through a configuration of the operator's own: it comes in over SMTP, its row is in the database and its body in
//! the bucket. Asked for by `LIGHTMAIL_DELIVERY_ITEST=1`:
//!
//!     LIGHTMAIL_DELIVERY_ITEST=1 cargo test -q smtp_delivery_persists_to_db_and_s3_when_configured
//!
//! The configuration is `/etc/lightmail/config.ini`, or the file that `LIGHTMAIL_CONFIG` names; the recipient is the first account
//! of `sql/schema.sql`, or the one that `LIGHTMAIL_DELIVERY_RECIPIENT` names. The server of the test is one more node: it has the
//! operator's name and all that nodes share, but a data folder and ports of its own. At the end the mail is deleted, as by a client.

use std::io::{Write as _, stderr};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use futures_lite::future::block_on;
use lightmail_core::store::{AccountId, Actor, Mailbox, MailboxName, PageRow, Reply, Request, Uid, UidSet};
use lightmail_storage::Storage;
use lightmail_storage::shell::load;

use crate::common::{Server, USER};

/// What a node does to what all nodes share depends on these.
const SHARED: [&str; 8] = [
    "database",
    "s3",
    "smtp",
    "queue",
    "dkim",
    "antivirus",
    "garbage",
    "limits",
];

#[test]
fn smtp_delivery_persists_to_db_and_s3_when_configured() {
    if env::var_os("LIGHTMAIL_DELIVERY_ITEST").is_none_or(|value| value != "1") {
        return say(
            "not run, as it delivers to your own database and bucket. If you want that: LIGHTMAIL_DELIVERY_ITEST=1 cargo test -q \
             smtp_delivery_persists_to_db_and_s3_when_configured, with /etc/lightmail/config.ini or LIGHTMAIL_CONFIG=FILE",
        );
    }
    let (hostname, sections) = configured();
    let server = Server::start_on("delivery", &hostname, &sections);
    let storage = server.storage();
    let recipient = env::var("LIGHTMAIL_DELIVERY_RECIPIENT").unwrap_or_else(|_| USER.to_owned());
    let inbox = Inbox::of(&storage, &recipient);
    let next = inbox.opened().uid_next;

    let message = message();
    let reply = server.deliver_by_smtp(&recipient, message.as_bytes());
    assert!(reply.starts_with("250 "), "{reply}");

    // Others may get mail meanwhile: ours is the one with this body.
    let rows = inbox.since(next);
    let is_ours = |row: &&PageRow| body(&storage, row) == format!("{message}\r\n").as_bytes();
    let row = rows
        .iter()
        .find(is_ours)
        .expect("a row whose body is the message");
    assert!(
        row.head.starts_with(b"Return-Path: <sender@example.org>\r\n"),
        "{row:?}"
    );
    inbox.delete(row.uid);
    block_on(storage.close());
    server.end();
    say(&format!(
        "delivered: {recipient} had UID {} with its body in emails/{}.eml",
        row.uid.0, row.object
    ));
}

/// To the terminal: what a test that succeeds prints is not shown.
fn say(what: &str) {
    let name = "smtp_delivery_persists_to_db_and_s3_when_configured";
    let mut terminal = stderr();
    writeln!(terminal, "\n{name} ({}): {what}", env!("CARGO_PKG_NAME")).unwrap();
}

/// The operator's host name, and the sections that nodes share.
fn configured() -> (String, String) {
    let file = env::var_os("LIGHTMAIL_CONFIG")
        .map_or_else(|| PathBuf::from("/etc/lightmail/config.ini"), PathBuf::from);
    let config = load(Some(&file), None)
        .unwrap_or_else(|error| panic!("{error}"))
        .config;
    assert!(
        config.database.is_some(),
        "{}: there is no [database]",
        file.display()
    );
    assert!(config.s3.is_some(), "{}: there is no [s3]", file.display());
    let (mut sections, mut is_shared) = (String::new(), false);
    for line in fs::read_to_string(&file).unwrap().lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_shared = SHARED.contains(&name.trim());
        }
        if is_shared {
            sections += &format!("{line}\n");
        }
    }
    (config.server.hostname.unwrap_or_default(), sections)
}

/// A text that no other mail has.
fn message() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!(
        "From: sender@example.org\r\nSubject: a delivery that is checked\r\n\r\nat {} by process {}",
        now.as_nanos(),
        std::process::id()
    )
}

/// What the bucket has for a row.
fn body(storage: &Storage, row: &PageRow) -> Vec<u8> {
    let mut octets = storage.desk().read(row.object, 0..row.object_size);
    let mut body = Vec::new();
    while let Some(piece) = block_on(octets.next()) {
        body.extend_from_slice(&piece.unwrap());
    }
    body
}

/// The recipient's INBOX, by the store.
struct Inbox<'a> {
    storage: &'a Storage,
    account: AccountId,
}

impl<'a> Inbox<'a> {
    fn of(storage: &'a Storage, login: &str) -> Self {
        let login = login.to_owned();
        let found = block_on(storage.run(Actor::Operator, Request::FindAccount { login: login.clone() }));
        match found.unwrap() {
            Reply::AccountFound(Some(account)) => Self {
                storage,
                account: account.id,
            },
            _ => panic!("there is no account {login}; LIGHTMAIL_DELIVERY_RECIPIENT names another"),
        }
    }

    fn run(&self, request: Request) -> Reply {
        block_on(self.storage.run(Actor::Account(self.account), request)).unwrap()
    }

    fn opened(&self) -> Mailbox {
        let request = Request::OpenMailbox {
            name: MailboxName::new("INBOX").unwrap(),
            claim_recent: false,
        };
        match self.run(request) {
            Reply::Opened(opened) => opened.mailbox,
            other => panic!("{other:?}"),
        }
    }

    /// The rows of what has come from this UID on.
    fn since(&self, uid: Uid) -> Vec<PageRow> {
        let opened = self.opened();
        let uids = UidSet::range(uid.0..=opened.uid_next.0);
        match self.run(Request::FetchPage {
            mailbox: opened.id,
            uids,
        }) {
            Reply::Page(page) => page.rows,
            other => panic!("{other:?}"),
        }
    }

    /// As a client deletes: the garbage worker removes row and body when `[garbage] grace_hours` are over.
    fn delete(&self, uid: Uid) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        self.run(Request::DeleteMessages {
            mailbox: self.opened().id,
            uids: UidSet::range(uid.0..=uid.0),
            at_ms: u64::try_from(now.as_millis()).unwrap(),
        });
    }
}
