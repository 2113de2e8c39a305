//! Against an authorization server of the test, which answers as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use futures_lite::future::block_on;
use rustls::{ServerConnection, StreamOwned};
use serde_json::json;

use super::*;
use crate::tests::scratch::Scratch;
use crate::tests::tls::Authority;

/// A server that answers each connection's question with the next answer, and tells what it was asked.
struct Server {
    url: String,
    asked: mpsc::Receiver<String>,
}

impl Server {
    fn new(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/introspect", listener.local_addr().unwrap());
        let (teller, asked) = mpsc::channel();
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                teller.send(question(&stream)).unwrap();
                // A client that has heard enough is gone.
                let _ = stream.write_all(answer.as_bytes());
                if answer.is_empty() {
                    // It never answers; the client goes.
                    let _ = stream.read(&mut [0]);
                }
            }
        });
        Self { url, asked }
    }

    fn open(&self, more: &str) -> (Introspection, Rules) {
        open(&self.url, more)
    }
}

fn open(url: &str, more: &str) -> (Introspection, Rules) {
    let text = format!(
        "[oauth]\nissuer = https://as.example\naudience = mail\nintrospection_url = {url}\n\
         introspection_user = light mail\nintrospection_password = s:cret/\n{more}"
    );
    let oauth = config::parse("config.ini", &text).unwrap().oauth.unwrap();
    let deadline = Duration::from_millis(300);
    (Introspection::open(&oauth, deadline).unwrap(), Rules::new(&oauth))
}

/// Head and body of a request.
fn question(stream: impl Read) -> String {
    let mut reader = BufReader::new(stream);
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut text).unwrap(), 0, "{text}");
    }
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    text + std::str::from_utf8(&body).unwrap()
}

fn http(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn good() -> Value {
    json!({"active": true, "iss": "https://as.example", "aud": "mail", "email": "Tim@example.com", "exp": 1_600,
        "scope": "a mail", "token_type": "bearer"})
}

fn with(key: &str, value: Value) -> Value {
    let mut answer = good();
    answer[key] = value;
    answer
}

fn without(key: &str) -> Value {
    let mut answer = good();
    answer.as_object_mut().unwrap().remove(key);
    answer
}

const NOW_S: u64 = 1_000;

fn owner(asker: &(Introspection, Rules), token: &str) -> Result<Option<String>, Failure> {
    block_on(asker.0.owner(&asker.1, token, Instant::now(), NOW_S))
}

/// RFC 7662, 2.1, and OAuth 2.0: name and password are written as a form before they are joined.
#[test]
fn the_question_is_a_form_with_the_clients_name() {
    let server = Server::new(vec![http("200 OK", &good().to_string())]);
    let asker = server.open("");
    assert_eq!(
        owner(&asker, "a+b/c=&d").unwrap().as_deref(),
        Some("tim@example.com")
    );
    let asked = server.asked.recv().unwrap();
    assert!(asked.starts_with("POST /introspect HTTP/1.1\r\n"), "{asked}");
    assert!(
        asked.ends_with("\r\n\r\ntoken=a%2Bb%2Fc%3D%26d&token_type_hint=access_token"),
        "{asked}"
    );
    let credentials = STANDARD.encode("light+mail:s%3Acret%2F");
    assert!(
        asked.contains(&format!("authorization: Basic {credentials}\r\n")),
        "{asked}"
    );
}

#[test]
fn what_the_server_says_is_judged() {
    let (_, any_scope) = open("http://127.0.0.1:1/", "");
    let (_, rules) = open("http://127.0.0.1:1/", "scope = mail\n");
    let is_good = |rules: &Rules, answer: &Value| {
        let claims = answer.as_object().unwrap();
        judge(rules, claims, NOW_S).is_ok() && rules.owner(claims).is_some()
    };
    for answer in [
        good(),
        without("iss"),
        without("aud"),
        without("exp"),
        without("token_type"),
        with("aud", json!(["other", "mail"])),
        with("exp", json!(941)),
        with("exp", json!(1_600.5)),
        with("nbf", json!(1_060)),
        with("scope", json!(["mail"])),
    ] {
        assert!(is_good(&rules, &answer), "{answer}");
    }
    for answer in [
        with("active", json!(false)),
        with("iss", json!("https://other.example")),
        with("iss", Value::Null),
        with("aud", json!("other")),
        with("aud", json!([])),
        with("exp", json!(940)),
        with("exp", json!("1600")),
        with("exp", json!(-1)),
        with("nbf", json!(1_061)),
        with("scope", json!("email")),
        without("scope"),
        without("email"),
        with("token_type", json!("DPoP")),
        with("email_verified", json!(false)),
    ] {
        assert!(!is_good(&rules, &answer), "{answer}");
    }
    assert!(is_good(&any_scope, &good()));
    assert!(
        !is_good(&any_scope, &without("aud")),
        "nothing says that it is for this server"
    );
}

/// The second time the server, which answers once, is not asked.
#[test]
fn a_good_token_is_known_for_a_minute_and_never_beyond_its_end() {
    for (exp, keeps_s) in [(NOW_S + 600, 60), (NOW_S + 7, 7)] {
        let server = Server::new(vec![http("200 OK", &with("exp", json!(exp)).to_string())]);
        let (introspection, rules) = server.open("");
        let now = Instant::now();
        let at = |after_s: u64, token: &str| {
            let then = now + Duration::from_secs(after_s);
            block_on(introspection.owner(&rules, token, then, NOW_S + after_s))
        };
        for after_s in [0, 1, keeps_s - 1] {
            assert_eq!(at(after_s, "t").unwrap().as_deref(), Some("tim@example.com"));
        }
        assert!(at(1, "T").is_err(), "another token is another question");
        assert!(at(keeps_s, "t").is_err(), "it is asked again");
    }
    assert_eq!(keeps(without("exp").as_object().unwrap(), NOW_S), KEEPS);
    assert_eq!(
        keeps(with("exp", json!(970)).as_object().unwrap(), NOW_S),
        Duration::ZERO
    );
}

#[test]
fn a_bad_token_is_asked_for_each_time() {
    let inactive = http("200 OK", r#"{"active":false}"#);
    let server = Server::new(vec![inactive, http("200 OK", &good().to_string())]);
    let asker = server.open("");
    assert_eq!(owner(&asker, "t").unwrap(), None);
    assert!(owner(&asker, "t").unwrap().is_some());
}

/// The client may come again: the token is not said to be bad.
#[test]
fn what_is_no_answer_is_no_refusal() {
    let long = format!(r#"{{"active":true,"x":"{}"}}"#, "x".repeat(ANSWER_LEN_MAX));
    for answer in [
        http("401 Unauthorized", &good().to_string()),
        http("302 Found\r\nLocation: http://127.0.0.1:1/", ""),
        http("500 Internal Server Error", ""),
        http("200 OK", "no JSON"),
        http("200 OK", "[]"),
        http("200 OK", r#"{"active":"true"}"#),
        http("200 OK", &long),
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".into(),
        "no HTTP\r\n\r\n".into(),
        String::new(),
    ] {
        let server = Server::new(vec![answer.clone()]);
        let told = owner(&server.open(""), "t");
        assert_eq!(
            told,
            Err(Failure::Unavailable { retry_after_s: 10 }),
            "{answer:.60}"
        );
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(owner(&open(&format!("http://{nobody}/"), ""), "t").is_err());
}

/// Whoever stands in between, or says that it is the server, is shown neither the token nor the password (RFC 7662, 4).
#[test]
fn the_server_shows_a_certificate_before_it_is_asked() {
    let (authority, stranger, scratch) = (Authority::new(), Authority::new(), Scratch::new());
    let trusted = scratch.path().join("ca.pem");
    fs::write(&trusted, authority.pem()).unwrap();
    let ca = format!("introspection_ca_file = {}\n", trusted.display());
    for (server, more, is_asked) in [
        (authority.server("localhost"), ca.as_str(), true),
        (authority.server("as.example"), &ca, false),
        (stranger.server("localhost"), &ca, false),
        (authority.server("localhost"), "", false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut tls = StreamOwned::new(ServerConnection::new(server).unwrap(), stream);
            if tls.conn.complete_io(&mut tls.sock).is_err() {
                return false;
            }
            question(&mut tls);
            tls.write_all(http("200 OK", &good().to_string()).as_bytes())
                .is_ok()
        });
        let (asker, rules) = open(&format!("https://localhost:{port}/"), more);
        if !is_asked {
            let client = Arc::clone(&asker.client);
            let why = block_on(asker.reactor.run(async move { client.ask("t").await })).unwrap();
            assert!(why.as_ref().unwrap_err().contains("certificate"), "{why:?}");
            assert!(!asked.join().unwrap(), "{more}");
            continue;
        }
        let told = owner(&(asker, rules), "t");
        assert!(told.is_ok_and(|owner| owner.is_some()));
        assert!(asked.join().unwrap());
    }
}

#[test]
fn questions_under_way_are_bounded() {
    let server = Server::new(vec![http("200 OK", &good().to_string())]);
    let asker = server.open("");
    let taken: Vec<_> = (0..QUESTIONS_MAX)
        .map(|_| asker.0.under_way.try_acquire().unwrap())
        .collect();
    assert!(owner(&asker, "t").is_err());
    assert!(server.asked.try_recv().is_err(), "nothing was sent");
    drop(taken);
    assert!(owner(&asker, "t").unwrap().is_some());
}
