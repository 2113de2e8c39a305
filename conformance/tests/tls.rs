//! IMAP under TLS: with a certificate that nobody has signed, without TLS at all, behind STARTTLS, and with a handshake that never ends.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lightmail_conformance::Player as _;
use lightmail_conformance::player::{Heard, Logins, Way};
use lightmail_conformance::tcp::{Tcp, reach};
use lightmail_conformance::tls::Tls;
use lightmail_conformance::transcript::Protocol;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const PATIENCE: Duration = Duration::from_secs(10);

fn server(manners: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().flatten().for_each(manners));
    format!("localhost:{port}")
}

/// Settings of a server for `localhost`, and its certificate in PEM.
fn certified() -> (Arc<ServerConfig>, String) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config), certified.cert.pem())
}

/// Greets, and gives every octet back; ends with the connection, without a word of TLS.
fn echo() -> String {
    let (config, _) = certified();
    server(move |tcp| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), tcp);
        let _ = stream.write_all(b"* OK hello\r\n");
        give_back(&mut stream);
    })
}

fn give_back(stream: &mut StreamOwned<ServerConnection, TcpStream>) {
    let mut octets = [0; 8192];
    while let Ok(n @ 1..) = stream.read(&mut octets) {
        if octets.starts_with(b"close") || stream.write_all(&octets[..n]).is_err() {
            return;
        }
    }
}

/// Greets with this in the clear, answers each line by the next of these, and begins TLS behind the last; its certificate in PEM.
fn upgrading(greeting: &'static str, answers: &'static [&'static str]) -> (String, String) {
    let (config, pem) = certified();
    let place = server(move |mut tcp| {
        let _ = tcp.write_all(greeting.as_bytes());
        let mut octets = [0; 8192];
        for answer in answers {
            if !matches!(tcp.read(&mut octets), Ok(1..)) {
                return;
            }
            let _ = tcp.write_all(answer.as_bytes());
        }
        give_back(&mut StreamOwned::new(
            ServerConnection::new(Arc::clone(&config)).unwrap(),
            tcp,
        ));
    });
    (place, pem)
}

/// A player that takes every connection through STARTTLS, and trusts this certificate alone.
fn starting(place: &str, pem: &str) -> Tcp {
    let file = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(place.replace(':', "-"));
    std::fs::write(&file, pem).unwrap();
    let place = Some(place.to_owned());
    Tcp::new(place.clone().unwrap(), place.clone(), logins(), PATIENCE)
        .with_pop3(place)
        .starting_tls(Tls::trusting(&file).unwrap())
}

fn logins() -> Logins {
    Logins {
        user: "user@example.com".into(),
        password: "secret".into(),
        other: String::new(),
    }
}

#[test]
fn a_transcript_hears_the_greeting_behind_starttls() {
    for (protocol, greeting, answers) in [
        (
            Protocol::Imap,
            "* OK hello\r\n",
            &["* OK wait\r\ntls OK begin\r\n"][..],
        ),
        (Protocol::Pop3, "+OK hello\r\n", &["+OK begin\r\n"]),
        (
            Protocol::Lmtp,
            "220 hello\r\n",
            &["250-x\r\n250 STARTTLS\r\n", "220 begin\r\n"],
        ),
    ] {
        let (place, pem) = upgrading(greeting, answers);
        let mut player = starting(&place, &pem);
        player.connect(1, protocol, &Way::Usual).unwrap();
        let heard = Heard::Line(greeting.trim_end().into());
        assert_eq!(player.hear(1).unwrap(), heard);
        player.send(1, b"sealed\r\n").unwrap();
        assert_eq!(player.hear(1).unwrap(), Heard::Line(b"sealed".to_vec()));
        assert!(player.exporter(1).is_some_and(|exporter| exporter != [0; 32]));
        let again = player.start_tls(1).unwrap_err();
        assert_eq!(again.kind(), std::io::ErrorKind::Unsupported);
    }
}

#[test]
fn who_refuses_starttls_or_is_not_trusted() {
    let (place, pem) = upgrading("* OK hello\r\n", &["tls NO not here\r\n"]);
    let error = starting(&place, &pem)
        .connect(1, Protocol::Imap, &Way::Usual)
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert_eq!(error.to_string(), "TLS, which is refused: tls NO not here");
    let (place, _) = upgrading("* OK hello\r\n", &["tls OK begin\r\n"]);
    let error = starting(&place, &certified().1)
        .connect(1, Protocol::Imap, &Way::Usual)
        .unwrap_err();
    assert!(
        error.to_string().contains("no TLS: invalid peer certificate"),
        "{error}"
    );
}

fn player(place: &str) -> Tcp {
    Tcp::new(place.to_owned(), None, logins(), PATIENCE).with_tls(Tls::trusting_anybody().unwrap())
}

#[test]
fn any_certificate_will_do_where_it_is_said() {
    let mut player = player(&echo());
    player.connect(1, Protocol::Imap, &Way::Usual).unwrap();
    assert_eq!(player.hear(1).unwrap(), Heard::Line(b"* OK hello".to_vec()));
    let long = "x".repeat(300_000);
    player.send(1, format!("{long}\r\n").as_bytes()).unwrap();
    assert_eq!(player.hear(1).unwrap(), Heard::Line(long.into_bytes()));
    player.send(1, b"close\r\n").unwrap();
    assert_eq!(player.hear(1).unwrap(), Heard::Closed);
    player.close(1).unwrap();
}

#[test]
fn an_unknown_certificate_is_refused_otherwise() {
    let tls = Tls::trusting_the_system().unwrap_or_else(|error| panic!("{error}: install ca-certificates"));
    let place = echo();
    let error = reach(&place, Some(&tls), PATIENCE).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{place}: no TLS: invalid peer certificate: ")),
        "{error}"
    );
}

#[test]
fn a_server_that_speaks_no_tls() {
    let place = server(|mut stream| {
        let _ = stream.write_all(b"* OK hello\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let error = player(&place)
        .connect(1, Protocol::Imap, &Way::Usual)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(&format!("{place}: no TLS: ")), "{error}");
    let error = player(&server(drop))
        .connect(1, Protocol::Imap, &Way::Usual)
        .unwrap_err()
        .to_string();
    assert!(error.contains(": no TLS: "), "{error}");
}

#[test]
fn a_handshake_that_never_ends() {
    let place = server(|mut stream| while stream.read(&mut [0; 1024]).is_ok_and(|n| n > 0) {});
    let tls = Tls::trusting_anybody().unwrap();
    let error = reach(&place, Some(&tls), Duration::from_millis(50))
        .unwrap_err()
        .to_string();
    assert_eq!(error, format!("{place}: no TLS: the server does not shake hands"));
}
