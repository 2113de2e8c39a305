//! A session in which something breaks leaves a record of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use lightmail_core::greet::again;
use lightmail_core::machine::record::{End, Record, play};

use crate::common::{Server, broken_session};

#[test]
fn what_breaks_is_recorded_without_password_and_mail() {
    let mut server = Server::start("records");
    let path = broken_session(&mut server);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    let log = fs::read_to_string(server.folder.join("log")).unwrap();
    let broken = log.lines().filter(|line| line.contains("session.broken"));
    let named = broken.filter(|line| line.contains(&*path.to_string_lossy()));
    let named: Vec<_> = named.collect();
    let [line] = named[..] else { panic!("{log}") };
    for figure in [
        "inputs=",
        "core_us=",
        "store.FindLogin:1 VerifyPassword:1 TakePlace:1 store.OpenMailbox:1",
    ] {
        assert!(line.contains(figure), "{figure}: {line}");
    }
    assert!(!text.contains(&server.password), "{text}");
    assert!(
        text.contains("FETCH 1 BODY[]") && text.contains("Err Broken"),
        "{text}"
    );

    let record = Record::parse(&text).unwrap_or_else(|bad| panic!("{bad}\n{text}"));
    assert_eq!(record.end, End::Whole);
    let mut machine = again(&record.origin).unwrap();
    for step in &record.steps {
        let played = play(&mut machine, step);
        assert_eq!(played.agrees, Some(true), "{step:?}\n{played:?}");
    }
}

#[test]
fn recording_can_be_turned_off() {
    let mut server = Server::start_with("unrecorded", "[log]\nrecord_size = 0\n");
    crate::common::break_session(&mut server);
    crate::common::eventually("the end of the session", || {
        fs::read_to_string(server.folder.join("log"))
            .unwrap()
            .contains("session.broken")
    });
    assert!(!server.folder.join("data/records").exists());
}
