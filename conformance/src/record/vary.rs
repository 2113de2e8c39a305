//! Patterns for what differs from server to server and from day to day: texts for people, UIDVALIDITY, ids of objects, dates of
//! arrival and of saving.

use std::collections::BTreeMap;

use crate::transcript::Protocol;

/// UIDVALIDITYs that were seen, each with its name.
#[derive(Debug, Default)]
pub(super) struct Varying {
    names: BTreeMap<String, String>,
}

/// UIDVALIDITYs that get a name; any more stand as they came.
const NAMES_MAX: usize = 100;

impl Varying {
    /// The line as a pattern; behind two spaces and `#` what it said to people.
    pub(super) fn pattern(&mut self, line: &str, protocol: Protocol) -> String {
        match protocol {
            Protocol::Imap => self.imap(line),
            Protocol::Lmtp | Protocol::Smtp | Protocol::Submission => {
                lmtp(line).unwrap_or_else(|| line.to_owned())
            }
            Protocol::Pop3 => pop3(line).unwrap_or_else(|| line.to_owned()),
        }
    }

    fn imap(&mut self, line: &str) -> String {
        if let Some((head, text)) = status(line) {
            return with_text(&ids(&self.uidvalidity(head)), text);
        }
        match line.strip_prefix("* ") {
            Some(data) if data.starts_with("STATUS ") => ids(&self.uidvalidity(line)),
            Some(data) if is_fetch(data) => ids(&dates(line)),
            _ => line.to_owned(),
        }
    }

    /// Every UIDVALIDITY becomes `$v1`, `$v2` …: the same wherever it comes again.
    fn uidvalidity(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((at, word)) = ["UIDVALIDITY ", "APPENDUID ", "COPYUID "]
            .iter()
            .filter_map(|word| Some((rest.find(word)?, word)))
            .min()
        {
            let (before, behind) = rest.split_at(at + word.len());
            let digits = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
            let (number, behind) = behind.split_at(digits);
            out.push_str(before);
            out.push_str(&self.name(number));
            rest = behind;
        }
        out + rest
    }

    fn name(&mut self, number: &str) -> String {
        let next = self.names.len() + 1;
        if number.is_empty() || (next > NAMES_MAX && !self.names.contains_key(number)) {
            return number.to_owned();
        }
        self.names
            .entry(number.to_owned())
            .or_insert_with(|| format!("$v{next}"))
            .clone()
    }
}

/// `tag OK [CODE] text`: up to the text, and the text (RFC 3501, 7.1).
fn status(line: &str) -> Option<(&str, &str)> {
    let (tag, rest) = line.split_once(' ')?;
    let (word, text) = rest.split_once(' ')?;
    if tag == "+" || !["OK", "NO", "BAD", "BYE", "PREAUTH"].contains(&word) {
        return None;
    }
    let code = match text.strip_prefix('[') {
        Some(inner) => inner.find("] ")? + 3,
        None => 0,
    };
    Some(line.split_at(line.len() - text.len() + code))
}

fn is_fetch(data: &str) -> bool {
    let rest = data.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < data.len() && rest.starts_with(" FETCH ")
}

/// `INTERNALDATE "..."`, `SAVEDATE "..."`.
fn dates(line: &str) -> String {
    let line = whatever(line, "INTERNALDATE \"", '"');
    whatever(&line, "SAVEDATE \"", '"')
}

/// `MAILBOXID (...)`, `EMAILID (...)` (RFC 8474).
fn ids(line: &str) -> String {
    let line = whatever(line, "MAILBOXID (", ')');
    whatever(&line, "EMAILID (", ')')
}

/// The line with `...` between a word and the next such end; only the first, as a response tells each once.
fn whatever(line: &str, word: &str, end: char) -> String {
    match line.find(word).map(|at| line.split_at(at + word.len())) {
        Some((before, behind)) => match behind.find(end) {
            Some(end) => format!("{before}...{}", &behind[end..]),
            None => line.to_owned(),
        },
        None => line.to_owned(),
    }
}

/// `250 2.1.5 text`: up to the text. Of the answer to LHLO the server's name is one; keywords, which are in capitals, stay.
fn lmtp(line: &str) -> Option<String> {
    let code = line.get(..3)?;
    let text = line.get(4..)?;
    if !code.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let enhanced = text.split(' ').next().filter(|word| {
        let parts: Vec<_> = word.split('.').collect();
        parts.len() == 3 && parts.iter().all(|part| part.parse::<u16>().is_ok())
    });
    let is_keyword = |text: &str| !text.bytes().any(|octet| octet.is_ascii_lowercase());
    if enhanced.is_none() && code == "250" && is_keyword(text) {
        return None;
    }
    let head = enhanced.map_or(4, |word| 4 + word.len() + 1).min(line.len());
    let (head, text) = line.split_at(head);
    Some(with_text(head, text))
}

/// `-ERR [CODE] text`: up to the text. A good answer stands as it came, as numbers are in it.
fn pop3(line: &str) -> Option<String> {
    let text = line.strip_prefix("-ERR ")?;
    let code = text.strip_prefix('[').and_then(|text| text.split_once("] "));
    let head = line.len() - code.map_or(text.len(), |(_, text)| text.len());
    let (head, text) = line.split_at(head);
    Some(with_text(head, text))
}

fn with_text(head: &str, text: &str) -> String {
    if text.is_empty() {
        return head.to_owned();
    }
    format!("{head}...  # {text}")
}
