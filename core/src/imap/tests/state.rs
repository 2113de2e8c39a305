use super::*;
use crate::machine::{Action, Input, Machine, Step, Time};

#[test]
fn commands_out_of_state_are_bad() {
    Stage::new().play(
        "1C: a SELECT INBOX
         1S: a BAD Log in first
         1C: b UID STORE 1 FLAGS ()
         1S: b BAD Log in first
         1C: c LOGIN user@example.com secret
         1S: c OK ...
         1C: d STORE 1 FLAGS ()
         1S: d BAD Select a mailbox first
         1C: e CLOSE
         1S: e BAD Select a mailbox first",
    );
}

#[test]
fn what_is_no_command_is_bad() {
    logged_in(
        "1",
        "1C: a XYZZY
         1S: a BAD There is no such command
         1C: b UID NOOP
         1S: b BAD There is no such command
         1C: c NOOP 1
         1S: c BAD expected the end of the command at octet ...
         1C: d
         1S: d BAD expected ...
         1C| \\r\\n
         1S: * BAD expected a tag at octet 1...
         1C| e NOOP\\n
         1S: e BAD Lines end with CRLF
         1C: f SELECT
         1S: f BAD expected a space at octet 9...",
    );
}

#[test]
fn bad_commands_cost_time_and_then_the_session() {
    let mut stage = Stage::new();
    stage.logged_in('1');
    for _ in 0..10 {
        stage.play("1C: a X\n1S: a BAD There is no such command");
    }
    for _ in 10..19 {
        stage.play("1C: a X\ntime 1s\n1S: a BAD There is no such command");
    }
    stage.play("1C: a X\ntime 1s\n1S: a BAD ...\n1S: * BYE Too many bad commands\n1 over");
}

#[test]
fn a_good_command_makes_good() {
    let mut stage = Stage::new();
    stage.logged_in('1');
    for _ in 0..30 {
        stage.play("1C: a X\n1S: a BAD There is no such command\n1C: b NOOP\n1S: b OK NOOP completed");
    }
}

#[test]
fn a_browser_is_sent_away() {
    for request in ["GET / HTTP/1.1", "POST /a HTTP/1.0", "Host: example.com"] {
        Stage::new().play(&format!("1C: {request}\n1S: * BYE This is IMAP\n1 over"));
    }
}

#[test]
fn log_in_takes_30_seconds_in_all() {
    let mut stage = Stage::new();
    stage.play(
        "1C: a NOOP
         1S: a OK NOOP completed
         time 29s
         1C: b NOOP
         1S: b OK NOOP completed
         time 1s
         1S: * BYE Not logged in in time
         1 over
         2C: a AUTHENTICATE PLAIN
         2S: + ...
         time 30s
         2S: * BYE Not logged in in time
         2 over",
    );
    Stage::new().play("1S: * OK ...\ntime 30s\n1S: * BYE Not logged in in time\n1 over");
}

#[test]
fn a_silent_client_is_logged_out_after_30_minutes() {
    logged_in(
        "1",
        "time 29m
         1C: a NOOP
         1S: a OK NOOP completed
         time 29m
         time 1m
         1S: * BYE Logged out: silent for too long
         1 over",
    );
}

#[test]
fn budgets_of_lines_and_literals() {
    let long = "x".repeat(9000);
    let mut stage = Stage::new();
    stage.play(&format!(
        "1C: a LOGIN {long} x
         1S: a BAD The line is too long
         1C: b LOGIN {{5000}}
         1S: b BAD A literal is too big, or one too many
         1C: c NOOP
         1S: c OK NOOP completed
         1C| d LOGIN {{99999999999999999999}}\\r\\n
         1S: d BAD No literal has such a size
         1C: e LOGIN {{5000+}}
         1S: e BAD A literal is too big, or one too many
         1S: * BYE [TOOBIG] The next command cannot be found
         1 over"
    ));
    logged_in(
        "1",
        &format!("1C: a SUBSCRIBE {long}\n1S: a BAD expected a mailbox name of at most ..."),
    );
}

#[test]
fn a_server_that_drains_says_goodbye() {
    let mut stage = Stage::selected(1, "12");
    stage.play("2C: i IDLE\n2S: + Idling");
    stage.world.shutdown();
    stage.play("1S: * BYE The server shuts down\n1 over\n2S: * BYE The server shuts down\n2 over");
}

#[test]
fn id_and_namespace() {
    logged_in(
        "1",
        r#"1C: a ID ("name" "x")
           1S: * ID ("name" "LightMail" "version" "...")
           1S: a OK ID completed
           1C: b ID NIL
           1S: * ID ("name" ...
           1S: b OK ID completed
           1C: c NAMESPACE
           1S: * NAMESPACE (("" "/")) NIL NIL
           1S: c OK NAMESPACE completed"#,
    );
}

/// The time runs from the greeting, also for a client that says nothing at first.
#[test]
fn a_late_first_word_wins_no_time() {
    Stage::new().play(
        "1S: * OK ...
         time 29s
         1C: a NOOP
         1S: a OK NOOP completed
         time 1s
         1S: * BYE Not logged in in time
         1 over",
    );
}

/// A shell that always has octets to give may never come to a tick.
#[test]
fn a_client_that_never_pauses_wins_no_time() {
    let peer = Peer {
        address: None,
        tls: None,
    };
    let mut session = Session::new(peer, Arc::new(Settings::default()), Seed::new([1; 32]));
    let mut said = Vec::new();
    for seconds in [0, 10, 29, 30] {
        let now = Time {
            mono_ms: 5_000 + seconds * 1000,
            unix_ms: 0,
        };
        session.handle(
            now,
            Input::Bytes {
                octets: "a NOOP\r\n".into(),
                waited: false,
            },
        );
        while let Step::Act(action) = session.poll() {
            said.push(action);
        }
    }
    let last = Action::Send("* BYE Not logged in in time\r\n".into());
    assert_eq!(
        (said.len(), said.last(), session.poll()),
        (5, Some(&last), Step::Over),
        "{said:?}"
    );
}

/// RFC 8437: who has left has no more time and no larger commands than who has just come; what was wrong before is not forgotten.
#[test]
fn who_has_left_is_one_who_has_not_logged_in() {
    let mut stage = Stage::new();
    stage.logged_in('1');
    stage.play(
        r"
        1C: a LOGIN user@example.com secret
        1S: a BAD You have logged in already
        time 3m
        1C: b UNAUTHENTICATE
        1S: b OK UNAUTHENTICATE completed
        1C: c APPEND INBOX {999999}
        1S: c BAD A literal is too big, or one too many
        time 29s
        1C: d LOGIN user@example.com secret
        1S: d OK [CAPABILITY ...
        1C: e UNAUTHENTICATE
        1S: e OK UNAUTHENTICATE completed
        time 31s
        1S: * BYE Not logged in in time
        1 over",
    );
}

#[test]
fn unauthenticate_can_be_switched_off() {
    let mut stage = Stage::new();
    stage.settings.unauthenticate = false;
    stage.logged_in('1');
    stage.play(
        r"
        1C: a CAPABILITY
        1S: * CAPABILITY IMAP4rev1 ... STATUS=SIZE COMPRESS=DEFLATE APPENDLIMIT=52428800
        1S: a OK CAPABILITY completed
        1C: b UNAUTHENTICATE
        1S: b BAD UNAUTHENTICATE is switched off here
        1C: c STATUS INBOX (MESSAGES)
        1S: * STATUS INBOX (MESSAGES 0)
        1S: c OK STATUS completed",
    );
}
