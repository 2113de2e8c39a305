//! The commands of an operator.

use std::process::Command;

use common::{Server, run, run_with};

mod common;

/// The program.
const BINARY: &str = env!("CARGO_BIN_EXE_lightmail");

#[test]
fn accounts_are_kept_from_the_command_line() {
    let server = Server::start("user");
    let user =
        |args: &[&str], input: &str| run_with(server.lightmail().arg("user").args(args), input.as_bytes());
    assert_eq!(
        user(&["add", "Second@Example.com"], "secret\n"),
        (true, "account second@example.com made\n".into())
    );
    let (ok, said) = user(&["add", "second@example.com"], "secret\n");
    assert!(
        !ok && said.contains("there is an account or address of this name already"),
        "{said}"
    );
    let (ok, said) = user(&["add", "nonsense"], "secret\n");
    assert!(!ok && said.contains("no address, such as"), "{said}");
    let (ok, said) = user(&["add", "empty@example.com"], "\n");
    assert!(!ok && said.contains("an empty password is none"), "{said}");

    // The running server sees it at once.
    let log_in = |password: &str| {
        server
            .imap_client()
            .command(&format!("LOGIN second@example.com {password}"))
            .pop()
            .unwrap()
    };
    assert!(log_in("secret").contains(" OK "));
    assert!(user(&["passwd", "second@example.com"], "other\n").0);
    assert!(log_in("secret").contains(" NO [AUTHENTICATIONFAILED]"));
    assert!(log_in("other").contains(" OK "));
    assert!(user(&["list"], "").1.contains("second@example.com"));
    assert!(user(&["delete", "second@example.com"], "").0);
    assert!(log_in("other").contains(" NO [AUTHENTICATIONFAILED]"));
    let (ok, said) = user(&["passwd", "nobody@example.com"], "x\n");
    assert!(!ok && said.contains("there is no such account"), "{said}");
}

#[test]
fn domains_and_aliases_are_kept_from_the_command_line() {
    let server = Server::start("domain");
    let lightmail = |args: &[&str]| run_with(server.lightmail().args(args), b"secret\n");
    let said = |args: &[&str], expected: &str| {
        let (ok, said) = lightmail(args);
        assert!(ok && said.contains(expected), "{args:?}: {said}");
    };
    let refused = |args: &[&str], expected: &str| {
        let (ok, said) = lightmail(args);
        assert!(!ok && said.contains(expected), "{args:?}: {said}");
    };
    let (user, other) = ("user@example.com", "other@example.com");
    assert!(lightmail(&["user", "add", other]).0);
    said(&["domain", "list"], "example.com         2        0  none");
    refused(
        &["alias", "add", "info@example.net", user],
        "`lightmail domain add example.net`",
    );
    said(&["domain", "add", "Example.NET"], "example.net is ours");
    refused(&["domain", "add", "example.net"], "it is ours already");
    refused(&["domain", "add", "user@example.net"], "no spaces");
    said(
        &["alias", "add", "Info@Example.net", user, "Other@example.com"],
        "leads to user@example.com",
    );
    refused(&["alias", "add", other, user], "it is an account's own address");
    refused(
        &["alias", "add", "info@example.net", "nobody@example.com"],
        "no such account",
    );
    refused(&["alias", "add", "info", user], "no address");
    said(
        &["alias", "list"],
        "info@example.net  other@example.com, user@example.com",
    );
    said(
        &["domain", "catch-all", "example.net", user],
        "goes to user@example.com",
    );
    said(
        &["domain", "list"],
        "example.net         0        1  user@example.com",
    );

    for address in ["info+x@example.net", "whoever@example.net"] {
        let reply = server.deliver_to(address, b"Subject: to an alias\r\n\r\n");
        assert!(reply.starts_with("250 "), "{reply}");
    }
    let (_, listed) = lightmail(&["user", "list"]);
    let messages = |login: &str| {
        let line = listed.lines().find(|line| line.starts_with(login)).unwrap();
        line.split_whitespace().nth(2).unwrap().to_owned()
    };
    assert_eq!(
        (messages(user), messages(other)),
        ("2".into(), "1".into()),
        "{listed}"
    );

    refused(&["domain", "remove", "example.net"], "it has addresses");
    said(&["alias", "remove", "info@example.net", other], "removed");
    refused(
        &["alias", "remove", "info@example.net", other],
        "there is no such alias to other@example.com",
    );
    said(&["alias", "remove", "info@example.net"], "removed");
    said(&["domain", "catch-all", "example.net", "none"], "is refused");
    said(&["domain", "remove", "example.net"], "removed");
    refused(&["domain", "remove", "example.net"], "none of our domains");
}

#[test]
fn app_passwords_and_throttles_are_kept_from_the_command_line() {
    let server = Server::start("app-password");
    let lightmail = |args: &[&str]| run_with(server.lightmail().args(args), b"");
    let user = "user@example.com";
    let add = |args: &[&str]| lightmail(&[&["user", "app-password", "add", user], args].concat());
    let (made, password) = add(&["phone", "--scope", "imap,smtp", "--days", "1"]);
    assert!(made && password.lines().next().unwrap().len() == 32, "{password}");
    let (made, mail_only) = add(&["tablet", "--scope", "pop3"]);
    assert!(made, "{mail_only}");
    let (ok, said) = add(&["phone"]);
    assert!(!ok, "{said}");
    let (ok, said) = add(&["laptop", "--scope", "imap,ftp"]);
    assert!(!ok && said.contains("\"ftp\" is no service"), "{said}");
    let (_, listed) = lightmail(&["user", "app-password", "list", user]);
    assert!(
        listed.contains("phone   imap,smtp") && listed.contains("tablet  pop3"),
        "{listed}"
    );

    let log_in = |password: &str| {
        let said = server
            .imap_client()
            .command(&format!("LOGIN {user} {}", password.lines().next().unwrap()));
        said.last().unwrap().clone()
    };
    assert!(log_in(&password).contains(" OK "));
    assert!(
        log_in(&mail_only).contains(" NO [AUTHENTICATIONFAILED]"),
        "it is for POP3"
    );
    assert!(lightmail(&["user", "app-password", "remove", user, "phone"]).0);
    assert!(!lightmail(&["user", "app-password", "remove", user, "phone"]).0);
    assert!(log_in(&password).contains(" NO [AUTHENTICATIONFAILED]"));

    let (_, listed) = lightmail(&["throttle", "list"]);
    assert!(listed.contains("login user@example.com"), "{listed}");
    assert!(!lightmail(&["throttle", "clear"]).0, "of what?");
    assert!(lightmail(&["throttle", "clear", "login user@example.com"]).0);
    let (_, listed) = lightmail(&["throttle", "list"]);
    assert!(!listed.contains("user@example.com"), "{listed}");
}

/// Exit status, standard output and standard error of a command.
fn outcome(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A name mistyped does not become an empty store that is found in good order.
#[test]
fn commands_work_on_what_is_there() {
    let folder = std::env::temp_dir().join(format!("lightmail-nothing-{}", std::process::id()));
    let commands: [&[&str]; 6] = [
        &["fsck"],
        &["garbage", "status"],
        &["admin", "bump", "--after-restore"],
        &[
            "export",
            "--account",
            "user@example.com",
            "--format",
            "mbox",
            "--to",
            "/nowhere",
        ],
        &["user", "list"],
        &["user", "passwd", "user@example.com"],
    ];
    for command in commands {
        let mut lightmail = Command::new(BINARY);
        lightmail.arg("--data").arg(&folder).args(command);
        let (status, _, said) = outcome(&mut lightmail);
        assert!(!matches!(status, Some(0)), "{command:?}: {said}");
        assert!(said.contains("nothing is there"), "{command:?}: {said}");
        assert!(!folder.exists(), "{command:?} has made it");
    }
}

/// Sessions would go on with the old numbers.
#[test]
fn numbers_are_not_raised_beside_a_server() {
    let mut server = Server::start("bump");
    let mut bump = server.lightmail();
    bump.args(["admin", "bump", "--after-restore"]);
    let (status, _, said) = outcome(&mut bump);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("a server has it"), "{said}");
    server.stop();
    let (status, said, _) = outcome(&mut bump);
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn the_store_is_checked_beside_the_server() {
    let server = Server::start("fsck");
    assert!(server.deliver(b"Subject: 1\r\n\r\n").starts_with("250"));
    let fsck = |args: &[&str]| outcome(server.lightmail().arg("fsck").args(args));
    let (status, said, _) = fsck(&["--bodies"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("checked 1 messages, 1 bodies by size, 1 by hash: 0 findings"),
        "{said}"
    );

    let emails = server.data().join("emails");
    let body = std::fs::read_dir(&emails)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let octets = std::fs::read(&body).unwrap();
    std::fs::write(&body, octets.to_ascii_uppercase()).unwrap();
    assert_eq!(fsck(&[]).0, Some(0), "the size is right");
    let (status, said, summary) = fsck(&["--bodies", "--repair"]);
    assert_eq!(status, Some(1), "{said}");
    for words in [
        "body-hash (I2)",
        "not repaired",
        "user@example.com, \"INBOX\", UID 1",
        "restore the object",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert!(summary.contains("1 findings, 0 of them repaired"), "{summary}");
    let (_, said, _) = fsck(&["--bodies", "--json"]);
    let lines: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&lines[0]["finding"], &lines[0]["places"][0]["uid"]),
        (&"body-hash".into(), &1.into())
    );
    assert_eq!(lines[1]["summary"]["found"], 1);

    assert_eq!(fsck(&["--nonsense"]).0, Some(2));
    let mut nowhere = Command::new(BINARY);
    assert_eq!(
        outcome(nowhere.args(["fsck", "--data", "/proc/nowhere"])).0,
        Some(3)
    );
}

#[test]
fn a_server_does_not_start_on_a_database_that_is_older_than_its_bodies() {
    let mut server = Server::start("epoch");
    server.stop();
    let epochs = server.data().join("epoch");
    assert!(epochs.join("1").exists());
    std::fs::write(epochs.join("7"), "").unwrap();
    let (status, _, said) = outcome(server.lightmail().arg("serve"));
    assert_eq!(status, Some(1));
    assert!(
        said.contains("epoch 1, theirs is 7") && said.contains("lightmail admin bump --after-restore"),
        "{said}"
    );
    let bump = |args: &[&str]| outcome(server.lightmail().args(["admin", "bump"]).args(args));
    assert_eq!(bump(&[]).0, Some(2), "the reason has to be given");
    let (status, said, _) = bump(&["--after-restore"]);
    assert_eq!(
        (status, said.as_str()),
        (Some(0), "numbers of 1 accounts raised; servers may start\n")
    );
    server.start_again();
    assert!(server.deliver(b"Subject: 1\r\n\r\n").starts_with("250"));
    let selected = server.logged_in().ok("SELECT INBOX").join("\n");
    assert!(selected.contains("UIDNEXT 10002"), "{selected}");
}

#[test]
fn garbage_is_counted_and_removed_from_the_command_line() {
    let mut server = Server::start("garbage-cli");
    server.deliver_numbered(3);
    let mut client = server.logged_in();
    client.ok("SELECT INBOX");
    client.ok("STORE 1:2 +FLAGS (\\Deleted)");
    client.ok("EXPUNGE");
    let garbage =
        |server: &Server, args: &[&str]| run_with(server.lightmail().arg("garbage").args(args), b"");
    let (ok, said) = garbage(&server, &["status", "--json"]);
    let kept = "{\"messages\":{\"due\":0,\"kept\":2},\"mailboxes\":{\"due\":0,\"kept\":0},\
        \"calendar_objects\":{\"due\":0,\"kept\":0},\"calendars\":{\"due\":0,\"kept\":0},\
        \"bodies\":{\"unnamed\":0,\"claimed\":0}}\n";
    assert_eq!((ok, said.as_str()), (true, kept));
    // The server's worker begins at once, and has the lease from then on.
    common::eventually("the lease of the server", || {
        let (ok, said) = garbage(&server, &["run"]);
        !ok && said.contains("another worker has the lease")
    });
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    let config = server.folder.join("config.ini");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text + "[garbage]\ngrace_hours = 0\nbatch_size = 1\n").unwrap();
    let (ok, said) = garbage(&server, &["status"]);
    assert!(
        ok && said.contains("messages                     2             0"),
        "{said}"
    );
    let (ok, said) = garbage(&server, &["run"]);
    let one = "1 messages, 0 calendar objects, 1 bodies, 0 mailboxes, 0 calendars\n";
    let all = one.replace('1', "2");
    assert_eq!(
        (ok, said),
        (true, format!("removed {one}removed {one}removed in all: {all}"))
    );
    // The lease was given back.
    let (ok, said) = garbage(&server, &["run"]);
    assert_eq!(
        (ok, said),
        (true, format!("removed in all: {}", one.replace('1', "0")))
    );
    let emails = server.folder.join("data/emails");
    assert_eq!(std::fs::read_dir(emails).unwrap().count(), 1);
}

#[test]
fn the_shipped_example_is_a_right_configuration() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../config.ini.example");
    assert!(run(Command::new(BINARY).args(["config", "check", "--config", shipped])).contains("right"));
}

#[test]
fn a_record_is_replayed_step_by_step() {
    let mut server = Server::start("replay");
    let file = common::broken_session(&mut server);
    let replay = |file: &std::path::Path, more: &[&str]| {
        let output = Command::new(BINARY)
            .arg("replay")
            .arg(file)
            .args(more)
            .output()
            .unwrap();
        let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (status, said, _) = replay(&file, &[]);
    assert_eq!(status, Some(0), "{said}");
    for part in [
        "imap, from 127.0.0.1",
        "0. 0 ms (+0): the peer has connected",
        "Bytes yes \"t2 SELECT INBOX\\r\\n\"",
        "-> Do(Token(1), Store(Door, FindLogin",
        "waits for octets, outcomes, for 1800000 ms",
        "the same in all ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains(&server.password), "{said}");
    let (status, said, _) = replay(&file, &["--quiet"]);
    assert_eq!((status, said.lines().count()), (Some(0), 1), "{said}");

    let text = std::fs::read_to_string(&file).unwrap();
    let other = file.with_extension("other");
    std::fs::write(
        &other,
        text.replacen("settings \"mail.test\"", "settings \"mail.other\"", 1),
    )
    .unwrap();
    let (status, said, why) = replay(&other, &["--quiet"]);
    assert_eq!((status, said.as_str()), (Some(1), ""));
    assert_eq!(why, "the first difference is in step 0: it does something else\n");

    std::fs::write(&other, text.replacen("> ", "? ", 1)).unwrap();
    let (status, _, why) = replay(&other, &[]);
    assert_eq!(status, Some(2));
    assert_eq!(
        why,
        format!(
            "{}:8: expected a line that begins with <, > or end\n",
            other.display()
        )
    );
    let (status, _, why) = replay(std::path::Path::new("/nonexistent"), &[]);
    assert!(status == Some(2) && why.starts_with("/nonexistent: "), "{why}");
}
