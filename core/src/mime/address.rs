//! Address lists of header fields, as ENVELOPE tells them (RFC 5322, 3.4 and 4.4; RFC 3501, 7.4.2).
//!
//! One pass, a few fields of state, no look-ahead but for closing quotes. Nothing is an error: what is no address becomes
//! the most likely one. Encoded words in names stay encoded.

use super::encoded_word::{self, EncodedWord};
use super::envelope::cut;

/// One entry of an address list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A mailbox.
    Mailbox {
        /// Display name, unquoted; of old mail, the comment behind the address.
        name: Option<Vec<u8>>,
        /// The obsolete source route: `@a,@b`.
        route: Option<Vec<u8>>,
        /// Local part, unquoted; empty if there is none.
        mailbox: Vec<u8>,
        /// Domain; empty if there is none.
        host: Vec<u8>,
    },
    /// A group begins; its name.
    Group(Vec<u8>),
    /// The group ends.
    GroupEnd,
}

/// Gives the entries of the value of an address field one by one; those behind the first `most` are left out. A group that is
/// left open or cut is closed. How many were given.
pub fn each(value: &[u8], most: usize, entry: impl FnMut(Address)) -> usize {
    let mut parser = Parser {
        most,
        given: 0,
        entry,
        in_group: false,
        place: Place::default(),
        spaced: false,
        phrase: Vec::new(),
        name: Vec::new(),
        comment: Vec::new(),
        route: Vec::new(),
        local: Vec::new(),
        host: None,
        unclosed: Vec::new(),
    };
    let mut rest = value;
    while let Some((&first, tail)) = rest.split_first() {
        if parser.given >= most {
            break;
        }
        rest = parser.step(first, rest, tail);
    }
    parser.finish();
    if parser.in_group {
        parser.give(Address::GroupEnd);
    }
    parser.given
}

impl Address {
    /// Adds the entry to a text to search in: `name <mailbox@host>, group: <mailbox@host>;, …`, names decoded,
    /// of long ones the beginning.
    pub fn display(&self, out: &mut String) {
        let opens = out.is_empty() || out.ends_with(": ");
        if !opens && *self != Address::GroupEnd {
            out.push_str(", ");
        }
        match self {
            Address::Mailbox {
                name, mailbox, host, ..
            } => {
                if let Some(name) = name {
                    out.extend([encoded_word::decode(cut(name)).as_str(), " "]);
                }
                let [mailbox, host] = [mailbox, host].map(|octets| String::from_utf8_lossy(cut(octets)));
                let at = if host.is_empty() { "" } else { "@" };
                out.extend(["<", &mailbox, at, &host, ">"]);
            }
            Address::Group(name) => out.extend([encoded_word::decode(cut(name)).as_str(), ": "]),
            Address::GroupEnd => out.push(';'),
        }
    }
}

/// Where in an address the parser stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// In a phrase or a bare address: which of them, shows later.
    #[default]
    Outside,
    /// Behind `<@`, before the colon.
    Route,
    /// Between the angle brackets.
    Angle,
    /// Behind `>`.
    After,
}

struct Parser<F> {
    most: usize,
    given: usize,
    entry: F,
    in_group: bool,
    place: Place,
    /// Whether space or a comment was read since the last word.
    spaced: bool,
    /// All words outside brackets, as a display name would have them.
    phrase: Vec<u8>,
    name: Vec<u8>,
    comment: Vec<u8>,
    route: Vec<u8>,
    local: Vec<u8>,
    host: Option<Vec<u8>>,
    /// Closing octets known not to come any more, so that each is searched in vain only once.
    unclosed: Vec<u8>,
}

impl<F: FnMut(Address)> Parser<F> {
    fn give(&mut self, address: Address) {
        self.given += 1;
        (self.entry)(address);
    }

    /// Takes what `rest`, which is `first` and `tail`, begins with; gives what follows.
    fn step<'a>(&mut self, first: u8, rest: &'a [u8], tail: &'a [u8]) -> &'a [u8] {
        match first {
            b'\r' | b'\n' | 0 => {}
            b' ' | b'\t' => self.spaced = true,
            b'"' => return self.quoted(tail),
            b'(' => return self.comment(tail),
            b'[' if self.host.as_ref().is_some_and(|host| host.is_empty()) => return self.literal(rest),
            b'<' => self.open_angle(),
            b'>' if self.place != Place::Outside => self.close_angle(),
            b',' if self.place == Place::Route => self.route.push(first),
            b',' => self.finish(),
            b';' => self.end_group(),
            b':' => self.colon(),
            b'@' => self.at(),
            _ => return self.atom(rest),
        }
        tail
    }

    /// A quoted string: one word, without its quotes. A quote that is never closed is passed over.
    fn quoted<'a>(&mut self, tail: &'a [u8]) -> &'a [u8] {
        let Some((text, rest)) = self.closed(tail, b'"') else {
            return tail;
        };
        self.word(&text, false);
        rest
    }

    /// A domain literal, with its brackets.
    fn literal<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let Some((mut text, tail)) = self.closed(rest, b']') else {
            return self.atom(rest);
        };
        text.push(b']');
        self.word(&text, false);
        tail
    }

    /// Text up to `close`, quoted pairs resolved, and what follows it; `None` if it is never closed.
    fn closed<'a>(&mut self, tail: &'a [u8], close: u8) -> Option<(Vec<u8>, &'a [u8])> {
        if self.unclosed.contains(&close) {
            return None;
        }
        let mut text = Vec::new();
        let mut octets = tail.iter();
        while let Some(&octet) = octets.next() {
            match octet {
                b'\\' => text.extend(octets.next()),
                b'\r' | b'\n' | 0 => {}
                _ if octet == close => return Some((text, octets.as_slice())),
                _ => text.push(octet),
            }
        }
        self.unclosed.push(close);
        None
    }

    /// A comment with those inside it, counted and not recursed into. One that is never closed is passed over as space.
    fn comment<'a>(&mut self, tail: &'a [u8]) -> &'a [u8] {
        self.spaced = true;
        if self.unclosed.contains(&b')') {
            return tail;
        }
        let (mut text, mut depth) = (Vec::new(), 1usize);
        let mut octets = tail.iter();
        while let Some(&octet) = octets.next() {
            match octet {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => {
                    text.extend(octets.next());
                    continue;
                }
                b'\r' | b'\n' | 0 => continue,
                _ => {}
            }
            if depth == 0 {
                self.comment = text.trim_ascii().to_vec();
                return octets.as_slice();
            }
            text.push(octet);
        }
        self.unclosed.push(b')');
        tail
    }

    /// A run of other octets, or an encoded word whatever is in it.
    fn atom<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let special = |octet: &u8| b" \t\r\n\0\"(<>,;:@".contains(octet);
        let length = match EncodedWord::at_start(rest) {
            Some(word) if self.place != Place::Angle => word.octets(),
            _ => rest
                .iter()
                .skip(1)
                .position(special)
                .map_or(rest.len(), |at| at + 1),
        };
        let (text, tail) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        self.word(text, true);
        tail
    }

    /// Adds a word to whatever it may be part of. Words that only space divides are no address together, unless an obsolete
    /// dot stands between them: the last one counts for a local part, the first for a domain.
    fn word(&mut self, text: &[u8], atom: bool) {
        let spaced = std::mem::take(&mut self.spaced);
        if matches!(self.place, Place::Outside | Place::After) {
            if spaced && !self.phrase.is_empty() {
                self.phrase.push(b' ');
            }
            self.phrase.extend_from_slice(text);
        }
        let begins_with_dot = atom && text.starts_with(b".");
        let dotted = |before: &[u8]| before.is_empty() || before.ends_with(b".") || begins_with_dot;
        match (self.place, &mut self.host) {
            (Place::After, _) => {}
            (Place::Route, _) => self.route.extend_from_slice(text),
            (_, Some(host)) if spaced && !dotted(host) => {}
            (_, Some(host)) => host.extend_from_slice(text),
            (_, None) => {
                if spaced && !dotted(&self.local) {
                    self.local.clear();
                }
                self.local.extend_from_slice(text);
            }
        }
    }

    /// `@`: the local part is complete, or a route begins. Of several the last one divides.
    fn at(&mut self) {
        if matches!(self.place, Place::Outside | Place::After) {
            if std::mem::take(&mut self.spaced) && !self.phrase.is_empty() {
                self.phrase.push(b' ');
            }
            self.phrase.push(b'@');
        }
        self.spaced = false;
        match self.place {
            Place::After => {}
            Place::Route => self.route.push(b'@'),
            Place::Angle if self.local.is_empty() && self.host.is_none() && self.route.is_empty() => {
                self.place = Place::Route;
                self.route.push(b'@');
            }
            Place::Outside | Place::Angle => {
                if let Some(host) = self.host.take() {
                    self.local.push(b'@');
                    self.local.extend(host);
                }
                self.host = Some(Vec::new());
            }
        }
    }

    /// `<`: what was read is the display name. Behind a complete address, a comma was forgotten.
    fn open_angle(&mut self) {
        let phrase = std::mem::take(&mut self.phrase);
        if self.place == Place::After {
            self.finish();
        }
        if !phrase.is_empty() || self.place == Place::Outside {
            self.name = phrase;
        }
        self.place = Place::Angle;
        self.spaced = false;
        self.route.clear();
        self.local.clear();
        self.host = None;
    }

    fn close_angle(&mut self) {
        self.end_route();
        self.place = Place::After;
        self.spaced = false;
    }

    /// A route without a colon is a domain without a local part.
    fn end_route(&mut self) {
        if self.place == Place::Route {
            let route = std::mem::take(&mut self.route);
            self.host = Some(route.strip_prefix(b"@").unwrap_or(&route).to_vec());
        }
    }

    /// `:` ends a route or begins a group; elsewhere it is text.
    fn colon(&mut self) {
        match self.place {
            Place::Route => self.place = Place::Angle,
            Place::Outside if !self.in_group => {
                self.in_group = true;
                let name = std::mem::take(&mut self.phrase);
                self.reset();
                self.give(Address::Group(name));
            }
            _ => self.word(b":", true),
        }
    }

    /// `;` ends a group; outside of one it stands for a comma, as some mailers write it.
    fn end_group(&mut self) {
        self.finish();
        if std::mem::take(&mut self.in_group) {
            self.give(Address::GroupEnd);
        }
    }

    /// Ends the address that is being read, if there is one, and begins the next.
    fn finish(&mut self) {
        self.end_route();
        let bare = self.place == Place::Outside;
        let (mailbox, host) = match self.host.take() {
            Some(host) => (std::mem::take(&mut self.local), host),
            None if bare => (std::mem::take(&mut self.phrase), Vec::new()),
            None => (std::mem::take(&mut self.local), Vec::new()),
        };
        let empty = bare && mailbox.is_empty() && host.is_empty();
        if !empty && self.given < self.most {
            let name = [&mut self.name, &mut self.comment]
                .into_iter()
                .find(|name| !name.is_empty());
            let name = name.map(std::mem::take);
            let route = Some(std::mem::take(&mut self.route)).filter(|route| !route.is_empty());
            self.give(Address::Mailbox {
                name,
                route,
                mailbox,
                host,
            });
        }
        self.reset();
    }

    fn reset(&mut self) {
        self.place = Place::Outside;
        self.spaced = false;
        self.host = None;
        for text in [
            &mut self.phrase,
            &mut self.name,
            &mut self.comment,
            &mut self.route,
            &mut self.local,
        ] {
            text.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &[u8], most: usize) -> Vec<Address> {
        let mut all = Vec::new();
        assert_eq!(each(value, most, |address| all.push(address)), all.len());
        all
    }

    /// The entries in short: `name|route|mailbox|host`, `group{` and `}`.
    fn shown(value: &[u8], most: usize) -> Vec<String> {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let optional = |octets: &Option<Vec<u8>>| octets.as_deref().map_or("-".into(), text);
        let show = |address: &Address| match address {
            Address::Group(name) => text(name) + "{",
            Address::GroupEnd => "}".into(),
            Address::Mailbox {
                name,
                route,
                mailbox,
                host,
            } => [optional(name), optional(route), text(mailbox), text(host)].join("|"),
        };
        parse(value, most).iter().map(show).collect()
    }

    fn check(value: &str, expected: &[&str]) {
        assert_eq!(shown(value.as_bytes(), 1_000), expected, "{value}");
    }

    /// RFC 5322, appendix A.1 to A.6.
    #[test]
    fn the_examples_of_the_rfc() {
        check(
            "John Doe <jdoe@machine.example>",
            &["John Doe|-|jdoe|machine.example"],
        );
        check(
            "\"Joe Q. Public\" <john.q.public@example.com>, <boss@nil.test>,\r\n \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
            &[
                "Joe Q. Public|-|john.q.public|example.com",
                "-|-|boss|nil.test",
                "Giant; \"Big\" Box|-|sysservices|example.net",
            ],
        );
        check(
            "jdoe@example.org, Who? <one@y.test>",
            &["-|-|jdoe|example.org", "Who?|-|one|y.test"],
        );
        check(
            "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
            &[
                "A Group{",
                "Ed Jones|-|c|a.test",
                "-|-|joe|where.test",
                "John|-|jdoe|one.test",
                "}",
            ],
        );
        check("Undisclosed recipients:;", &["Undisclosed recipients{", "}"]);
        check(
            "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
            &["Pete|-|pete|silly.test"],
        );
        check(
            "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
            &[
                "A Group{",
                "Chris Jones|-|c|public.example",
                "-|-|joe|example.org",
                "John|-|jdoe|one.test",
                "}",
            ],
        );
        check(
            "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
            &["Hidden recipients{", "}"],
        );
        check(
            "Joe Q. Public <john.q.public@example.com>",
            &["Joe Q. Public|-|john.q.public|example.com"],
        );
        check(
            "Mary Smith <@node.test,@two.test:mary@example.net>, , jdoe@test   . example",
            &[
                "Mary Smith|@node.test,@two.test|mary|example.net",
                "-|-|jdoe|test.example",
            ],
        );
    }

    #[test]
    fn old_and_odd_forms() {
        check("user@host (Full Name)", &["Full Name|-|user|host"]);
        check(
            "\"john doe\"@[IPv6:2001:db8::1]",
            &["-|-|john doe|[IPv6:2001:db8::1]"],
        );
        check("a@b@c.test", &["-|-|a@b|c.test"]);
        check("foo@bar.test <foo@bar.test>", &["foo@bar.test|-|foo|bar.test"]);
        check(
            "=?utf-8?Q?Doe,_John?= <j@x.test>",
            &["=?utf-8?Q?Doe,_John?=|-|j|x.test"],
        );
        check("a@b.test; c@d.test", &["-|-|a|b.test", "-|-|c|d.test"]);
        check("[List] Bot <bot@x.test>", &["[List] Bot|-|bot|x.test"]);
        check("A <a@b.test> B <c@d.test>", &["A|-|a|b.test", "B|-|c|d.test"]);
        check("\"\" <a@b.test>", &["-|-|a|b.test"]);
    }

    #[test]
    fn broken_input_gives_what_can_be_saved() {
        check("", &[]);
        check(" , ;,(only a comment)", &[]);
        check("<>", &["-|-||"]);
        check("postmaster", &["-|-|postmaster|"]);
        check("John Smith", &["-|-|John Smith|"]);
        check("John Smith john@x.test", &["-|-|john|x.test"]);
        check(
            "\"John <john@x.test>, b@y.test",
            &["John|-|john|x.test", "-|-|b|y.test"],
        );
        check("(open <a@b.test>", &["open|-|a|b.test"]);
        check("A <a@b.test, c@d.test", &["A|-|a|b.test", "-|-|c|d.test"]);
        check("<@host.test>", &["-|-||host.test"]);
        check("g: a@b.test", &["g{", "-|-|a|b.test", "}"]);
        check("a@[1.2.3", &["-|-|a|[1.2.3"]);
        check("a@", &["-|-|a|"]);
        check(
            "comment ends in backslash (\\",
            &["-|-|comment ends in backslash \\|"],
        );
    }

    #[test]
    fn hostile_lists_are_cut() {
        assert_eq!(shown(&b"a@b.test,".repeat(300_000), 1_000).len(), 1_000);
        assert_eq!(shown(&b":;".repeat(300_000), 1_000).len(), 1_000);
        assert_eq!(shown(&b"g:a@b,".repeat(300_000), 1_000).len(), 1_001);
    }

    #[test]
    fn hostile_nesting_is_read_once() {
        assert_eq!(shown(&[b'('; 100_000], 1_000).len(), 0);
        let nested = [vec![b'('; 100_000], vec![b')'; 100_000], b"a@b".to_vec()].concat();
        assert_eq!(shown(&nested, 1_000).len(), 1);
        assert_eq!(shown(&b"<@".repeat(100_000), 1_000).len(), 1);
        assert_eq!(shown(&[b'"'; 99_999], 1_000).len(), 0);
        assert_eq!(shown(&b"a@".repeat(100_000), 1_000).len(), 1);
        assert_eq!(shown(&b"a@[".repeat(100_000), 1_000).len(), 1);
    }

    #[test]
    fn display_decodes_names() {
        let list = parse(b"=?utf-8?q?J=C3=BCrgen?= <j@x.test>, g: b@y.test;, root", 9);
        let mut shown = String::new();
        list.iter().for_each(|address| address.display(&mut shown));
        assert_eq!(shown, "Jürgen <j@x.test>, g: <b@y.test>;, <root>");
    }
}
