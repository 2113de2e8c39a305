//! AUTH as a client: PLAIN (RFC 4616) where it is offered, else LOGIN. Who could overhear is not here any more: see [`super::Login`].

use std::collections::VecDeque;

use super::job::Login;
use super::offers::Offers;
use crate::wire::base64;

/// The longest command line that every server takes, without its end (RFC 5321, 4.5.3.1.4).
const LINE_MAX: usize = 510;

/// An exchange: what is still to be said.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    responses: VecDeque<String>,
    given_up: bool,
}

impl Exchange {
    /// The command that begins it; `None`: the server offers no mechanism that we know.
    pub fn begin(login: &Login, offers: &Offers) -> Option<(String, Self)> {
        let encode = |text: &str| base64::encode(text.as_bytes());
        let (user, password) = (&login.user, &login.password.0);
        if offers.plain {
            let response = encode(&format!("\0{user}\0{password}"));
            let line = format!("AUTH PLAIN {response}");
            // A command that would be too long goes without its initial response (RFC 4954, 4).
            return Some(match line.len() <= LINE_MAX {
                true => (line, Self::default()),
                false => ("AUTH PLAIN".to_owned(), Self::of([response])),
            });
        }
        let exchange = || Self::of([encode(user), encode(password)]);
        offers.login.then(|| ("AUTH LOGIN".to_owned(), exchange()))
    }

    fn of(responses: impl Into<VecDeque<String>>) -> Self {
        let responses = responses.into();
        let given_up = false;
        Self { responses, given_up }
    }

    /// The response to a challenge. A server that wants more than there is hears a `*`, which gives up (RFC 4954, 4), and then nothing.
    pub fn respond(&mut self) -> Option<String> {
        let response = self.responses.pop_front();
        response.or_else(|| (!std::mem::replace(&mut self.given_up, true)).then(|| "*".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Secret;

    fn begin(user: &str, password: &str, offers: Offers) -> Option<Vec<String>> {
        let login = Login {
            user: user.to_owned(),
            password: Secret(password.to_owned()),
        };
        let (first, mut exchange) = Exchange::begin(&login, &offers)?;
        let rest = std::iter::from_fn(|| exchange.respond());
        Some([first].into_iter().chain(rest).collect())
    }

    #[test]
    fn exchanges() {
        let both = Offers {
            plain: true,
            login: true,
            ..Offers::default()
        };
        let login = Offers { plain: false, ..both };
        // RFC 4616, 4.
        let plain = begin("tim", "tanstaaftanstaaf", both).unwrap();
        assert_eq!(plain, ["AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "*"]);
        let long = begin("tim", &"x".repeat(400), both).unwrap();
        assert_eq!((&*long[0], &*long[2]), ("AUTH PLAIN", "*"));
        assert!(long[1].starts_with("AHRpbQB4eHh4"), "{long:?}");
        assert_eq!(
            begin("tim", "pw", login).unwrap(),
            ["AUTH LOGIN", "dGlt", "cHc=", "*"]
        );
        assert_eq!(begin("tim", "pw", Offers::default()), None);
    }
}
