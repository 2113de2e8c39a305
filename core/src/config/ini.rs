//! INI text: sections, keys, values, and what is wrong with them, all of it at once.
//!
//! A line is empty, a comment (`#` or `;` in front), `[section]` or `key = value`. A value reaches to the end of its line;
//! in double quotes it keeps the blanks at its ends.

use std::fmt;

use super::table::{Config, Key, Section, TABLE};

/// Something wrong in a configuration, shown like this:
///
/// ```text
/// config.ini:14: [imap] prot: unknown key; did you mean port?
///     prot = 143
///     ^^^^  keys here: enabled, host, port, tls_port
/// ```
///
/// Secrets are not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, what was expected.
    pub message: String,
    /// The line's text, without secrets.
    pub text: String,
    /// Where in `text` the fault begins, in characters.
    pub column: usize,
    /// How many characters are at fault.
    pub width: usize,
    /// What would be right here; may be empty.
    pub hint: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let ConfigError {
            file,
            line,
            message,
            text,
            column,
            width,
            hint,
        } = self;
        write!(
            f,
            "{file}:{line}: {message}\n    {text}\n    {:column$}{}",
            "",
            "^".repeat(*width)
        )?;
        if hint.is_empty() {
            Ok(())
        } else {
            write!(f, "  {hint}")
        }
    }
}

impl std::error::Error for ConfigError {}

/// Where a key, or with an empty name a section, was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub section: &'static str,
    pub key: &'static str,
    pub file: String,
    pub line: usize,
    /// The line's text, without secrets.
    pub text: String,
    /// Where the value stands in `text`: column and width in characters.
    pub value: (usize, usize),
}

impl Origin {
    /// The error that this value causes.
    pub fn error(&self, why: &str) -> ConfigError {
        let subject = if self.key.is_empty() {
            String::new()
        } else {
            format!(" {}", self.key)
        };
        ConfigError {
            file: self.file.clone(),
            line: self.line,
            message: format!("[{}]{subject}: {why}", self.section),
            text: self.text.clone(),
            column: self.value.0,
            width: self.value.1.max(1),
            hint: String::new(),
        }
    }
}

/// Lines at fault that are told: a file with more of them is something else.
pub(super) const ERRORS_MAX: usize = 100;

/// Reads a text into a configuration that began with the defaults. What is wrong is in the errors, the first [`ERRORS_MAX`] of
/// it; the rest is set.
pub(super) fn read(file: &str, text: &str) -> (Config, Vec<ConfigError>) {
    let mut reader = Reader {
        file,
        config: Config::default(),
        errors: Vec::new(),
        section: Place::Start,
    };
    for (at, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        reader.line(at + 1, line.trim());
        if reader.errors.len() == ERRORS_MAX {
            break;
        }
    }
    (reader.config, reader.errors)
}

struct Reader<'a> {
    file: &'a str,
    config: Config,
    errors: Vec<ConfigError>,
    section: Place,
}

#[derive(Clone, Copy)]
enum Place {
    /// In front of the first section.
    Start,
    In(&'static Section),
    /// In a section that nobody knows: its keys are passed over, since one error is enough.
    Unknown,
}

impl Reader<'_> {
    fn line(&mut self, number: usize, line: &str) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            return;
        }
        if let Some(name) = line.strip_prefix('[') {
            return self.header(number, line, name);
        }
        match (line.split_once('='), self.section) {
            (_, Place::Unknown) => {}
            (None, _) => {
                let word = line.split_whitespace().next().unwrap_or_default();
                self.fault(
                    number,
                    word,
                    (0, word),
                    "expected key = value or [section]".into(),
                    String::new(),
                );
            }
            (Some((key, _)), Place::Start) => {
                let message = format!("{}: a key in front of the first section", key.trim());
                self.fault(number, &elided(key), (0, key.trim()), message, String::new());
            }
            (Some((key, value)), Place::In(section)) => {
                self.key(number, line, section, (key.trim(), value.trim()))
            }
        }
    }

    fn header(&mut self, number: usize, line: &str, rest: &str) {
        let Some(name) = rest.strip_suffix(']').map(str::trim) else {
            self.section = Place::Unknown;
            return self.fault(
                number,
                line,
                (0, line),
                "expected ] at the end of the section".into(),
                String::new(),
            );
        };
        let Some(section) = TABLE.iter().find(|section| section.name == name) else {
            self.section = Place::Unknown;
            let names = || TABLE.iter().map(|section| section.name);
            let message = format!("[{name}]: unknown section{}", suggestion(name, names()));
            return self.fault(
                number,
                line,
                (0, line),
                message,
                format!("sections: {}", join(names())),
            );
        };
        self.section = Place::In(section);
        self.config.open(section.name);
        let origin = self.origin(number, section.name, "", line, (0, line.chars().count()));
        self.config.origins.push(origin);
    }

    fn key(&mut self, number: usize, line: &str, section: &'static Section, (name, value): (&str, &str)) {
        let Some(key) = section.keys.iter().find(|key| key.name == name) else {
            let names = || section.keys.iter().map(|key| key.name);
            let message = format!(
                "[{}] {name}: unknown key{}",
                section.name,
                suggestion(name, names())
            );
            // The value may be a secret whose key has a slip of the pen.
            return self.fault(
                number,
                &elided(name),
                (0, name),
                message,
                format!("keys here: {}", join(names())),
            );
        };
        let text = if key.secret { elided(name) } else { line.to_owned() };
        if let Some(first) = self.config.origin(section.name, key.name) {
            let message = format!(
                "[{}] {name}: given again; first on line {}",
                section.name, first.line
            );
            return self.fault(number, &text, (0, name), message, String::new());
        }
        let width = if key.secret { 1 } else { value.chars().count() };
        let column = text.chars().count().saturating_sub(width);
        let origin = self.origin(number, section.name, key.name, &text, (column, width));
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .unwrap_or(value);
        if value.contains(char::is_control) {
            self.errors.push(origin.error("a control character"));
        } else if !self.config.set(section.name, key.name, value) {
            self.errors
                .push(origin.error(&format!("expected {}", expected(key))));
        }
        self.config.origins.push(origin);
    }

    fn origin(
        &self,
        line: usize,
        section: &'static str,
        key: &'static str,
        text: &str,
        value: (usize, usize),
    ) -> Origin {
        Origin {
            section,
            key,
            file: self.file.to_owned(),
            line,
            text: visible(text),
            value,
        }
    }

    fn fault(&mut self, line: usize, text: &str, at: (usize, &str), message: String, hint: String) {
        self.errors.push(ConfigError {
            file: self.file.to_owned(),
            line,
            message: visible(&message),
            text: visible(text),
            column: at.0,
            width: at.1.chars().count().clamp(1, TEXT_MAX),
            hint,
        });
    }
}

fn expected(key: &Key) -> String {
    let default = if key.default.is_empty() {
        String::new()
    } else {
        format!(", such as {}", key.default)
    };
    format!("{}{default}", key.expected)
}

fn elided(key: &str) -> String {
    format!("{} = …", key.trim())
}

/// How much of a line is shown.
const TEXT_MAX: usize = 100;

/// A line fit for a terminal: short, without control characters, one column a character.
fn visible(text: &str) -> String {
    text.chars()
        .take(TEXT_MAX)
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}

fn join(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// `; did you mean …?` with the name that is nearest, if one is near.
fn suggestion(name: &str, names: impl Iterator<Item = &'static str>) -> String {
    let name = name.to_ascii_lowercase();
    let slips = |known: &str| (known.len() / 3).max(1);
    // Each letter too much or too few is a slip: most names are too long or too short to be looked at.
    let likely = names.filter(|known| known.len().abs_diff(name.len()) <= slips(known));
    let near = likely.map(|known| (distance(name.as_bytes(), known.as_bytes()), known));
    match near.min() {
        Some((distance, known)) if distance <= slips(known) => format!("; did you mean {known}?"),
        _ => String::new(),
    }
}

/// Letters of the longest name that is compared.
const NAME_MAX: usize = 64;

/// How many slips of the pen lie between two names: a letter too much, too few, another, or two that changed places.
fn distance(a: &[u8], b: &[u8]) -> usize {
    // Slips between what was read of `a` and each beginning of `b`: of this letter of `a`, and of the two before.
    let mut rows: [[usize; NAME_MAX + 1]; 3] = [std::array::from_fn(|column| column); 3];
    let mut left_before = None;
    for (row, &left) in a.iter().enumerate() {
        rows.rotate_right(1);
        let [current, above, before] = &mut rows;
        let (mut beside, mut right_before) = (row + 1, None);
        current[0] = beside;
        let columns = current
            .iter_mut()
            .skip(1)
            .zip(above.windows(2))
            .zip(before.iter());
        let mut swapped_base = None;
        for (((cell, over), &before), &right) in columns.zip(b) {
            let &[diagonal, over] = over else { break };
            beside = (diagonal + usize::from(left != right))
                .min(over + 1)
                .min(beside + 1);
            if let Some(base) =
                swapped_base.filter(|_| left_before == Some(right) && right_before == Some(left))
            {
                beside = beside.min(base + 1);
            }
            (*cell, right_before, swapped_base) = (beside, Some(right), Some(before));
        }
        left_before = Some(left);
    }
    let [last, ..] = &rows;
    last.get(b.len()).copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        for (name, near, far) in [
            ("prot", "port", 1),
            ("prt", "port", 1),
            ("tls_prot", "tls_port", 1),
            ("abc", "xyz", 3),
            ("", "ab", 2),
        ] {
            assert_eq!(distance(name.as_bytes(), near.as_bytes()), far, "{name}");
        }
    }
}
