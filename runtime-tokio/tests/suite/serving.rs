//! How a shell behaves as a process: sessions beside each other, stopping, dying, large mails, wrong configurations.

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Client, Server, USER, eventually, run, run_with};

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let mut server = Server::start("kill");
    assert!(
        server
            .deliver(b"Subject: kept\r\n\r\nbody\r\n")
            .starts_with("250 ")
    );
    server.kill_and_start_again();
    let mut client = server.logged_in();
    assert!(client.ok("SELECT INBOX").contains(&"* 1 EXISTS".to_owned()));
    assert!(client.ok("FETCH 1 BODY[TEXT]").contains(&"body".to_owned()));
}

#[test]
fn a_server_that_waits_for_its_database_ends_at_once() {
    // It takes the connection and says nothing.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let folder = std::env::temp_dir().join(format!("lm-{}-early", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.ini");
    let config = format!(
        "[server]\ndata_dir = {}\n[database]\nhost = 127.0.0.1\nport = {}\n",
        folder.join("data").display(),
        silent.local_addr().unwrap().port()
    );
    fs::write(&file, config).unwrap();
    for signal in ["TERM", "INT"] {
        let mut serve = Command::new(crate::BINARY);
        serve.arg("--config").arg(&file).stderr(Stdio::piped());
        let server = serve.spawn().unwrap();
        let held = silent.accept().unwrap();
        let begun = Instant::now();
        run(Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(server.id().to_string()));
        let output = server.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(said.contains("server.stopped.before_it_served"), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        drop(held);
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn sessions_see_each_other() {
    let server = Server::start("notices");
    let (mut watching, mut working) = (server.logged_in(), server.logged_in());
    watching.ok("SELECT INBOX");
    working.ok("SELECT INBOX");
    watching.say("w IDLE");
    watching.until("+ ");
    server.deliver(b"Subject: new\r\n\r\nbody\r\n");
    watching.until("* 1 EXISTS");
    working.ok("NOOP");
    working.ok("STORE 1 +FLAGS (\\Flagged)");
    watching.until("* 1 FETCH (FLAGS (");
    working.ok("STORE 1 +FLAGS (\\Deleted)");
    working.ok("EXPUNGE");
    watching.until("* 1 EXPUNGE");
    watching.say("DONE");
    watching.until("w OK");
}

#[test]
fn sigterm_says_bye_and_ends_in_good_order() {
    let mut server = Server::start("drain");
    let mut idle = server.logged_in();
    idle.ok("SELECT INBOX");
    idle.say("i IDLE");
    idle.until("+ ");
    let mut fresh = Client::connect(server.lmtp);
    let begun = Instant::now();
    server.signal("TERM");
    idle.until("* BYE");
    fresh.until("421 ");
    let status = server.child.wait().unwrap();
    assert!(status.success(), "{status}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(!server.socket().exists());
}

#[test]
fn a_second_server_does_not_take_the_doors_of_the_first() {
    let server = Server::start("twice");
    let (ok, said) = run_with(&mut server.lightmail(), b"");
    assert!(!ok);
    let owner = format!("a server has it (process {})", server.child.id());
    assert!(
        said.contains("cannot have the folder") && said.contains(&owner),
        "{said}"
    );
    let config = fs::read_to_string(server.folder.join("config.ini")).unwrap();
    let other = server.folder.join("other.ini");
    fs::write(&other, config.replace("/data\n", "/other\n")).unwrap();
    let (ok, said) = run_with(Command::new(crate::BINARY).arg("--config").arg(other), b"");
    assert!(!ok);
    assert!(
        said.contains("cannot listen on 127.0.0.1:") && said.contains("stop the server that is there"),
        "{said}"
    );
    assert!(server.deliver(b"Subject: x\r\n\r\ny\r\n").starts_with("250 "));
}

/// A connection too many is told so, not just closed; who has logged in does not count for the address.
#[test]
fn an_address_has_its_share_of_connections() {
    let server = Server::start_with("crowd", "[limits]\naddress_connections = 2\nconnections = 5\n");
    let greeting = |port| {
        let mut line = String::new();
        let stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let _ = std::io::BufReader::new(&stream).read_line(&mut line);
        (stream, line)
    };
    let known: Vec<_> = (0..3).map(|_| server.logged_in()).collect();
    let (first, said) = greeting(server.imap);
    assert!(said.starts_with("* OK "), "{said}");
    let (_second, said) = greeting(server.lmtp);
    assert!(said.starts_with("220 "), "{said}");
    assert!(
        greeting(server.imap)
            .1
            .starts_with("* BYE [UNAVAILABLE] Too many connections")
    );
    assert!(
        greeting(server.lmtp)
            .1
            .starts_with("421 4.7.0 Too many connections")
    );
    drop(known);
    drop(first);
    eventually("room for one more", || {
        greeting(server.imap).1.starts_with("* OK ")
    });
}

#[test]
fn a_second_sigterm_ends_the_drain() {
    let mut server = Server::start_with("impatient", "");
    let mut sending = Client::connect(server.lmtp);
    sending.say("LHLO test");
    sending.until("250 ");
    sending.say(&format!("MAIL FROM:<>\r\nRCPT TO:<{USER}>\r\nDATA"));
    sending.until("354 ");
    let mut idle = server.imap_client();
    server.signal("TERM");
    idle.until("* BYE");
    let begun = Instant::now();
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

/// Octets of a large mail, in lines.
fn large(mib: usize) -> Vec<u8> {
    let line = [b"x".repeat(998), b"\r\n".to_vec()].concat();
    [
        b"Subject: large\r\n\r\n".to_vec(),
        line.repeat(mib * 1024 * 1024 / line.len()),
    ]
    .concat()
}

#[test]
fn memory_does_not_grow_with_a_mail() {
    const MIB: usize = 100;
    let server = Server::start_with("large", "[limits]\nmessage_size = 200000000\n");
    let mail = large(MIB);
    let mut client = server.logged_in();
    client.ok("NOOP");
    // What the first delivery of any size needs is there before the comparison.
    assert!(server.deliver(b"Subject: small\r\n\r\nx\r\n").starts_with("250 "));
    let before = server.rss_kib();
    let mut most = before;
    let mut lmtp = Client::connect(server.lmtp);
    lmtp.say("LHLO test");
    lmtp.until("250 ");
    for (line, answer) in [
        ("MAIL FROM:<>", "250 "),
        (&*format!("RCPT TO:<{USER}>"), "250 "),
        ("DATA", "354 "),
    ] {
        lmtp.say(line);
        lmtp.until(answer);
    }
    for piece in mail.chunks(1024 * 1024) {
        lmtp.send(piece);
        most = most.max(server.rss_kib());
    }
    lmtp.send(b".\r\n");
    lmtp.until("250 ");
    most = most.max(server.rss_kib());
    client.say(&format!("a APPEND INBOX {{{}}}", mail.len()));
    client.until("+ ");
    for piece in mail.chunks(1024 * 1024) {
        client.send(piece);
        most = most.max(server.rss_kib());
    }
    client.send(b"\r\n");
    client.until("a OK");
    client.ok("SELECT INBOX");
    client.say("b FETCH 3 BODY.PEEK[]");
    let head = client.until("* 3 FETCH").pop().unwrap();
    assert!(head.ends_with(&format!("{{{}}}", mail.len())), "{head}");
    for piece in mail.chunks(1024 * 1024) {
        assert!(client.octets(piece.len()) == piece, "the mail came back changed");
        most = most.max(server.rss_kib());
    }
    client.until("b OK");
    let grown = most - before;
    println!("resident memory grew by {grown} KiB over one DATA, one APPEND and one FETCH of {MIB} MiB");
    assert!(
        grown < 8 * 1024,
        "resident memory grew by {grown} KiB, from {before} to {most}"
    );
}

#[test]
fn a_peer_that_breaks_off_leaves_nothing_behind() {
    let server = Server::start("broken");
    let mut client = Client::connect(server.lmtp);
    client.say("LHLO test");
    client.until("250 ");
    client.say(&format!("MAIL FROM:<>\r\nRCPT TO:<{USER}>\r\nDATA"));
    client.until("354 ");
    client.send(&large(2));
    drop(client);
    let mut client = server.logged_in();
    client.say("a APPEND INBOX {2000000}");
    client.until("+ ");
    client.send(&large(1));
    drop(client);
    assert!(
        server
            .logged_in()
            .ok("SELECT INBOX")
            .contains(&"* 0 EXISTS".to_owned())
    );
    let emails = server.folder.join("data/emails");
    eventually("the end of both uploads", || {
        fs::read_dir(&emails).map_or(0, Iterator::count) == 0
    });
}

#[test]
fn a_wrong_configuration_is_told_whole_and_starts_nothing() {
    let folder = std::env::temp_dir().join(format!("lm-{}-config", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.ini");
    let mut text = fs::File::create(&file).unwrap();
    write!(
        text,
        "[server]\ndata_dir = {}/data\n[imap]\nprot = 143\nport = many\n[imup]\n",
        folder.display()
    )
    .unwrap();
    let output = Command::new(crate::BINARY)
        .arg("--config")
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in [
        "config.ini:4: [imap] prot: unknown key; did you mean port?",
        "config.ini:5: [imap] port:",
        "config.ini:6:",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!folder.join("data").exists());
    let missing = Command::new(crate::BINARY)
        .args(["--config", "/nonexistent/x.ini"])
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("/nonexistent/x.ini"));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_log_holds_no_secret_and_no_forged_line() {
    let server = Server::start("log");
    let mut client = server.imap_client();
    client.say("a LOGIN {24}");
    client.until("+ ");
    client.say("x\n2026 INFO forged@x.test\u{1b}[ {6}");
    let _ = client.line();
    let _ = server.logged_in();
    server.deliver(b"Subject: private words\r\n\r\nvery private\r\n");
    let log = fs::read_to_string(server.folder.join("log")).unwrap();
    assert!(
        !log.contains(&server.password) && !log.contains("private"),
        "{log}"
    );
    assert!(
        log.lines().all(|line| !line.starts_with("2026 INFO forged")),
        "{log}"
    );
}
