//! What the command line and the Admin API decide, without a terminal and without HTTP.

use sha2::{Digest, Sha256};

use crate::machine::{Secret, Seed, Time};
use crate::store::{MailboxName, NewAccount, NewMailbox, PasswordHashes, SpecialUse};

/// The account of the embedded default, made at the first start.
pub const FIRST_LOGIN: &str = "user@example.com";

/// The password of the first account: 80 random bits in letters and digits that nobody confuses.
pub fn first_password(seed: &mut Seed) -> Secret {
    letters(&seed.half())
}

/// An app password: 160 random bits, in the same letters and digits.
pub fn app_password(seed: &mut Seed) -> Secret {
    letters(&seed.octets())
}

/// What is stored of an app password: its SHA-256 in hexadecimal digits. It is random, so no dearer hash is needed.
pub fn app_password_hash(password: &Secret) -> Secret {
    let hash = Sha256::digest(&password.0);
    Secret(hash.iter().map(|octet| format!("{octet:02x}")).collect())
}

/// Five bits of each octet.
fn letters(octets: &[u8]) -> Secret {
    const LETTERS: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v',
        'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9',
    ];
    let letters = octets
        .iter()
        .filter_map(|octet| LETTERS.get(usize::from(octet % 32)));
    Secret(letters.collect())
}

/// Why a login name, an address or a domain is none; says what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadName(pub &'static str);

impl std::fmt::Display for BadName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// A login name is an address: `user@example.com`. It is the account's first address too.
pub fn login(given: &str) -> Result<String, BadName> {
    address(given)
}

/// An address, lower-cased.
pub fn address(given: &str) -> Result<String, BadName> {
    let address = given.to_lowercase();
    let Some((local, domain)) = address.rsplit_once('@') else {
        return Err(BadName("this is no address, such as user@example.com"));
    };
    if local.is_empty() || domain.is_empty() {
        return Err(BadName("an address has something on both sides of the @"));
    }
    if local.len() > 64 || domain.len() > 255 || address.len() > 254 {
        return Err(BadName(
            "an address has at most 64 octets before the @ and 254 in all",
        ));
    }
    if address.contains(is_odd) || local.contains('@') {
        return Err(BadName(
            "an address has no spaces, control characters, quotes, brackets, or second @",
        ));
    }
    Ok(address)
}

/// A domain, lower-cased: what stands behind the @ of addresses.
pub fn domain(given: &str) -> Result<String, BadName> {
    let domain = given.to_lowercase();
    if domain.len() > 253 || domain.contains(is_odd) || domain.contains('@') {
        return Err(BadName(
            "a domain has at most 253 octets, and no spaces, control characters, quotes, brackets, or @",
        ));
    }
    if domain.split('.').any(str::is_empty) {
        return Err(BadName("this is no domain, such as example.com"));
    }
    Ok(domain)
}

fn is_odd(c: char) -> bool {
    c.is_control() || c.is_whitespace() || "\"(),:;<>[\\]".contains(c)
}

/// A new account with INBOX and the usual special-use mailboxes (RFC 6154).
pub fn new_account(seed: &mut Seed, now: Time, login: String, password: PasswordHashes) -> NewAccount {
    let names = SpecialUse::ALL.into_iter().filter_map(|special| {
        MailboxName::new(special.default_name())
            .ok()
            .map(|name| (name, Some(special)))
    });
    let mailboxes = std::iter::once((MailboxName::inbox(), None))
        .chain(names)
        .map(|(name, special_use)| NewMailbox {
            id: seed.mailbox(),
            name,
            special_use,
            object_id: seed.half(),
        })
        .collect();
    NewAccount {
        id: seed.account(),
        login,
        password,
        quota_bytes: 0,
        mailboxes,
        at_ms: now.unix_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_addresses() {
        for (given, want) in [
            ("User@Example.COM", Some("user@example.com")),
            ("a.b+c@d", Some("a.b+c@d")),
            ("user", None),
            ("@x", None),
            ("x@", None),
            ("a b@c", None),
            ("a\n@c", None),
            ("a@b@c", None),
            ("<a@b>", None),
        ] {
            assert_eq!(login(given).ok().as_deref(), want, "{given:?}");
        }
    }

    #[test]
    fn domains_have_labels() {
        for (given, want) in [
            ("Example.COM", Some("example.com")),
            ("Ä.example", Some("ä.example")),
            ("localhost", Some("localhost")),
            ("", None),
            ("example.", None),
            (".com", None),
            ("a..b", None),
            ("user@example.com", None),
            ("a b", None),
            ("[127.0.0.1]", None),
        ] {
            assert_eq!(domain(given).ok().as_deref(), want, "{given:?}");
        }
    }

    #[test]
    fn a_first_password_is_long_plain_and_its_own() {
        let mut seed = Seed::new([1; 32]);
        let (one, other) = (first_password(&mut seed), first_password(&mut seed));
        assert_ne!(one, other);
        assert_eq!(one.0.len(), 16);
        assert!(
            one.0
                .chars()
                .all(|c| c.is_ascii_alphanumeric() && !"lo01".contains(c)),
            "{}",
            one.0
        );
    }

    #[test]
    fn an_account_has_the_usual_mailboxes() {
        let account = new_account(
            &mut Seed::new([1; 32]),
            Time::default(),
            "a@b".into(),
            Secret("h".into()).into(),
        );
        let names: Vec<_> = account
            .mailboxes
            .iter()
            .map(|mailbox| mailbox.name.as_str())
            .collect();
        assert_eq!(names, ["INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"]);
        let ids: std::collections::BTreeSet<_> = account.mailboxes.iter().map(|mailbox| mailbox.id).collect();
        assert_eq!(ids.len(), 6);
    }
}
