//! BDAT (RFC 3030; RFC 2033, 4.3): exactly the announced octets, whatever the answer.

use super::*;

#[test]
fn the_examples_of_rfc_3030() {
    let mut post = Post::greeted();
    let text = "To: Susan@random.com\r\nFrom: Sam@random.com\r\nSubject: This is a bodyless test message\r\n";
    assert_eq!(text.len(), 86);
    assert_eq!(
        post.codes(&format!("{ENVELOPE}BDAT 86 LAST\r\n{text}")),
        ["250 2.1.0", "250 2.1.5", "250 2.1.5"]
    );
    let two = "MAIL FROM:<s@x>\r\nRCPT TO:<pat@foo.edu>\r\nRCPT TO:<green@foo.edu>\r\n";
    let (first, second) = ("a".repeat(1000), "b".repeat(324));
    let codes = post.codes(&format!(
        "{two}BDAT 1000\r\n{first}BDAT 324\r\n{second}BDAT 0 LAST\r\nQUIT\r\n"
    ));
    let chunks = ["250 2.0.0", "250 2.0.0", "250 2.1.5", "250 2.1.5", "221 2.0.0"];
    assert_eq!(
        codes,
        [&["250 2.1.0", "250 2.1.5", "250 2.1.5"], &chunks[..]].concat()
    );
    assert_eq!(
        post.uploads(),
        [text.to_owned().into_bytes(), (first + &second).into_bytes()]
    );
    assert_eq!(post.mails(), [2, 1, 0]);
}

/// Octets that would be commands or an end of DATA are neither; a NUL becomes 0x80.
#[test]
fn a_chunk_is_only_counted() {
    let mut post = Post::greeted();
    let text = "\r\n.\r\nQUIT\r\n..x\n\0";
    let codes = post.codes(&format!("{ENVELOPE}BDAT {} LAST\r\n{text}NOOP\r\n", text.len()));
    assert_eq!(codes[2..], ["250 2.1.5", "250 2.0.0"]);
    let stored = [&text.as_bytes()[..text.len() - 1], b"\x80"].concat();
    assert_eq!(*post.world.stage.objects.values().next().unwrap(), stored);
}

/// What comes before, the chunk, the replies to it and to what follows it; how many mails arrive.
#[test]
fn chunks_that_are_refused_are_read_all_the_same() {
    let nobody = "MAIL FROM:<>\r\nRCPT TO:<no@foo.edu>\r\n";
    let table: [(&str, &str, &[&str], u64); 13] = [
        ("", "BDAT 6\r\nQUIT\r\n", &["503 5.5.1"], 0),
        ("", "BDAT 6 LAST\r\nQUIT\r\n", &["503 5.5.1"], 0),
        (nobody, "BDAT 6\r\nQUIT\r\n", &["503 5.5.1"], 0),
        (nobody, "BDAT 6 LAST\r\nQUIT\r\n", &[], 0),
        (ENVELOPE, "BDAT 6 FIRST\r\nQUIT\r\n", &["501 5.5.4"], 0),
        (
            ENVELOPE,
            "BDAT 6 FIRST\r\nQUIT\r\nBDAT 0 LAST\r\n",
            &["501 5.5.4", "501 5.5.4"],
            0,
        ),
        (ENVELOPE, "BDAT 0 LAST\r\n", &["250 2.1.5"], 1),
        (
            ENVELOPE,
            "bdat  0\r\nBDAT 0  last\r\n",
            &["250 2.0.0", "250 2.1.5"],
            1,
        ),
        (
            ENVELOPE,
            "BDAT 0 LAST\r\nBDAT 6 LAST\r\nQUIT\r\n",
            &["250 2.1.5", "503 5.5.1"],
            1,
        ),
        (
            ENVELOPE,
            "BDAT 1\r\nxDATA\r\nBDAT 0 LAST\r\n",
            &["250 2.0.0", "503 5.5.1", "503 5.5.1"],
            0,
        ),
        (
            ENVELOPE,
            "BDAT 1\r\nxRCPT TO:<pat@foo.edu>\r\n",
            &["250 2.0.0", "503 5.5.1"],
            0,
        ),
        (
            ENVELOPE,
            "BDAT 1\r\nxRSET\r\nBDAT 6 LAST\r\nQUIT\r\n",
            &["250 2.0.0", "250 2.0.0", "503 5.5.1"],
            0,
        ),
        (
            ENVELOPE,
            "BDAT 1\r\nxNOOP\r\nBDAT 1 LAST\r\ny",
            &["250 2.0.0", "250 2.0.0", "250 2.1.5"],
            1,
        ),
    ];
    for (before, chunk, codes, delivered) in table {
        let mut post = Post::greeted();
        post.say(before);
        assert_eq!(post.codes(chunk), codes, "{before:?} {chunk:?}");
        assert_eq!(
            (post.is_over(), post.mails()[0]),
            (false, delivered),
            "{before:?} {chunk:?}"
        );
        assert_eq!(post.codes("VRFY x\r\n"), ["252 2.0.0"], "{before:?} {chunk:?}");
    }
}

#[test]
fn a_count_that_is_none_closes() {
    for count in [
        "",
        "-1",
        "+1",
        "x",
        "1x",
        "18446744073709551616",
        "99999999999999999999999",
    ] {
        let mut post = Post::greeted();
        post.say(ENVELOPE);
        assert_eq!(
            post.codes(&format!("BDAT {count} LAST\r\nQUIT\r\n")),
            ["501 5.5.4", "421 4.5.0"],
            "{count}"
        );
        assert!(post.is_over());
    }
}

#[test]
fn chunks_over_the_limit() {
    let mut post = Post::greeted();
    let big = "x".repeat(6000);
    let chunks = format!("BDAT 6000\r\n{big}BDAT 6000\r\n{big}BDAT 6000\r\n{big}BDAT 0 LAST\r\n");
    let codes = post.codes(&format!("{ENVELOPE}{chunks}NOOP\r\n"));
    assert_eq!(
        codes[2..],
        ["250 2.0.0", "552 5.3.4", "552 5.3.4", "552 5.3.4", "250 2.0.0"]
    );
    // Nothing is allocated or fed of what is merely announced.
    post.say(ENVELOPE);
    assert_eq!(post.say("BDAT 18446744073709551615 LAST\r\nQUIT\r\n"), "");
    assert!(!post.is_over());
    assert_eq!(post.mails(), [0, 0, 0]);
    assert!(post.world.stage.objects.is_empty());
}
