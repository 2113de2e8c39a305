use proptest::prelude::*;

use super::*;

/// Everything a client may send, with refused commands in between.
const CONVERSATION: &[u8] = b"CAPA\r\n\
    LANG\r\n\
    LANG *\r\n\
    USER user@example.com\r\n\
    STAT\r\n\
    AUTH PLAIN\r\n\
    *\r\n\
    UTF8\r\n\
    NOOP\n\
    USER user@example.com\r\nPASS secret\r\n\
    STAT\r\nLIST\r\nLIST 2\r\nUIDL\r\nUIDL 1\r\n\
    RETR 1\r\nTOP 2 1\r\nTOP 3 0\r\nRETR 4\r\nRETR 9\r\n\
    DELE 1\r\nDELE 1\r\nLIST\r\nRSET\r\nDELE 2\r\nNOOP\r\n\
    QUIT\r\n";

/// What is heard and done when the reads give at most `sizes` octets, in turn.
fn play(sizes: &[usize]) -> crate::pair::Summary {
    let mut stage = Stage::new(3);
    stage.deliver(b"Subject: dots\r\n\r\n.\r\n..\r\n.x");
    let talk = stage.talk('1');
    let mut rest = CONVERSATION;
    for &size in sizes.iter().cycle() {
        let (now, later) = rest.split_at(size.min(rest.len()));
        stage.world.feed(talk, now);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    stage.world.conversation(talk).unwrap().summary()
}

#[test]
fn the_conversation_says_what_it_should() {
    let whole = play(&[usize::MAX]);
    let said = String::from_utf8_lossy(&whole.sent).into_owned();
    let good = said.lines().filter(|line| line.starts_with("+OK")).count();
    let bad = said.lines().filter(|line| line.starts_with("-ERR")).count();
    assert_eq!((good, bad), (23, 5), "{said}");
    assert!(said.ends_with("+OK Goodbye\r\n") && whole.over, "{said}");
}

#[test]
fn one_octet_at_a_time() {
    assert_eq!(play(&[1]), play(&[usize::MAX]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_cut_is_the_same(sizes in proptest::collection::vec(1usize..80, 1..20)) {
        prop_assert_eq!(play(&sizes), play(&[usize::MAX]));
    }

    /// Whatever comes, the session neither breaks its side of the contract nor stops.
    #[test]
    fn no_octets_break_it(octets in proptest::collection::vec(any::<u8>(), 0..300), size in 1usize..50) {
        let mut stage = Stage::new(1);
        let talk = stage.talk('1');
        octets.chunks(size).for_each(|part| stage.world.feed(talk, part));
        stage.world.close(talk);
        stage.world.advance(60_000);
        prop_assert!(stage.world.is_over(talk));
    }

    /// The same for what looks like commands, behind a log-in.
    #[test]
    fn no_commands_break_it(
        lines in proptest::collection::vec("(STAT|LIST|UIDL|RETR|TOP|DELE|RSET|NOOP|CAPA|LANG|USER|PASS)( [0-9]{1,2}){0,2}", 0..12),
    ) {
        let mut stage = Stage::logged_in(3, "1");
        let talk = stage.talk('1');
        for line in lines {
            stage.world.feed(talk, line.as_bytes());
            stage.world.feed(talk, b"\r\n");
        }
        stage.world.advance(20_000);
        stage.world.feed(talk, b"QUIT\r\n");
        prop_assert!(stage.world.is_over(talk));
        let findings = stage.world.check();
        prop_assert!(findings.is_empty(), "{findings:?}");
    }
}
