//! Cut anywhere: the same octets to each destination, the same effects in the same order.

use proptest::prelude::*;

use super::*;
use crate::pair::Summary;

const SCRIPTS: [&str; 12] = [
    LHLO,
    "EHLO x\r\n",
    ENVELOPE,
    "RCPT TO:<green+a@foo.edu>\r\n",
    "RCPT TO:<\"no one\"@foo.edu>\r\n",
    "DATA\r\n..a\r\nb\nc\rd\r\n.\r\r\n\r\n.\r\n",
    "DATA\r\n.\r\n",
    "BDAT 11\r\nQUIT\r\n.\r\n\r\nBDAT 3 LAST\r\n\0\r\n",
    "BDAT 4 LASTING\r\nQUITBDAT 0 LAST\r\n",
    "RSET\r\n",
    "NOOP\n\r\n",
    "MAIL FROM:<> SIZE=99999\r\n",
];

fn outcome(script: &str, read_max: usize) -> Summary {
    let mut post = Post::with(Settings {
        message_size_max: 40,
        ..settings()
    });
    post.world.set_read_max(post.talk, read_max);
    post.say(script);
    post.world.close(post.talk);
    post.world.conversation(post.talk).unwrap().summary()
}

/// What a user's client may send, behind what any server may.
const OF_USERS: [&str; 8] = [
    "AUTH PLAIN AHBhdEBmb28uZWR1AHg=\r\n",
    "AUTH PLAIN\r\nAHBhdEBmb28uZWR1AHg=\r\n",
    "AUTH LOGIN\r\ncGF0QGZvby5lZHU=\r\n*\r\n",
    "AUTH PLAIN AHBhdEBmb28uZWR1AHk=\r\n",
    "MAIL FROM:<pat@foo.edu> AUTH=<>\r\nRCPT TO:<green@foo.edu>\r\n",
    "DATA\r\nFrom: pat@foo.edu\r\n\r\nx\r\n.\r\n",
    "DATA\r\nFrom: x@y\r\n.\r\n",
    "BDAT 19\r\nFrom: pat@foo.edu\r\nBDAT 1 LAST\r\n\r",
];

fn outcome_of(session: Session, script: &str, read_max: usize) -> Summary {
    let settings = Settings {
        message_size_max: 40,
        plaintext: crate::config::Plaintext::Always,
        ..settings()
    };
    let mut post = Post::new();
    post.talk = join_from("192.0.2.1", &mut post.world, session, settings);
    post.world.set_read_max(post.talk, read_max);
    post.say(script);
    post.world.advance(10_000);
    post.world.close(post.talk);
    post.world.conversation(post.talk).unwrap().summary()
}

proptest! {
    #[test]
    fn any_cut_gives_the_same(picks in proptest::collection::vec(0usize..SCRIPTS.len(), 1..10), cut in 1usize..40) {
        let script: String = LHLO.to_owned() + &picks.iter().map(|at| SCRIPTS[*at]).collect::<String>();
        let whole = outcome(&script, 65_536);
        prop_assert_eq!(&outcome(&script, cut), &whole);
        prop_assert_eq!(&outcome(&script, 1), &whole);
    }

    #[test]
    fn any_cut_of_other_dialects_too(
        picks in proptest::collection::vec(0usize..SCRIPTS.len() + OF_USERS.len(), 1..10),
        cut in 1usize..40,
        users: bool,
    ) {
        let line = |at: &usize| SCRIPTS.get(*at).copied().unwrap_or_else(|| OF_USERS[at - SCRIPTS.len()]);
        let script: String = "EHLO x\r\n".to_owned() + &picks.iter().map(line).collect::<String>();
        let session = if users { submission::session } else { mx::session };
        let whole = outcome_of(session, &script, 65_536);
        prop_assert_eq!(&outcome_of(session, &script, cut), &whole);
        prop_assert_eq!(&outcome_of(session, &script, 1), &whole);
    }
}
