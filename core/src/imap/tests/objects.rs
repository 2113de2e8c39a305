//! What is told without a read of any body, counted.

use super::*;
use crate::machine::{Action, Effect};

/// How many times a command reads bodies, or hints that it will.
fn reads(stage: &mut Stage, command: &str) -> usize {
    let talk = stage.talk('1');
    let before = stage.world.conversation(talk).unwrap().actions().len();
    stage.world.feed(talk, format!("a {command}\r\n").as_bytes());
    let heard = String::from_utf8(stage.world.take(talk)).unwrap();
    assert!(heard.contains("\r\na OK "), "{command}: {heard}");
    let actions = &stage.world.conversation(talk).unwrap().actions()[before..];
    let is_read = |action: &&Action| {
        matches!(
            action,
            Action::SendObject { .. }
                | Action::Soon(_)
                | Action::FeedObject(..)
                | Action::Do(_, Effect::Scan(_))
        )
    };
    actions.iter().filter(is_read).count()
}

#[test]
fn sizes_previews_dates_and_ids_read_no_body() {
    let mut stage = Stage::selected(9, "1");
    for command in [
        "FETCH 1:* (BINARY.SIZE[1] BINARY.SIZE[] PREVIEW (LAZY))",
        "FETCH 1:* PREVIEW",
        "FETCH 1:* (SAVEDATE EMAILID THREADID RFC822.SIZE)",
        "SEARCH OR SAVEDSINCE 1-Jan-1980 EMAILID M0",
        "SEARCH THREADID T0",
        "STATUS Sent (MAILBOXID APPENDLIMIT)",
    ] {
        assert_eq!(reads(&mut stage, command), 0, "{command}");
    }
    assert!(reads(&mut stage, "FETCH 1:* BINARY.PEEK[1]") >= 9);
}
