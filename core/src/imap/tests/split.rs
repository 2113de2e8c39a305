use proptest::prelude::*;

use super::*;
use crate::pair::Fault;

/// Everything a client may send, with literals of all kinds and refused commands in between.
const CONVERSATION: &[u8] = b"a LOGIN {16+}\r\nuser@example.com {6+}\r\nsecret\r\n\
    b SELECT INBOX\r\n\
    c APPEND INBOX (\\Draft) {20+}\r\nSubject: a\r\n\r\nbody\r\n\r\n\
    d APPEND nowhere {4+}\r\nabcd\r\n\
    e APPEND INBOX {3+}\r\na\0b\r\n\
    f XYZZY {3+}\r\n1\r\n\r\n\
    g NOOP\n\
    h STORE 1 +FLAGS (\\Deleted Work)\r\n\
    o UID FETCH 1:* (FLAGS BODY[TEXT])\r\n\
    p SEARCH TEXT body\r\n\
    q APPEND INBOX {11+}\r\nA: b\r\n\r\nc\r\n (\\Seen) ~{65+}\r\n\
    Content-Transfer-Encoding: base64\r\nSubject: coded\r\n\r\naGVs\r\nbG8A\r\n\r\n\
    r FETCH 1:* (BINARY[1]<1.3> BINARY.SIZE[1] PREVIEW SAVEDATE EMAILID THREADID)\r\n\
    s APPEND INBOX {1+}\r\nx {0+}\r\n\r\n\
    i COPY 1 \"Sent\"\r\n\
    j UID MOVE 1 Trash\r\n\
    k LIST \"\" (%)\r\n\
    l IDLE\r\nDONE\r\n\
    Q ENABLE QRESYNC CONDSTORE\r\n\
    R APPEND INBOX {4+}\r\nabcd\r\n\
    S SELECT INBOX (QRESYNC (1772000000 1 1:9 (1 1)))\r\n\
    T STORE 1 (UNCHANGEDSINCE 900) +FLAGS.SILENT (\\Deleted)\r\n\
    U UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)\r\n\
    V SEARCH MODSEQ {1+}\r\n1\r\n\
    W SEARCH MODSEQ \"/flags/\\\\Seen\" all 1\r\n\
    D UID SEARCH RETURN (MIN MAX ALL COUNT) OR BODY body YOUNGER 60\r\n\
    E SEARCH RETURN () OLDER {1+}\r\n1\r\n\
    F LIST () \"\" (% {1+}\r\n*) RETURN (STATUS (MESSAGES RECENT SIZE) SUBSCRIBED)\r\n\
    X EXPUNGE\r\n\
    m CLOSE\r\n\
    Y UNAUTHENTICATE\r\n\
    Z LOGIN user@example.com {6+}\r\nsecret\r\n\
    n LOGOUT\r\n";

/// What is heard and done when the reads give at most `sizes` octets, in turn.
fn play(sizes: &[usize]) -> crate::pair::Summary {
    let mut stage = Stage::new();
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
    let said = String::from_utf8_lossy(&play(&[usize::MAX]).sent).into_owned();
    for expected in [
        "a OK", "b OK", "c OK", "d NO", "e BAD", "f BAD", "g BAD", "h OK", "o OK", "p OK", "q OK", "r OK",
        "s NO", "i OK", "j OK", "k OK", "l OK", "Q OK", "R OK", "S OK", "T OK", "U OK", "V BAD", "W OK",
        "D OK", "E BAD", "F OK", "X OK", "m OK", "Y OK", "Z OK", "n OK",
    ] {
        assert!(
            said.lines().any(|line| line.starts_with(expected)),
            "no {expected} in {said}"
        );
    }
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
        let mut stage = Stage::new();
        let talk = stage.talk('1');
        octets.chunks(size).for_each(|part| stage.world.feed(talk, part));
        stage.world.close(talk);
        stage.world.advance(60_000);
        prop_assert!(stage.world.is_over(talk));
    }

    /// The same for what looks like commands.
    #[test]
    fn no_commands_break_it(lines in proptest::collection::vec(r#"[a-c] (UID )?(NOOP|IDLE|DONE|FETCH|SEARCH|STORE|COPY|MOVE|EXPUNGE|LIST|LSUB|SELECT|STATUS|APPEND|CLOSE|CREATE|RENAME|ENABLE|UNAUTHENTICATE)( ("?[aINBOX%*/]{0,6}"?|[0-9:*,]{1,5}|\(?\\(Seen|Deleted)?\)?|\{[0-9]{1,2}\+?\}|[+-]?FLAGS|QRESYNC|MODSEQ|RETURN \((MIN|ALL|STATUS \(SIZE\))?\)|OLDER|\((CHANGEDSINCE|UNCHANGEDSINCE|QRESYNC) \(?[0-9 ]{1,4}\)?( VANISHED)?\))){0,4}"#, 0..12)) {
        let mut stage = Stage::selected(3, "1");
        let talk = stage.talk('1');
        for line in lines {
            stage.world.feed(talk, line.as_bytes());
            stage.world.feed(talk, b"\r\n");
        }
        stage.world.advance(20_000);
        let findings = stage.world.check();
        prop_assert!(findings.is_empty(), "{findings:?}");
        stage.world.close(talk);
        stage.world.advance(3_600_000);
        prop_assert!(stage.world.is_over(talk));
    }
}

/// Each effect fails once, in each way: every command is answered all the same, and the store is sound.
#[test]
fn whatever_fails_is_answered() {
    let effects = {
        let mut stage = Stage::new();
        let talk = stage.talk('1');
        stage.world.feed(talk, CONVERSATION);
        stage.effects()
    };
    assert!(effects.len() > 15, "{effects:?}");
    for (at, effect) in effects.iter().enumerate() {
        let nth = effects[..=at].iter().filter(|other| *other == effect).count();
        for fault in [
            Fault::before(effect, nth),
            Fault::after(effect, nth),
            Fault::timeout(effect, nth),
        ] {
            let mut stage = Stage::new();
            // Without a log-in all of them are bad.
            (stage.settings.bad_commands_free, stage.settings.bad_commands) = (100, 100);
            let talk = stage.talk('1');
            stage.world.fail(fault.clone());
            stage.world.feed(talk, CONVERSATION);
            stage.world.advance(25_000);
            let said = String::from_utf8_lossy(&stage.world.take(talk)).into_owned();
            for tag in "abcdefghijklmnopqrsQRSTUVWXYDEF".chars() {
                let answers = said
                    .lines()
                    .filter(|line| line.starts_with(&format!("{tag} ")))
                    .count();
                assert_eq!(answers, 1, "{tag} after {fault:?} in {said}");
            }
            let findings = stage.world.check();
            assert!(findings.is_empty(), "{findings:?} after {fault:?}");
        }
    }
}
