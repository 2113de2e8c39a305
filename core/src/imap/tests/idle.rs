use super::*;
use crate::pair::Fault;

#[test]
fn idle_tells_at_once() {
    let mut stage = Stage::selected(2, "12");
    stage.play("1C: a IDLE\n1S: + Idling");
    stage.deliver(Flags::NONE);
    stage.play(
        r"1S: * 3 EXISTS
          1S: * 3 RECENT
          2C: b STORE 1 +FLAGS.SILENT (\Deleted)
          2S: * 3 EXISTS
          2S: b OK STORE completed
          1S: * 1 FETCH (FLAGS (\Deleted \Recent))
          2C: c EXPUNGE
          2S: * 1 EXPUNGE
          2S: c OK EXPUNGE completed
          1S: * 1 EXPUNGE
          1S: * 2 RECENT
          1C: done
          1S: a OK IDLE completed",
    );
    stage.deliver(Flags::NONE);
    stage.play("1C: d NOOP\n1S: * 3 EXISTS\n1S: * 3 RECENT\n1S: d OK NOOP completed");
}

#[test]
fn what_happened_before_idle_is_told_when_it_begins() {
    let mut stage = Stage::selected(1, "1");
    stage.deliver(Flags::NONE);
    stage.play("1C: a IDLE\n1S: + Idling\n1S: * 2 EXISTS\n1S: * 2 RECENT\n1C: DONE\n1S: a OK IDLE completed");
}

#[test]
fn only_done_ends_it_well() {
    let mut stage = Stage::selected(1, "1");
    stage.play(
        "1C: a IDLE
         1S: + Idling
         1C: b NOOP
         1S: a BAD IDLE ends with DONE
         1C| c IDLE\\r\\nDONE\\r\\nd NOOP\\r\\n
         1S: + Idling
         1S: c OK IDLE completed
         1S: d OK NOOP completed",
    );
}

#[test]
fn a_line_every_two_minutes_and_an_end_after_thirty() {
    let mut stage = Stage::selected(1, "1");
    stage.play("1C: a IDLE\n1S: + Idling");
    for _ in 1..15 {
        stage.play("time 2m\n1S: * OK Still here");
    }
    stage.play("time 2m\n1S: * BYE Logged out: idle for too long\n1 over");
}

#[test]
fn idle_without_a_mailbox_only_waits() {
    logged_in(
        "1",
        "1C: a IDLE
         1S: + Idling
         time 2m
         1S: * OK Still here
         1C: DONE
         1S: a OK IDLE completed",
    );
}

#[test]
fn news_that_cannot_be_had_come_later() {
    let mut stage = Stage::selected(1, "1");
    stage.play("1C: a IDLE\n1S: + Idling");
    stage.world.fail(Fault::timeout("store.Refresh", 1));
    stage.deliver(Flags::NONE);
    stage.play(
        "time 2m\n1S: * OK Still here\n1S: * 2 EXISTS\n1S: * 2 RECENT\n1C: DONE\n1S: a OK IDLE completed",
    );
}

#[test]
fn many_changes_leave_piece_by_piece() {
    let mut stage = Stage::selected(2000, "12");
    stage.play("1C: a IDLE\n1S: + Idling");
    let (one, two) = (stage.talk('1'), stage.talk('2'));
    stage.world.feed(two, b"b STORE 1:* +FLAGS.SILENT (\\Seen)\r\n");
    let heard = stage.world.take(one);
    assert_eq!(
        heard
            .split(|&octet| octet == b'\n')
            .filter(|line| line.ends_with(b"FETCH (FLAGS (\\Seen \\Recent))\r"))
            .count(),
        2000
    );
    let peaks = stage.world.conversation(one).unwrap().peaks();
    assert!(peaks.send < 48 * 1024, "{peaks:?}");
}
