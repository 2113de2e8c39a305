use super::*;

/// Threats A13: a browser at the wrong door is sent away at once.
#[test]
fn http_is_no_pop3() {
    for line in ["GET / HTTP/1.1", "POST / HTTP/1.1", "Host: x"] {
        Stage::new(0).play(&format!("1C: {line}\n1S: -ERR This is POP3\n1 over"));
    }
    // Only the first line may be one.
    Stage::new(0)
        .play("1C: CAPB\n1S: -ERR There is no such command\n1C: GET /\n1S: -ERR There is no such command");
}

/// RFC 2449, 4: 255 octets at least; a longer line is told of once, before its end comes.
#[test]
fn lines_are_bounded() {
    let mut stage = Stage::new(0);
    stage.settings.line_max = 255;
    let name = "x".repeat(248);
    stage.play(&format!("1C: USER {name}\n1S: +OK Say PASS"));
    stage.play(&format!("1C: USER {name}x\n1S: -ERR The line is too long"));
    stage.play(&format!(
        "1C| NOOP {}\n1S: -ERR The line is too long\n1C| {name}\\r\\n",
        "x".repeat(260)
    ));
    stage.play("1C: CAPB\n1S: -ERR There is no such command");
}

#[test]
fn lines_end_with_crlf() {
    Stage::new(0).play(
        "1C| QUIT\\n
         1S: -ERR A line ends with CRLF...
         1C| QU\\rIT\\r\\n
         1S: -ERR A line ends with CRLF...
         1C: QUIT\u{7}
         1S: -ERR The line is not UTF-8 text...",
    );
}

/// A client that has not logged in has half a minute, however busy it is; not a word is said.
#[test]
fn log_in_has_a_deadline() {
    Stage::new(0).play("1C: LANG en\n1S: +OK en Language is English\ntime 29s\n1C: CAPB\n1S: -ERR There is no such command\ntime 1s\n1 over");
    let mut stage = Stage::new(0);
    stage.talk('1');
    for _ in 0..3 {
        stage.play("time 9s\n1C: LANG en\n1S: +OK en Language is English");
    }
    stage.play("time 3s\n1 over");
}

#[test]
fn bad_commands_cost_time_and_then_the_session() {
    let mut stage = Stage::new(0);
    for _ in 0..10 {
        stage.play("1C: XYZZY\n1S: -ERR There is no such command");
    }
    stage.play(
        "1C: XYZZY\n1S: -ERR There is no such command\n1C: LANG en\ntime 1s\n1S: +OK en Language is English",
    );
    for bad in 1..=19 {
        stage.play("1C: XYZZY\n1S: -ERR There is no such command");
        if bad > 10 {
            stage.play("time 1s");
        }
    }
    stage.play("1C: XYZZY\n1S: -ERR There is no such command\n1S: -ERR Too many bad commands\n1 over");
}

#[test]
fn commands_have_their_state() {
    Stage::new(0).play(
        "1C: STAT
         1S: -ERR Log in first
         1C: DELE 1
         1S: -ERR Log in first
         1C: CAPA now
         1S: -ERR This command takes no arguments
         1C: USER user@example.com
         1S: +OK Say PASS
         1C: PASS secret
         1S: +OK 0 messages (0 octets)
         1C: USER user@example.com
         1S: -ERR You have logged in already
         1C: STLS
         1S: -ERR You have logged in already
         1C: RETR
         1S: -ERR An argument is missing
         1C: NOOP x
         1S: -ERR This command takes no arguments
         1C: LIST
         1S: +OK 0 messages (0 octets)
         1S: .",
    );
}

#[test]
fn languages() {
    Stage::new(0).play(
        "1C: LANG
         1S: +OK Languages follow
         1S: en English
         1S: i-default Default language
         1S: .
         1C: LANG *
         1S: +OK en Language is English
         1C: LANG I-Default
         1S: +OK i-default Language is the default, English
         1C: LANG fr
         1S: -ERR The languages here are en and i-default",
    );
}
