use std::net::IpAddr;

use super::*;
use crate::config::Plaintext;
use crate::machine::{Action, Done, Input, Machine, Step, Time, TlsInfo, Verdict};
use crate::pair::Fault;
use crate::store::{
    Access, Budget, LoginAccount, LoginFound, PasswordHashes, Refusal, Reply, ScramVerifiers,
};

const ALL: &str = "IMAP4rev1 LITERAL+ ID NAMESPACE UNSELECT CHILDREN LIST-EXTENDED SPECIAL-USE UIDPLUS MOVE IDLE \
    ENABLE CONDSTORE QRESYNC MULTIAPPEND BINARY SAVEDATE OBJECTID PREVIEW ESEARCH WITHIN LIST-STATUS \
     STATUS=SIZE UNAUTHENTICATE COMPRESS=DEFLATE APPENDLIMIT=52428800";

#[test]
fn the_greeting_and_capabilities_say_what_works() {
    Stage::new().play(&format!(
        "1S: * OK [CAPABILITY IMAP4rev1 LITERAL+ ID SASL-IR AUTH=PLAIN AUTH=LOGIN] localhost LightMail ready
         1C: a CAPABILITY
         1S: * CAPABILITY IMAP4rev1 LITERAL+ ID SASL-IR AUTH=PLAIN AUTH=LOGIN
         1S: a OK CAPABILITY completed
         1C: b LOGIN user@example.com secret
         1S: b OK [CAPABILITY {ALL}] Logged in
         1C: c CAPABILITY
         1S: * CAPABILITY {ALL}
         1S: c OK CAPABILITY completed
         1C: d LOGIN user@example.com secret
         1S: d BAD You have logged in already
         1C: e LOGOUT
         1S: * BYE Logging out
         1S: e OK LOGOUT completed
         1 over"
    ));
}

#[test]
fn a_name_is_taken_in_any_case_and_as_any_string() {
    Stage::new().play(
        r#"1C: a LOGIN "User@Example.COM" {6}
           1S: + Ready for the literal
           1C: secret
           1S: a OK ... Logged in"#,
    );
    Stage::new().play(
        r#"1C| a LOGIN {16+}\r\nuser@example.com {6+}\r\nsecret\r\n
           1S: a OK ... Logged in"#,
    );
}

#[test]
fn unknown_wrong_and_disabled_are_the_same() {
    let mut stage = Stage::new();
    stage.play(
        "1C: a LOGIN nobody@example.com secret
         time 1s
         1S: a NO [AUTHENTICATIONFAILED] The name or the password is wrong
         1C: b LOGIN user@example.com wrong
         time 1s
         time 1s
         1S: b NO [AUTHENTICATIONFAILED] The name or the password is wrong",
    );
    // The same questions, and the same work.
    let each = ["store.FindLogin", "VerifyPassword", "store.CountFailedLogin"];
    assert_eq!(stage.effects(), [each, each].concat());
}

#[test]
fn a_failed_log_in_is_answered_late_and_not_for_ever() {
    let mut stage = Stage::new();
    stage.settings.login_time_ms = 60_000;
    for seconds in 1..5 {
        stage.play("1C: a LOGIN user@example.com wrong");
        for _ in 1..seconds {
            stage.play("time 1s");
        }
        stage.play("time 1s\n1S: a NO [AUTHENTICATIONFAILED] ...");
    }
    stage.play(
        "1C: a LOGIN user@example.com wrong
         time 5s
         1S: * BYE Too many failed log-ins
         1S: a NO [AUTHENTICATIONFAILED] ...
         1 over",
    );
}

/// Threats C15, B17: nothing is checked, and it is not said that the password is wrong.
#[test]
fn after_too_many_wrong_passwords_none_is_checked() {
    let mut stage = Stage::new();
    stage.settings.attempts_per_minute = 1;
    stage.play(
        "1C: a LOGIN user@example.com wrong
         time 1s
         1S: a NO [AUTHENTICATIONFAILED] ...
         2C: a LOGIN User@Example.COM secret
         time 1s
         2S: a NO [UNAVAILABLE] Too many wrong passwords, try again later
         time 1m
         3C: a LOGIN user@example.com secret
         3S: a OK ...
         1S: * BYE ...
         2S: * BYE ...",
    );
    let checked = stage
        .effects()
        .iter()
        .filter(|effect| **effect == "VerifyPassword")
        .count();
    assert_eq!(checked, 2);
}

#[test]
fn nothing_is_read_while_the_answer_is_held_back() {
    let mut stage = Stage::new();
    stage.play(
        "1C| a LOGIN user@example.com wrong\\r\\nb LOGIN user@example.com secret\\r\\n
         time 1s
         1S: a NO [AUTHENTICATIONFAILED] ...
         1S: b OK ...",
    );
}

#[test]
fn passwords_do_not_travel_in_the_clear() {
    let mut stage = Stage::new();
    stage.settings.plaintext = Plaintext::Never;
    stage.settings.tls = true;
    stage.play(
        "1S: * OK [CAPABILITY IMAP4rev1 LITERAL+ ID STARTTLS SASL-IR LOGINDISABLED] ...
         1C: a LOGIN user@example.com secret
         1S: a NO [PRIVACYREQUIRED] Passwords are taken over TLS only
         1C: b AUTHENTICATE PLAIN AHVzZXJAZXhhbXBsZS5jb20Ac2VjcmV0
         1S: b NO [PRIVACYREQUIRED] Passwords are taken over TLS only",
    );
    assert!(stage.effects().is_empty(), "a password was checked");
    stage.play(
        "1C: c STARTTLS
         1S: c OK Begin TLS now
         1C: d CAPABILITY
         1S: * CAPABILITY IMAP4rev1 LITERAL+ ID SASL-IR AUTH=PLAIN AUTH=LOGIN
         1S: d OK CAPABILITY completed
         1C: e STARTTLS
         1S: e BAD TLS has begun already
         1C: f LOGIN user@example.com secret
         1S: f OK [CAPABILITY ...",
    );
}

#[test]
fn other_machines_need_tls_unless_the_operator_says_otherwise() {
    let remote = Some("192.0.2.1".parse().unwrap());
    for (plaintext, tls, allowed) in [
        (Plaintext::Loopback, false, false),
        (Plaintext::Loopback, true, true),
        (Plaintext::Never, true, true),
        (Plaintext::Always, false, true),
    ] {
        let mut stage = Stage::new();
        stage.settings.plaintext = plaintext;
        stage.peer = Peer {
            address: remote,
            tls: tls.then(TlsInfo::default),
        };
        let answer = if allowed {
            "a OK ..."
        } else {
            "a NO [PRIVACYREQUIRED] ..."
        };
        stage.play(&format!("1C: a LOGIN user@example.com secret\n1S: {answer}"));
    }
}

#[test]
fn starttls_without_tls_is_refused() {
    Stage::new().play("1C: a STARTTLS\n1S: a BAD TLS is not to be had here");
}

/// RFC 3501, 6.2.1; NO STARTTLS.
#[test]
fn what_is_sent_behind_starttls_is_not_run() {
    let mut stage = Stage::new();
    stage.settings.tls = true;
    stage.play(
        "1C| a STARTTLS\\r\\nb LOGIN user@example.com secret\\r\\n
         1S: * BYE Something came between STARTTLS and TLS
         1 over",
    );
    assert!(stage.effects().is_empty());
}

#[test]
fn authenticate_plain_and_login() {
    for transcript in [
        "1C: a AUTHENTICATE PLAIN AHVzZXJAZXhhbXBsZS5jb20Ac2VjcmV0
         1S: a OK [CAPABILITY ...",
        "1C: a authenticate plain
         1S: + ...
         1C: AHVzZXJAZXhhbXBsZS5jb20Ac2VjcmV0
         1S: a OK [CAPABILITY ...",
        "1C: a AUTHENTICATE LOGIN
         1S: + VXNlcm5hbWU6
         1C: dXNlckBleGFtcGxlLmNvbQ==
         1S: + UGFzc3dvcmQ6
         1C: c2VjcmV0
         1S: a OK [CAPABILITY ...",
        "1C: a AUTHENTICATE PLAIN
         1S: + ...
         1C: *
         1S: a BAD Given up
         1C: b NOOP
         1S: b OK NOOP completed",
        "1C: a AUTHENTICATE PLAIN
         1S: + ...
         1C: !!!
         1S: a BAD A response is written in base64",
        "1C: a AUTHENTICATE GSSAPI
         1S: a NO [CANNOT] There is no such mechanism",
        "1C: a AUTHENTICATE PLAIN AHVzZXJAZXhhbXBsZS5jb20Ad3Jvbmc=
         time 1s
         1S: a NO [AUTHENTICATIONFAILED] The name or the password is wrong",
    ] {
        Stage::new().play(transcript);
    }
}

#[test]
fn a_store_that_is_away_is_no_wrong_password() {
    for effect in ["store.FindLogin", "VerifyPassword", "TakePlace"] {
        let mut stage = Stage::new();
        stage.world.fail(Fault::timeout(effect, 1));
        stage.play(
            "1C: a LOGIN user@example.com secret
             1S: a NO [UNAVAILABLE] Not possible now, try again later
             1C: b LOGIN user@example.com secret
             1S: b OK ...",
        );
    }
}

#[test]
fn only_what_the_operator_wants_is_offered() {
    let mut stage = Stage::new();
    stage.settings.mechanisms = vec!["PLAIN".to_owned()];
    stage.play(
        "1S: * OK [CAPABILITY IMAP4rev1 LITERAL+ ID SASL-IR AUTH=PLAIN] ...
         1C: a AUTHENTICATE LOGIN
         1S: a NO [CANNOT] There is no such mechanism",
    );
}

/// Threats C15: tries that the store had not counted when it was asked are told as those that it had.
#[test]
fn who_is_throttled_late_is_told_the_same() {
    let mut stage = Stage::new();
    stage.world.throttle(1500);
    stage.play(
        "1C: a LOGIN user@example.com secret
         time 1s
         1S: a NO [UNAVAILABLE] Too many wrong passwords, try again later
         1C: b LOGIN user@example.com secret
         1S: b OK ...",
    );
}

/// RFC 5530, 3 (LIMIT): the password is right, and the session goes on.
#[test]
fn an_account_has_so_many_sessions() {
    let mut stage = Stage::new();
    stage.world.fail(Fault {
        failure: Refusal::Limit(Budget::Connections).into(),
        ..Fault::before("TakePlace", 1)
    });
    stage.play(
        "1C: a LOGIN user@example.com secret
         1S: a NO [LIMIT] The account has too many connections, close one and try again
         1C: b SELECT INBOX
         1S: b BAD ...
         1C: c LOGIN user@example.com secret
         1S: c OK ...",
    );
}

/// What is answered to the right password of an account.
fn answer_to_right_password(access: Access, address: Option<IpAddr>) -> Vec<Action> {
    let settings = Settings {
        plaintext: Plaintext::Always,
        ..Settings::default()
    };
    let mut session = Session::new(
        Peer { address, tls: None },
        Arc::new(settings),
        Seed::new([1; 32]),
    );
    let hash = |text: &str| crate::machine::Secret(text.into());
    let account = LoginAccount {
        id: AccountId(1),
        access,
        password: PasswordHashes {
            bcrypt: hash("hash"),
            scram: Some(ScramVerifiers {
                sha256: hash("a"),
                sha1: hash("b"),
            }),
        },
        app_passwords: Vec::new(),
    };
    let found = Done::Reply(Reply::LoginFound(LoginFound {
        account: Some(account),
        wait_ms: 0,
    }));
    let now = Time::default();
    let (last, last_question) = match access.admits(&Peer { address, tls: None }) {
        true => (Done::PlaceTaken, "TakePlace"),
        false => (Done::Reply(Reply::FailedLoginCounted), "store.CountFailedLogin"),
    };
    drain(&mut session);
    session.handle(
        now,
        Input::Bytes {
            octets: "a LOGIN a@b right\r\n".into(),
            waited: true,
        },
    );
    for (answer, question) in [
        (found, "store.FindLogin"),
        (Done::Verified(Verdict::Password), "VerifyPassword"),
        (last, last_question),
    ] {
        let asked = drain(&mut session);
        if let [Action::Send(_)] = &asked[..] {
            return asked;
        }
        let [Action::Do(token, effect)] = &asked[..] else {
            panic!("{asked:?}")
        };
        assert_eq!(effect.name(), question);
        session.handle(now, Input::Outcome(*token, Ok(answer)));
    }
    let mut said = drain(&mut session);
    session.handle(
        Time {
            mono_ms: 1000,
            unix_ms: 0,
        },
        Input::Tick,
    );
    said.extend(drain(&mut session));
    said
}

/// A disabled account with the right password: the same words, later, as with a wrong one. So is one whose password
/// everybody can read, for those who come from elsewhere.
#[test]
fn an_account_logs_in_from_where_it_may() {
    let refused = "a NO [AUTHENTICATIONFAILED] The name or the password is wrong\r\n";
    let (here, there) = (Some([127, 0, 0, 1].into()), Some([192, 0, 2, 1].into()));
    for (access, address) in [
        (Access::Nowhere, here),
        (Access::Nowhere, there),
        (Access::Local, there),
    ] {
        let said = answer_to_right_password(access, address);
        assert_eq!(said, [Action::Send(refused.into())], "{access:?} {address:?}");
    }
    for (access, address) in [
        (Access::Local, here),
        (Access::Local, None),
        (Access::Anywhere, there),
    ] {
        let said = format!("{:?}", answer_to_right_password(access, address));
        assert!(said.contains("a OK"), "{access:?} {address:?}: {said}");
    }
}

fn drain(session: &mut Session) -> Vec<Action> {
    std::iter::from_fn(|| match session.poll() {
        Step::Act(action) => Some(action),
        _ => None,
    })
    .collect()
}

/// A shell that has octets left at the switch owes us not to give them; if it does, they are not run.
#[test]
fn octets_in_front_of_tls_end_the_session() {
    let peer = Peer {
        address: None,
        tls: None,
    };
    let settings = Settings {
        tls: true,
        ..Settings::default()
    };
    let mut session = Session::new(peer, Arc::new(settings), Seed::new([1; 32]));
    let mut say = |text: &'static str| {
        let octets = text.into();
        session.handle(Time::default(), Input::Bytes { octets, waited: true });
        while let Step::Act(_) = session.poll() {}
        session.poll()
    };
    assert!(matches!(say("a STARTTLS\r\n"), Step::Wait { bytes: false, .. }));
    assert_eq!(say("b LOGIN user@example.com secret\r\n"), Step::Over);
}
