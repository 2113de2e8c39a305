//! Bodies in a bucket, through the whole server.

use std::process::Command;

use crate::common::backing::bucket;
use crate::common::{Server, run_with};

/// The section for the tests' S3 server, with keys below a prefix of its own.
fn section(name: Option<&str>) -> String {
    let prefix = format!("{}-{}", env!("CARGO_PKG_NAME"), std::process::id());
    bucket(name, &prefix)
}

fn message(n: usize) -> String {
    let size = if n == 3 { 9 * 1024 * 1024 } else { 2000 * n };
    format!(
        "Subject: {n}\r\n\r\n{}",
        "a line of some octets\r\n".repeat(size / 23)
    )
}

#[test]
fn mail_is_delivered_to_a_bucket_and_read_from_it() {
    let mut server = Server::start_with("bucket", &section(None));
    for n in 1..=12 {
        let reply = server.deliver(message(n).as_bytes());
        assert!(reply.starts_with("250 "), "{n}: {reply}");
    }
    server.kill_and_start_again();
    let mut client = server.logged_in();
    client.ok("SELECT INBOX");
    client.say("f FETCH 1:* BODY.PEEK[TEXT]");
    for n in 1..=12 {
        let head = client.line();
        let length = head.rsplit_once('{').and_then(|(_, rest)| rest.strip_suffix('}'));
        let octets = client.octets(length.unwrap_or_else(|| panic!("{head}")).parse().unwrap());
        let message = message(n);
        let expected = message.split_once("\r\n\r\n").unwrap().1;
        assert!(octets.starts_with(expected.as_bytes()), "{n}");
        assert_eq!(client.line(), ")");
    }
    assert!(client.line().starts_with("f OK"));
    assert_eq!(
        std::fs::read_dir(server.folder.join("data/emails"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn a_start_without_its_bucket_says_what_to_do() {
    let folder = std::env::temp_dir().join(format!("lm-{}-no-bucket", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.ini");
    let server = format!("[server]\ndata_dir = {}/data\n", folder.display());
    std::fs::write(&file, server + &section(Some("no-such-bucket"))).unwrap();
    let (served, said) = run_with(Command::new(crate::BINARY).arg("--config").arg(&file), b"");
    assert!(!served);
    assert!(
        said.contains("cannot use the bucket no-such-bucket at http://"),
        "{said}"
    );
    assert!(
        said.contains("make the bucket, or set [s3] bucket to one that exists"),
        "{said}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}
