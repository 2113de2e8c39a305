//! Paths: the addresses of MAIL and RCPT, by hand.
//!
//! RFC 5321, 4.1.2 and 4.1.3; RFC 6531, 3.3 lets text beyond ASCII into atoms, quoted strings and domains. Whether the client
//! may use it is not decided here. Source routes are read and forgotten (RFC 5321, appendix C).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::words::{self, Reply};

/// The longest path, with its angle brackets (RFC 5321, 4.5.3.1.3).
const PATH_LEN_MAX: usize = 256;
/// The longest domain (RFC 5321, 4.5.3.1.2).
const DOMAIN_LEN_MAX: usize = 255;
/// The longest label of a domain (RFC 1035, 2.3.4).
const LABEL_LEN_MAX: usize = 63;
/// The longest local part of a recipient (RFC 5321, 4.5.3.1.1). Senders may have longer ones: VERP and SRS make them.
const LOCAL_LEN_MAX: usize = 64;

/// An address: the local part as given, the domain in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    text: String,
    local_len: usize,
}

impl Mailbox {
    fn new(local: &str, domain: &str) -> Self {
        Self {
            text: format!("{local}@{}", domain.to_lowercase()),
            local_len: local.len(),
        }
    }

    /// `local@domain`, as it is written into `Delivered-To` and the delivery key.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it can be written without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    /// The whole address as accounts are found by it: in lower case, and without quotes that are not needed
    /// (`"user"@example.com` is `user@example.com`; RFC 5321, 4.1.2).
    pub fn lookup(&self) -> String {
        self.joined(&unquoted(self.local()))
    }

    /// The address to try when the whole one is unknown: without the detail that follows the first `+` (RFC 5233, 4).
    pub fn lookup_base(&self) -> Option<String> {
        let local = unquoted(self.local());
        let (base, _) = local.split_once('+')?;
        (!base.is_empty() && is_dot_string(base)).then(|| self.joined(base))
    }

    fn local(&self) -> &str {
        self.text.get(..self.local_len).unwrap_or_default()
    }

    fn joined(&self, local: &str) -> String {
        let domain = self.text.get(self.local_len + 1..).unwrap_or_default();
        lookup(local, domain)
    }
}

/// The address of a local part without quotes and a domain, as accounts are found by it: in lower case, quoted if it has to be.
pub fn lookup(local: &str, domain: &str) -> String {
    let (local, domain) = (local.to_lowercase(), domain.to_lowercase());
    if is_dot_string(&local) {
        return format!("{local}@{domain}");
    }
    let escaped = local.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"@{domain}")
}

/// `Reverse-path = Path / "<>"`: the sender, `None` for the null path, and what follows it.
///
/// Errors: the reply to give.
pub fn reverse_path(input: &str) -> Result<(Option<Mailbox>, &str), Reply> {
    if let Some(rest) = input.strip_prefix("<>") {
        return Ok((None, rest));
    }
    let (local, domain, rest) = path(input).ok_or(words::SENDER_SYNTAX)?;
    within_limits(input, rest, domain)?;
    Ok((Some(Mailbox::new(local, domain)), rest))
}

/// `Forward-path = Path`, or `<Postmaster>`, who is at `hostname` (RFC 5321, 4.5.1); and what follows it.
///
/// Errors: the reply to give.
pub fn forward_path<'a>(input: &'a str, hostname: &str) -> Result<(Mailbox, &'a str), Reply> {
    let postmaster = "<postmaster>";
    if let Some((first, rest)) = input.split_at_checked(postmaster.len())
        && first.eq_ignore_ascii_case(postmaster)
    {
        return Ok((Mailbox::new("postmaster", hostname), rest));
    }
    let (local, domain, rest) = path(input).ok_or(words::RECIPIENT_SYNTAX)?;
    within_limits(input, rest, domain)?;
    if local.len() > LOCAL_LEN_MAX {
        return Err(words::PATH_TOO_LONG);
    }
    Ok((Mailbox::new(local, domain), rest))
}

fn within_limits(input: &str, rest: &str, domain: &str) -> Result<(), Reply> {
    let path_len = input.len() - rest.len();
    if path_len > PATH_LEN_MAX || domain.len() > DOMAIN_LEN_MAX {
        Err(words::PATH_TOO_LONG)
    } else {
        Ok(())
    }
}

/// `Path = "<" [ A-d-l ":" ] Mailbox ">"`: local part, domain, what follows.
fn path(input: &str) -> Option<(&str, &str, &str)> {
    let rest = input.strip_prefix('<')?;
    let rest = if rest.starts_with('@') {
        source_route(rest)?
    } else {
        rest
    };
    let (local, rest) = local_part(rest)?;
    let (domain, rest) = domain_or_literal(rest.strip_prefix('@')?)?;
    Some((local, domain, rest.strip_prefix('>')?))
}

/// `A-d-l = At-domain *( "," At-domain )` with its colon: only what follows it.
fn source_route(input: &str) -> Option<&str> {
    let mut rest = input;
    loop {
        let (_, after) = domain(rest.strip_prefix('@')?)?;
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return after.strip_prefix(':'),
        }
    }
}

/// `Local-part = Dot-string / Quoted-string`
fn local_part(input: &str) -> Option<(&str, &str)> {
    if input.starts_with('"') {
        return quoted_string(input);
    }
    let (local, rest) = take_while(input, |c| is_atext(c) || c == '.');
    is_dot_string(local).then_some((local, rest))
}

/// `Quoted-string = DQUOTE *QcontentSMTP DQUOTE`, with its quotes.
fn quoted_string(input: &str) -> Option<(&str, &str)> {
    let mut characters = input.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return input.split_at_checked(at + 1),
            '\\' => drop(characters.next().filter(|(_, c)| matches!(c, ' '..='~'))?),
            ' '..='~' => {}
            c if is_beyond_ascii(c) => {}
            _ => return None,
        }
    }
    None
}

/// `Domain / address-literal`
fn domain_or_literal(input: &str) -> Option<(&str, &str)> {
    if input.starts_with('[') {
        address_literal(input)
    } else {
        domain(input)
    }
}

/// `Domain = sub-domain *("." sub-domain)`, with U-labels (RFC 6531, 3.3). Underscores are let through: real names have them.
fn domain(input: &str) -> Option<(&str, &str)> {
    let (domain, rest) = take_while(input, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') || is_beyond_ascii(c)
    });
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= LABEL_LEN_MAX && !label.starts_with('-') && !label.ends_with('-')
    };
    domain.split('.').all(is_label).then_some((domain, rest))
}

/// `address-literal = "[" ( IPv4 / "IPv6:" IPv6 / tag ":" 1*dcontent ) "]"`, with its brackets (RFC 5321, 4.1.3).
fn address_literal(input: &str) -> Option<(&str, &str)> {
    let (literal, rest) = input.split_at_checked(input.find(']')? + 1)?;
    let inner = literal.strip_prefix('[')?.strip_suffix(']')?;
    let valid = match inner.split_once(':') {
        None => inner.parse::<Ipv4Addr>().is_ok(),
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6") => address.parse::<Ipv6Addr>().is_ok(),
        Some((tag, content)) => {
            let tagged = tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !tag.is_empty()
                && !tag.ends_with('-');
            tagged && !content.is_empty() && content.chars().all(|c| matches!(c, '!'..='Z' | '^'..='~'))
        }
    };
    valid.then_some((literal, rest))
}

/// Whether `name` is what a hello may give: a domain or an address literal, and nothing else (RFC 5321, 4.1.1.1).
pub fn is_host(name: &str) -> bool {
    name.len() <= DOMAIN_LEN_MAX && domain_or_literal(name).is_some_and(|(_, rest)| rest.is_empty())
}

fn is_dot_string(local: &str) -> bool {
    local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// `atext` (RFC 5322, 3.2.3), with text beyond ASCII (RFC 6532, 3.2).
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_beyond_ascii(c)
}

/// `UTF8-non-ascii`, less what would be invisible or break a line where the address is shown.
fn is_beyond_ascii(c: char) -> bool {
    !c.is_ascii()
        && !c.is_control()
        && !c.is_whitespace()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The content of a quoted string; anything else as it is.
fn unquoted(local: &str) -> String {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return local.to_owned();
    };
    let mut content = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        content.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    content
}

/// The longest beginning of `input` whose characters all are `wanted`, and the rest.
fn take_while(input: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    let end = input.find(|c| !wanted(c)).unwrap_or(input.len());
    input.split_at_checked(end).unwrap_or((input, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(input: &str) -> Result<String, Reply> {
        forward_path(input, "mx.example.com").map(|(mailbox, rest)| format!("{}|{rest}", mailbox.as_str()))
    }

    #[test]
    fn paths_that_are_right() {
        let table = [
            ("<Jones@XYZ.COM>", "Jones@xyz.com|"),
            ("<a.b+c@x.y> SIZE=1", "a.b+c@x.y| SIZE=1"),
            ("<@hosta.int,@jkl.org:userc@d.bar.org>", "userc@d.bar.org|"),
            ("<\"a \\\" b\"@x>", "\"a \\\" b\"@x|"),
            ("<\"@>\"@x>", "\"@>\"@x|"),
            ("<a@[127.0.0.1]>", "a@[127.0.0.1]|"),
            ("<a@[IPv6:2001:db8::1]>", "a@[ipv6:2001:db8::1]|"),
            ("<a@[x400:c=us]>", "a@[x400:c=us]|"),
            ("<dömi@exämple.com>", "dömi@exämple.com|"),
            ("<a@host_1.example>", "a@host_1.example|"),
            ("<PostMaster>", "postmaster@mx.example.com|"),
        ];
        for (input, expected) in table {
            assert_eq!(forward(input).as_deref(), Ok(expected), "{input}");
        }
        assert_eq!(reverse_path("<> BODY=7BIT"), Ok((None, " BODY=7BIT")));
    }

    #[test]
    fn paths_that_are_wrong() {
        let table = [
            "",
            "<",
            "<>",
            "a@b",
            "<a>",
            "<a@>",
            "<@b>",
            "<a@b",
            "<a b@c>",
            "<a@b c>",
            "<.a@b>",
            "<a.@b>",
            "<a..b@c>",
            "<\"a@b>",
            "<\"a\"b@c>",
            "<\"a\\\u{e9}\"@c>",
            "<\"a\tb\"@c>",
            "<a@-b>",
            "<a@b->",
            "<a@b..c>",
            "<a@b.>",
            "<a@[1.2.3]>",
            "<a@[1.2.3.4>",
            "<a@[IPv6:zz]>",
            "<a@[:x]>",
            "<a@[]>",
            "<@a:b>",
            "<@a,b:c@d>",
            "<@a b@c>",
            "<a\u{85}@b>",
            "<a@b\u{2028}>",
            "<a\u{202e}@b>",
            "<<a@b>>",
            "<a@b@c>",
            "<a@b\0>",
        ];
        for input in table {
            assert_eq!(forward(input), Err(words::RECIPIENT_SYNTAX), "{input}");
        }
    }

    #[test]
    fn lengths() {
        let at = |local: usize, domain: usize| {
            let label = "d".repeat(63);
            let mut name = vec![label; domain / 64].join(".");
            name.push('.');
            name.push_str(&"e".repeat(domain - name.len()));
            format!("<{}@{name}>", "l".repeat(local))
        };
        assert!(forward(&at(64, 189)).is_ok());
        assert_eq!(forward(&at(64, 190)), Err(words::PATH_TOO_LONG));
        assert_eq!(forward(&at(65, 100)), Err(words::PATH_TOO_LONG));
        assert!(reverse_path(&at(120, 133)).is_ok());
        assert_eq!(reverse_path(&at(120, 134)), Err(words::PATH_TOO_LONG));
        assert_eq!(
            forward(&format!("<a@{}>", "d".repeat(64))),
            Err(words::RECIPIENT_SYNTAX)
        );
    }

    #[test]
    fn accounts_are_found_in_lower_case_without_detail_and_needless_quotes() {
        let table = [
            (
                "<User+Detail@Example.COM>",
                "user+detail@example.com",
                Some("user@example.com"),
            ),
            ("<\"User\"@x>", "user@x", None),
            ("<\"u\\ser+d e\"@x>", "\"user+d e\"@x", Some("user@x")),
            ("<\"a\\\"b\"@x>", "\"a\\\"b\"@x", None),
            ("<+d@x>", "+d@x", None),
            ("<a+b+c@x>", "a+b+c@x", Some("a@x")),
        ];
        for (input, address, base) in table {
            let (mailbox, _) = forward_path(input, "h").unwrap();
            assert_eq!(
                (mailbox.lookup().as_str(), mailbox.lookup_base().as_deref()),
                (address, base),
                "{input}"
            );
        }
    }

    #[test]
    fn hosts() {
        assert!(
            ["a", "a.b", "[127.0.0.1]", "[IPv6:::1]", "xn--x", "ä.example"]
                .iter()
                .all(|name| is_host(name))
        );
        assert!(
            ["", "a b", "a(b", "[x", "a\r", "-"]
                .iter()
                .all(|name| !is_host(name))
        );
    }
}
