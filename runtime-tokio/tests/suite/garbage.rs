//! What was deleted goes for good, through the whole server.

use std::fs;

use futures_lite::future::block_on;
use lightmail_core::machine::ObjectKind;
use lightmail_core::store::{Actor, GarbageCounts, Reply, Request};
use lightmail_storage::Storage;

use crate::common::backing::Backing;
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

#[test]
fn expunged_mail_goes_from_mariadb_and_a_bucket() {
    let backing = Backing::new();
    let more = format!("{AT_ONCE}{}", backing.sections());
    let server = Server::start_with("garbage-cloud", &more);
    what_is_deleted_goes_and_a_copy_keeps_its_body(&server);
}
