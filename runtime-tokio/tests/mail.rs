//! The commands that bring mail in and out, and back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use common::{Client, Server, USER, eventually, run, run_with};

mod common;

/// The program.
const BINARY: &str = env!("CARGO_BIN_EXE_lightmail");

/// Runs a command about mail of the first account.
fn lightmail(server: &Server, verb: &str, args: &[&str]) -> (bool, String) {
    run_with(server.lightmail().args([verb, "--account", USER]).args(args), b"")
}

/// UID, flags, INTERNALDATE and text of each message.
fn messages(client: &mut Client, mailbox: &str) -> Vec<(String, String)> {
    client.ok(&format!("SELECT \"{mailbox}\""));
    let lines = client.ok("UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])");
    let mut found: Vec<(String, String)> = Vec::new();
    for line in &lines[..lines.len() - 1] {
        if line.starts_with("* ") && line.contains(" FETCH ") {
            let flags = line.split("FLAGS (").nth(1).unwrap().split(')').next().unwrap();
            let date = line
                .split("INTERNALDATE \"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap();
            let flags: Vec<_> = flags.split(' ').filter(|flag| *flag != "\\Recent").collect();
            found.push((format!("{} {date}", flags.join(" ")), String::new()));
        } else {
            let text = &mut found.last_mut().unwrap().1;
            *text += line;
            text.push('\n');
        }
    }
    found
}

fn text(path: &Path, octets: &str, date_s: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = File::create(path).unwrap();
    file.write_all(octets.as_bytes()).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(date_s))
        .unwrap();
}

/// A Maildir with a mailbox below it.
fn maildir(server: &Server) -> PathBuf {
    let root = server.folder.join("Maildir");
    text(
        &root.join("cur/100.a,S=9:2,FSa"),
        "Subject: one\n\nbody\n",
        86_400,
    );
    text(&root.join("cur/20.b:2,"), "Subject: two\r\n\r\nbody\r\n", 172_800);
    text(&root.join("new/300.c"), "Subject: three\n\n", 259_200);
    text(&root.join("tmp/400.d"), "Subject: unfinished", 0);
    text(&root.join("dovecot-keywords"), "0 Work\n", 0);
    text(
        &root.join(".Entw&APw-rfe.2026/cur/1.x:2,DP"),
        "Subject: draft\n\n",
        86_400,
    );
    root
}

#[test]
fn a_maildir_comes_in_once_with_flags_and_dates() {
    let server = Server::start("maildir");
    let root = maildir(&server);
    let import = |more: &[&str]| {
        let mut args = vec![root.to_str().unwrap()];
        args.extend(more);
        lightmail(&server, "import", &args)
    };
    let wanted = format!(
        "{USER}: INBOX: 3 imported, 0 were there already, 0 failed\n\
         {USER}: Entwürfe/2026: 1 imported, 0 were there already, 0 failed\n"
    );
    assert_eq!(import(&[]), (true, wanted));
    let mut client = server.logged_in();
    let found = messages(&mut client, "INBOX");
    let dates: Vec<_> = found.iter().map(|(labels, _)| labels.as_str()).collect();
    assert_eq!(
        dates,
        [
            "  3-Jan-1970 00:00:00 +0000",
            "\\Seen \\Flagged Work  2-Jan-1970 00:00:00 +0000",
            "  4-Jan-1970 00:00:00 +0000",
        ]
    );
    assert!(found[1].1.starts_with("Subject: one\n\nbody\n"), "{found:?}");
    let drafts = messages(&mut client, "Entw&APw-rfe/2026");
    assert_eq!(drafts[0].0, "\\Draft $Forwarded  2-Jan-1970 00:00:00 +0000");
    client.ok("SELECT INBOX");

    // Flags changed, a message came, one was deleted here: that one stays deleted.
    fs::rename(root.join("new/300.c"), root.join("cur/300.c:2,S")).unwrap();
    text(&root.join("new/500.e"), "Subject: new\n\n", 0);
    client.ok("STORE 1 +FLAGS (\\Deleted)");
    client.ok("EXPUNGE");
    let (ok, said) = import(&[]);
    assert!(
        ok && said.contains("INBOX: 1 imported, 3 were there already"),
        "{said}"
    );
    assert_eq!(messages(&mut client, "INBOX").len(), 3);
    let (ok, said) = import(&["--mailbox", "Old"]);
    assert!(
        ok && said.contains(": Old/Entwürfe/2026: 1 imported"),
        "another mailbox is another place: {said}"
    );
}

#[test]
fn what_cannot_be_read_is_named_and_passed_over_if_wanted() {
    let server = Server::start("bad");
    let good = server.folder.join("good.mbox");
    text(&good, "From a Sat Jan  3 01:05:34 1970\nSubject: x\n\nbody\n", 0);
    let (bad, none) = (server.folder.join("bad"), server.folder.join("none"));
    text(&bad, "Subject: x\n", 0);
    let import = |more: &[&str]| {
        let paths = [&bad, &none, &good].map(|path| path.to_str().unwrap());
        lightmail(&server, "import", &[more, &paths].concat())
    };
    let (ok, said) = import(&[]);
    assert!(
        !ok && said.contains("bad: this is no mbox") && !said.contains("INBOX"),
        "{said}"
    );
    let (ok, said) = import(&["--keep-going"]);
    assert!(
        !ok && said.contains("INBOX: 1 imported") && said.contains("2 messages or files were not imported"),
        "{said}"
    );
    assert!(said.contains("none: No such file"), "{said}");
    let (ok, said) = run_with(
        server
            .lightmail()
            .args(["import", "--account", "x@y", good.to_str().unwrap()]),
        b"",
    );
    assert!(!ok && said.contains("x@y: there is no such account"), "{said}");
}

#[test]
fn what_goes_out_comes_in_again_the_same() {
    let server = Server::start("round");
    assert!(
        server
            .deliver(b"Subject: to you\r\n\r\nFrom here\r\n>From there\r\n.\r\n")
            .starts_with("250 ")
    );
    let root = maildir(&server);
    assert!(lightmail(&server, "import", &[root.to_str().unwrap()]).0);
    let mut client = server.logged_in();
    client.ok("CREATE a.b");
    for (format, more) in [
        ("maildir", &[][..]),
        ("mbox", &["--crlf"]),
        ("mbox", &[]),
        ("maildir", &["--crlf"]),
    ] {
        let name = format!("{format}{}", more.len());
        let out = server.folder.join(format!("out-{name}"));
        let export = || {
            let to = out.to_str().unwrap();
            lightmail(
                &server,
                "export",
                &[&["--format", format, "--to", to], more].concat(),
            )
        };
        let (ok, said) = export();
        assert!(
            ok && said.contains("INBOX: 4 written, 0 were there already, 0 could not be read"),
            "{said}"
        );
        let (ok, said) = export();
        assert!(
            ok && said.contains("INBOX: 0 written, 4 were there already"),
            "{said}"
        );
        let mut from = vec!["--mailbox".to_owned(), name.clone()];
        let file = if format == "mbox" {
            out.join("INBOX.mbox")
        } else {
            out.clone()
        };
        from.push(file.to_str().unwrap().to_owned());
        let from: Vec<_> = from.iter().map(String::as_str).collect();
        let (ok, said) = lightmail(&server, "import", &from);
        assert!(ok && said.contains(&format!("{name}: 4 imported")), "{said}");
        let (mut expected, mut found) = (messages(&mut client, "INBOX"), messages(&mut client, &name));
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{name}");
        if format == "maildir" {
            assert!(out.join(".a\\2eb/cur").is_dir());
            assert_eq!(
                messages(&mut client, &format!("{name}/Entw&APw-rfe/2026")).len(),
                1
            );
        }
    }
}

/// How often each subject is in INBOX.
fn subjects(server: &Server) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for (_, text) in messages(&mut server.logged_in(), "INBOX") {
        *count.entry(text.lines().next().unwrap().to_owned()).or_default() += 1;
    }
    count
}

#[test]
fn an_import_that_is_killed_goes_on_and_doubles_nothing() {
    let server = Server::start("killed");
    let file = server.folder.join("in.mbox");
    let all: String = (0..600)
        .map(|n| {
            format!(
                "From a Sat Jan  3 01:05:34 1970\nSubject: {n}\n\n{}\n\n",
                "x".repeat(n % 70)
            )
        })
        .collect();
    fs::write(&file, all).unwrap();
    let bodies = || fs::read_dir(server.folder.join("data/emails")).unwrap().count();
    let mut command = server.lightmail();
    command.args(["import", "--account", USER, file.to_str().unwrap()]);
    command.stdout(Stdio::null());
    for step in [1, 20, 33, 64, 90] {
        let (mut child, before) = (command.spawn().unwrap(), bodies());
        eventually("some bodies, or the end", || {
            bodies() >= before + step || child.try_wait().unwrap().is_some()
        });
        child.kill().unwrap();
        child.wait().unwrap();
        let doubled = subjects(&server).into_iter().find(|(_, count)| *count > 1);
        assert_eq!(doubled, None);
    }
    let said = run(command.stdout(Stdio::piped()));
    assert!(said.contains(", 0 failed"), "{said}");
    let found = subjects(&server);
    assert_eq!((found.len(), found.values().sum::<usize>()), (600, 600));
    let said = run(&mut command);
    assert!(said.contains("0 imported, 600 were there already"), "{said}");
}

#[test]
fn a_large_message_takes_no_large_memory() {
    let server = Server::start("large");
    let path = server.folder.join("large.mbox");
    let mut file = std::io::BufWriter::new(File::create(&path).unwrap());
    file.write_all(b"From a Sat Jan  3 01:05:34 1970\nSubject: large\n\n")
        .unwrap();
    let line = [[b'x'; 99].as_slice(), b"\n"].concat();
    (0..1024 * 1024).for_each(|_| file.write_all(&line).unwrap());
    file.into_inner().unwrap();
    let mut child = server
        .lightmail()
        .args(["import", "--account", USER, path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    eventually("the end of the import", || {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak_kib = kib.unwrap_or(0).max(peak_kib);
        child.try_wait().unwrap().is_some()
    });
    assert!(child.wait().unwrap().success());
    assert!(
        (1..96 * 1024).contains(&peak_kib),
        "{peak_kib} KiB for a message of 100 MiB"
    );
    let mut client = server.logged_in();
    client.ok("SELECT INBOX");
    let size = 16 + 2 + 101 * 1024 * 1024;
    let said = client.ok("FETCH 1 RFC822.SIZE").concat();
    assert!(said.contains(&format!("RFC822.SIZE {size}")), "{said}");
}

#[test]
fn deleted_messages_come_back() {
    let server = Server::start("undelete");
    server.deliver_numbered(3);
    let mut client = server.logged_in();
    client.ok("CREATE Work/Old");
    client.ok("SELECT INBOX");
    client.ok("COPY 1:2 Work/Old");
    client.ok("STORE 1:2 +FLAGS (\\Deleted \\Flagged work)");
    client.ok("EXPUNGE");
    let undelete = |args: &[&str]| lightmail(&server, "undelete", args);
    let (ok, said) = undelete(&["--yes"]);
    assert!(
        ok && said.contains("0 messages can come back; skipped: 2 that live in some mailbox"),
        "{said}"
    );

    client.ok("DELETE Work/Old");
    let (ok, said) = undelete(&["--list", "--mailbox", "INBOX"]);
    assert!(
        ok && said.contains("INBOX: UID 1, deleted 20") && said.contains(": 2 messages can come back"),
        "{said}"
    );
    let (ok, said) = undelete(&["--mailbox", "INBOX", "--until", "1h", "--list"]);
    assert!(ok && said.contains(": 0 messages can come back"), "{said}");
    let (ok, said) = undelete(&["--mailbox", "INBOX"]);
    assert!(!ok && said.contains("Nothing was changed: add --yes"), "{said}");
    let (ok, said) = undelete(&["--since", "tomorrow"]);
    assert!(!ok && said.contains("or how long ago"), "{said}");

    let (ok, said) = undelete(&["--mailbox", "INBOX", "--since", "1h", "--yes"]);
    assert!(
        ok && said.contains("INBOX: 2 messages brought back; skipped: 0 that live already"),
        "{said}"
    );
    // The session that has the mailbox selected hears of them as of new mail, and the old UIDs stay expunged.
    assert!(client.ok("NOOP").iter().any(|line| line == "* 3 EXISTS"));
    let said = client.ok("UID FETCH 1:* (FLAGS)").concat();
    assert!(
        said.contains("UID 4 FLAGS (\\Flagged work") && said.contains("UID 5"),
        "{said}"
    );
    assert!(!said.contains("UID 1 ") && !said.contains("\\Deleted"), "{said}");
    let (_, said) = undelete(&["--yes"]);
    assert!(
        said.contains("0 messages can come back; skipped: 4 that live"),
        "{said}"
    );

    // A deleted mailbox is made anew.
    client.ok("STORE 1:* +FLAGS (\\Deleted)");
    client.ok("EXPUNGE");
    let (ok, said) = undelete(&["--mailbox", "Work/Old", "--yes"]);
    assert!(
        ok && said.contains("Work/Old: 2 messages brought back; skipped"),
        "{said}"
    );
    assert_eq!(messages(&mut client, "Work/Old").len(), 2);
    let (ok, said) = undelete(&["--to", "Restored", "--yes"]);
    assert!(
        ok && said.contains("INBOX: 1 messages brought back to Restored"),
        "{said}"
    );
    assert!(messages(&mut client, "Restored")[0].1.contains("Subject: 3"));
    assert!(client.ok("LSUB \"\" Restored").len() > 1, "it is subscribed");
}

#[test]
fn thousands_of_accounts_come_from_a_file() {
    const HASH: &str = "$2y$04$";
    let server = Server::start("users");
    let file = server.folder.join("users");
    let import = |text: &str, more: &[&str]| {
        fs::write(&file, text).unwrap();
        run_with(
            server
                .lightmail()
                .args(["user", "import", file.to_str().unwrap()])
                .args(more),
            b"",
        )
    };
    let (ok, said) = import("a@b secret-one\nnonsense\nc@d\n", &[]);
    assert!(
        !ok && said.contains("users:3: expected a login name, a password")
            && said.contains("2 lines are wrong"),
        "{said}"
    );
    assert!(!said.contains("secret"), "{said}");
    let list = || run(server.lightmail().args(["user", "list"]));
    assert!(!list().contains("a@b"));

    let hashes: String = (0..2000)
        .map(|n| format!("u{n}@example.com {HASH}{n:053} 1M\n"))
        .collect();
    let (ok, said) = import(&hashes, &[]);
    assert_eq!(
        (ok, said.as_str()),
        (
            true,
            "2000 accounts made, 0 updated (0 of them with another quota), 0 skipped, 0 failed\n"
        )
    );
    assert_eq!(
        list().lines().filter(|line| line.ends_with("1048576")).count(),
        2000
    );

    let (ok, said) = import("u7 @example.com\tpass word\n", &[]);
    assert!(!ok && said.contains(":1: an address has no spaces"), "{said}");
    let text = "u7@example.com one\nnew@example.com two\n";
    let (ok, said) = import(text, &[]);
    assert!(
        ok && said.contains("users:1: u7@example.com exists already; skipped\n1 accounts made"),
        "{said}"
    );
    let log_in = |login: &str, password: &str| {
        let answer = server
            .imap_client()
            .command(&format!("LOGIN {login} {password}"))
            .pop()
            .unwrap();
        answer.contains(" OK ")
    };
    assert!(log_in("new@example.com", "two") && !log_in("u7@example.com", "one"));
    let update = |text: &str| {
        let mut command = server.lightmail();
        run_with(command.args(["user", "import", "-", "--update"]), text.as_bytes())
    };
    let updated = |quotas| {
        format!("0 accounts made, 2 updated ({quotas} of them with another quota), 0 skipped, 0 failed\n")
    };
    assert_eq!(update(text), (true, updated(0)));
    assert!(log_in("u7@example.com", "one"));
    let told = |now: &str, was: &str| format!("-:1: quota of u7@example.com: {now}, was {was}\n");
    let lines = |quota: &str| format!("u7@example.com one {quota}\nnew@example.com two 0\n");
    let raised = told("2097152 octets", "1048576 octets");
    assert_eq!(update(&lines("2M")), (true, raised + &updated(1)));
    assert_eq!(update(&lines("2M")), (true, updated(0)));
    assert_eq!(list().matches(" 2097152").count(), 1);
    assert_eq!(
        update(&lines("0")),
        (true, told("none", "2097152 octets") + &updated(1))
    );
    assert_eq!(
        update(&lines("1M")),
        (true, told("1048576 octets", "none") + &updated(1))
    );

    // Quotas are obeyed by an import, unless it is told otherwise.
    let mbox = server.folder.join("full.mbox");
    text_of(&mbox, 1_000_000);
    let import = |more: &[&str]| {
        let mut command = server.lightmail();
        command.args(["import", "--account", "u7@example.com", mbox.to_str().unwrap()]);
        run_with(command.args(more), b"")
    };
    let (ok, said) = import(&["--keep-going"]);
    assert!(
        !ok && said.contains("full.mbox, at octet ") && said.contains(": it is over quota"),
        "{said}"
    );
    assert!(
        said.contains("INBOX: 1 imported, 0 were there already, 1 failed"),
        "{said}"
    );
    let (ok, said) = import(&["--ignore-quota"]);
    assert!(
        ok && said.contains("INBOX: 1 imported, 1 were there already, 0 failed"),
        "{said}"
    );
}

/// Two messages of so many octets.
fn text_of(path: &Path, octets: usize) {
    let message = |n| {
        format!(
            "From a Sat Jan  3 01:05:34 1970\nSubject: {n}\n\n{}\n\n",
            "x\n".repeat(octets / 3)
        )
    };
    fs::write(path, message(1) + &message(2)).unwrap();
}
