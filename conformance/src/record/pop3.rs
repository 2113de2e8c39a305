//! A POP3 client's octets, its secrets masked: what stands behind PASS, the responses of AUTH, and before log-in every line that is
//! no command.

use std::collections::VecDeque;

use super::lines::{Cut, Lines};
use super::mask::{self, Sasl, Secrets};
use super::{Account, Masker};

/// The state of a client.
#[derive(Debug, Default)]
pub(super) struct Pop3 {
    lines: Lines,
    secrets: Secrets,
    sasl: Option<Sasl>,
    /// Whether the rest of a line is still to come that is too long to be held.
    long: bool,
    blind: bool,
    /// Who USER, PASS and AUTH have named so far.
    named: Account,
    asked: Asked,
}

/// What was asked and is not answered, oldest first, until somebody has logged in: which log-in it was, if it was one.
#[derive(Debug)]
struct Asked {
    waiting: VecDeque<Question>,
    /// Whether the answer under way has more lines.
    listing: bool,
    settled: bool,
}

#[derive(Debug, Default)]
struct Question {
    login: Option<Account>,
    /// Whether a good answer is a list.
    lists: bool,
    stls: bool,
}

impl Default for Asked {
    /// The first line that comes is the greeting.
    fn default() -> Self {
        Self {
            waiting: VecDeque::from([Question::default()]),
            listing: false,
            settled: false,
        }
    }
}

/// The most commands that wait for their answers before a log-in is no longer looked for.
const ASKED_MAX: usize = 1000;

impl Asked {
    fn ask(&mut self, question: Question) {
        if !self.settled {
            self.waiting.push_back(question);
            self.settled = self.waiting.len() > ASKED_MAX;
        }
    }

    /// The question that a line of the server answers well with its first line.
    fn answer(&mut self, line: &[u8]) -> Option<Question> {
        if self.settled || line.starts_with(b"+ ") || line == b"+" {
            return None;
        }
        if self.listing {
            self.listing = line != b".";
            return None;
        }
        let question = self.waiting.pop_front()?;
        let good = line.starts_with(b"+OK");
        self.listing = good && question.lists;
        self.settled = good && question.login.is_some();
        good.then_some(question)
    }
}

/// The commands of RFC 1939, RFC 2449, RFC 2595, RFC 5034 and RFC 6856 (RFC 1939, 9).
const COMMANDS: &[&str] = &[
    "USER", "PASS", "AUTH", "STLS", "CAPA", "UTF8", "LANG", "STAT", "LIST", "UIDL", "RETR", "TOP", "DELE",
    "RSET", "NOOP", "QUIT",
];

fn is_command(word: &[u8]) -> bool {
    COMMANDS
        .iter()
        .any(|name| name.as_bytes().eq_ignore_ascii_case(word))
}

impl Masker for Pop3 {
    fn client(&mut self, octets: &[u8]) -> Vec<Vec<u8>> {
        self.lines.feed(octets);
        let mut pieces = Vec::new();
        while let Some(cut) = self.lines.next() {
            pieces.push(match cut {
                Cut::Line(line) => self.line(line),
                Cut::Part(mut octets) | Cut::Counted(mut octets) => {
                    self.long = true;
                    mask::words(&mut octets);
                    octets
                }
            });
        }
        pieces
    }

    fn server(&mut self, line: &mut [u8]) -> Option<Account> {
        match (&mut self.sasl, line.strip_prefix(b"+ ")) {
            (Some(sasl), Some(challenge)) => sasl.challenge(challenge.trim_ascii_end()),
            _ if line == b"+" => {}
            _ => self.sasl = None,
        }
        let answered = self.asked.answer(line);
        self.secrets.scrub(line);
        let answered = answered?;
        self.blind = answered.stls;
        answered.login.map(|login| match login.password_len {
            Some(_) => login,
            // AUTH: what its responses have told since.
            None => self.named.clone(),
        })
    }

    fn end(&mut self) -> Vec<u8> {
        let mut rest = self.lines.rest();
        mask::words(&mut rest);
        rest
    }

    fn is_blind(&self) -> bool {
        self.blind
    }
}

impl Pop3 {
    fn line(&mut self, mut line: Vec<u8>) -> Vec<u8> {
        if std::mem::take(&mut self.long) {
            mask::words(&mut line);
        } else if self.sasl.is_some() {
            self.response(&mut line, 0);
        } else {
            self.command(&mut line);
        }
        line
    }

    fn command(&mut self, line: &mut [u8]) {
        let text = text(line).to_vec();
        let mut words = text.splitn(2, |&octet| octet == b' ');
        let name = words.next().unwrap_or_default().to_ascii_uppercase();
        let rest = words.next().unwrap_or_default();
        let mut question = Question::default();
        match &*name {
            b"USER" => self.named.login = String::from_utf8(rest.to_vec()).ok(),
            b"PASS" => {
                self.secrets.learn(rest);
                mask::all(&mut line[name.len()..]);
                if let Some(space) = line.get_mut(name.len()).filter(|_| text.len() > name.len()) {
                    *space = b' ';
                }
                self.named.password_len = Some(rest.len());
                question.login = Some(self.named.clone());
            }
            b"AUTH" => return self.auth(line, name.len(), rest),
            b"STLS" => question.stls = true,
            b"CAPA" => question.lists = true,
            b"LANG" => question.lists = rest.trim_ascii().is_empty(),
            name if !is_command(name) && !self.asked.settled => {
                self.secrets.learn_line(line, is_command);
                mask::words(line);
            }
            _ => {}
        }
        self.asked.ask(question);
    }

    fn auth(&mut self, line: &mut [u8], verb: usize, rest: &[u8]) {
        let mechanism = rest.split(|&octet| octet == b' ').next().unwrap_or_default();
        let question = Question {
            login: Some(Account::default()),
            ..Question::default()
        };
        self.asked.ask(question);
        match Sasl::new(mechanism) {
            Some(sasl) if mechanism.len() < rest.len() => {
                self.sasl = Some(sasl.initially());
                self.response(line, verb + mechanism.len() + 2);
            }
            Some(sasl) => self.sasl = Some(sasl),
            None => {
                self.secrets.learn_line(line, is_command);
                mask::words(&mut line[verb..]);
            }
        }
    }

    fn response(&mut self, line: &mut [u8], at: usize) {
        let end = text(line).len();
        let Some(sasl) = &mut self.sasl else { return };
        let response = sasl.respond(&line[at..end], &mut self.secrets);
        line[at..end].copy_from_slice(&response.masked);
        self.named.merge(response.login, response.password_len);
    }
}

/// A line without its end.
fn text(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
