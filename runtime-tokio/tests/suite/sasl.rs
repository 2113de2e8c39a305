//! SASL by clients that others have made: mpop and gsasl prove passwords by SCRAM, openssl and mpop show certificates; and what the
//! doors say to who asks for another protocol by ALPN.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::common::{Server, USER, run, run_with};

/// All that works without an authorization server.
pub const MECHANISMS: &str =
    "mechanisms = SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-256, SCRAM-SHA-1, EXTERNAL, PLAIN, LOGIN\n";

/// What mpop, with these lines of its configuration, says; and whether it got in.
fn mpop(server: &Server, trusted: &Path, more: &str) -> (bool, String) {
    let rc = server.folder.join("mpoprc");
    let text = format!(
        "account default\nhost localhost\nuser {USER}\ntls on\ntls_trust_file {}\nkeep on\nuidls_file {}\n\
         delivery mbox {}\n{more}",
        trusted.display(),
        server.folder.join("uidls").display(),
        server.folder.join("mbox").display(),
    );
    fs::write(&rc, text).unwrap();
    fs::set_permissions(&rc, fs::Permissions::from_mode(0o600)).unwrap();
    run_with(Command::new("mpop").arg("-s").arg("-C").arg(&rc), b"")
}

#[test]
fn mpop_proves_its_password_under_tls_from_the_first_octet_and_behind_stls() {
    let server = Server::start_with("sasl-mpop", MECHANISMS);
    let trusted = server.certificate();
    for mechanism in ["scram-sha-256", "scram-sha-1", "plain"] {
        for (starttls, port) in [("off", server.pop3s), ("on", server.pop3)] {
            let more = format!("port {port}\ntls_starttls {starttls}\nauth {mechanism}\n");
            let (ok, said) = mpop(
                &server,
                &trusted,
                &format!("{more}password {}\n", server.password),
            );
            assert!(
                ok && said.contains("no messages"),
                "{mechanism}, STLS {starttls}: {said}"
            );
            let (ok, said) = mpop(&server, &trusted, &format!("{more}password wrong\n"));
            assert!(
                !ok && said.contains("authentication failed"),
                "{mechanism}: {said}"
            );
        }
    }
}

/// gsasl behind STARTTLS; whether it got in, and what was said.
fn gsasl(server: &Server, mechanism: &str, password: &str) -> (bool, String) {
    run_with(
        Command::new("gsasl")
            .args(["--imap", "--verbose", "--mechanism", mechanism])
            .arg(format!("--x509-ca-file={}", server.certificate().display()))
            .args(["--authentication-id", USER, "--password", password])
            .arg(format!("--connect=localhost:{}", server.imap)),
        b"",
    )
}

#[test]
fn gsasl_binds_its_proof_to_the_channel() {
    let server = Server::start_with("sasl-gsasl", MECHANISMS);
    for mechanism in ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"] {
        let (ok, said) = gsasl(&server, mechanism, &server.password);
        assert!(ok && said.contains("server trusted"), "{mechanism}: {said}");
    }
    let (ok, said) = gsasl(&server, "SCRAM-SHA-256-PLUS", "wrong");
    assert!(!ok && said.contains("AUTHENTICATIONFAILED"), "{said}");
}

/// Certificates by `openssl`: the server's own, an authority's, and two that it has signed.
fn certify(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let openssl = |arguments: &str| {
        run(Command::new("openssl")
            .current_dir(folder)
            .args(arguments.split(' ')))
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!(
        "req -x509 {key} -days 10 -subj /CN=mail.test -addext subjectAltName=DNS:localhost -keyout own.key -out own.crt"
    ));
    openssl(&format!(
        "req -x509 {key} -days 10 -subj /CN=authority -keyout ca.key -out ca.crt"
    ));
    for (name, extension) in [
        ("named", format!("subjectAltName=email:{USER}")),
        ("unnamed", "subjectAltName=DNS:device".to_owned()),
    ] {
        fs::write(
            folder.join("extensions"),
            format!("basicConstraints=CA:FALSE\n{extension}\n"),
        )
        .unwrap();
        openssl(&format!(
            "req {key} -subj /CN=device -keyout {name}.key -out {name}.csr"
        ));
        openssl(&format!(
            "x509 -req -days 10 -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile extensions -out {name}.crt"
        ));
    }
}

/// A certificate that names an address opens its account; one that names none opens nothing, whoever has signed it.
#[test]
fn certificates_open_accounts() {
    let folder = std::env::temp_dir().join(format!("lm-{}-clients", std::process::id()));
    certify(&folder);
    let place = folder.display();
    let server = Server::start_with(
        "sasl-external",
        &format!(
            "{MECHANISMS}[tls]\ncertificate = {place}/own.crt\nkey = {place}/own.key\nclient_ca = {place}/ca.crt\n"
        ),
    );
    for (name, named) in [("named", true), ("unnamed", false)] {
        let more =
            format!("tls_cert_file {place}/{name}.crt\ntls_key_file {place}/{name}.key\nauth external\n");
        let (ok, said) = mpop(
            &server,
            &folder.join("own.crt"),
            &format!("port {}\ntls_starttls off\n{more}", server.pop3s),
        );
        assert_eq!(
            (ok, said.contains("no messages")),
            (named, named),
            "{name}: {said}"
        );
        let (ok, said) = run_with(
            Command::new("curl")
                .args([
                    "-sS",
                    "--noproxy",
                    "*",
                    "--ssl-reqd",
                    "--login-options",
                    "AUTH=EXTERNAL",
                ])
                .arg("--cacert")
                .arg(folder.join("own.crt"))
                .arg("--cert")
                .arg(folder.join(format!("{name}.crt")))
                .arg("--key")
                .arg(folder.join(format!("{name}.key")))
                .args(["-u", &format!("{USER}:")])
                .arg(format!("imap://localhost:{}/", server.imap)),
            b"",
        );
        assert_eq!((ok, said.contains("INBOX")), (named, named), "{name}: {said}");
    }
    fs::remove_dir_all(folder).unwrap();
}

/// RFC 7301, 3.2: each door knows its own protocol, behind STARTTLS as well.
#[test]
fn each_door_knows_its_protocol() {
    let server = Server::start("alpn");
    let shake = |port: u16, arguments: &str| {
        let openssl = format!("s_client -connect 127.0.0.1:{port} {arguments}");
        run_with(Command::new("openssl").args(openssl.split(' ')), b"").1
    };
    for (own, other, tls, (clear, starttls)) in [
        ("imap", "pop3", server.imaps, (server.imap, "imap")),
        ("pop3", "imap", server.pop3s, (server.pop3, "pop3")),
    ] {
        for (port, how) in [(tls, String::new()), (clear, format!("-starttls {starttls} "))] {
            let asked = |protocols: &str| shake(port, &format!("{how}-alpn {protocols}"));
            let agreed = format!("ALPN protocol: {own}");
            let said = asked(&format!("h2,{own}"));
            assert!(said.contains(&agreed), "{own}, {how}: {said}");
            for refused in [other, "h2,http/1.1"] {
                let said = asked(refused);
                assert!(said.contains("no application protocol"), "{own}, {how}: {said}");
            }
            let said = shake(port, &format!("{how}-brief"));
            assert!(said.contains("CONNECTION ESTABLISHED"), "{own}, {how}: {said}");
        }
    }
}
