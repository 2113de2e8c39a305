//! The command line: what it says and how it ends.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

/// Exit status, standard output, standard error.
fn conformance(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_lightmail-conformance"))
        .args(args)
        .output()
        .unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A file of a test's own in a folder that the build removes.
fn file(name: &str, text: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn server(manners: fn(TcpStream)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    thread::spawn(move || listener.incoming().flatten().for_each(manners));
    place
}

fn run(place: &str) -> (i32, String, String) {
    conformance(&[
        "run",
        "--imap",
        place,
        "--user",
        "bob@x",
        "--password",
        "hunter2",
        "--patience",
        "0.05",
        "--only",
        "rfc3501/6",
    ])
}

#[test]
fn a_server_that_hangs_closes_or_lets_nobody_in_is_told_once() {
    let hangs = |mut stream: TcpStream| drop(stream.read(&mut [0]));
    let refuses = |mut stream: TcpStream| {
        let _ = stream.write_all(b"* OK\r\n* CAPABILITY IMAP4rev1\r\nsetup1 OK\r\nsetup2 NO who\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    };
    for (manners, what) in [
        (hangs as fn(TcpStream), "setting up: greeting: nothing came"),
        (drop, "setting up: greeting: the server closed"),
        (
            refuses,
            "setting up: LOGIN \"$user\" \"$password\": came setup2 NO who",
        ),
    ] {
        let (status, _, error) = run(&server(manners));
        assert_eq!(status, 2);
        assert!(
            error.starts_with("FFFFF\nThe last 5 transcripts could not even be set up: "),
            "{error}"
        );
        assert!(
            error.contains(what) && error.contains("--password") && !error.contains("hunter2"),
            "{error}"
        );
    }
}

#[test]
fn no_server_is_told_before_anything_is_played() {
    let place = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let (status, out, error) = run(&place);
    assert_eq!((status, &*out), (2, ""));
    assert!(
        error.starts_with(&format!("--imap {place}: no server can be reached: ")),
        "{error}"
    );
}

#[test]
fn whom_to_trust_is_asked_of_who_wants_tls() {
    let place = server(drop);
    let said = |more: &[&str]| {
        let usual = [
            "run",
            "--imap",
            &place,
            "--user",
            "bob@x",
            "--password",
            "x",
            "--patience",
            "0.05",
        ];
        let (status, _, error) = conformance(&[&usual[..], more].concat());
        assert_eq!(status, 2, "{error}");
        error
    };
    for more in [&["--cacert", "x"][..], &["--insecure"]] {
        assert!(said(more).contains("<--tls|--starttls>"), "{}", said(more));
    }
    for more in [
        &["--tls", "--starttls"][..],
        &["--tls", "--insecure", "--cacert", "x"],
    ] {
        assert!(said(more).contains("cannot be used with"), "{}", said(more));
    }
    let empty = file("empty.crt", "");
    let error = said(&["--starttls", "--cacert", &empty]);
    assert!(
        error.contains(&format!("--cacert: {empty}: no certificate authority")),
        "{error}"
    );
    let error = said(&["--tls", "--cacert", "nowhere.crt"]);
    assert!(error.contains("--cacert: nowhere.crt: "), "{error}");
}

#[test]
fn errors_name_what_is_wrong_and_what_to_do() {
    let bad = file("bad.txt", "proves   RFC 3501, 6: x\nC: a\nS; b\n");
    let stray = file("stray.ini", "rfc3501/no.txt = RFC 3501, 9: none\n");
    let broken = file("broken.jsonl", "{\n");
    let given = file("given.txt", "INBOX with two messages\n");
    let named = format!("x={broken}");
    let folder = env!("CARGO_TARGET_TMPDIR");
    let to = "127.0.0.1:1";
    for (args, says) in [
        (vec!["replay", &bad], format!("{bad}:3: expected C: ")),
        (
            vec!["replay", "/nowhere.txt"],
            "/nowhere.txt: No such file".into(),
        ),
        (vec!["core", "--only", "zzz"], "leave out --only".into()),
        (
            vec!["core", "--transcripts", "/nowhere"],
            "/nowhere: No such file".into(),
        ),
        (
            vec!["run", "--imap", "x", "--user", "a", "--password", "b"],
            "expected HOST:PORT".into(),
        ),
        (
            vec![
                "run",
                "--imap",
                to,
                "--user",
                "a",
                "--password",
                "b",
                "--patience",
                "0",
            ],
            "between 0.01 and 3600".into(),
        ),
        (
            vec![
                "run",
                "--imap",
                to,
                "--user",
                "a",
                "--password",
                "b",
                "--known",
                &stray,
            ],
            "rfc3501/no.txt is no transcript".into(),
        ),
        (
            vec!["report", "--html", folder, "--results", &named],
            format!("{broken}:1: expected a line of JSON"),
        ),
        (
            vec!["report", "--html", "x.html", "--results", "x"],
            "expected NAME=FILE".into(),
        ),
        (
            vec!["report", "--html", "/nowhere/x.html"],
            "/nowhere/x.html: No such file".into(),
        ),
        (
            vec!["record", "--listen", "x", "--to", to, "--protocol", "imap"],
            "--listen x: ".into(),
        ),
        (
            vec!["record", "--listen", to, "--to", to, "--protocol", "http"],
            "[possible values: imap, lmtp, pop3, smtp]".into(),
        ),
        (
            vec![
                "record",
                "--listen",
                to,
                "--to",
                to,
                "--protocol",
                "imap",
                "--given",
                &given,
            ],
            format!("{given}:1: given "),
        ),
    ] {
        let (status, out, error) = conformance(&args);
        assert_eq!((status, &*out), (2, ""), "{args:?}: {error}");
        assert!(error.contains(&says), "{args:?}: {error}");
    }
}

#[test]
fn a_replay_says_by_its_status_whether_anything_differs() {
    let same = file(
        "same.txt",
        "records  a session\nS: * OK ...\nC: a NOOP\nS: a OK ...\n",
    );
    let differs = file(
        "differs.txt",
        "records  a session\nS: * OK ...\nC: a NOOP\nS: a NO ...\n",
    );
    let (status, out, _) = conformance(&["replay", &same]);
    assert_eq!(status, 0, "{out}");
    assert!(
        out.contains("  1C: a NOOP\n  1S: a OK NOOP completed\n")
            && out.ends_with("LightMail answers the same.\n"),
        "{out}"
    );
    let (status, out, _) = conformance(&["replay", "--quiet", &same, &differs]);
    assert_eq!(status, 1, "{out}");
    assert!(
        out.contains("- 1S: a NO ...\n+ 1S: a OK NOOP completed\n") && out.contains("2 lines differ"),
        "{out}"
    );
}

#[test]
fn results_are_put_side_by_side() {
    let results = file("core.jsonl", "");
    let page = file("page.html", "");
    let only = ["--only", "rfc3501/6.1"];
    let (status, out, error) = conformance(&["core", "--results", &results, only[0], only[1]]);
    assert_eq!(status, 0, "{out}{error}");
    let (one, two) = (format!("one={results}"), format!("two={results}"));
    let (status, out, error) = conformance(&[
        "report",
        "--html",
        &page,
        only[0],
        only[1],
        "--results",
        &one,
        &two,
    ]);
    assert_eq!(status, 0, "{out}{error}");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("<th scope=\"col\">one</th><th scope=\"col\">two</th>"));
    assert!(page.contains("<td class=\"pass\">pass</td><td class=\"pass\">pass</td>"));
}
