//! A database server without room, through the whole server: mail stays with its sender, what is there can be read, the log says
//! what to do, and nothing is started again.

use crate::common::backing::{Backing, Database};
use crate::common::{Server, eventually};

/// Fills the database up, at the end row by row.
fn fill(backing: &Backing) {
    backing.run("CREATE TABLE filler (piece VARBINARY(7000)) ENGINE=InnoDB");
    for rows in [100, 10, 1] {
        let piece = format!("INSERT INTO filler SELECT REPEAT('x', 7000) FROM seq_1_to_{rows}");
        while backing.takes(&piece) {}
    }
}

/// A message whose index, made of its parts, takes a good part of a page.
fn message(name: &str) -> String {
    let part = "--b\r\nContent-Type: text/plain; name=part\r\n\r\nx\r\n";
    format!(
        "Subject: {name}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n",
        part.repeat(40)
    )
}

#[test]
fn a_database_without_room_is_told_and_used_again_once_there_is_some() {
    let database = Database::start("full", &[("LIGHTMAIL_MARIADB_ROOM", "20M")]);
    let backing = Backing::at(database.name());
    let server = Server::start_with("full", &backing.sections());
    let before = server.deliver(message("before").as_bytes());
    assert!(before.starts_with("250 "), "{before}");
    let mut client = server.logged_in();
    client.ok("SELECT INBOX");

    fill(&backing);
    // Pages that have begun are filled by others.
    let mut stored = 1;
    let refused = loop {
        let answer = server.deliver(message(&format!("filler {stored}")).as_bytes());
        if !answer.starts_with("250 ") {
            break answer;
        }
        stored += 1;
        assert!(stored < 2000, "the database never was full");
    };
    assert!(refused.starts_with("451 4."), "{refused}");
    client.say(&format!("a APPEND INBOX {{{}}}", message("meanwhile").len()));
    client.until("+ ");
    client.say(&message("meanwhile"));
    let refused = client.until("a ").pop().unwrap();
    assert!(refused.starts_with("a NO [UNAVAILABLE]"), "{refused}");
    assert!(
        client
            .ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]")
            .concat()
            .contains("Subject: before")
    );
    let log = server.log();
    let said = log
        .lines()
        .filter(|line| line.contains("store.database.unavailable"));
    let [line] = said.collect::<Vec<_>>()[..] else {
        panic!("not said once: {log}")
    };
    assert!(
        line.contains("is full") && line.contains("make room on the disk of the database server"),
        "{line}"
    );

    backing.run("DROP TABLE filler");
    // The database gives the pages back in the background.
    eventually("room", || {
        server.deliver(message("after").as_bytes()).starts_with("250 ")
    });
    assert!(server.log().contains("store.database.available"));
    let told = client.ok("NOOP");
    assert!(told.contains(&format!("* {} EXISTS", stored + 1)), "{told:?}");
}
