//! Whole exchanges, those of the RFCs and those of somebody in between.

use super::{Hash, Scram, Verifier};
use crate::machine::{Exporter, Secret, Seed, TlsInfo};
use crate::sasl::{Answer, Channel, Mechanism, SaslError, SaslStep};
use crate::wire::base64;

const SALT: &[u8] = b"salt of tim";

fn tls() -> TlsInfo {
    TlsInfo {
        exporter: Some(Exporter([7; 32])),
        ..TlsInfo::default()
    }
}

fn scram(plus: bool, tls: Option<&TlsInfo>) -> Scram {
    let channel = Channel {
        tls,
        seed: &mut Seed::new([1; 32]),
        binds: tls.is_some(),
    };
    Scram::new(Hash::Sha256, plus, channel)
}

fn text(step: SaslStep) -> String {
    match step {
        SaslStep::Challenge(octets) => String::from_utf8(octets).unwrap(),
        other => panic!("no challenge but {other:?}"),
    }
}

/// What the log-in does with a proof.
fn checked(exchange: &mut Scram, step: SaslStep) -> SaslStep {
    match step {
        SaslStep::VerifyScram(proof) => exchange.answer(Answer::Signature(proof.check())),
        other => panic!("no proof but {other:?}"),
    }
}

/// A client that knows the password: its last message.
fn client(hash: Hash, first: &str, server: &str, binding: &[u8], password: &str) -> String {
    let field = |key: &str| {
        server
            .split(',')
            .find_map(|piece| piece.strip_prefix(key))
            .unwrap()
    };
    let salt = base64::decode(field("s=").as_bytes()).unwrap();
    let salted = hash.salted(password.as_bytes(), &salt, field("i=").parse().unwrap());
    let bare = first.splitn(3, ',').nth(2).unwrap();
    let without = format!("c={},r={}", base64::encode(binding), field("r="));
    let key = hash.hmac(&salted, b"Client Key");
    let signature = hash.hmac(&hash.of(&key), format!("{bare},{server},{without}").as_bytes());
    let proof: Vec<u8> = key
        .iter()
        .zip(&signature)
        .map(|(key, signature)| key ^ signature)
        .collect();
    format!("{without},p={}", base64::encode(&proof))
}

/// The examples of RFC 5802, 5 and RFC 7677, 3.
#[test]
fn examples() {
    for (hash, first, nonce, salt, server, last, signature) in [
        (
            Hash::Sha1,
            "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            "3rfcNHYJY1ZVvWVs7j",
            "QSXCR+Q6sek8bf92",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ),
        (
            Hash::Sha256,
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ),
    ] {
        let channel = Channel {
            tls: None,
            seed: &mut Seed::new([1; 32]),
            binds: false,
        };
        let mut exchange = Scram::new(hash, false, channel).with_nonce(nonce);
        let login = "user".to_owned();
        let asked = exchange.begin(Some(first.as_bytes()));
        assert_eq!(
            asked,
            SaslStep::FindVerifier {
                login: login.clone(),
                hash
            }
        );
        let salt = base64::decode(salt.as_bytes()).unwrap();
        let verifier = Verifier::derive(hash, b"pencil", &salt, 4096).to_secret();
        assert_eq!(text(exchange.answer(Answer::Verifier(verifier))), server);
        let step = exchange.respond(last.as_bytes());
        assert_eq!(text(checked(&mut exchange, step)), signature);
        assert_eq!(exchange.respond(b""), SaslStep::Proven { login });
    }
}

/// Runs an exchange up to the check; `change` has the client's last message in hand.
fn run(plus: bool, first: &str, binding: &[u8], change: impl Fn(String) -> String) -> SaslStep {
    let tls = tls();
    let mut exchange = scram(plus, Some(&tls));
    let SaslStep::FindVerifier { hash, .. } = exchange.begin(Some(first.as_bytes())) else {
        panic!("no verifier is wanted");
    };
    let verifier = Verifier::derive(hash, b"pencil", SALT, 4096).to_secret();
    let server = text(exchange.answer(Answer::Verifier(verifier)));
    let last = change(client(hash, first, &server, binding, "pencil"));
    let step = exchange.respond(last.as_bytes());
    checked(&mut exchange, step)
}

#[test]
fn who_is_bound_is_let_in() {
    let binding = [b"p=tls-exporter,,".as_slice(), &[7; 32]].concat();
    let step = run(true, "p=tls-exporter,,n=tim,r=abc", &binding, |last| last);
    assert!(text(step).starts_with("v="));
}

/// RFC 5802, 6: somebody in between has another channel.
#[test]
fn another_channel_is_refused() {
    for binding in [
        [b"p=tls-exporter,,".as_slice(), &[8; 32]].concat(),
        b"p=tls-exporter,,".to_vec(),
        b"n,,".to_vec(),
    ] {
        let step = run(true, "p=tls-exporter,,n=tim,r=abc", &binding, |last| last);
        assert_eq!(step, SaslStep::Rejected);
    }
}

#[test]
fn what_was_changed_is_refused() {
    let good = |last: String| last;
    assert!(text(run(false, "n,,n=tim,r=abc", b"n,,", good)).starts_with("v="));
    let other_header = run(false, "n,,n=tim,r=abc", b"y,,", good);
    assert_eq!(other_header, SaslStep::Rejected);
    for (from, to) in [("r=abc", "r=abd"), (",p=", "X,p="), (",p=", ",x=1,p=")] {
        let step = run(false, "n,,n=tim,r=abc", b"n,,", |last| last.replacen(from, to, 1));
        assert_eq!(step, SaslStep::Rejected, "{to}");
    }
    let short = run(false, "n,,n=tim,r=abc", b"n,,", |last| {
        format!("{},p=AAAA", last.rsplit_once(",p=").unwrap().0)
    });
    assert_eq!(short, SaslStep::Rejected);
}

/// A client's last message is good once: another exchange has another nonce.
#[test]
fn what_was_heard_is_of_no_use() {
    let mut seed = Seed::new([1; 32]);
    let verifier = Verifier::derive(Hash::Sha256, b"pencil", SALT, 4096).to_secret();
    let first = "n,,n=tim,r=abc";
    let mut heard = String::new();
    for round in 0..2 {
        let channel = Channel {
            tls: None,
            seed: &mut seed,
            binds: false,
        };
        let mut exchange = Scram::new(Hash::Sha256, false, channel);
        exchange.begin(Some(first.as_bytes()));
        let server = text(exchange.answer(Answer::Verifier(verifier.clone())));
        if round == 0 {
            heard = client(Hash::Sha256, first, &server, b"n,,", "pencil");
        }
        let step = exchange.respond(heard.as_bytes());
        let step = checked(&mut exchange, step);
        assert_eq!(matches!(step, SaslStep::Challenge(_)), round == 0, "{step:?}");
        if round == 0 {
            // Nor is it taken twice in its own exchange.
            assert_eq!(
                exchange.respond(heard.as_bytes()),
                SaslStep::Failed(SaslError::Malformed)
            );
        }
    }
}

#[test]
fn flags() {
    use SaslError::{Downgraded, NoSuchBinding};
    let tls = tls();
    let asked = |plus, tls, first: &str| scram(plus, tls).begin(Some(first.as_bytes()));
    for (plus, tls, first, error) in [
        (false, Some(&tls), "y,,n=tim,r=abc", Downgraded),
        (false, Some(&tls), "p=tls-exporter,,n=tim,r=abc", NoSuchBinding),
        (true, Some(&tls), "p=tls-unique,,n=tim,r=abc", NoSuchBinding),
        (true, Some(&tls), "n,,n=tim,r=abc", NoSuchBinding),
        (true, Some(&tls), "y,,n=tim,r=abc", NoSuchBinding),
        (true, None, "n,,n=tim,r=abc", NoSuchBinding),
        (true, None, "p=tls-exporter,,n=tim,r=abc", NoSuchBinding),
    ] {
        assert_eq!(asked(plus, tls, first), SaslStep::Failed(error), "{first}");
    }
    for (tls, first) in [(None, "y,,n=tim,r=abc"), (Some(&tls), "n,,n=tim,r=abc")] {
        assert!(
            matches!(asked(false, tls, first), SaslStep::FindVerifier { .. }),
            "{first}"
        );
    }
}

#[test]
fn a_wrong_password_and_an_invented_verifier_end_alike() {
    let mut exchange = scram(false, None);
    let first = "n,,n=tim,r=abc";
    assert_eq!(exchange.begin(None), SaslStep::Challenge(Vec::new()));
    exchange.respond(first.as_bytes());
    let invented = Verifier::invent(Hash::Sha256, "tim", &[3; 32]).to_secret();
    let server = text(exchange.answer(Answer::Verifier(invented)));
    let last = client(Hash::Sha256, first, &server, b"n,,", "pencil");
    let step = exchange.respond(last.as_bytes());
    assert_eq!(checked(&mut exchange, step), SaslStep::Rejected);
}

#[test]
fn what_comes_out_of_turn_ends_it() {
    let over = SaslStep::Failed(SaslError::Malformed);
    let mut exchange = scram(false, None);
    assert_eq!(exchange.answer(Answer::Owner(None)), over);
    let mut exchange = scram(false, None);
    exchange.begin(Some(b"n,,n=tim,r=abc"));
    assert_eq!(exchange.respond(b""), over);
    let mut exchange = scram(false, None);
    exchange.begin(Some(b"n,,n=tim,r=abc"));
    assert_eq!(exchange.answer(Answer::Verifier(Secret("?".into()))), over);
}
