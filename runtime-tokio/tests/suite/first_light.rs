//! The main job by real clients: swaks delivers, curl, imaplib and mbsync read and write.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use crate::common::backing::Backing;
use crate::common::{Server, USER, run};

const ATTACHMENT: &[u8] = b"\x00\x01binary\xff\xfe data\r\nwith a line end\n.\n";

/// Delivers with swaks and returns its transcript.
fn swaks(server: &Server, place: &[&str], subject: &str) -> String {
    let file = server.folder.join("attached.bin");
    fs::write(&file, ATTACHMENT).unwrap();
    run(Command::new("swaks")
        .args(["--protocol", "LMTP", "--from", "sender@example.org", "--to", USER])
        .args(place)
        .args([
            "--header",
            &format!("Subject: {subject}"),
            "--body",
            "the body\n.with a dot",
        ])
        .args([
            "--attach-type",
            "application/octet-stream",
            "--attach-name",
            "attached.bin",
            "--attach",
        ])
        .arg(format!("@{}", file.display())))
}

fn curl(server: &Server, path: &str, more: &[&str]) -> String {
    run(Command::new("curl")
        .args([
            "-sS",
            "--noproxy",
            "*",
            "-u",
            &format!("{USER}:{}", server.password),
        ])
        .args(more)
        .arg(format!("imap://127.0.0.1:{}/{path}", server.imap)))
}

#[test]
fn swaks_delivers_and_curl_and_imaplib_read() {
    real_clients(&Server::start("clients"));
}

#[test]
fn real_clients_are_served_from_mariadb_and_a_bucket() {
    let backing = Backing::new();
    real_clients(&Server::start_with("clients-backed", &backing.sections()));
}

fn real_clients(server: &Server) {
    let mode = fs::metadata(server.socket()).unwrap();
    assert!(mode.file_type().is_socket());
    assert_eq!(mode.permissions().mode() & 0o777, 0o660);

    let said = swaks(
        server,
        &["--server", "127.0.0.1", "--port", &server.lmtp.to_string()],
        "over TCP",
    );
    assert!(said.contains("<-  250"), "{said}");
    swaks(
        server,
        &["--socket", server.socket().to_str().unwrap()],
        "over UNIX",
    );

    let listed = curl(server, "", &[]);
    for name in ["INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"] {
        assert!(listed.contains(name), "{listed}");
    }
    let first = curl(server, "INBOX;MAILINDEX=1", &[]);
    assert!(
        first
            .starts_with("Return-Path: <sender@example.org>\r\nDelivered-To: user@example.com\r\nReceived: "),
        "{first}"
    );
    assert!(first.contains("Subject: over TCP\r\n"));
    assert!(curl(server, "INBOX", &["-X", "SEARCH SUBJECT UNIX"]).contains("* SEARCH 2"));

    let script = format!(
        r#"
import imaplib, email
c = imaplib.IMAP4("127.0.0.1", {port})
c.login("{USER}", "{password}")
assert c.select("INBOX") == ("OK", [b"2"])
for n in (b"1", b"2"):
    typ, data = c.fetch(n, "(RFC822.SIZE BODY.PEEK[])")
    assert typ == "OK", data
    octets = data[0][1]
    assert b"RFC822.SIZE %d " % len(octets) in data[0][0], data[0][0]
    part = [p for p in email.message_from_bytes(octets).walk() if p.get_filename() == "attached.bin"]
    assert part[0].get_payload(decode=True) == {attachment}, part[0].get_payload(decode=True)
    typ, data = c.fetch(n, "(BODY.PEEK[1])")
    assert data[0][1].rstrip(b"\r\n") == b"the body\r\n.with a dot", data
typ, data = c.append("Sent", r"(\Seen)", imaplib.Time2Internaldate(1000000000), b"Subject: sent\r\n\r\nbye\r\n")
assert typ == "OK" and b"APPENDUID" in data[0], data
assert c.store("1", "+FLAGS", r"(\Flagged)")[0] == "OK"
assert c.uid("COPY", "1", "Archive")[0] == "OK"
assert c.select("Archive") == ("OK", [b"1"])
assert b"\\Flagged" in c.fetch("1", "(FLAGS)")[1][0]
c.logout()
"#,
        port = server.imap,
        password = server.password,
        attachment = python_bytes(ATTACHMENT),
    );
    run(Command::new("python3").args(["-c", &script]));
}

fn python_bytes(octets: &[u8]) -> String {
    let escaped: String = octets.iter().map(|octet| format!("\\x{octet:02x}")).collect();
    format!("b\"{escaped}\"")
}

/// The messages of a Maildir by their content, with their flags; our own fields and mbsync's are left out.
fn maildir(folder: &Path) -> BTreeMap<String, String> {
    let mut mails = BTreeMap::new();
    for part in ["cur", "new"] {
        let Ok(entries) = fs::read_dir(folder.join(part)) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let flags = name.split_once(":2,").map_or("", |(_, flags)| flags).to_owned();
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).replace("\r\n", "\n");
            let kept: Vec<_> = text.lines().filter(|line| !line.starts_with("X-TUID:")).collect();
            assert!(mails.insert(kept.join("\n"), flags).is_none(), "twice: {text}");
        }
    }
    mails
}

#[test]
fn mbsync_synchronises_both_ways_without_a_difference() {
    let server = Server::start("mbsync");
    for subject in ["one", "two", "three"] {
        server.deliver(
            format!("Subject: {subject}\r\nFrom: a@example.org\r\n\r\nbody of {subject}\r\n..dots\r\n")
                .as_bytes(),
        );
    }
    let local = server.folder.join("maildir");
    fs::create_dir_all(&local).unwrap();
    let config = server.folder.join("mbsyncrc");
    let near = local.display();
    let far = format!(
        "Host 127.0.0.1\nPort {}\nUser {USER}\nPass {}\n",
        server.imap, server.password
    );
    let text = format!(
        "IMAPStore far\n{far}SSLType None\nAuthMechs LOGIN\n\n\
         MaildirStore near\nPath {near}/\nInbox {near}/INBOX\nSubFolders Verbatim\n\n\
         Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n"
    );
    fs::write(&config, text).unwrap();
    let mbsync = || run(Command::new("mbsync").arg("-c").arg(&config).arg("all"));
    mbsync();
    assert_eq!(maildir(&local.join("INBOX")).len(), 3);
    assert!(local.join("Archive/cur").is_dir());

    // A new mail and a flag here, a flag and an expunge there.
    fs::write(
        local.join("INBOX/new/1.local"),
        "Subject: from here\nFrom: b@example.org\n\nwritten locally\n",
    )
    .unwrap();
    let seen = fs::read_dir(local.join("INBOX/new"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let seen = seen
        .into_iter()
        .find(|path| fs::read_to_string(path).unwrap().contains("Subject: two"))
        .unwrap();
    let name = seen
        .file_name()
        .unwrap()
        .to_string_lossy()
        .split(":2,")
        .next()
        .unwrap()
        .to_owned();
    fs::rename(&seen, local.join(format!("INBOX/cur/{name}:2,S"))).unwrap();
    let mut client = server.logged_in();
    client.ok("SELECT INBOX");
    client.ok("STORE 1 +FLAGS (\\Flagged)");
    client.ok("STORE 3 +FLAGS (\\Deleted)");
    client.ok("EXPUNGE");
    mbsync();

    client.ok("NOOP");
    let lines = client
        .ok("FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        .join("\n");
    assert!(lines.contains("Subject: from here"), "{lines}");
    assert!(!lines.contains("Subject: three"), "{lines}");
    let near = maildir(&local.join("INBOX"));
    let flags = |subject: &str| {
        near.iter()
            .find(|(text, _)| text.contains(&format!("Subject: {subject}")))
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(near.len(), 3);
    assert_eq!((flags("one"), flags("two")), ("F".into(), "S".into()));
    client.ok("NOOP");
    assert!(
        client
            .ok("SEARCH SEEN SUBJECT two")
            .join("\n")
            .contains("* SEARCH 2")
    );

    // Another folder pulled fresh holds the same mails, to the octet.
    let other = server.folder.join("other");
    fs::create_dir_all(&other).unwrap();
    let again = fs::read_to_string(&config)
        .unwrap()
        .replace(&local.display().to_string(), &other.display().to_string());
    fs::write(&config, again).unwrap();
    run(Command::new("mbsync").arg("-c").arg(&config).arg("all"));
    assert_eq!(maildir(&other.join("INBOX")), near);
}
