//! A real Postfix in front, over the UNIX socket, as the README says.

use std::fs;
use std::process::Command;
use std::thread;

use crate::common::load::{mail, numbers};
use crate::common::postfix::{Postfix, mail_owner};
use crate::common::{Client, Server, USER, eventually, run, run_with};

/// Mails of the test, whose numbers their texts tell.
const MAILS: u64 = 60;
/// So many have been delivered when the server is killed.
const BEFORE_THE_KILL: u32 = 10;

fn server(name: &str) -> Server {
    let own = mail_owner();
    let socket = if own == "postfix" {
        "[lmtp]\nsocket_group = postfix\n"
    } else {
        ""
    };
    Server::start_with(name, socket)
}

/// Sends a mail to Postfix, which takes responsibility for it.
fn submit(postfix: &Postfix, number: u64) {
    let mut client = Client::connect(postfix.port);
    client.say("EHLO client.test");
    client.until("250 ");
    for (line, answer) in [
        ("MAIL FROM:<sender@example.org>", "250 "),
        (&format!("RCPT TO:<{USER}>"), "250 "),
        ("DATA", "354 "),
        (&format!("{}.", mail(number)), "250 "),
    ] {
        client.say(line);
        let said = client.line();
        assert!(said.starts_with(answer), "{line}: {said}");
    }
    client.say("QUIT");
}

fn count(client: &mut Client) -> u32 {
    let status = client.ok("STATUS INBOX (MESSAGES)");
    let count = status[0].split(['(', ')']).nth(1).unwrap();
    count.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Whatever Postfix has taken is there once, though the server is killed while it is delivered.
#[test]
fn a_kill_in_the_middle_loses_and_doubles_nothing() {
    let mut server = server("postfix");
    let postfix = Postfix::start(&server.folder.join("postfix"), &server.socket(), "");
    thread::scope(|scope| {
        for client in 0..2 {
            let postfix = &postfix;
            scope.spawn(move || {
                for number in (client..MAILS).step_by(2) {
                    submit(postfix, number);
                }
            });
        }
        let mut reader = server.logged_in();
        eventually("the first mails", || count(&mut reader) >= BEFORE_THE_KILL);
        server.kill_and_start_again();
    });
    // It has met nobody there, or somebody who fell silent.
    eventually("a mail that waits", || postfix.log().contains("status=deferred"));
    let mut reader = server.logged_in();
    eventually("all mails", || count(&mut reader) >= MAILS as u32);
    let found = numbers(&mut reader, "INBOX");
    let wanted = (0..MAILS).map(|number| (number, 1)).collect();
    assert_eq!(found, wanted, "{}", postfix.log());
}

/// One domain of several goes to LightMail, by `transport_maps`; and Postfix asks who has mail there before it takes any.
#[test]
fn a_domain_is_routed_and_its_recipients_are_known() {
    let server = server("postfix-routes");
    let transport = server.folder.join("transport");
    let route = format!("example.com lmtp:unix:{}\n", server.socket().display());
    fs::write(&transport, route).unwrap();
    run(Command::new("postmap").arg(format!("hash:{}", transport.display())));
    let routed = format!(
        "virtual_mailbox_domains =\n\
         virtual_transport = error:this domain has no route\n\
         relay_domains = example.com\n\
         transport_maps = hash:{}\n",
        transport.display()
    );
    let postfix = Postfix::start(&server.folder.join("postfix"), &server.socket(), &routed);
    let swaks = |to: &str| {
        let port = postfix.port.to_string();
        run_with(
            Command::new("swaks").args(["--server", "127.0.0.1", "--port", &port, "--to", to]),
            b"",
        )
    };
    let (taken, said) = swaks("nobody@example.com");
    assert!(
        !taken && said.contains("550 5.1.1") && said.contains("nobody@example.com"),
        "{said}"
    );
    let (taken, said) = swaks(USER);
    assert!(taken, "{said}");
    let mut reader = server.logged_in();
    eventually("the mail", || count(&mut reader) == 1);
}
