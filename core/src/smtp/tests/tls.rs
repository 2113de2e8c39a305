use super::*;

fn offering_tls() -> Post {
    Post::with(Settings {
        tls: true,
        ..settings()
    })
}

#[test]
fn starttls_begins_anew() {
    let mut post = offering_tls();
    assert!(post.say(LHLO).contains("250-STARTTLS\r\n"));
    assert_eq!(post.codes(ENVELOPE), ["250 2.1.0", "250 2.1.5"]);
    assert_eq!(post.say("starttls\r\n"), "220 2.0.0 Begin TLS now\r\n");
    // RFC 3207, 4.2: neither the hello nor the envelope is known any more, and TLS is not offered again.
    assert_eq!(
        post.codes("DATA\r\nMAIL FROM:<s@x.org>\r\nSTARTTLS\r\n"),
        ["503 5.5.1"; 3]
    );
    assert!(!post.say(LHLO).contains("STARTTLS"));
    assert_eq!(post.say("STARTTLS\r\n"), "503 5.5.1 TLS has begun already\r\n");
    assert_eq!(
        post.codes(&format!("{ENVELOPE}DATA\r\n{MESSAGE}.\r\n"))[3..],
        ["250 2.1.5"]
    );
    let head = post.asked().remove(0).head;
    assert!(String::from_utf8_lossy(&head).contains(" with LMTPS\r\n"));
}

#[test]
fn starttls_in_the_midst_of_chunks_drops_them() {
    let mut post = offering_tls();
    post.say(&format!("{LHLO}{ENVELOPE}BDAT 4\r\nhalf"));
    assert_eq!(post.codes("STARTTLS\r\n"), ["220 2.0.0"]);
    assert_eq!(post.codes("BDAT 0 LAST\r\n"), ["503 5.5.1"]);
    post.world.close(post.talk);
    assert_eq!(post.mails(), [0, 0, 0]);
}

#[test]
fn where_starttls_does_not_work() {
    let mut post = Post::greeted();
    assert_eq!(post.codes("STARTTLS\r\n"), ["502 5.5.1"]);
    let mut post = offering_tls();
    assert_eq!(post.codes("STARTTLS\r\n"), ["503 5.5.1"], "before the hello");
    post.say(LHLO);
    assert_eq!(post.codes("STARTTLS now\r\n"), ["501 5.5.4"]);
    assert!(!post.is_over());
}

#[test]
fn a_handshake_that_fails_ends_the_session() {
    let mut post = offering_tls();
    post.say(&format!("{LHLO}{ENVELOPE}"));
    post.world.fail(crate::pair::Fault::before("StartTls", 1));
    assert_eq!(post.codes("STARTTLS\r\n"), ["220 2.0.0"]);
    assert!(post.is_over());
}

/// Threats A01: what stands behind STARTTLS in the same read closes the session, whether it is a command or the half of one.
#[test]
fn what_stands_behind_starttls_is_never_run() {
    for injected in ["RSET\r\n", "MA", "\r", "\r\n", "\n", "\0"] {
        let mut post = offering_tls();
        post.say(LHLO);
        assert_eq!(
            post.say(&format!("STARTTLS\r\n{injected}")),
            "421 4.7.0 Something came between STARTTLS and TLS\r\n",
            "{injected:?}"
        );
        assert!(post.is_over());
    }
}

/// The same where the read was cut anywhere: octets that still come in the clear end the session without an answer.
#[test]
fn plaintext_in_front_of_the_handshake_ends_the_session() {
    use crate::machine::{Action, Input, Machine, Step, Time};
    let read = |octets: &str| Input::Bytes {
        octets: octets.to_owned().into(),
        waited: false,
    };
    let script = "STARTTLS\r\nMAIL FROM:<evil@x>\r\n";
    for cut in 1..script.len() {
        let peer = Peer {
            address: Some([192, 0, 2, 1].into()),
            tls: None,
        };
        let settings = Settings {
            tls: true,
            ..settings()
        };
        let mut server = lmtp::session(peer, Arc::new(settings), Seed::new([1; 32]));
        let (first, second) = script.split_at(cut);
        let mut said = String::new();
        for piece in [LHLO, first, second] {
            // As a shell does: all that is to be done, and then the next read.
            while let Step::Act(action) = server.poll() {
                if let Action::Send(octets) = action {
                    said += std::str::from_utf8(&octets).unwrap();
                }
            }
            server.handle(Time::default(), read(piece));
        }
        while let Step::Act(action) = server.poll() {
            if let Action::Send(octets) = action {
                said += std::str::from_utf8(&octets).unwrap();
            }
        }
        assert!(matches!(server.poll(), Step::Over), "cut at {cut}");
        assert!(!said.contains("Sender OK"), "cut at {cut}: {said}");
    }
}
