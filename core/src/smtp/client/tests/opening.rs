//! From an address to a connection that takes mail.

use super::*;
use crate::machine::{Secret, TlsRole, Trust};

const QUIT: &str = "C: QUIT\nS: 221 bye\n";
const SEND: &str = "C: MAIL FROM:<s0@x.org>\nS: 250 ok\nC: RCPT TO:<a0@y.org>\nS: 250 ok\nC: DATA\nS: 354 go\n\
                    C: Received: x\nC: Subject: hi\nC:\nC: Hello\nC: .\nS: 250 2.0.0 taken\n";

fn play(job: Job, script: &str) -> Vec<String> {
    let mut play = Play::new(job);
    play.play(script).play("over");
    play.fates()
}

fn with(policy: TlsPolicy) -> Job {
    Job {
        tls: policy,
        ..job(&[1])
    }
}

fn with_login() -> Job {
    let login = Login {
        user: "tim".to_owned(),
        password: Secret("tanstaaftanstaaf".to_owned()),
    };
    Job {
        login: Some(login),
        ..with(TlsPolicy::Verified)
    }
}

/// RFC 5321, 3.1, 3.2 and 4.1.1.10.
#[test]
fn a_mail_is_sent() {
    let script = format!("-> 192.0.2.1\n{HELLO}S: 250 mx.example\n{SEND}{QUIT}");
    assert_eq!(play(job(&[1]), &script), ["0: delivered 250 2.0.0 taken"]);
}

/// RFC 5321, 3.2 and 4.1.4.
#[test]
fn a_server_that_does_not_know_ehlo_is_greeted_by_helo() {
    let script =
        format!("-> 192.0.2.1\n{HELLO}S: 502 what?\nC: HELO us.example\nS: 250 mx.example\n{SEND}{QUIT}");
    assert_eq!(play(job(&[1]), &script), ["0: delivered 250 2.0.0 taken"]);
}

/// RFC 5321, 5.1: each address in its turn.
#[test]
fn a_host_that_turns_mail_away_is_not_the_last() {
    for first in [
        "S: 421 busy\n",
        "S: 450 later\nC: QUIT\nS: 221 bye\n",
        "S: 554 never\nC: QUIT\nclose\n",
        "close\n",
        "S: SSH-2.0-x\n",
    ] {
        let script = format!("-> 192.0.2.1\n{first}-> 192.0.2.2\n{HELLO}S: 250 mx.example\n{SEND}{QUIT}");
        assert_eq!(
            play(job(&[1]), &script),
            ["0: delivered 250 2.0.0 taken"],
            "{first}"
        );
    }
}

/// RFC 7504, 3; RFC 5321, 3.1: only what all hosts say is the domain's word.
#[test]
fn mail_that_no_host_wants_goes_back() {
    let never = "S: 521 no mail here\nC: QUIT\nS: 221 bye\n";
    let script = format!("-> 192.0.2.1\n{never}-> 192.0.2.2\n{never}");
    assert_eq!(play(job(&[1]), &script), ["0: refused 521 no mail here"]);
    for script in [
        format!("-> 192.0.2.1\n{never}-> 192.0.2.2\nS: 450 later\n{QUIT}"),
        format!("-> 192.0.2.1\nS: 450 later\n{QUIT}-> 192.0.2.2\n{never}"),
    ] {
        assert_eq!(play(job(&[1]), &script), ["0: later 450 later"]);
    }
    let helo =
        format!("-> 192.0.2.1\n{HELLO}S: 500 a\nC: HELO us.example\nS: 550 b\n{QUIT}-> 192.0.2.2\n{never}");
    assert_eq!(play(job(&[1]), &helo), ["0: refused 521 no mail here"]);
}

#[test]
fn hosts_that_cannot_be_reached() {
    let faults = [Fault::before("Connect", 1), Fault::before("Connect", 2)];
    let mut play = Play::with(job(&[1]), b"x", &faults);
    play.play("-> 192.0.2.1\n-> 192.0.2.2\nover");
    let report = play.report();
    let [
        Told {
            fate: Fate::Later(why),
            host: Some(1),
            ..
        },
    ] = &report.done[..]
    else {
        panic!("{report:?}");
    };
    assert!(
        why.to_string()
            .starts_with("4.4.1 The server cannot be reached: "),
        "{why}"
    );
    assert_eq!(report.connections, 2);
    // What a server has said tells more.
    let mut play = Play::with(job(&[1]), b"x", &[Fault::before("Connect", 2)]);
    play.play("-> 192.0.2.1\nS: 450 later\nC: QUIT\nS: 221 bye\n-> 192.0.2.2\nover");
    assert_eq!(play.fates(), ["0: later 450 later"]);
    let nowhere = Job {
        hosts: Vec::new(),
        ..job(&[1])
    };
    assert_eq!(
        super::opening::play(nowhere, ""),
        ["0: later 4.3.2 There is no host left to try"]
    );
    assert_eq!(super::opening::play(job(&[]), ""), [""; 0]);
}

const OFFER: &str = "S: 250-mx.example\nS: 250 STARTTLS\nC: STARTTLS\n";

/// RFC 3207, 4 and 4.2: what was known before is forgotten.
#[test]
fn tls_where_it_is_offered() {
    let script =
        format!("-> 192.0.2.1\n{HELLO}{OFFER}S: 220 go\nC: EHLO us.example\nS: 250 mx.example\n{SEND}{QUIT}");
    for (policy, trust) in [
        (TlsPolicy::Opportunistic, Trust::Anybody),
        (TlsPolicy::Verified, Trust::Named),
    ] {
        let mut play = Play::new(with(policy));
        play.play(&script).play("over");
        let role = TlsRole::Client {
            name: "mx1.example".to_owned(),
            trust,
        };
        assert!(play.actions().contains(&Action::StartTls(role)));
        assert_eq!(
            play.report().tls.as_deref(),
            Some("TLSv1.3 TLS13_AES_256_GCM_SHA384")
        );
    }
    let script = format!("-> 192.0.2.1\n{HELLO}S: 250-mx.example\nS: 250 STARTTLS\n{SEND}{QUIT}");
    assert_eq!(
        play(with(TlsPolicy::Never), &script),
        ["0: delivered 250 2.0.0 taken"]
    );
}

/// RFC 8314, 3.3.
#[test]
fn tls_from_the_first_octet() {
    let mut play = Play::new(with(TlsPolicy::Implicit));
    let begun = play
        .actions()
        .iter()
        .any(|action| matches!(action, Action::StartTls(_)));
    assert!(begun, "before the greeting");
    play.play(&format!(
        "-> 192.0.2.1\n{HELLO}S: 250 mx.example\n{SEND}{QUIT}over"
    ));
    assert_eq!(play.fates(), ["0: delivered 250 2.0.0 taken"]);
}

#[test]
fn without_tls_mail_goes_in_the_clear_where_it_may() {
    let refused = format!("-> 192.0.2.1\n{HELLO}{OFFER}S: 454 broken\n{SEND}{QUIT}");
    assert_eq!(
        play(with(TlsPolicy::Opportunistic), &refused),
        ["0: delivered 250 2.0.0 taken"]
    );
    let mut failing = Play::with(
        with(TlsPolicy::Opportunistic),
        MESSAGE.as_bytes(),
        &[Fault::before("StartTls", 1)],
    );
    failing.play(&format!(
        "-> 192.0.2.1\n{HELLO}{OFFER}S: 220 go\n-> 192.0.2.1\n{HELLO}S: 250-mx.example\nS: 250 STARTTLS\n{SEND}{QUIT}over"
    ));
    assert_eq!(failing.fates(), ["0: delivered 250 2.0.0 taken"]);
}

/// RFC 3207, 4: a server that wants TLS, which was tried in vain, is no reason to send mail back.
#[test]
fn a_server_that_needs_tls_may_be_better_tomorrow() {
    let mut job = with(TlsPolicy::Opportunistic);
    job.hosts.truncate(1);
    let needed = "C: MAIL FROM:<s0@x.org>\nS: 530 5.7.0 Must issue a STARTTLS command first\n";
    let told = play(
        job.clone(),
        &format!("-> 192.0.2.1\n{HELLO}{OFFER}S: 454 broken\n{needed}{QUIT}"),
    );
    assert_eq!(told, ["0: later 530 5.7.0 Must issue a STARTTLS command first"]);
    let told = play(
        job,
        &format!("-> 192.0.2.1\n{HELLO}S: 250 mx.example\n{needed}{QUIT}"),
    );
    assert_eq!(told, ["0: refused 530 5.7.0 Must issue a STARTTLS command first"]);
}

/// RFC 8461, 4.1; RFC 3207, 4.1.
#[test]
fn without_tls_no_mail_goes_where_it_must_not() {
    let job = |hosts| Job {
        hosts,
        ..with(TlsPolicy::Verified)
    };
    let one = || job(super::job(&[]).hosts.into_iter().take(1).collect());
    let bare = format!("-> 192.0.2.1\n{HELLO}S: 250 mx.example\n{QUIT}");
    assert_eq!(
        play(one(), &bare),
        ["0: later 4.7.4 The server does not offer TLS"]
    );
    let old = format!("-> 192.0.2.1\n{HELLO}S: 500 what?\nC: HELO us.example\nS: 250 mx.example\n{QUIT}");
    assert_eq!(
        play(one(), &old),
        ["0: later 4.7.4 The server does not offer TLS"]
    );
    let refused = format!("-> 192.0.2.1\n{HELLO}{OFFER}S: 554 5.7.3 broken\n{QUIT}");
    assert_eq!(play(one(), &refused), ["0: later 554 5.7.3 broken"]);
    let mut failing = Play::with(one(), MESSAGE.as_bytes(), &[Fault::before("StartTls", 1)]);
    failing.play(&format!("-> 192.0.2.1\n{HELLO}{OFFER}S: 220 go\nover"));
    assert!(failing.fates()[0].starts_with("0: later 4.7.5 TLS has failed: "));
}

/// Threats A01, A02; RFC 3207, 6: what came before TLS is not read behind it, however it was cut.
#[test]
fn plaintext_behind_the_answer_to_starttls_ends_the_connection() {
    for injected in ["S| 220 go\\r\\n250 mx.example\\r\\n", "S| 220 go\\r\\n2"] {
        for read_max in [1, 9, 1_000] {
            let mut play = Play::new(with(TlsPolicy::Verified));
            play.world.set_read_max(play.talk, read_max);
            let host = |number: u8| format!("-> 192.0.2.{number}\n{HELLO}{OFFER}{injected}\n");
            play.play(&host(1)).play(&host(2)).play("over");
            let words = "4.7.5 TLS has failed: the server went on without it";
            assert_eq!(play.fates(), [format!("0: later {words}")]);
        }
    }
}

const SECURE: &str = "S: 220 go\nC: EHLO us.example\nS: 250-mx.example\n";
const PLAIN: &str = "C: AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\n";

/// RFC 4954, 4 and 6; RFC 4616, 4.
#[test]
fn a_user_logs_in() {
    let script = format!(
        "-> 192.0.2.1\n{HELLO}{OFFER}{SECURE}S: 250 AUTH LOGIN PLAIN\n{PLAIN}S: 235 ok\n{SEND}{QUIT}"
    );
    assert_eq!(play(with_login(), &script), ["0: delivered 250 2.0.0 taken"]);
    let login = "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dGlt\nS: 334 UGFzc3dvcmQ6\nC: dGFuc3RhYWZ0YW5zdGFhZg==\nS: 235 ok\n";
    let script = format!("-> 192.0.2.1\n{HELLO}{OFFER}{SECURE}S: 250 AUTH LOGIN\n{login}{SEND}{QUIT}");
    assert_eq!(play(with_login(), &script), ["0: delivered 250 2.0.0 taken"]);
}

/// A wrong password is not the mail's fault.
#[test]
fn a_login_that_fails_keeps_the_mail() {
    let job = || Job {
        hosts: job(&[]).hosts.into_iter().take(1).collect(),
        ..with_login()
    };
    let begin = format!("-> 192.0.2.1\n{HELLO}{OFFER}{SECURE}");
    for (end, fate) in [
        (
            format!("S: 250 AUTH PLAIN\n{PLAIN}S: 535 5.7.8 wrong\n{QUIT}"),
            "0: later 535 5.7.8 wrong",
        ),
        (
            format!("S: 250 AUTH PLAIN\n{PLAIN}S: 334 more\nC: *\nS: 501 given up\n{QUIT}"),
            "0: later 501 given up",
        ),
        (
            format!("S: 250 AUTH PLAIN\n{PLAIN}S: 334 more\nC: *\nS: 334 and more\n"),
            "0: later 4.5.0 A reply does not fit the command",
        ),
        (
            format!("S: 250 AUTH GSSAPI\n{QUIT}"),
            "0: later 4.7.4 The server offers no way to log in that is known here",
        ),
    ] {
        assert_eq!(play(job(), &format!("{begin}{end}")), [fate]);
    }
}

/// Threats A03: only who has proven its name hears a password, and this machine itself.
#[test]
fn a_password_is_kept_from_strangers() {
    for policy in [TlsPolicy::Never, TlsPolicy::Opportunistic] {
        let mut job = Job {
            tls: policy,
            ..with_login()
        };
        job.hosts.truncate(1);
        let script = format!("-> 192.0.2.1\n{HELLO}S: 250-mx.example\nS: 250 AUTH PLAIN\n{QUIT}");
        let words = "The password is not given to a server that has not proven its name over TLS";
        assert_eq!(play(job.clone(), &script), [format!("0: later 4.7.4 {words}")]);
        job.hosts[0].address = [127, 0, 0, 1].into();
        let script = format!(
            "-> 127.0.0.1\n{HELLO}S: 250-mx.example\nS: 250 AUTH PLAIN\n{PLAIN}S: 235 ok\n{SEND}{QUIT}"
        );
        assert_eq!(play(job, &script), ["0: delivered 250 2.0.0 taken"]);
    }
}
