//! SASL: any responses end an exchange, and nothing but a user and a password comes of it.

use lightmail_core::machine::Secret;
use lightmail_core::sasl::{FIELD_LEN_MAX, NAMES, RESPONSE_LEN_MAX, SaslStep, mechanism};
use lightmail_core::wire::base64;

use crate::cut::Cut;

/// Lines are responses, as they are and decoded from base64.
pub fn sasl(input: Cut<'_>) {
    for name in NAMES {
        for initial in [false, true] {
            exchange(name, initial, input.lines().map(<[u8]>::to_vec));
            exchange(
                name,
                initial,
                input.lines().filter_map(|line| base64::decode(line).ok()),
            );
        }
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

fn exchange(name: &str, initial: bool, mut responses: impl Iterator<Item = Vec<u8>>) {
    let Some(mut exchange) = mechanism(name) else {
        panic!("{name} is known")
    };
    let first = if initial { responses.next() } else { None };
    let mut step = exchange.begin(first.as_deref());
    for turn in 0.. {
        assert!(turn < 3, "{name} goes on and on");
        match step {
            SaslStep::Challenge(_) => match responses.next() {
                Some(response) => step = exchange.respond(&response),
                None => return,
            },
            SaslStep::Credentials {
                login,
                password: Secret(password),
            } => {
                return [login, password].iter().for_each(|field| assert_field(field));
            }
            SaslStep::Failed(_) => return,
        }
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
    let step = mechanism("plain").map(|mut plain| plain.begin(Some(message.as_bytes())));
    let credentials = SaslStep::Credentials {
        login: login.to_string(),
        password: Secret(password.to_string()),
    };
    assert_eq!(step == Some(credentials), expected, "{message:?}");
}
