//! An LMTP client's octets, its secrets masked. LMTP has no log-in of its own, so a line that is none of its commands is always
//! masked whole, and so are the arguments of AUTH.

use std::collections::VecDeque;

use super::lines::{Cut, Lines};
use super::mask::{self, Sasl, Secrets};
use super::{Account, Masker};

/// The state of a client.
#[derive(Debug, Default)]
pub(super) struct Lmtp {
    lines: Lines,
    secrets: Secrets,
    at: At,
    /// DATA or STARTTLS was said and is not answered.
    asked: Option<Asked>,
    blind: bool,
    recipient: Recipient,
}

/// The first recipient that the server takes is the account of a replay. Until then each command has one reply, the one that comes
/// first included: the greeting.
#[derive(Debug)]
enum Recipient {
    /// What was asked and is not answered, oldest first: the recipient of RCPT, nothing of other commands.
    Sought(VecDeque<Option<String>>),
    Settled,
}

impl Default for Recipient {
    fn default() -> Self {
        Self::Sought(VecDeque::from([None]))
    }
}

/// The most commands that wait for their replies before recipients are no longer looked for.
const ASKED_MAX: usize = 1000;

impl Recipient {
    fn ask(&mut self, line: &[u8]) {
        let Self::Sought(asked) = self else { return };
        asked.push_back(recipient(line));
        if asked.len() > ASKED_MAX {
            *self = Self::Settled;
        }
    }

    fn answer(&mut self, line: &[u8]) -> Option<Account> {
        let Self::Sought(asked) = self else { return None };
        if line.get(3) == Some(&b'-') || line.starts_with(b"334") {
            return None;
        }
        let taken = asked.pop_front()?.filter(|_| line.starts_with(b"25"));
        if taken.is_some() || line.starts_with(b"354") {
            *self = Self::Settled;
        }
        Some(Account {
            login: Some(taken?),
            password_len: Some(1),
        })
    }
}

/// `RCPT TO:<address>` (RFC 5321, 4.1.1.3).
fn recipient(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?;
    let (before, path) = text.split_once('<')?;
    let is_rcpt = before.trim_end().eq_ignore_ascii_case("RCPT TO:");
    let (address, _) = path.split_once('>').filter(|_| is_rcpt)?;
    Some(address.to_owned())
}

#[derive(Debug, Default)]
enum At {
    #[default]
    Command,
    Data,
    Sasl(Sasl),
    /// The rest of a line that is too long to be held.
    Long {
        data: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Data,
    Tls,
}

/// The commands of RFC 5321, RFC 2033 and RFC 3030 (RFC 5321, 4.1.1).
const COMMANDS: &[&str] = &[
    "LHLO", "EHLO", "HELO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP",
    "STARTTLS",
];

fn is_command(word: &[u8]) -> bool {
    COMMANDS
        .iter()
        .any(|name| name.as_bytes().eq_ignore_ascii_case(word))
}

impl Masker for Lmtp {
    fn client(&mut self, octets: &[u8]) -> Vec<Vec<u8>> {
        self.lines.feed(octets);
        let mut pieces = Vec::new();
        while let Some(cut) = self.lines.next() {
            pieces.push(match cut {
                Cut::Line(line) => self.line(line),
                Cut::Part(part) => self.part(part),
                Cut::Counted(octets) => octets,
            });
        }
        pieces
    }

    fn server(&mut self, line: &mut [u8]) -> Option<Account> {
        match (self.asked, line.get(..3)) {
            (Some(Asked::Data), Some(b"354")) => self.at = At::Data,
            (Some(Asked::Tls), Some(b"220")) => self.blind = true,
            _ => {}
        }
        // Replies to the commands before a pipelined DATA come first.
        if !line.starts_with(b"2") {
            self.asked = self
                .asked
                .filter(|asked| *asked == Asked::Data && !line.starts_with(b"354"));
        }
        if let At::Sasl(sasl) = &mut self.at {
            match line.strip_prefix(b"334 ") {
                Some(challenge) => sasl.challenge(challenge.trim_ascii_end()),
                None => self.at = At::Command,
            }
        }
        self.secrets.scrub(line);
        self.recipient.answer(line)
    }

    fn end(&mut self) -> Vec<u8> {
        let mut rest = self.lines.rest();
        if !matches!(self.at, At::Data | At::Long { data: true }) {
            mask::words(&mut rest);
        }
        rest
    }

    fn is_blind(&self) -> bool {
        self.blind
    }
}

impl Lmtp {
    fn line(&mut self, mut line: Vec<u8>) -> Vec<u8> {
        match std::mem::take(&mut self.at) {
            At::Command => self.command(&mut line),
            At::Data if line == b".\r\n" => {}
            At::Data | At::Long { data: true } => self.at = At::Data,
            At::Long { data: false } => mask::words(&mut line),
            At::Sasl(sasl) => self.response(sasl, &mut line, 0),
        }
        line
    }

    fn part(&mut self, mut part: Vec<u8>) -> Vec<u8> {
        let data = matches!(self.at, At::Data | At::Long { data: true });
        if !data {
            mask::words(&mut part);
        }
        self.at = At::Long { data };
        part
    }

    fn command(&mut self, line: &mut [u8]) {
        self.recipient.ask(line);
        let mut words = line.trim_ascii_end().split(|&octet| octet == b' ');
        let name = words.next().unwrap_or_default().to_ascii_uppercase();
        let first = words.next().unwrap_or_default();
        match &*name {
            b"DATA" => self.asked = Some(Asked::Data),
            b"STARTTLS" => self.asked = Some(Asked::Tls),
            b"BDAT" => {
                let octets = std::str::from_utf8(first)
                    .ok()
                    .and_then(|digits| digits.parse().ok());
                self.lines.count(octets.unwrap_or_default());
            }
            b"AUTH" => {
                if let Some(sasl) = Sasl::new(first) {
                    let at = name.len() + first.len() + 2;
                    if at < line.trim_ascii_end().len() {
                        self.response(sasl.initially(), line, at);
                    } else {
                        self.at = At::Sasl(sasl);
                    }
                    return;
                }
            }
            _ => {}
        }
        if !is_command(&name) {
            self.secrets.learn_line(line, is_command);
            mask::words(line);
        }
    }

    fn response(&mut self, mut sasl: Sasl, line: &mut [u8], at: usize) {
        let end = line
            .strip_suffix(b"\n")
            .map_or(line.len(), |line| line.strip_suffix(b"\r").unwrap_or(line).len());
        let masked = sasl.respond(&line[at..end], &mut self.secrets).masked;
        line[at..end].copy_from_slice(&masked);
        self.at = At::Sasl(sasl);
    }
}
