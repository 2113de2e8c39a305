//! What was deleted goes for good, through the whole server.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use futures_lite::future::block_on;
use lightmail_core::machine::ObjectKind;
use lightmail_core::store::{Actor, GarbageCounts, Reply, Request};
use lightmail_storage::Storage;

use super::bucket;
use crate::common::{Server, eventually};

const AT_ONCE: &str = "[garbage]\ngrace_hours = 0\nidle_seconds = 1\npause_seconds = 1\n";

/// How many bodies there are.
fn bodies(storage: &Storage) -> usize {
    let listed = storage.objects().list(ObjectKind::Email, None, 100);
    block_on(listed).unwrap().len()
}

/// What waits to be removed.
fn waiting(storage: &Storage) -> GarbageCounts {
    let before_ms = u64::MAX >> 1;
    let counted = storage.run(Actor::Operator, Request::CountGarbage { before_ms });
    match block_on(counted).unwrap() {
        Reply::GarbageCounted(counts) => counts,
        other => panic!("{other:?}"),
    }
}

fn what_is_deleted_goes_and_a_copy_keeps_its_body(server: &Server) {
    let storage = server.storage();
    for n in 1..=3 {
        let text = format!("Subject: {n}\r\n\r\nbody {n}\r\n");
        assert!(server.deliver(text.as_bytes()).starts_with("250 "));
    }
    assert_eq!(bodies(&storage), 3);
    let mut client = server.logged_in();
    client.ok("CREATE Kept");
    client.ok("CREATE Lost");
    client.ok("SELECT INBOX");
    client.ok("COPY 1 Kept");
    client.ok("COPY 2 Lost");
    client.ok("STORE 1:3 +FLAGS (\\Deleted)");
    client.ok("EXPUNGE");
    client.ok("DELETE Lost");
    eventually("the end of all garbage", || {
        bodies(&storage) == 1 && waiting(&storage) == GarbageCounts::default()
    });
    client.ok("SELECT Kept");
    assert!(client.ok("FETCH 1 BODY[TEXT]").contains(&"body 1".to_owned()));
    let log = server.log();
    for event in [
        "garbage.messages.removed",
        "garbage.objects.deleted",
        "garbage.mailboxes.removed",
    ] {
        assert!(log.contains(event), "{event}: {log}");
    }
    block_on(storage.close());
}

#[test]
fn expunged_mail_goes_from_a_folder() {
    let mut server = Server::start_with("garbage", AT_ONCE);
    what_is_deleted_goes_and_a_copy_keeps_its_body(&server);
    assert_eq!(
        fs::read_dir(server.folder.join("data/emails")).unwrap().count(),
        1
    );
    // The lease is given back: the next server need not wait for its end.
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    server.kill_and_start_again();
    let mut client = server.logged_in();
    client.ok("SELECT Kept");
    client.ok("STORE 1 +FLAGS (\\Deleted)");
    client.ok("EXPUNGE");
    let emails = server.folder.join("data/emails");
    eventually("the end of the last body", || {
        fs::read_dir(&emails).unwrap().count() == 0
    });
}

/// A database of its own on the tests' MariaDB server, dropped at the end.
struct Database {
    name: String,
    socket: String,
}

impl Database {
    fn new() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/services/mariadb/env");
        let text = fs::read_to_string(file)
            .unwrap_or_else(|_| panic!("this test needs a MariaDB server: run scripts/services/mariadb up"));
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let service: BTreeMap<_, _> = pairs.collect();
        let database = Self {
            name: format!(
                "{}_{}",
                env!("CARGO_PKG_NAME").replace('-', "_"),
                std::process::id()
            ),
            socket: service["LIGHTMAIL_TEST_MYSQL_SOCKET"].to_owned(),
        };
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sql/schema.sql");
        let schema = fs::read_to_string(schema).unwrap();
        assert!(database.run(&schema.replace("maildb", &database.name)));
        database
    }

    fn run(&self, statements: &str) -> bool {
        let mut client = Command::new("mariadb");
        client.args([
            "--no-defaults",
            "-u",
            "root",
            "--socket",
            &self.socket,
            "-e",
            statements,
        ]);
        client.stdout(Stdio::null()).status().unwrap().success()
    }

    fn section(&self) -> String {
        format!(
            "[database]\nsocket = {}\nuser = root\ndatabase = {}\n",
            self.socket, self.name
        )
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.run(&format!("DROP DATABASE IF EXISTS {}", self.name));
    }
}

#[test]
fn expunged_mail_goes_from_mariadb_and_a_bucket() {
    let database = Database::new();
    let bucket = bucket::section(None).replace("\nprefix = ", "\nprefix = garbage-");
    let more = format!("{AT_ONCE}{}{bucket}", database.section());
    let server = Server::start_with("garbage-cloud", &more);
    what_is_deleted_goes_and_a_copy_keeps_its_body(&server);
}
