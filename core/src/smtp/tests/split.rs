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

proptest! {
    #[test]
    fn any_cut_gives_the_same(picks in proptest::collection::vec(0usize..SCRIPTS.len(), 1..10), cut in 1usize..40) {
        let script: String = LHLO.to_owned() + &picks.iter().map(|at| SCRIPTS[*at]).collect::<String>();
        let whole = outcome(&script, 65_536);
        prop_assert_eq!(&outcome(&script, cut), &whole);
        prop_assert_eq!(&outcome(&script, 1), &whole);
    }
}
