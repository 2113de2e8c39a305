//! Mail read over POP3 by real clients: curl, and Python's poplib in the clear, through STLS and through TLS from the first octet.

use std::process::Command;

use crate::common::backing::Backing;
use crate::common::{Server, USER, eventually, run};

const MESSAGES: [&str; 2] = [
    "Subject: one\r\n\r\n.leading dot\r\n..\r\nlast line",
    "Subject: two\r\n\r\nhello",
];

/// Runs a Python client, which knows the ports and the account; what it printed.
fn python(server: &Server, script: &str) -> String {
    const PRELUDE: &str = r#"
import poplib, ssl, sys
certificate, pop3, pop3s, user, password = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
context = ssl.create_default_context(cafile=certificate)
def clear(): return poplib.POP3("127.0.0.1", pop3, timeout=30)
def stls():
    client = poplib.POP3("localhost", pop3, timeout=30)
    assert "STLS" in client.capa()
    client.stls(context)
    assert "STLS" not in client.capa()
    return client
def tls(): return poplib.POP3_SSL("localhost", pop3s, timeout=30, context=context)
def log_in(client):
    client.user(user)
    client.pass_(password)
    return client
"#;
    run(Command::new("python3")
        .args(["-c", &format!("{PRELUDE}{script}")])
        .arg(server.certificate())
        .args([server.pop3.to_string(), server.pop3s.to_string()])
        .args([USER, &server.password]))
}

fn curl(server: &Server, scheme: &str, port: u16, path: &str) -> String {
    run(Command::new("curl")
        .args(["-sS", "--noproxy", "*", "--cacert"])
        .arg(server.certificate())
        .args(["-u", &format!("{USER}:{}", server.password)])
        .arg(format!("{scheme}://localhost:{port}/{path}")))
}

fn with_mail(name: &str, more: &str) -> Server {
    let server = Server::start_with(name, more);
    for message in MESSAGES {
        // As it goes over the wire, its dots doubled.
        let stuffed = message.replace("\r\n.", "\r\n..");
        assert!(server.deliver(stuffed.as_bytes()).starts_with("250 "));
    }
    server
}

#[test]
fn curl_and_poplib_read_and_delete() {
    real_clients(&with_mail("pop3", ""));
}

#[test]
fn poplib_is_served_from_mariadb_and_a_bucket() {
    let backing = Backing::new();
    real_clients(&with_mail("pop3-backed", &backing.sections()));
}

fn real_clients(server: &Server) {
    for (scheme, port) in [("pop3", server.pop3), ("pop3s", server.pop3s)] {
        let list = curl(server, scheme, port, "");
        assert_eq!(list.lines().count(), 2, "{list}");
        let message = curl(server, scheme, port, "1");
        assert!(message.ends_with(&format!("{}\r\n", MESSAGES[0])), "{message}");
        let size = list.lines().next().unwrap().strip_prefix("1 ").unwrap().trim();
        assert_eq!(size, message.len().to_string());
    }
    let said = python(
        server,
        r#"
for connect in (clear, stls, tls):
    client = log_in(connect())
    count, octets = client.stat()
    sizes = [int(line.split()[1]) for line in client.list()[1]]
    assert count == len(sizes) == 2 and octets == sum(sizes), (count, octets, sizes)
    lines = client.retr(2)[1]
    assert lines[-1] == b"hello" and sum(len(line) + 2 for line in lines) == sizes[1], lines
    top = client.top(1, 1)[1]
    assert top[-1] == b".leading dot" and b"Subject: one" in top, top
    ids = client.uidl()[1]
    print(ids[0].split()[1].decode(), ids[1].split()[1].decode())
    try:
        log_in(connect())
        raise SystemExit("two sessions have one maildrop")
    except poplib.error_proto as error:
        assert b"[IN-USE]" in error.args[0], error
    client.dele(1)
    client.rset()
    client.quit()
client = log_in(stls())
client.dele(1)
client.close()
"#,
    );
    let ids: Vec<_> = said.lines().collect();
    assert!(
        ids.len() == 3 && ids.iter().all(|line| *line == ids[0]),
        "ids are the same in each session: {said}"
    );
    deletes(server);
}

/// What a lost connection leaves, and what QUIT removes.
fn deletes(server: &Server) {
    eventually("the maildrop", || {
        let said = python(
            server,
            r#"
try:
    client = log_in(clear())
    assert client.stat()[0] == 2, client.stat()
    client.dele(1)
    client.quit()
    print("done")
except poplib.error_proto as error:
    assert b"[IN-USE]" in error.args[0], error
"#,
        );
        said.contains("done")
    });
    let left = curl(server, "pop3", server.pop3, "1");
    assert!(left.ends_with(&format!("{}\r\n", MESSAGES[1])), "{left}");
    let mut imap = server.logged_in();
    let said = imap.command("STATUS INBOX (MESSAGES)");
    assert!(said.iter().any(|line| line.contains("MESSAGES 1")), "{said:?}");
}
