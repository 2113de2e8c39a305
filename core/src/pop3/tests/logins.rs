use super::*;
use crate::config::Plaintext;

/// Threats C02: a user that there is not is answered as a password that is wrong, by words and by work.
#[test]
fn an_unknown_user_is_no_different() {
    let mut stage = Stage::new(0);
    stage.play(
        "1C: USER user@example.com
         1S: +OK Say PASS
         1C: PASS wrong
         time 1s
         1S: -ERR [AUTH] The name or the password is wrong
         2C: USER nobody@example.com
         2S: +OK Say PASS
         2C: PASS wrong
         time 1s
         2S: -ERR [AUTH] The name or the password is wrong",
    );
    assert_eq!(
        stage.effects(),
        [
            "store.FindLogin",
            "VerifyPassword",
            "store.CountFailedLogin",
            "store.FindLogin",
            "VerifyPassword",
            "store.CountFailedLogin"
        ]
    );
}

#[test]
fn each_failure_is_answered_later_and_the_last_one_ends_it() {
    let mut stage = Stage::new(0);
    for failures in 1..=5 {
        stage.play("1C: USER user@example.com\n1S: +OK Say PASS\n1C: PASS wrong");
        stage.play(&format!("time {}s", failures - 1));
        stage.play("time 1s\n1S: -ERR [AUTH] The name or the password is wrong");
    }
    stage.play("1 over");
}

#[test]
fn a_password_may_hold_spaces_and_a_name_any_case() {
    let mut stage = Stage::new(0);
    stage.world.create_account("other@example.com", " two  words ");
    stage.play(
        "1C: user Other@Example.COM
         1S: +OK Say PASS
         1C| PASS  two  words \\r\\n
         1S: +OK 0 messages (0 octets)
         1C: QUIT
         1S: +OK Goodbye
         1 over",
    );
}

/// Threats C01 and A08.
#[test]
fn odd_credentials_are_refused_before_anything_is_asked() {
    let mut stage = Stage::new(0);
    let long = "x".repeat(256);
    stage.play(&format!(
        "1C: USER {long}
         1S: -ERR A name or a password has 1 to 255 octets
         1C: USER
         1S: -ERR An argument is missing
         1C: USER user@example.com
         1S: +OK Say PASS
         1C: PASS
         1S: -ERR An argument is missing
         1C: USER user@example.com
         1S: +OK Say PASS
         1C: PASS {long}
         1S: -ERR A name or a password has 1 to 255 octets
         1C: USER user@example.com
         1S: +OK Say PASS
         1C| PASS sec\\0ret\\r\\n
         1S: -ERR A line ends with CRLF...
         1C: PASS secret
         1S: +OK 0 messages (0 octets)",
    ));
}

#[test]
fn pass_comes_right_behind_user() {
    Stage::new(0).play(
        "1C: PASS secret
         1S: -ERR PASS comes right behind USER
         1C: USER user@example.com
         1S: +OK Say PASS
         1C: LANG en
         1S: +OK en Language is English
         1C: PASS secret
         1S: -ERR PASS comes right behind USER",
    );
}

/// Threats A03: no password is looked at that came in the clear.
#[test]
fn passwords_in_the_clear() {
    let mut stage = Stage::new(0);
    stage.settings.plaintext = Plaintext::Never;
    stage.settings.tls = true;
    stage.play(
        "1C: USER user@example.com
         1S: -ERR Passwords are taken over TLS only; say STLS first
         1C: AUTH PLAIN AHVzZXJAZXhhbXBsZS5jb20Ac2VjcmV0
         1S: -ERR Passwords are taken over TLS only; say STLS first
         1C: CAPA
         1S: +OK Capabilities follow
         1S: TOP
         1S: UIDL
         1S: RESP-CODES
         1S: AUTH-RESP-CODE
         1S: PIPELINING
         1S: EXPIRE NEVER
         1S: LOGIN-DELAY 0
         1S: UTF8
         1S: LANG
         1S: STLS
         1S: IMPLEMENTATION LightMail-...
         1S: .",
    );
    assert!(stage.effects().is_empty());
}

#[test]
fn auth() {
    for exchange in [
        "1C: AUTH PLAIN AHVzZXJAZXhhbXBsZS5jb20Ac2VjcmV0",
        "1C: auth plain
         1S: +...
         1C: AHVzZXJAZXhhbXBsZS5jb20Ac2VjcmV0",
        "1C: AUTH LOGIN
         1S: + VXNlcm5hbWU6
         1C: dXNlckBleGFtcGxlLmNvbQ==
         1S: + UGFzc3dvcmQ6
         1C: c2VjcmV0",
        "1C: AUTH PLAIN
         1S: +...
         1C: *
         1S: -ERR Given up
         1C: AUTH PLAIN !
         1S: -ERR A response is written in base64
         1C: AUTH PLAIN =
         1S: -ERR The response is not in the form...
         1C: AUTH PLAIN YQB1c2VyQGV4YW1wbGUuY29tAHNlY3JldA==
         1S: -ERR [AUTH] To act as another user...
         1C: AUTH XYZZY
         1S: -ERR There is no such mechanism
         1C: AUTH
         1S: -ERR An argument is missing
         1C: AUTH PLAIN AHVzZXJAZXhhbXBsZS5jb20Ac2VjcmV0",
    ] {
        let mut stage = Stage::new(1);
        stage.play(&format!("{exchange}\n1S: +OK 1 message (46 octets)"));
        stage.play(
            "1C: AUTH PLAIN
             1S: -ERR You have logged in already",
        );
    }
}
