//! What one peer, one account and all strangers together may take; guessing at passwords (threats B01, B14, B17, C15).

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use futures_lite::future::block_on;
use lightmail_core::admin;
use lightmail_core::machine::Secret;
use lightmail_core::store::{Actor, NewAppPassword, Request, Scopes};

use crate::common::{Client, Server, USER, eventually};

/// A connection and its first line.
fn greeted(port: u16) -> (BufReader<TcpStream>, String) {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut stream = BufReader::new(stream);
    let greeting = next_line(&mut stream);
    (stream, greeting)
}

/// Empty at the end of the connection.
fn next_line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    // An error: it was reset, which ends it too.
    let _ = stream.read_line(&mut line);
    line
}

/// So many connections that each try one wrong password at the same time, while a neighbour says NOOP; what they are told.
fn guess(
    server: &Server,
    neighbour: &mut Client,
    many: usize,
    login: impl Fn(usize) -> String,
) -> Vec<String> {
    let mut guessing: Vec<_> = (0..many).map(|_| greeted(server.imap).0).collect();
    for (nth, stream) in guessing.iter_mut().enumerate() {
        write!(stream.get_mut(), "a LOGIN {} guess-{nth}\r\n", login(nth)).unwrap();
    }
    let took = neighbour.pulse(100);
    println!(
        "NOOP beside {many} log-ins: median {:?}, p99 {:?}",
        took[50], took[98]
    );
    assert!(took[98] < Duration::from_millis(100), "{took:?}");
    guessing.iter_mut().map(next_line).collect()
}

const OTHER: &str = "other@example.com";
const GUESSING: &str = "[limits]\naddress_connections = 1000\nbcrypt_queue = 1000\n";

#[test]
fn guessing_is_throttled_and_hinders_nobody() {
    let mut server = Server::start_with("guess", GUESSING);
    server.add_account(OTHER);
    let mut neighbour = server.logged_in();
    let told = guess(&server, &mut neighbour, 300, |_| USER.to_owned());
    let (wrong, throttled) = checked(&told);
    let log = server.log();
    let lines = |event: &str| log.lines().filter(|line| line.contains(event)).count();
    assert_eq!(
        (lines("login.refused"), lines("login.throttled")),
        (wrong, throttled)
    );
    for line in log.lines().filter(|line| line.contains("login.refused")) {
        assert!(
            line.contains(USER) && line.contains("reason=wrong password"),
            "{line}"
        );
    }
    for line in log.lines().filter(|line| line.contains("login.throttled")) {
        assert!(line.contains(USER) && line.contains("wait_s="), "{line}");
    }

    assert!(owner(&server, USER).contains("NO [UNAVAILABLE]"));
    operate(&server, clear(Some(format!("login {USER}"))));
    assert!(
        owner(&server, USER).contains("OK "),
        "the running server hears of it at once"
    );
    checked(&guess(&server, &mut neighbour, 40, |_| OTHER.to_owned()));
    server.kill_and_start_again();
    assert!(
        owner(&server, OTHER).contains("NO [UNAVAILABLE]"),
        "a restart forgets nothing"
    );
    operate(&server, clear(None));
    assert!(owner(&server, OTHER).contains("OK "));
}

/// What an operator does beside the running server, from another process.
fn operate(server: &Server, request: Request) {
    let storage = server.storage();
    let done = block_on(storage.run(Actor::Operator, request));
    assert!(done.is_ok(), "{done:?}");
    block_on(storage.close());
}

/// `lightmail throttle clear`
fn clear(bucket: Option<String>) -> Request {
    Request::ClearThrottles { bucket }
}

/// A try with the right password.
fn owner(server: &Server, login: &str) -> String {
    let mut client = server.imap_client();
    client
        .command(&format!("LOGIN {login} {}", server.password))
        .pop()
        .unwrap()
}

/// How many of these were checked, about as many as there are tokens, and how many were told to wait; there is no third.
fn checked(told: &[String]) -> (usize, usize) {
    let of = |words: &str| told.iter().filter(|line| line.contains(words)).count();
    let wrong = of("a NO [AUTHENTICATIONFAILED] ");
    let throttled = of("a NO [UNAVAILABLE] Too many wrong passwords");
    assert_eq!(wrong + throttled, told.len(), "{told:?}");
    // One more for each thread and each token that comes back.
    assert!((10..30).contains(&wrong), "{wrong}");
    (wrong, throttled)
}

/// The log alone says why.
#[test]
fn the_log_says_why_a_log_in_is_refused() {
    let server = Server::start("why");
    let app_password = Secret("an-app-password-of-tests".to_owned());
    let new = NewAppPassword {
        login: USER.to_owned(),
        label: "phone".to_owned(),
        hash: admin::app_password_hash(&app_password),
        scopes: Scopes::parse("pop3").unwrap(),
        until_ms: None,
        at_ms: 1,
    };
    operate(&server, Request::AddAppPassword(new));
    let Secret(app_password) = app_password;
    let tries = [
        ("nobody@example.com", "x", "unknown user"),
        (USER, "x", "wrong password"),
        (USER, app_password.as_str(), "scope"),
    ];
    let told: Vec<_> = tries
        .iter()
        .map(|(login, password, _)| {
            let mut client = server.imap_client();
            client
                .command(&format!("LOGIN {login} {password}"))
                .pop()
                .unwrap()
        })
        .collect();
    assert!(told.iter().all(|line| *line == told[0]), "{told:?}");
    let log = server.log();
    for (login, _, why) in tries {
        let said = |line: &str| {
            line.contains("login.refused") && line.contains(login) && line.contains(&format!("reason={why}"))
        };
        assert!(log.lines().any(said), "{why}: {log}");
    }
    assert!(!log.contains(&app_password));
}

/// Strangers may hold so much together; the oldest goes, and who has logged in stays.
#[test]
fn the_oldest_stranger_goes_where_all_hold_too_much() {
    // Room for six.
    let server = Server::start_with("strangers", "[limits]\nlogin_memory = 100000\n");
    let mut known = server.logged_in();
    let mut silent = TcpStream::connect(("127.0.0.1", server.imaps)).unwrap();
    let mut imap = greeted(server.imap).0;
    let mut pop3 = greeted(server.pop3).0;
    let mut newer: Vec<_> = (0..6).map(|_| greeted(server.imap).0).collect();
    let full = "Too many connections; try again later\r\n";
    assert_eq!(std::io::Read::read(&mut silent, &mut [0; 100]).unwrap_or(0), 0);
    assert_eq!(next_line(&mut imap), format!("* BYE [UNAVAILABLE] {full}"));
    assert_eq!(next_line(&mut imap), "");
    assert_eq!(next_line(&mut pop3), format!("-ERR [SYS/TEMP] {full}"));
    assert_eq!(next_line(&mut pop3), "");
    // What a stranger sends counts too, up to what is kept of it.
    for _ in 0..10 {
        let nothing = "a NOOP \"".to_owned() + &"x".repeat(7000) + "\"\r\n";
        newer[5].get_mut().write_all(nothing.as_bytes()).unwrap();
        assert!(next_line(&mut newer[5]).starts_with("a BAD "));
    }
    assert!(next_line(&mut newer[0]).starts_with("* BYE "));
    known.ok("NOOP");
    let log = server.log();
    assert!(log.contains("session.sent_away.too_many"), "{log}");
}

/// Some connections are kept for who has logged in.
#[test]
fn strangers_do_not_take_all_connections() {
    let server = Server::start_with(
        "reserve",
        "[limits]\nconnections = 6\nconnections_reserve_percent = 50\n",
    );
    let known = [server.logged_in(), server.logged_in()];
    let strangers: Vec<_> = (0..3).map(|_| greeted(server.imap)).collect();
    assert!(
        strangers
            .iter()
            .all(|(_, greeting)| greeting.starts_with("* OK "))
    );
    assert!(greeted(server.imap).1.starts_with("* BYE [UNAVAILABLE] "));
    drop(strangers);
    eventually("room for a stranger", || {
        greeted(server.imap).1.starts_with("* OK ")
    });
    drop(known);
}

#[test]
fn an_account_has_so_many_sessions() {
    let server = Server::start_with("sessions", "[limits]\naccount_connections = 2\n");
    server.add_account(OTHER);
    let login = |login: &str| format!("LOGIN {login} {}", server.password);
    let first = server.logged_in();
    let _second = server.logged_in();
    let mut third = server.imap_client();
    let told = third.command(&login(USER)).pop().unwrap();
    assert!(told.contains(" NO [LIMIT] "), "{told}");
    let mut pop3 = Client::connect(server.pop3);
    for (line, answer) in [
        (format!("USER {USER}"), "+OK"),
        (format!("PASS {}", server.password), "-ERR [SYS/TEMP] The account"),
    ] {
        pop3.say(&line);
        let told = pop3.line();
        assert!(told.starts_with(answer), "{told}");
    }
    server.imap_client().ok(&login(OTHER));
    drop(first);
    eventually("room for one more session", || {
        third.command(&login(USER)).pop().unwrap().contains(" OK ")
    });
}
