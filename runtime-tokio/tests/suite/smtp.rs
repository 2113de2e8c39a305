//! Mail sent over SMTP by real clients: swaks as another server, curl and Python's smtplib as users; read over IMAP.

use std::fs;
use std::process::Command;

use crate::common::backing::Backing;
use crate::common::{Server, USER, run, run_with};

const OTHER: &str = "other@example.com";

#[test]
fn servers_and_users_send() {
    real_clients(&Server::start("smtp"));
}

#[test]
fn servers_and_users_send_to_mariadb_and_a_bucket() {
    let backing = Backing::new();
    real_clients(&Server::start_with("smtp-backed", &backing.sections()));
}

fn real_clients(server: &Server) {
    server.add_account(OTHER);
    another_server(server);
    users_by_curl(server);
    a_user_by_smtplib(server);
    let mut imap = server.logged_in();
    imap.ok("SELECT INBOX");
    for (subject, protocol) in [
        ("in the clear", "with ESMTP"),
        ("under TLS", "with ESMTPS"),
        ("submission", "with ESMTPSA"),
        ("submissions", "with ESMTPSA"),
        ("smtplib", "with ESMTPSA"),
    ] {
        let found = imap.command(&format!(
            "SEARCH SUBJECT \"{subject}\" HEADER Received \"{protocol}\""
        ));
        assert!(
            found.iter().any(|line| line.starts_with("* SEARCH ")),
            "{subject}: {found:?}"
        );
    }
    let status = imap.command("STATUS INBOX (MESSAGES)");
    assert!(
        status.iter().any(|line| line.contains("MESSAGES 5")),
        "{status:?}"
    );
}

/// Brings mail in the clear and through STARTTLS, and is told at once what is not for this server.
fn another_server(server: &Server) {
    let swaks = |more: &[&str]| {
        let mut command = Command::new("swaks");
        command
            .args(["--server", "127.0.0.1", "--port", &server.smtp.to_string()])
            .args(["--from", "sender@example.org"])
            .args(more);
        run_with(&mut command, b"")
    };
    for more in [
        &["--to", USER, "--header", "Subject: in the clear"][..],
        &["--to", USER, "--header", "Subject: under TLS", "--tls"],
    ] {
        let (sent, said) = swaks(more);
        assert!(sent && said.contains("250 2.1.5 Delivered"), "{said}");
    }
    let (sent, said) = swaks(&["--to", "somebody@elsewhere.example"]);
    assert!(!sent && said.contains("550 5.7.1"), "{said}");
    let (sent, said) = swaks(&[
        "--to",
        USER,
        "--auth",
        "PLAIN",
        "--auth-user",
        USER,
        "--auth-password",
        "x",
    ]);
    assert!(
        !sent && !said.contains("AUTH PLAIN"),
        "nobody logs in at this door: {said}"
    );
}

fn users_by_curl(server: &Server) {
    for (scheme, port) in [("smtp", server.submission), ("smtps", server.submissions)] {
        let subject = if scheme == "smtp" {
            "submission"
        } else {
            "submissions"
        };
        let message = server.folder.join("message");
        fs::write(
            &message,
            format!("From: {USER}\r\nSubject: {subject}\r\n\r\n.hello\r\n"),
        )
        .unwrap();
        run(Command::new("curl")
            .args(["-sS", "--noproxy", "*", "--ssl-reqd", "--cacert"])
            .arg(server.certificate())
            .args(["-u", &format!("{USER}:{}", server.password)])
            .args([
                "--mail-from",
                USER,
                "--mail-rcpt",
                USER,
                "--mail-rcpt",
                OTHER,
                "-T",
            ])
            .arg(message)
            .arg(format!("{scheme}://localhost:{port}/client.example")));
    }
}

/// Sends, and is held to addresses of its own.
fn a_user_by_smtplib(server: &Server) {
    const SCRIPT: &str = r#"
import smtplib, ssl, sys
certificate, port, user, password, other = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]
context = ssl.create_default_context(cafile=certificate)
def refused(code, call, *arguments):
    try:
        call(*arguments)
        raise SystemExit("it was taken")
    except smtplib.SMTPResponseException as error:
        assert (error.smtp_code, error.smtp_error[:5]) == code, error
message = f"From: {user}\r\nSubject: smtplib\r\n\r\n..dots\r\n.\r\n"
with smtplib.SMTP("localhost", port, timeout=30) as client:
    client.ehlo()
    refused((530, b"5.7.0"), client.sendmail, user, [user], message)
    client.starttls(context=context)
    client.ehlo()
    refused((535, b"5.7.8"), client.login, user, "wrong")
    client.login(user, password)
    assert client.sendmail(user, [user, other], message) == {}
    refused((550, b"5.7.1"), client.sendmail, other, [user], message)
    refused((550, b"5.7.1"), client.sendmail, user, [user], message.replace(user, other, 1))
"#;
    run(Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(server.certificate())
        .arg(server.submission.to_string())
        .args([USER, &server.password, OTHER]));
}
