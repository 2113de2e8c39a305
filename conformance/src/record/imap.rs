//! An IMAP client's octets, its secrets masked.
//!
//! A secret may stand where it should not: behind a misspelt command, or alone on a line. So before the server has said OK to a
//! log-in a line is shown only if its command is one of IMAP's; any other is masked whole, and so is every literal.

use super::lines::{Cut, LINE_MAX, Lines};
use super::mask::{self, Response, Sasl, Secrets};
use super::{Account, Masker};

/// The state of a client.
#[derive(Debug, Default)]
pub(super) struct Imap {
    lines: Lines,
    secrets: Secrets,
    at: At,
    /// Tags of the log-ins that are not answered, and who they log in.
    asked: Vec<(Vec<u8>, Account)>,
    /// Tags of all commands before log-in that are not answered.
    open: Vec<Vec<u8>>,
    /// Tags that a command had while another one with the same was open: which of them an OK answers is not known.
    shared: Vec<Vec<u8>>,
    logged_in: bool,
    /// The tag of a command after which octets are no longer text.
    blinding: Option<Vec<u8>>,
    blind: bool,
}

/// What the next line belongs to.
#[derive(Debug, Default)]
enum At {
    /// A command begins.
    #[default]
    Command,
    /// A command goes on behind its literal.
    Literal {
        tag: Vec<u8>,
        what: What,
        synchronizing: bool,
    },
    /// LOGIN's first argument is a literal, which is held until the line behind it has come.
    Name { tag: Vec<u8>, name: Vec<u8> },
    /// A response to a challenge.
    Sasl { tag: Vec<u8>, sasl: Sasl },
    /// The rest of a line that is too long to be held.
    Long { masked: bool },
}

/// What a literal is an argument of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// The name of LOGIN.
    Name,
    /// The password of LOGIN, and whose it is.
    Password(Option<String>),
    /// A command that failed already, but may hold a secret.
    Secret,
    /// Any other command.
    Other,
}

/// The commands of RFC 3501, RFC 9051 and their common extensions.
const COMMANDS: &[&str] = &[
    "CAPABILITY",
    "NOOP",
    "LOGOUT",
    "STARTTLS",
    "AUTHENTICATE",
    "LOGIN",
    "SELECT",
    "EXAMINE",
    "CREATE",
    "DELETE",
    "RENAME",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "LIST",
    "LSUB",
    "STATUS",
    "APPEND",
    "CHECK",
    "CLOSE",
    "EXPUNGE",
    "SEARCH",
    "FETCH",
    "STORE",
    "COPY",
    "MOVE",
    "UID",
    "IDLE",
    "DONE",
    "NAMESPACE",
    "UNSELECT",
    "ID",
    "ENABLE",
    "SORT",
    "THREAD",
    "GETQUOTA",
    "GETQUOTAROOT",
    "COMPRESS",
    "GETACL",
    "MYRIGHTS",
    "GETMETADATA",
    "XLIST",
];
/// Those that take no argument: if one is there, it may be a secret.
const BARE: &[&str] = &["CAPABILITY", "NOOP", "LOGOUT", "STARTTLS"];
/// Those behind whose OK the octets are no longer text.
const BLINDING: &[&str] = &["STARTTLS", "COMPRESS"];

fn is_among(names: &[&str], word: &[u8]) -> bool {
    names
        .iter()
        .any(|name| name.as_bytes().eq_ignore_ascii_case(word))
}

/// Commands under way that are remembered.
const OPEN_MAX: usize = 64;

impl Masker for Imap {
    fn client(&mut self, octets: &[u8]) -> Vec<Vec<u8>> {
        self.lines.feed(octets);
        let mut pieces = Vec::new();
        while let Some(cut) = self.lines.next() {
            match cut {
                Cut::Line(line) => self.line(line, &mut pieces),
                Cut::Part(part) => self.part(part, &mut pieces),
                Cut::Counted(octets) => self.counted(octets, &mut pieces),
            }
        }
        pieces
    }

    fn server(&mut self, line: &mut [u8]) -> Option<Account> {
        let logs_in = self.answer(line);
        self.secrets.scrub(line);
        if logs_in.is_some() {
            self.secrets.forget();
        }
        logs_in.flatten()
    }

    fn is_blind(&self) -> bool {
        self.blind
    }

    fn end(&mut self) -> Vec<u8> {
        let mut rest = match std::mem::take(&mut self.at) {
            At::Name { mut name, .. } => {
                mask::all(&mut name);
                name
            }
            _ => Vec::new(),
        };
        let mut line = self.lines.rest();
        mask::words(&mut line);
        rest.append(&mut line);
        rest
    }
}

impl Imap {
    /// What a line of the server changes; `Some` if it says that somebody is logged in.
    fn answer(&mut self, line: &[u8]) -> Option<Option<Account>> {
        let begins = |tag: &[u8]| line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(b" "));
        if let At::Sasl { sasl, .. } = &mut self.at
            && let Some(challenge) = line.strip_prefix(b"+ ")
        {
            sasl.challenge(challenge.trim_ascii_end());
        }
        let ends = match &self.at {
            At::Literal {
                tag,
                synchronizing: true,
                ..
            }
            | At::Sasl { tag, .. } => begins(tag).is_some(),
            _ => false,
        };
        if ends {
            self.at = At::Command;
            self.lines.count(0);
        }
        let ok = |answer: &[u8]| {
            answer
                .get(..2)
                .is_some_and(|word| word.eq_ignore_ascii_case(b"OK"))
        };
        if self
            .blinding
            .take_if(|tag| begins(tag).is_some())
            .is_some_and(|tag| begins(&tag).is_some_and(ok))
        {
            self.blind = true;
        }
        if line.starts_with(b"* PREAUTH") && self.asked.is_empty() {
            self.logged_in = true;
            return Some(None);
        }
        if let Some(at) = self.open.iter().position(|tag| begins(tag).is_some()) {
            self.open.remove(at);
        }
        let at = self.asked.iter().position(|(tag, _)| begins(tag).is_some())?;
        let (tag, account) = self.asked.remove(at);
        let logs_in = begins(&tag).is_some_and(ok) && !self.logged_in && !self.shared.contains(&tag);
        self.logged_in |= logs_in;
        logs_in.then_some(Some(account))
    }

    fn line(&mut self, mut line: Vec<u8>, pieces: &mut Vec<Vec<u8>>) {
        match std::mem::take(&mut self.at) {
            At::Command => self.command(&mut line),
            At::Literal { tag, what, .. } => self.behind_literal(tag, what, &mut line),
            At::Name { tag, mut name } => {
                let login = String::from_utf8(name.clone()).ok();
                if !self.password(tag, login, &mut line) {
                    self.secrets.learn(&name);
                    mask::all(&mut name);
                }
                pieces.push(name);
            }
            At::Sasl { tag, sasl } => self.response(tag, sasl, &mut line),
            At::Long { masked: true } => mask::words(&mut line),
            At::Long { masked: false } => {}
        }
        pieces.push(line);
    }

    /// The midst of a line without end.
    fn part(&mut self, mut part: Vec<u8>, pieces: &mut Vec<Vec<u8>>) {
        let masked = match std::mem::take(&mut self.at) {
            At::Long { masked } => masked,
            At::Command => !self.logged_in || is_log_in(&part),
            At::Literal { what, .. } => what != What::Other,
            At::Name { mut name, .. } => {
                mask::all(&mut name);
                pieces.push(name);
                true
            }
            At::Sasl { .. } => true,
        };
        if masked {
            mask::words(&mut part);
        }
        self.at = At::Long { masked };
        pieces.push(part);
    }

    fn counted(&mut self, mut octets: Vec<u8>, pieces: &mut Vec<Vec<u8>>) {
        match std::mem::take(&mut self.at) {
            At::Name { tag, mut name } => {
                name.append(&mut octets);
                if name.len() < LINE_MAX {
                    self.at = At::Name { tag, name };
                    return;
                }
                mask::all(&mut name);
                pieces.push(name);
                self.at = At::Literal {
                    tag,
                    what: What::Secret,
                    synchronizing: false,
                };
                return;
            }
            At::Literal {
                tag,
                what: What::Name,
                ..
            } => {
                self.at = At::Name { tag, name: octets };
                return;
            }
            At::Literal { tag, what, .. } => {
                if what != What::Other || !self.logged_in {
                    self.secrets.learn(&octets);
                    mask::all(&mut octets);
                }
                // Once its octets come it was not refused.
                self.at = At::Literal {
                    tag,
                    what,
                    synchronizing: false,
                };
            }
            other => self.at = other,
        }
        pieces.push(octets);
    }

    fn command(&mut self, line: &mut [u8]) {
        let body = line.trim_ascii_end().len();
        let mut words = line.splitn(3, |&octet| octet == b' ');
        let tag = words.next().unwrap_or_default().to_vec();
        let name = words.next().unwrap_or_default().trim_ascii_end().to_vec();
        let args_at = (tag.len() + name.len() + 2).min(line.len());
        let args_at = if args_at > body { body } else { args_at };
        self.open(&tag);
        if !is_among(COMMANDS, &name) {
            if !self.logged_in || is_log_in(line) {
                self.secrets.learn_line(line, |word| is_among(COMMANDS, word));
                mask::words(line);
            }
        } else if name.eq_ignore_ascii_case(b"LOGIN") {
            self.login(tag, line, args_at);
        } else if name.eq_ignore_ascii_case(b"AUTHENTICATE") {
            self.authenticate(tag, line, args_at);
        } else {
            let id = name.eq_ignore_ascii_case(b"ID")
                && !line[args_at..].starts_with(b"(")
                && !line[args_at..].eq_ignore_ascii_case(b"NIL\r\n");
            if !self.logged_in && (id || is_among(BARE, &name)) {
                self.hide(&mut line[args_at..]);
            }
            if is_among(BLINDING, &name) {
                self.blinding = Some(tag.clone());
            }
            self.expect_literal(tag, What::Other, line);
        }
    }

    /// Masks what should not be there.
    fn hide(&mut self, octets: &mut [u8]) {
        for word in octets.split(|octet| b" \r\n\"".contains(octet)) {
            self.secrets.learn(word);
        }
        mask::words(octets);
    }

    /// LOGIN: the name is shown only where a password follows it as it should.
    fn login(&mut self, tag: Vec<u8>, line: &mut [u8], args_at: usize) {
        let args = &mut line[args_at..];
        if literal(args).is_some_and(|(at, ..)| at == 0) {
            return self.expect_literal(tag, What::Name, line);
        }
        match astring(args) {
            Some((name, end)) if args.get(end) == Some(&b' ') => {
                if !self.password(tag.clone(), name, &mut line[args_at + end..]) {
                    self.hide_secret(tag, &mut line[args_at..]);
                }
            }
            _ => self.hide_secret(tag, args),
        }
    }

    /// ` password CRLF` or ` {n} CRLF`: whether it is that. If it is, it is masked.
    fn password(&mut self, tag: Vec<u8>, login: Option<String>, rest: &mut [u8]) -> bool {
        let Some(args) = rest.strip_prefix(b" ") else {
            return false;
        };
        if literal(args).is_some_and(|(at, ..)| at == 0) {
            self.expect_literal(tag, What::Password(login), rest);
            return true;
        }
        let Some((_, end)) =
            astring(args).filter(|(_, end)| args.get(*end..).is_some_and(|rest| rest == b"\r\n"))
        else {
            return false;
        };
        let quoted = args.starts_with(b"\"");
        let bounds = if quoted { 2..end } else { 1..end + 1 };
        let word = &mut rest[bounds];
        self.secrets.learn(word);
        self.secrets.learn(&unescaped(word));
        let len = word.len();
        mask::all(word);
        self.ask(tag, login, Some(len));
        true
    }

    /// Arguments that are no log-in, but may hold one.
    fn hide_secret(&mut self, tag: Vec<u8>, args: &mut [u8]) {
        let found = literal(args);
        let end = found.map_or(args.len(), |(at, ..)| at);
        self.hide(&mut args[..end]);
        self.expect_literal(tag, What::Secret, args);
    }

    fn behind_literal(&mut self, tag: Vec<u8>, what: What, line: &mut [u8]) {
        match what {
            What::Password(_) if line == b"\r\n" => {}
            What::Other => self.expect_literal(tag, What::Other, line),
            _ => self.hide_secret(tag, line),
        }
    }

    fn authenticate(&mut self, tag: Vec<u8>, line: &mut [u8], args_at: usize) {
        let args = &line[args_at..];
        let body = args.trim_ascii_end();
        let (mechanism, initial) = match body.iter().position(|&octet| octet == b' ') {
            Some(at) => (&body[..at], Some(at + 1..body.len())),
            None => (body, None),
        };
        let Some(sasl) = Sasl::new(mechanism) else {
            return self.hide_secret(tag, &mut line[args_at..]);
        };
        self.ask(tag.clone(), None, None);
        match initial {
            Some(range) => {
                let at = args_at + range.start;
                self.response(tag, sasl.initially(), &mut line[at..]);
            }
            None => self.at = At::Sasl { tag, sasl },
        }
    }

    /// A response, up to the line end.
    fn response(&mut self, tag: Vec<u8>, mut sasl: Sasl, line: &mut [u8]) {
        let end = line
            .strip_suffix(b"\n")
            .map_or(line.len(), |line| line.strip_suffix(b"\r").unwrap_or(line).len());
        let Response {
            masked,
            login,
            password_len,
        } = sasl.respond(&line[..end], &mut self.secrets);
        line[..end].copy_from_slice(&masked);
        if let Some((_, account)) = self.asked.iter_mut().rev().find(|(asked, _)| *asked == tag) {
            account.merge(login, password_len);
        }
        self.at = At::Sasl { tag, sasl };
    }

    fn ask(&mut self, tag: Vec<u8>, login: Option<String>, password_len: Option<usize>) {
        let mut account = Account::default();
        account.merge(login, password_len);
        remember(&mut self.asked, (tag, account));
    }

    fn open(&mut self, tag: &[u8]) {
        if !self.logged_in {
            if self.open.iter().any(|open| open == tag) {
                remember(&mut self.shared, tag.to_vec());
            }
            remember(&mut self.open, tag.to_vec());
        }
    }

    /// Whether the line ends with a literal's head: its octets are next.
    fn expect_literal(&mut self, tag: Vec<u8>, what: What, line: &[u8]) {
        if let Some((_, octets, synchronizing)) = literal(line) {
            self.lines.count(octets);
            if let What::Password(login) = &what {
                let len = usize::try_from(octets).ok();
                self.ask(tag.clone(), login.clone(), len);
            }
            self.at = At::Literal {
                tag,
                what,
                synchronizing,
            };
        }
    }
}

/// Keeps one more; the oldest is forgotten for it if there are too many.
fn remember<T>(list: &mut Vec<T>, one: T) {
    if list.len() == OPEN_MAX {
        list.remove(0);
    }
    list.push(one);
}

/// Whether a line without a tag, or with a misspelt one, looks like a log-in.
fn is_log_in(line: &[u8]) -> bool {
    let mut words = line.split(|octet| b" \t\r\n".contains(octet)).take(4);
    words.any(|word| is_among(&["LOGIN", "AUTHENTICATE", "AUTH", "PASS"], word))
}

/// An atom or quoted string at the front: its text where that is UTF-8, and where it ends.
fn astring(args: &[u8]) -> Option<(Option<String>, usize)> {
    if let Some(quoted) = args.strip_prefix(b"\"") {
        let mut escaped = false;
        let end = quoted.iter().position(|&octet| {
            let ends = octet == b'"' && !escaped;
            escaped = octet == b'\\' && !escaped;
            ends
        })?;
        let text = &quoted[..end];
        return Some((String::from_utf8(unescaped(text)).ok(), end + 2));
    }
    let is_atom = |octet: &u8| !octet.is_ascii_control() && !b" (){\"\\".contains(octet);
    let end = args
        .iter()
        .position(|octet| !is_atom(octet))
        .unwrap_or(args.len());
    (end > 0).then(|| (String::from_utf8(args[..end].to_vec()).ok(), end))
}

fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut octets = text.iter();
    std::iter::from_fn(|| match octets.next() {
        Some(b'\\') => octets.next().copied(),
        other => other.copied(),
    })
    .collect()
}

/// The head of a literal at the end of a line, behind a space or parenthesis: where it begins, how many octets follow, and
/// whether the server is asked first.
fn literal(line: &[u8]) -> Option<(usize, u64, bool)> {
    let text = line.strip_suffix(b"\r\n")?.strip_suffix(b"}")?;
    let at = text.iter().rposition(|&octet| octet == b'{')?;
    let (before, head) = (&text[..at], &text[at + 1..]);
    let (digits, synchronizing) = match head.strip_suffix(b"+").or_else(|| head.strip_suffix(b"-")) {
        Some(digits) => (digits, false),
        None => (head, true),
    };
    let fits =
        before.last().is_none_or(|octet| b" (~".contains(octet)) && digits.iter().all(u8::is_ascii_digit);
    let octets = std::str::from_utf8(digits).ok()?.parse().ok()?;
    fits.then_some((at, octets, synchronizing))
}
