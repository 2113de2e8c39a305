//! Values with parameters: Content-Type and Content-Disposition (RFC 2045, 5.1; RFC 2183; RFC 2231).

use super::text::{decode_charset, decode_unlabelled};

/// Parameters of one field that are looked at.
const COUNT: usize = 64;
/// Octets of the value in front of the parameters that are looked at: more than two tokens may have.
const HEAD_OCTETS: usize = 1 << 10;
/// Octets of one field's parameters together, once joined.
const OCTETS: usize = 16 << 10;

/// Name in lower case and value.
pub type Parameter = (String, Vec<u8>);

/// The value of a field, in lower case, and its parameters.
///
/// Continued parameters (`name*0`, `name*1*`, …) are joined, as RFC 2231, 6 asks of an IMAP server. One that has a charset
/// keeps its encoded form and the `*` at its name; [`parameter`] decodes it.
pub fn parse(value: &[u8]) -> (String, Vec<Parameter>) {
    let mut input = Input { rest: value };
    let head = input.token(b";");
    let mut raw = Vec::new();
    let mut octets = 0;
    while raw.len() < COUNT && !input.rest.is_empty() {
        let mut name = input.token(b";=");
        name.make_ascii_lowercase();
        let text = if input.skip(b'=') {
            input.value()
        } else {
            Vec::new()
        };
        octets += name.len() + text.len();
        if octets > OCTETS {
            break;
        }
        // A name in another charset than UTF-8 is nothing that anybody asks for.
        if let Some(name) = String::from_utf8(name).ok().filter(|name| !name.is_empty()) {
            raw.push((name, text));
        }
        input.skip(b';');
    }
    let head = head.get(..HEAD_OCTETS).unwrap_or(&head).to_ascii_lowercase();
    (String::from_utf8_lossy(&head).into_owned(), join(raw))
}

/// The decoded value of the parameter `name` (in lower case): `name*` if it is there, else `name`, whose encoded words are
/// decoded too because many mailers put them there.
pub fn parameter(params: &[Parameter], name: &str) -> Option<String> {
    decoded(
        params.iter().map(|(key, value)| (key.as_str(), value.as_slice())),
        name,
    )
}

/// [`parameter`] among any names and values.
pub(super) fn decoded<'a>(
    mut params: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    name: &str,
) -> Option<String> {
    let extended = params
        .clone()
        .find(|(key, _)| key.strip_suffix('*') == Some(name));
    if let Some((_, value)) = extended {
        return Some(decode_extended(value));
    }
    let plain = params.find(|(key, _)| *key == name);
    plain.map(|(_, value)| super::encoded_word::decode(value))
}

/// Whether [`parameter`] finds something.
pub(super) fn stands_in<'a>(mut params: impl Iterator<Item = (&'a str, &'a [u8])>, name: &str) -> bool {
    params.any(|(key, _)| key.strip_suffix('*').unwrap_or(key) == name)
}

/// `charset'language'percent-encoded` (RFC 2231, 4); without the quotes, the whole is taken for text.
fn decode_extended(value: &[u8]) -> String {
    let mut fields = value.splitn(3, |&octet| octet == b'\'');
    match (fields.next(), fields.next(), fields.next()) {
        (Some(charset), Some(_), Some(text)) => decode_charset(charset, &percent_decoded(text)).into_owned(),
        _ => decode_unlabelled(&percent_decoded(value)).into_owned(),
    }
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let hex = |octet: u8| (octet as char).to_digit(16);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let pair = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match pair {
            Some((high, low)) => {
                out.push((high << 4 | low) as u8);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}

/// One segment of a continued parameter.
struct Segment {
    base: String,
    number: u32,
    encoded: bool,
    text: Vec<u8>,
}

impl Segment {
    /// Splits `base*number` or `base*number*`; gives back what is no segment.
    fn new((name, text): Parameter) -> Result<Segment, Parameter> {
        let (stem, encoded) = match name.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (name.as_str(), false),
        };
        let split = stem
            .rsplit_once('*')
            .and_then(|(base, number)| Some((base, number.parse().ok()?)));
        match split {
            Some((base, number)) => Ok(Segment {
                base: base.to_owned(),
                number,
                encoded,
                text,
            }),
            None => Err((name, text)),
        }
    }
}

/// Joins the segments of each parameter at the place of its first one. A gap in the numbers ends it; segments without a
/// beginning are dropped. At most 64 names go in, so comparing all with all is bounded.
fn join(raw: Vec<Parameter>) -> Vec<Parameter> {
    let mut out = Vec::with_capacity(raw.len());
    let mut segments = Vec::new();
    for parameter in raw {
        match Segment::new(parameter) {
            Err(plain) => out.push(plain),
            Ok(segment) => {
                if segment.number == 0 {
                    out.push((segment.base.clone(), Vec::new()));
                }
                segments.push(segment);
            }
        }
    }
    segments.sort_by_key(|segment| segment.number);
    for (name, value) in &mut out {
        let own = segments.extract_if(.., |segment| segment.base == *name);
        let own: Vec<Segment> = (0u32..)
            .zip(own)
            .take_while(|(n, s)| *n == s.number)
            .map(|(_, s)| s)
            .collect();
        let encoded = own.iter().any(|segment| segment.encoded);
        own.iter().for_each(|segment| append(value, segment, encoded));
        if encoded {
            name.push('*');
        }
    }
    out
}

/// Adds a segment's text. Plain segments of an encoded value are encoded, so that the whole decodes as one.
fn append(value: &mut Vec<u8>, segment: &Segment, encoded: bool) {
    if segment.encoded || !encoded {
        return value.extend_from_slice(&segment.text);
    }
    if segment.number == 0 {
        value.extend_from_slice(b"''");
    }
    for &octet in &segment.text {
        match octet {
            b'%' | b'\'' | ..=b' ' | 0x7f.. => value.extend(format!("%{octet:02X}").bytes()),
            _ => value.push(octet),
        }
    }
}

/// What is left of a value.
struct Input<'a> {
    rest: &'a [u8],
}

impl Input<'_> {
    /// Takes octets up to one of `stops`, without space and comments.
    fn token(&mut self, stops: &[u8]) -> Vec<u8> {
        let mut token = Vec::new();
        while let Some((&first, tail)) = self.rest.split_first() {
            match first {
                _ if stops.contains(&first) => break,
                b'(' => self.comment(),
                _ => {
                    token.push(first);
                    self.rest = tail;
                }
            }
        }
        token.retain(|octet| !matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | 0 | b'"'));
        token
    }

    /// Takes a value: a quoted string, or whatever stands before the next semicolon, inner spaces included.
    fn value(&mut self) -> Vec<u8> {
        self.rest = self.rest.trim_ascii_start();
        if self.skip(b'"') {
            let quoted = self.quoted();
            self.token(b";");
            return quoted;
        }
        let mut value = Vec::new();
        while let Some((&first, tail)) = self.rest.split_first() {
            match first {
                b';' => break,
                b'(' => self.comment(),
                b'\r' | b'\n' | 0 => self.rest = tail,
                _ => {
                    value.push(first);
                    self.rest = tail;
                }
            }
        }
        value.trim_ascii().to_vec()
    }

    /// Takes a quoted string whose first quote is gone; one that is never closed goes to the end.
    fn quoted(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        while let Some((&first, tail)) = self.rest.split_first() {
            self.rest = tail;
            match (first, tail.split_first()) {
                (b'"', _) => break,
                (b'\\', Some((&second, tail))) => {
                    text.push(second);
                    self.rest = tail;
                }
                (b'\r' | b'\n' | 0, _) => {}
                _ => text.push(first),
            }
        }
        text
    }

    /// Passes over a comment, counting those inside.
    fn comment(&mut self) {
        let mut depth = 0usize;
        while let Some((&first, tail)) = self.rest.split_first() {
            self.rest = tail;
            match first {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => self.rest = tail.get(1..).unwrap_or_default(),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }

    /// Takes one octet if it is the next after space.
    fn skip(&mut self, octet: u8) -> bool {
        let next = self.rest.trim_ascii_start().split_first();
        match next {
            Some((&first, tail)) if first == octet => {
                self.rest = tail;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, head: &str, expected: &[(&str, &str)]) {
        let (got, params) = parse(value.as_bytes());
        let params: Vec<_> = params
            .iter()
            .map(|(n, v)| (n.as_str(), str::from_utf8(v).unwrap()))
            .collect();
        assert_eq!((got.as_str(), params.as_slice()), (head, expected), "{value}");
    }

    fn decoded(value: &str, name: &str) -> String {
        parameter(&parse(value.as_bytes()).1, name).unwrap()
    }

    #[test]
    fn parameters_as_written() {
        check(
            "text/plain; charset=us-ascii (Plain text)",
            "text/plain",
            &[("charset", "us-ascii")],
        );
        check(
            "text/plain; charset=\"us-ascii\"",
            "text/plain",
            &[("charset", "us-ascii")],
        );
        check(
            "TEXT / Plain ;Charset = X ; ;Name=\"a;\\\"b\\\"\"",
            "text/plain",
            &[("charset", "X"), ("name", "a;\"b\"")],
        );
        check(
            "attachment; filename=my file.txt",
            "attachment",
            &[("filename", "my file.txt")],
        );
        check("a/b; c=d=e; f", "a/b", &[("c", "d=e"), ("f", "")]);
        check("a/b; c=\"open", "a/b", &[("c", "open")]);
        check("a/b; c=\"x\"junk; d=1", "a/b", &[("c", "x"), ("d", "1")]);
        check("(((", "", &[]);
        check("", "", &[]);
    }

    /// RFC 2231, 3, 4 and 4.1.
    #[test]
    fn continuations_and_charsets() {
        check(
            "message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
            "message/external-body",
            &[
                ("access-type", "URL"),
                ("url", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"),
            ],
        );
        let fun = "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A";
        assert_eq!(decoded(fun, "title"), "This is ***fun***");
        let long = "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"";
        check(
            long,
            "application/x-stuff",
            &[(
                "title*",
                "us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!",
            )],
        );
        assert_eq!(decoded(long, "title"), "This is even more ***fun*** isn't it!");
    }

    #[test]
    fn odd_continuations() {
        check("a/b; n*1=b; n*0=a; n*3=d; m*1=x", "a/b", &[("n", "ab")]);
        assert_eq!(decoded("a/b; n*0=\"a b\"; n*1*=%C3%A4", "n"), "a bä");
        assert_eq!(decoded("a/b; n*=utf-8''%e2%82%ac; n=plain", "n"), "€");
        assert_eq!(decoded("a/b; n*=%41", "n"), "A");
        assert_eq!(decoded("a/b; n=\"=?utf-8?q?=C3=A4?=.txt\"", "n"), "ä.txt");
        assert_eq!(decoded("a/b; n*=utf-8''%zz%4", "n"), "%zz%4");
        assert_eq!(parameter(&[], "n"), None);
    }

    #[test]
    fn hostile_parameters_are_cut() {
        let many: String = (0..100_000).map(|n| format!("; n*{n}*=x")).collect();
        let (_, params) = parse(format!("a/b{many}").as_bytes());
        assert_eq!(params, [("n*".to_owned(), vec![b'x'; COUNT])]);
        let long = format!("a/b; c={}; d=1", "x".repeat(OCTETS));
        assert_eq!(parse(long.as_bytes()).1, []);
        assert_eq!(parse(&[b'('; 100_000]).1, []);
        let comments = [&b"a/b; c"[..], &[b'('; 100_000], &[b')'; 100_000], b"=d"].concat();
        assert_eq!(parse(&comments).1, [("c".to_owned(), b"d".to_vec())]);
    }
}
