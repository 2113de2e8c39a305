//! DATA: where it ends, what is stored, what is too big.

use proptest::prelude::*;

use super::*;

/// What a smuggler would have us read as a second mail.
const SECOND: &str = "MAIL FROM:<evil@x>\r\nRCPT TO:<green@foo.edu>\r\nDATA\r\nevil\r\n.\r\n";

#[test]
fn nothing_but_crlf_dot_crlf_ends_the_message() {
    for end in [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\r\n.\r",
        "\r\n\0.\r\n",
        "\r\n.\r\r\n",
        "\r.\r\n",
        "\r\n.\0\r\n",
    ] {
        let mut post = Post::greeted();
        let codes = post.codes(&format!("{ENVELOPE}DATA\r\nfirst{end}{SECOND}"));
        assert_eq!(codes[3..], ["250 2.1.5"], "{end:?}");
        assert_eq!(post.mails(), [1, 0, 0], "{end:?}");
    }
}

#[test]
fn stored_is_what_was_sent_with_whole_line_ends() {
    let mut post = Post::greeted();
    post.say(&format!("{ENVELOPE}DATA\r\n..a\r\n\r\nb\nc\rd\r\n.e\r\n.\r\n"));
    assert_eq!(
        post.world.stage.objects.values().next().unwrap(),
        &b".a\r\n\r\nb\r\nc\r\nd\r\ne\r\n"[..]
    );
}

#[test]
fn a_message_over_the_limit_is_read_to_its_true_end() {
    for (octets, code) in [(9_998, "250 2.1.5"), (9_999, "552 5.3.4"), (300_000, "552 5.3.4")] {
        let mut post = Post::greeted();
        let two = format!("{ENVELOPE}RCPT TO:<green@foo.edu>\r\n");
        let codes = post.codes(&format!("{two}DATA\r\n{}\r\n.\r\nNOOP\r\n", "x".repeat(octets)));
        assert_eq!(codes[4..], [code, code, "250 2.0.0"], "{octets}");
        let fed: usize = post
            .world
            .conversation(post.talk)
            .unwrap()
            .summary()
            .uploads
            .values()
            .map(Vec::len)
            .sum();
        assert!(fed <= 10_000, "{fed}");
        assert_eq!(
            post.codes(&format!("{ENVELOPE}DATA\r\n{MESSAGE}.\r\n"))[3..],
            ["250 2.1.5"]
        );
    }
}

#[test]
fn messages_that_go_in_circles() {
    for (hops, code) in [(100, "250 2.1.5"), (101, "554 5.4.6")] {
        let mut post = Post::greeted();
        let trace = "received: from a by b; Tue, 24 Nov 2026 18:33:49 +0000\r\n".repeat(hops);
        assert_eq!(
            post.codes(&format!("{ENVELOPE}DATA\r\n{trace}{MESSAGE}.\r\n"))[3..],
            [code]
        );
    }
}

#[test]
fn what_is_abandoned_is_dropped() {
    for (before, end) in [
        ("DATA\r\nhalf\r\n", ""),
        ("BDAT 4\r\nhalf", ""),
        ("BDAT 9\r\nhalf", ""),
        ("BDAT 4\r\nhalf", "QUIT\r\n"),
    ] {
        let mut post = Post::greeted();
        post.say(&format!("{ENVELOPE}{before}{end}"));
        post.world.close(post.talk);
        let dropped =
            |action: &crate::machine::Action| matches!(action, crate::machine::Action::DropUpload(_));
        let actions = post.world.conversation(post.talk).unwrap().actions();
        assert_eq!(
            (
                actions.iter().filter(|action| dropped(action)).count(),
                post.is_over()
            ),
            (1, true)
        );
        assert_eq!(post.mails(), [0, 0, 0]);
    }
}

proptest! {
    /// The number of messages accepted is the number of `CRLF.CRLF`.
    #[test]
    fn as_many_mails_as_ends(pieces in proptest::collection::vec("(\r\n\\.\r\n|\r|\n|\\.|\0|a){0,8}", 1..5)) {
        let mut post = Post::greeted();
        let mut accepted = 0;
        let mut inside = false;
        let mut stream = String::new();
        for piece in pieces {
            if !inside {
                post.say(&format!("RSET\r\n{ENVELOPE}DATA\r\n"));
                stream = "\r\n".to_owned();
            }
            stream += &piece;
            // What is behind the end are bad commands; the line end keeps them apart from the next transaction.
            inside = !stream.contains("\r\n.\r\n");
            accepted += u64::from(!inside);
            post.say(&piece);
            if !inside {
                post.say("\r\n");
            }
            prop_assume!(!post.is_over());
        }
        prop_assert_eq!(post.mails(), [accepted, 0, 0]);
    }
}

/// What RFC 5321, 4.5.2 makes of the octets behind DATA, line by line and not octet by octet: the message, and how many octets
/// it took with its end; `None` while the end has not come.
fn reference(content: &[u8]) -> Option<(Vec<u8>, usize)> {
    let text = [b"\r\n", content].concat();
    let end = text.windows(5).position(|five| five == b"\r\n.\r\n")?;
    let mut message = Vec::new();
    let mut rest = &content[..end];
    while !rest.is_empty() {
        // The octets in front of the end are whole lines.
        let at = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let line = rest[..at].strip_prefix(b".").unwrap_or(&rest[..at]);
        for &octet in line {
            match octet {
                b'\r' | b'\n' => message.extend_from_slice(b"\r\n"),
                0 => message.push(0x80),
                octet => message.push(octet),
            }
        }
        message.extend_from_slice(b"\r\n");
        rest = &rest[at + 2..];
    }
    Some((message, end + 3))
}

/// Any octets, most of them such that a lenient server would see an end in them.
fn tricky() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\r\n.\r\n".to_vec()),
        "[\r\n.\0a]{1,4}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Threats A06: in any cut, so many mails as there are `CRLF.CRLF`, and stored is the exact inverse of the stuffing.
    #[test]
    fn any_octets_in_any_cut_are_stored_alike(contents in proptest::collection::vec(tricky(), 1..4), cut in 1usize..20) {
        for read_max in [65_536, cut, 1] {
            let mut post = Post::greeted();
            post.world.set_read_max(post.talk, read_max);
            let mut expected = Vec::new();
            for content in &contents {
                post.say(&format!("{ENVELOPE}DATA\r\n"));
                let ended = reference(content);
                let taken = ended.as_ref().map_or(content.len(), |(_, taken)| *taken);
                post.world.feed(post.talk, &content[..taken]);
                let Some((message, _)) = ended else { break };
                expected.push(message);
            }
            let mut stored: Vec<_> = post.world.stage.objects.values().map(|octets| octets.to_vec()).collect();
            stored.sort();
            let count = expected.len() as u64;
            expected.sort();
            prop_assert_eq!(stored, expected);
            prop_assert_eq!(post.mails(), [count, 0, 0]);
        }
    }
}
