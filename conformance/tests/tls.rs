//! IMAP under TLS: with a certificate that nobody has signed, without TLS at all, and with a handshake that never ends.

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

/// Greets, and gives every octet back; ends with the connection, without a word of TLS.
fn echo() -> String {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    server(move |tcp| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), tcp);
        let mut octets = [0; 8192];
        let _ = stream.write_all(b"* OK hello\r\n");
        while let Ok(n @ 1..) = stream.read(&mut octets) {
            if octets.starts_with(b"close") || stream.write_all(&octets[..n]).is_err() {
                return;
            }
        }
    })
}

fn player(place: &str) -> Tcp {
    let logins = Logins {
        user: "user@example.com".into(),
        password: "secret".into(),
        other: String::new(),
    };
    Tcp::new(place.to_owned(), None, logins, PATIENCE).with_tls(Tls::trusting_anybody().unwrap())
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
