//! The commands of an operator.

use std::process::Command;

use common::{Server, run, run_with};

mod common;

/// The program.
const BINARY: &str = env!("CARGO_BIN_EXE_lightmail");

#[test]
fn accounts_are_kept_from_the_command_line() {
    let server = Server::start("user");
    let user =
        |args: &[&str], input: &str| run_with(server.lightmail().arg("user").args(args), input.as_bytes());
    assert_eq!(
        user(&["add", "Second@Example.com"], "secret\n"),
        (true, "account second@example.com made\n".into())
    );
    let (ok, said) = user(&["add", "second@example.com"], "secret\n");
    assert!(
        !ok && said.contains("there is an account or address of this name already"),
        "{said}"
    );
    let (ok, said) = user(&["add", "nonsense"], "secret\n");
    assert!(!ok && said.contains("a login name is an address"), "{said}");
    let (ok, said) = user(&["add", "empty@example.com"], "\n");
    assert!(!ok && said.contains("an empty password is none"), "{said}");

    // The running server sees it at once.
    let log_in = |password: &str| {
        server
            .imap_client()
            .command(&format!("LOGIN second@example.com {password}"))
            .pop()
            .unwrap()
    };
    assert!(log_in("secret").contains(" OK "));
    assert!(user(&["passwd", "second@example.com"], "other\n").0);
    assert!(log_in("secret").contains(" NO [AUTHENTICATIONFAILED]"));
    assert!(log_in("other").contains(" OK "));
    assert!(user(&["list"], "").1.contains("second@example.com"));
    assert!(user(&["delete", "second@example.com"], "").0);
    assert!(log_in("other").contains(" NO [AUTHENTICATIONFAILED]"));
    let (ok, said) = user(&["passwd", "nobody@example.com"], "x\n");
    assert!(!ok && said.contains("there is no such account"), "{said}");
}

#[test]
fn the_shipped_example_is_a_right_configuration() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../config.ini.example");
    assert!(run(Command::new(BINARY).args(["config", "check", "--config", shipped])).contains("right"));
}
