//! LITERAL- (RFC 7888, 5): what a server that offers it takes unasked.

use super::*;

fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.settings.literal_plus = false;
    stage.logged_in('1');
    stage
}

#[test]
fn one_of_the_two_is_offered() {
    stage()
        .play("1C: a CAPABILITY\n1S: * CAPABILITY IMAP4rev1 LITERAL- ID ...\n1S: a OK CAPABILITY completed");
    logged_in(
        "1",
        "1C: a CAPABILITY\n1S: * CAPABILITY IMAP4rev1 LITERAL+ ID ...\n1S: a OK CAPABILITY completed",
    );
}

#[test]
fn small_literals_come_unasked_and_large_ones_do_not() {
    let (fits, too_big) = ("x".repeat(4096), "x".repeat(4097));
    stage().play(&format!(
        r"1C| a APPEND INBOX {{4096+}}\r\n{fits}\r\n
          1S: a OK [APPENDUID ... 1] APPEND completed
          1C| b APPEND INBOX {{4097+}}\r\n{too_big}\r\n
          1S: b BAD [TOOBIG] ...
          1C| c APPEND INBOX {{3+}}\r\nabc ~{{4097+}}\r\n{too_big}\r\n
          1S: c BAD [TOOBIG] ...
          1C| d SEARCH SUBJECT {{4097+}}\r\n{too_big}\r\n
          1S: d BAD [TOOBIG] ...
          1C: e APPEND INBOX {{4097}}
          1S: + Ready for the message
          1C: {too_big}
          1S: e OK [APPENDUID ... 2] APPEND completed"
    ));
}
