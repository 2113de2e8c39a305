use super::*;

/// RFC 1939, 6: what is marked goes at QUIT, all of it at once, and only then.
#[test]
fn only_quit_removes() {
    let mut stage = Stage::logged_in(3, "1");
    stage.play("1C: DELE 1\n1S: +OK Deleted at QUIT\n1C: DELE 3\n1S: +OK Deleted at QUIT");
    let talk = stage.talk('1');
    stage.world.close(talk);
    stage.log_in('2');
    stage.play(
        "2C: STAT
         2S: +OK 3 138
         2C: DELE 1
         2S: +OK Deleted at QUIT
         2C: DELE 3
         2S: +OK Deleted at QUIT
         2C: QUIT
         2S: +OK Goodbye
         2 over",
    );
    stage.log_in('3');
    stage.play("3C: STAT\n3S: +OK 1 46");
    let deletions = stage
        .effects()
        .iter()
        .filter(|name| **name == "store.DeleteMessages")
        .count();
    assert_eq!(deletions, 1);
}

#[test]
fn quit_before_log_in_asks_nothing() {
    let mut stage = Stage::new(1);
    stage.play("1C: QUIT\n1S: +OK Goodbye\n1 over");
    assert!(stage.effects().is_empty());
}

/// RFC 1939, 3: the timer's end removes nothing, and not a word is said.
#[test]
fn a_silent_client_is_logged_out_without_an_update() {
    let mut stage = Stage::logged_in(1, "1");
    stage.play(
        "1C: DELE 1
         1S: +OK Deleted at QUIT
         time 599s
         1C: NOOP
         1S: +OK ...
         time 599s
         time 1s
         1 over",
    );
    stage.log_in('2');
    stage.play("2C: STAT\n2S: +OK 1 46");
}

#[test]
fn a_server_that_drains_removes_nothing() {
    let mut stage = Stage::logged_in(1, "1");
    stage.play("1C: DELE 1\n1S: +OK Deleted at QUIT");
    stage.world.shutdown();
    stage.play("1S: -ERR [SYS/TEMP] The server is going down; try again\n1 over");
    assert!(!stage.effects().contains(&"store.DeleteMessages"));
}
