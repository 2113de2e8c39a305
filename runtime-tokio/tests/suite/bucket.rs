//! Bodies in a bucket, through the whole server.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::common::{Server, run_with};

/// The section for the tests' S3 server, with keys below a prefix of its own.
pub(super) fn section(bucket: Option<&str>) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/services/s3/env");
    let text = std::fs::read_to_string(file)
        .unwrap_or_else(|_| panic!("this test needs an S3 server: run scripts/services/s3 up"));
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let service: BTreeMap<_, _> = pairs.collect();
    let get = |name: &str| service[&format!("LIGHTMAIL_TEST_S3_{name}")[..]];
    format!(
        "[s3]\nendpoint = {}\nbucket = {}\naccess_key = {}\nsecret_key = {}\nprefix = {}-{}/\n",
        get("ENDPOINT"),
        bucket.unwrap_or(get("BUCKET")),
        get("ACCESS_KEY"),
        get("SECRET_KEY"),
        env!("CARGO_PKG_NAME"),
        std::process::id(),
    )
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
