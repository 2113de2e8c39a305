//! Masks of equal length, and the words that must not come back in a server's answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What stands for each masked octet: it is an atom's, a quoted string's and base64's alike.
pub(super) const MASK: u8 = b'x';

/// Shorter secrets are not looked for in answers: they would be found in every word.
const SECRET_MIN: usize = 4;
/// So many secrets are kept.
const SECRETS_MAX: usize = 64;

/// Masks all octets but spaces and line ends.
pub(super) fn words(octets: &mut [u8]) {
    for octet in octets.iter_mut().filter(|octet| !b" \r\n".contains(octet)) {
        *octet = MASK;
    }
}

/// Masks all octets but line ends.
pub(super) fn all(octets: &mut [u8]) {
    for octet in octets.iter_mut().filter(|octet| !b"\r\n".contains(octet)) {
        *octet = MASK;
    }
}

/// A SASL exchange under way, seen from outside.
#[derive(Debug)]
pub(super) struct Sasl {
    mechanism: Vec<u8>,
    /// The server's last challenge, in base64.
    challenge: Vec<u8>,
    /// Whether the next response stands on the line of the command.
    initial: bool,
}

/// What a response tells that a replay needs.
pub(super) struct Response {
    /// The response, masked.
    pub(super) masked: Vec<u8>,
    /// The login name, where it is part of it.
    pub(super) login: Option<String>,
    /// The length of the password, where it is part of it.
    pub(super) password_len: Option<usize>,
}

/// Mechanisms whose names are shown; another word in this place may be anything.
const MECHANISMS: &[&str] = &[
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "DIGEST-MD5",
    "SCRAM-SHA-1",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS",
    "XOAUTH2",
    "OAUTHBEARER",
    "EXTERNAL",
    "ANONYMOUS",
    "GSSAPI",
    "NTLM",
];

impl Sasl {
    /// Begins an exchange; `None` for a mechanism that is not known.
    pub(super) fn new(mechanism: &[u8]) -> Option<Self> {
        let mechanism = mechanism.to_ascii_uppercase();
        let known = MECHANISMS.iter().any(|known| known.as_bytes() == mechanism);
        known.then(|| Self {
            mechanism,
            challenge: Vec::new(),
            initial: false,
        })
    }

    /// The response that comes next is an initial one.
    pub(super) fn initially(mut self) -> Self {
        self.initial = true;
        self
    }

    /// The server's next challenge, in base64.
    pub(super) fn challenge(&mut self, octets: &[u8]) {
        self.challenge = octets.to_vec();
    }

    /// Masks a response (or an initial one), without its line end. `*` and `=` stay.
    pub(super) fn respond(&mut self, response: &[u8], secrets: &mut Secrets) -> Response {
        let asks = STANDARD
            .decode(std::mem::take(&mut self.challenge))
            .unwrap_or_default();
        let initial = std::mem::take(&mut self.initial);
        let plain = |masked: Vec<u8>| Response {
            masked,
            login: None,
            password_len: None,
        };
        if matches!(response, b"*" | b"=" | b"") {
            return plain(response.to_vec());
        }
        secrets.learn(response);
        let decoded = STANDARD.decode(response).unwrap_or_default();
        let known = match &*self.mechanism {
            b"PLAIN" => plain_message(&decoded, secrets),
            // The name is what comes first, or answers the question for it; a client may send the password at any other time.
            b"LOGIN" if initial || asks.to_ascii_lowercase().starts_with(b"user") => {
                login_name(response, &decoded)
            }
            b"LOGIN" if !decoded.is_empty() => {
                secrets.learn(&decoded);
                Some(Response {
                    masked: STANDARD.encode(vec![MASK; decoded.len()]).into_bytes(),
                    login: None,
                    password_len: Some(decoded.len()),
                })
            }
            _ => None,
        };
        known
            .filter(|known| known.masked.len() == response.len())
            .unwrap_or_else(|| {
                secrets.learn(&decoded);
                plain(vec![MASK; response.len()])
            })
    }
}

/// `[authzid] NUL authcid NUL passwd` (RFC 4616, 2): the password is masked within.
fn plain_message(decoded: &[u8], secrets: &mut Secrets) -> Option<Response> {
    let parts: Vec<_> = decoded.split(|&octet| octet == 0).collect();
    let &[authzid, authcid, password] = &*parts else {
        return None;
    };
    if authcid.is_empty() || password.is_empty() {
        return None;
    }
    secrets.learn(password);
    let masked = [authzid, authcid, &vec![MASK; password.len()]].join(&0);
    Some(Response {
        masked: STANDARD.encode(masked).into_bytes(),
        login: String::from_utf8(authcid.to_vec()).ok(),
        password_len: Some(password.len()),
    })
}

fn login_name(response: &[u8], decoded: &[u8]) -> Option<Response> {
    let login = String::from_utf8(decoded.to_vec()).ok()?;
    (!login.is_empty()).then(|| Response {
        masked: response.to_vec(),
        login: Some(login),
        password_len: None,
    })
}

/// Words that were masked, to be masked again where the server repeats them.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    words: Vec<Vec<u8>>,
    /// First words of lines that were masked whole: their answers begin with them.
    tags: Vec<Vec<u8>>,
}

impl Secrets {
    /// Keeps one secret; the oldest is forgotten for it if there are too many.
    pub(super) fn learn(&mut self, secret: &[u8]) {
        if secret.len() >= SECRET_MIN {
            keep(&mut self.words, secret);
        }
    }

    /// Keeps all words of a line that is masked whole, but those that every session holds.
    pub(super) fn learn_line(&mut self, line: &[u8], known: impl Fn(&[u8]) -> bool) {
        let mut words = line
            .split(|octet| b" \r\n".contains(octet))
            .filter(|word| !word.is_empty());
        if let Some(tag) = words.next() {
            keep(&mut self.tags, tag);
            for word in std::iter::once(tag).chain(words).filter(|word| !known(word)) {
                let bare: Vec<u8> = word
                    .iter()
                    .copied()
                    .filter(|octet| !b"\"\\".contains(octet))
                    .collect();
                self.learn(&bare);
            }
        }
    }

    /// Forgets all: the log-in is over, and what was masked may be a word of a message.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Masks what a line of the server repeats, in any case.
    pub(super) fn scrub(&self, line: &mut [u8]) {
        if let Some(tag) = self.tags.iter().find(|tag| {
            line.strip_prefix(&***tag)
                .is_some_and(|rest| rest.starts_with(b" "))
        }) {
            line.iter_mut().take(tag.len()).for_each(|octet| *octet = MASK);
        }
        for word in &self.words {
            let mut from = 0;
            while let Some(at) = line.get(from..).and_then(|rest| {
                rest.windows(word.len())
                    .position(|part| part.eq_ignore_ascii_case(word))
            }) {
                line.iter_mut()
                    .skip(from + at)
                    .take(word.len())
                    .for_each(|octet| *octet = MASK);
                from += at + word.len();
            }
        }
    }
}

fn keep(words: &mut Vec<Vec<u8>>, word: &[u8]) {
    if !words.iter().any(|known| known == word) {
        if words.len() == SECRETS_MAX {
            words.remove(0);
        }
        words.push(word.to_vec());
    }
}
