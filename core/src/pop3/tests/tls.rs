use super::*;

#[test]
fn stls_begins_anew() {
    let mut stage = Stage::new(0);
    stage.settings.tls = true;
    stage.play(
        "1C: USER user@example.com
         1S: +OK Say PASS
         1C: STLS
         1S: +OK Begin TLS now
         1C: PASS secret
         1S: -ERR PASS comes right behind USER
         1C: STLS
         1S: -ERR TLS has begun already",
    );
    stage.log_in('1');
}

#[test]
fn where_there_is_no_tls() {
    Stage::new(0).play("1C: STLS\n1S: -ERR TLS is not to be had here");
    let mut stage = Stage::new(0);
    stage.settings.tls = true;
    stage.play(
        "1C: UTF8
         1S: +OK Headers come in UTF-8 now
         1C: STLS
         1S: -ERR STLS comes before UTF8",
    );
}

/// Threats A01, at every cut: what came in the clear is never run behind the handshake.
#[test]
fn what_stands_behind_stls_is_never_run() {
    let injected = b"STLS\r\nUSER x\r\n";
    for cut in 7..injected.len() {
        let mut stage = Stage::new(0);
        stage.settings.tls = true;
        let talk = stage.talk('1');
        let (now, later) = injected.split_at(cut);
        stage.world.feed(talk, now);
        stage.world.feed(talk, later);
        let said = String::from_utf8(stage.world.take(talk)).unwrap();
        assert!(!said.contains("PASS"), "{said}");
    }
    let mut stage = Stage::new(0);
    stage.settings.tls = true;
    stage.play("1C| STLS\\r\\nUS\n1S: -ERR Something came between STLS and TLS\n1 over");
}
