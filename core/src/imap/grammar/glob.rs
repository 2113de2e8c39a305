//! The patterns of LIST and LSUB against mailbox names.

use crate::store::SEPARATOR;

/// A pattern of LIST (RFC 3501, 6.3.8): `*` stands for anything, `%` for anything within one level.
///
/// It is matched by walking the name once with the set of all places in the pattern that may have been reached, so the time
/// is the name's length times the pattern's, whatever the wildcards; there is nothing to go back to and no recursion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    /// What a name begins with.
    prefix: Vec<u8>,
    /// What follows it; begins with a wildcard unless it is empty; no two wildcards are neighbours.
    rest: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Octet(u8),
    /// `%`
    Level,
    /// `*`
    Any,
}

impl Token {
    fn is_wildcard(self) -> bool {
        !matches!(self, Token::Octet(_))
    }

    fn takes(self, octet: u8) -> bool {
        match self {
            Token::Octet(own) => own == octet,
            Token::Level => char::from(octet) != SEPARATOR,
            Token::Any => true,
        }
    }
}

impl Glob {
    /// The reference and the pattern behind it, both decoded. As INBOX is written in any case, so is a first level that says it.
    pub fn new(reference: &str, pattern: &str) -> Self {
        let mut whole = format!("{reference}{pattern}");
        let level = whole.find(SEPARATOR).unwrap_or(whole.len());
        if let Some(first) = whole
            .get_mut(..level)
            .filter(|first| first.eq_ignore_ascii_case("INBOX"))
        {
            first.make_ascii_uppercase();
        }
        let prefix_len = whole.find(['%', '*']).unwrap_or(whole.len());
        let (prefix, rest) = whole.split_at(prefix_len);
        Self {
            prefix: prefix.into(),
            rest: tokens(rest),
        }
    }

    /// Whether a canonical name matches.
    pub fn matches(&self, name: &str) -> bool {
        let Some(name) = name.as_bytes().strip_prefix(self.prefix.as_slice()) else {
            return false;
        };
        let mut reached = vec![false; self.rest.len()];
        let mut end = true;
        for (place, token) in reached.iter_mut().zip(&self.rest) {
            *place = end;
            end = end && token.is_wildcard();
        }
        for &octet in name {
            end = self.step(&mut reached, octet);
        }
        end
    }

    /// Moves every reached place over one octet of the name; whether the pattern's end is reached then. A wildcard keeps its
    /// place while it takes octets, and reaches the next one by taking none.
    fn step(&self, reached: &mut [bool], octet: u8) -> bool {
        let mut next = false;
        for (place, &token) in reached.iter_mut().zip(&self.rest) {
            let taken = *place && token.takes(octet);
            let wildcard = token.is_wildcard();
            *place = next || (wildcard && taken);
            next = if wildcard { *place } else { taken };
        }
        next
    }
}

/// A run of wildcards is one: `*` if there is a `*` in it, else `%`.
fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(pattern.len());
    for octet in pattern.bytes() {
        let token = match octet {
            b'%' => Token::Level,
            b'*' => Token::Any,
            octet => Token::Octet(octet),
        };
        match tokens.last_mut() {
            Some(last @ (Token::Level | Token::Any)) if token.is_wildcard() => {
                if token == Token::Any {
                    *last = token;
                }
            }
            _ => tokens.push(token),
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns() {
        for (reference, pattern, yes, no) in [
            ("", "*", "INBOX Sent a/b/c", ""),
            ("", "%", "INBOX Sent", "a/b a/b/c"),
            ("", "%/%", "a/b", "a a/b/c"),
            ("", "Sent", "Sent", "sent Sent/x Sen"),
            ("", "inbox", "INBOX", "INBOX/x"),
            ("", "Inbox/%", "INBOX/x", "INBOX INBOX/x/y"),
            ("", "inb*", "", "INBOX"),
            ("Sent/", "%", "Sent/2026", "Sent Sent/a/b"),
            ("Sent", "%", "Sent Sent2", "Sent/2026"),
            ("a", "*c", "ac abc a/b/c", "ab bc"),
            ("", "%c", "c abc", "a/c ab"),
            ("", "*/c", "a/c a/b/c", "c"),
            ("", "%%", "ab", "a/b"),
            ("", "%*%", "ab a/b", ""),
            ("", "*a%b", "ab xa-b x/a-b aab", "a/b xa/b"),
            ("", "*a%/b", "a/b xa1/b a/a/b", "a/c/b ab"),
            ("", "", "", "INBOX a"),
            ("", "Entwürfe%", "Entwürfe Entwürfe2", "Entwurf"),
        ] {
            let glob = Glob::new(reference, pattern);
            for name in yes.split_whitespace() {
                assert!(glob.matches(name), "{reference:?} {pattern:?} matches {name}");
            }
            for name in no.split_whitespace() {
                assert!(
                    !glob.matches(name),
                    "{reference:?} {pattern:?} does not match {name}"
                );
            }
        }
    }

    /// Where wildcards go back, these take more time than there is.
    #[test]
    fn wildcards_do_not_multiply() {
        let names: Vec<_> = (0..1000).map(|n| format!("{}{n}", "a".repeat(40))).collect();
        for wildcard in ["*a", "%a", "*a%a"] {
            let glob = Glob::new("", &format!("{}*b", wildcard.repeat(16)));
            assert!(!names.iter().any(|name| glob.matches(name)), "{wildcard}");
            assert!(glob.matches(&format!("{}b", "a".repeat(40))), "{wildcard}");
        }
    }

    /// The definition, by trying everything.
    fn by_definition(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|n| by_definition(rest, &name[n..])),
            Some((b'%', rest)) => {
                let level = name.iter().take_while(|&&octet| octet != b'/').count();
                (0..=level).any(|n| by_definition(rest, &name[n..]))
            }
            Some((octet, rest)) => name.first() == Some(octet) && by_definition(rest, &name[1..]),
        }
    }

    proptest! {
        #[test]
        fn matches_by_definition(pattern in "[ab/%*]{0,9}", name in "[ab/]{0,9}") {
            prop_assert_eq!(Glob::new("", &pattern).matches(&name), by_definition(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
