//! The mbox format (mboxrd): messages one after the other, each behind a line `From sender date`.
//!
//! A body's line that begins with `From `, or with that behind any number of `>`, has one `>` more in the file. Flags are the
//! fields Status (`R`: seen), X-Status (`A`, `F`, `D`, `T`) and X-Keywords; they belong to the file, not to the message.

use std::fmt;

use lightmail_core::store::Flag;
use lightmail_core::wire::date::Day;

use super::labels::Labels;

const FROM: &[u8] = b"From ";
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
/// The most octets of a field of flags that are looked at.
const FIELD_MAX: usize = 16 * 1024;

/// The date of a `From ` line, in seconds since 1970: `From sender Sat Jan  3 01:05:34 1996`, with or without a zone.
pub fn from_date(line: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(line.strip_prefix(FROM)?).ok()?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let at = words
        .iter()
        .rposition(|word| WEEKDAYS.contains(&word.trim_end_matches(',')))?;
    let [month, day, time, rest @ ..] = words.get(at + 1..)? else {
        return None;
    };
    let month = u32::try_from(MONTHS.iter().position(|name| name == month)? + 1).ok()?;
    let year = rest
        .iter()
        .find_map(|word| (word.len() == 4).then(|| word.parse().ok()).flatten())?;
    let day = Day::new(year, month, day.parse().ok()?)?;
    let mut parts = time
        .splitn(3, ':')
        .map(|part| part.parse::<i64>().ok().filter(|n| (0..=60).contains(n)));
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    let zone_s = rest.iter().find_map(|word| zone(word)).unwrap_or(0);
    Some(i64::from(day.0) * 86_400 + hour * 3600 + minute * 60 + second - zone_s)
}

/// `+0200` in seconds.
fn zone(word: &str) -> Option<i64> {
    let (sign, digits) = match word.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let number: i64 = (digits.len() == 4).then(|| digits.parse().ok()).flatten()?;
    Some(sign * (number / 100 * 3600 + number % 100 * 60))
}

/// A `From ` line without its line end; the date in UTC.
pub fn from_line(date_s: i64) -> impl fmt::Display {
    let day = Day::of(date_s);
    let (year, month, of_month) = day.civil();
    let of_day = date_s.rem_euclid(86_400);
    let name =
        |names: &[&'static str], at: i64| usize::try_from(at).ok().and_then(|at| names.get(at).copied());
    let weekday = name(&WEEKDAYS, (i64::from(day.0) + 4).rem_euclid(7)).unwrap_or("Sun");
    let month = name(&MONTHS, i64::from(month) - 1).unwrap_or("Jan");
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("From MAILER-DAEMON {weekday} {month} {of_month:>2} {hour:02}:{minute:02}:{second:02} {year:04}")
}

/// The fields of flags, with LF; they come in front of the message's own.
pub fn status_fields(labels: &Labels) -> String {
    let seen = if labels.has(Flag::Seen) { "R" } else { "" };
    let letters = [
        ('A', Flag::Answered),
        ('F', Flag::Flagged),
        ('D', Flag::Deleted),
        ('T', Flag::Draft),
    ];
    let letters = letters.iter().filter(|(_, flag)| labels.has(*flag));
    let letters: String = letters.map(|(letter, _)| *letter).collect();
    let mut fields = format!("Status: {seen}O\n");
    if !letters.is_empty() {
        fields += &format!("X-Status: {letters}\n");
    }
    if !labels.keywords.is_empty() {
        let names: Vec<_> = labels.keywords.iter().map(|keyword| keyword.as_str()).collect();
        // Each in a line of its own: 57 keywords of 50 octets would be a long line.
        fields += &format!("X-Keywords: {}\n", names.join("\n "));
    }
    fields
}

/// Takes the lines of one message out of an mbox. What it puts out has the line ends of the file.
#[derive(Debug)]
pub struct Parser {
    in_header: bool,
    /// An empty line that belongs to the message only if something follows.
    held: Vec<u8>,
    /// A field of flags, and its value so far.
    field: Option<(Field, Vec<u8>)>,
    labels: Labels,
}

#[derive(Clone, Copy, Debug)]
enum Field {
    Status,
    XStatus,
    XKeywords,
}

impl Default for Parser {
    fn default() -> Self {
        Self {
            in_header: true,
            held: Vec::new(),
            field: None,
            labels: Labels::default(),
        }
    }
}

impl Parser {
    /// Takes a line with its line end, or a piece of a long one; `begins`: the first piece. False: it is the next message's
    /// `From ` line, and this message is over.
    #[must_use]
    pub fn line(&mut self, line: &[u8], begins: bool, out: &mut Vec<u8>) -> bool {
        if !begins {
            self.rest_of_line(line, out);
            return true;
        }
        if !self.held.is_empty() && from_date(line).is_some() {
            return false;
        }
        out.append(&mut self.held);
        if matches!(line, b"\n" | b"\r\n") {
            self.end_field();
            self.in_header = false;
            self.held = line.to_vec();
        } else if self.in_header {
            self.header_line(line, out);
        } else {
            out.extend_from_slice(unquoted(line));
        }
        true
    }

    fn rest_of_line(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        match &mut self.field {
            Some((_, value)) => keep(value, piece),
            None => out.extend_from_slice(piece),
        }
    }

    fn header_line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return self.rest_of_line(line, out);
        }
        self.end_field();
        match field(line) {
            Some((field, value)) => {
                let mut kept = Vec::new();
                keep(&mut kept, value);
                self.field = Some((field, kept));
            }
            None => out.extend_from_slice(unquoted(line)),
        }
    }

    fn end_field(&mut self) {
        let Some((field, value)) = self.field.take() else {
            return;
        };
        let value = String::from_utf8_lossy(&value).into_owned();
        if let Field::XKeywords = field {
            let names = value.split_ascii_whitespace().map(|name| name.trim_matches(','));
            return names.for_each(|name| self.labels.set_keyword(name));
        }
        for letter in value.chars() {
            let flag = match (field, letter) {
                (Field::Status, 'R') => Flag::Seen,
                (Field::XStatus, 'A') => Flag::Answered,
                (Field::XStatus, 'F') => Flag::Flagged,
                (Field::XStatus, 'D') => Flag::Deleted,
                (Field::XStatus, 'T') => Flag::Draft,
                _ => continue,
            };
            self.labels.set(flag);
        }
    }

    /// The flags, once the message is over.
    pub fn finish(mut self) -> Labels {
        self.end_field();
        self.labels
    }
}

fn keep(value: &mut Vec<u8>, piece: &[u8]) {
    let room = FIELD_MAX.saturating_sub(value.len());
    value.extend(piece.iter().take(room));
}

/// The field of flags that a line begins, with the start of its value.
fn field(line: &[u8]) -> Option<(Field, &[u8])> {
    let colon = line.iter().position(|octet| *octet == b':')?;
    let (name, value) = line.split_at(colon);
    let field = match name.to_ascii_lowercase().as_slice() {
        b"status" => Field::Status,
        b"x-status" => Field::XStatus,
        b"x-keywords" => Field::XKeywords,
        _ => return None,
    };
    Some((field, value.get(1..)?))
}

fn unquoted(line: &[u8]) -> &[u8] {
    let quotes = line.iter().take_while(|octet| **octet == b'>').count();
    let is_quoted = quotes > 0 && line.split_at(quotes).1.starts_with(FROM);
    if is_quoted { line.split_at(1).1 } else { line }
}

/// Puts a `>` in front of the lines that would be read as others. Octets may come in any cut.
#[derive(Debug)]
pub struct Quoter {
    /// How much of `From ` this line has so far, behind any number of `>`; `None`: it is another line.
    matched: Option<usize>,
    ends_line: bool,
}

impl Default for Quoter {
    fn default() -> Self {
        Self {
            matched: Some(0),
            ends_line: true,
        }
    }
}

impl Quoter {
    /// The next octets.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for &octet in octets {
            match self.matched {
                Some(0) if octet == b'>' => out.push(octet),
                Some(matched) if FROM.get(matched) == Some(&octet) => self.step(matched + 1, out),
                matched => {
                    out.extend(FROM.iter().take(matched.unwrap_or(0)));
                    out.push(octet);
                    self.matched = (octet == b'\n').then_some(0);
                }
            }
            self.ends_line = octet == b'\n';
        }
    }

    fn step(&mut self, matched: usize, out: &mut Vec<u8>) {
        self.matched = Some(matched);
        if matched == FROM.len() {
            out.push(b'>');
            out.extend_from_slice(FROM);
            self.matched = None;
        }
    }

    /// There are no more: the last line is ended, if it was not, and the empty line comes that divides messages.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend(FROM.iter().take(self.matched.unwrap_or(0)));
        out.extend_from_slice(if self.ends_line { b"\n" } else { b"\n\n" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &[u8]) -> Vec<(Vec<u8>, Labels)> {
        let mut messages: Vec<(Vec<u8>, Parser)> = Vec::new();
        for line in text.split_inclusive(|octet| *octet == b'\n') {
            let goes_on = messages
                .last_mut()
                .is_some_and(|(out, parser)| parser.line(line, true, out));
            if !goes_on {
                messages.push(Default::default());
            }
        }
        messages
            .into_iter()
            .map(|(out, parser)| (out, parser.finish()))
            .collect()
    }

    fn write(message: &[u8], labels: &Labels) -> Vec<u8> {
        let mut out = format!("{}\n{}", from_line(0), status_fields(labels)).into_bytes();
        let mut quoter = Quoter::default();
        message.iter().for_each(|octet| quoter.push(&[*octet], &mut out));
        quoter.finish(&mut out);
        out
    }

    #[test]
    fn dates_of_from_lines_are_read() {
        for (line, date) in [
            (
                "From a@example.com Sat Jan  3 01:05:34 1970",
                Some(2 * 86_400 + 3934),
            ),
            ("From a b Sat Jan 3 01:05 1970\r\n", Some(2 * 86_400 + 3900)),
            ("From a Sat Jan 3 01:05:00 +0100 1970", Some(2 * 86_400 + 300)),
            ("From a Sat Jan 3 01:05:00 1970 -0100", Some(2 * 86_400 + 7500)),
            ("From a Sat Jan 3 01:05:00 GMT 1970", Some(2 * 86_400 + 3900)),
            ("From here on Sat was fine", None),
            ("From me", None),
            ("from a Sat Jan 3 01:05:00 1970", None),
        ] {
            assert_eq!(from_date(line.as_bytes()), date, "{line}");
        }
        assert_eq!(
            from_date(from_line(1_795_545_001).to_string().as_bytes()),
            Some(1_795_545_001)
        );
    }

    #[test]
    fn messages_are_taken_apart() {
        let text = b"From a Sat Jan  3 01:05:34 1970\nStatus: RO\nSubject: one\nX-Status: AF\nX-Keywords: work\n $x\nX-UID: 7\n\n\
            >From here\n>>From there\n>other\nFrom me to you\n\nFrom b\n\n\nFrom b Sat Jan  3 01:05:34 1970\nSubject: two\n\n";
        let messages = parse(text);
        assert_eq!(messages.len(), 2);
        let (first, labels) = &messages[0];
        let wanted = "Subject: one\nX-UID: 7\n\nFrom here\n>From there\n>other\nFrom me to you\n\nFrom b\n\n";
        assert_eq!(String::from_utf8_lossy(first), wanted);
        assert!(
            [Flag::Seen, Flag::Answered, Flag::Flagged]
                .iter()
                .all(|flag| labels.has(*flag))
        );
        let keywords: Vec<_> = labels.keywords.iter().map(|keyword| keyword.as_str()).collect();
        assert_eq!(keywords, ["work", "$x"]);
        assert_eq!(messages[1], (b"Subject: two\n".to_vec(), Labels::default()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            bodies in prop::collection::vec("(>{0,2}(From |Fro|F|x)?(a Sat Jan 3 01:05:34 1970)?\n){0,6}", 1..4),
            system in 0u64..32,
            keyword in prop::option::of("[a-z]{1,5}"),
        ) {
            let mut labels = Labels { flags: lightmail_core::store::Flags(system), keywords: Vec::new() };
            keyword.iter().for_each(|name| labels.set_keyword(name));
            let messages: Vec<_> = bodies.iter().map(|body| format!("Subject: x\n\n{body}").into_bytes()).collect();
            let file: Vec<u8> = messages.iter().flat_map(|message| write(message, &labels)).collect();
            let read = parse(&file);
            prop_assert_eq!(read, messages.into_iter().map(|message| (message, labels.clone())).collect::<Vec<_>>());
        }
    }
}
