//! SASL: any messages end an exchange, nothing but a name, a password, a proof or a token comes of it, and a record's mask changes no turn.

use lightmail_core::machine::{Exporter, Secret, Seed, TlsInfo};
use lightmail_core::sasl::scram::Verifier;
use lightmail_core::sasl::{
    Answer, Channel, FIELD_LEN_MAX, Kind, Mechanism, Plain, RESPONSE_LEN_MAX, SaslStep, mask, mechanism,
};
use lightmail_core::wire::base64;

use crate::cut::Cut;

/// Lines are messages, as they are and decoded from base64.
pub fn sasl(input: Cut<'_>) {
    for kind in Kind::ALL {
        for initial in [false, true] {
            exchange(kind, initial, input.lines().map(<[u8]>::to_vec));
            exchange(
                kind,
                initial,
                input.lines().filter_map(|line| base64::decode(line).ok()),
            );
        }
        input.lines().for_each(|line| masked(kind, line));
    }
    if let Ok(octets) = base64::decode(input.octets) {
        assert_eq!(
            base64::encode(&octets).as_bytes(),
            input.octets,
            "a second spelling"
        );
    }
    assert_eq!(
        base64::decode(base64::encode(input.octets).as_bytes()).as_deref(),
        Ok(input.octets)
    );
    plain(input);
}

/// A connection that has all that a mechanism may want.
fn fresh(kind: Kind) -> Box<dyn Mechanism> {
    let tls = TlsInfo {
        exporter: Some(Exporter([7; 32])),
        identities: vec!["tim@example.com".into()],
        ..TlsInfo::default()
    };
    let channel = Channel {
        tls: Some(&tls),
        seed: &mut Seed::new([1; 32]),
        binds: true,
    };
    mechanism(kind, channel)
}

/// What the heap is measured on: each mechanism is given the lines as its messages.
pub fn exchanges(octets: &[u8]) {
    for kind in Kind::ALL {
        exchange(
            kind,
            true,
            octets.split(|octet| *octet == b'\n').map(<[u8]>::to_vec),
        );
    }
}

fn exchange(kind: Kind, initial: bool, mut responses: impl Iterator<Item = Vec<u8>>) {
    let mut exchange = fresh(kind);
    let first = if initial { responses.next() } else { None };
    let mut step = exchange.begin(first.as_deref());
    for turn in 0.. {
        assert!(turn < 7, "{} goes on and on", kind.name());
        step = match step {
            SaslStep::Challenge(_) => match responses.next() {
                Some(response) => exchange.respond(&response),
                None => return,
            },
            SaslStep::FindVerifier { login, hash } => {
                assert_field(&login);
                exchange.answer(Answer::Verifier(
                    Verifier::invent(hash, &login, &[3; 32]).to_secret(),
                ))
            }
            SaslStep::VerifyScram(proof) => {
                let signature = proof.check();
                assert!(signature.is_none(), "a proof without a password");
                exchange.answer(Answer::Signature(signature))
            }
            SaslStep::VerifyToken { login, token } => {
                login.iter().for_each(|login| assert_field(login));
                assert!(token.0.is_ascii() && !token.0.is_empty() && token.0.len() <= RESPONSE_LEN_MAX);
                exchange.answer(Answer::Owner(login.filter(|login| login.len() % 2 == 0)))
            }
            SaslStep::Credentials {
                login,
                password: Secret(password),
            } => {
                return [login, password].iter().for_each(|field| assert_field(field));
            }
            SaslStep::Proven { login } => return assert_field(&login),
            SaslStep::Rejected | SaslStep::Failed(_) => return,
        };
    }
}

/// Masked messages are as long and take the same turn; what is masked twice stays.
fn masked(kind: Kind, message: &[u8]) {
    let mut left = message.to_vec();
    mask(kind, &mut left);
    assert_eq!(left.len(), message.len());
    let mut again = left.clone();
    mask(kind, &mut again);
    assert_eq!(again, left, "{}", kind.name());
    // EXTERNAL's names are in the record, so those are not masked at all; LOGIN refuses by length and NUL only.
    if kind != Kind::External && message.len() <= FIELD_LEN_MAX {
        let turn = |message: &[u8]| std::mem::discriminant(&fresh(kind).begin(Some(message)));
        assert_eq!(
            turn(message),
            turn(&left),
            "{}: {}",
            kind.name(),
            message.escape_ascii()
        );
    }
}

fn assert_field(field: &str) {
    assert!(
        (1..=FIELD_LEN_MAX).contains(&field.len()) && !field.contains('\0'),
        "{field:?}"
    );
}

/// Two lines as PLAIN writes them are the user and the password.
fn plain(input: Cut<'_>) {
    let lines: Vec<_> = input.lines().take(2).map(String::from_utf8_lossy).collect();
    let [login, password] = lines.as_slice() else {
        return;
    };
    let fits = |field: &&str| (1..=FIELD_LEN_MAX).contains(&field.len()) && !field.contains('\0');
    let message = format!("\0{login}\0{password}");
    let expected = [login.as_ref(), password.as_ref()].iter().all(fits) && message.len() <= RESPONSE_LEN_MAX;
    let step = Plain.begin(Some(message.as_bytes()));
    let credentials = SaslStep::Credentials {
        login: login.to_string(),
        password: Secret(password.to_string()),
    };
    assert_eq!(step == credentials, expected, "{message:?}");
}
