//! What a server's line must look like: octets, `...` for any, `$name` for a captured word, `$"text"` for an astring,
//! `$(NO|BAD)` for one of several patterns, `$~(TEXT)` for a pattern in which letters may be small or capital, `$64(text)` for a
//! pattern of what is written in base64; a word ends at a comma there.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What was captured so far.
pub type Captures = HashMap<String, Vec<u8>>;

/// A line's pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Octets(Vec<u8>),
    /// Octets whose letters may be small or capital.
    AnyCase(Vec<u8>),
    Any,
    /// A name, and the octets at which what it captures ends.
    Word(String, &'static [u8]),
    OneOf(Vec<Pattern>),
    /// What is written in base64.
    Base64(Pattern),
}

/// Where a word of a line ends.
const WORD_ENDS: &[u8] = b" ()[]<>\"\r\n";
/// Where an attribute's value ends in a message of SASL (RFC 5802, 5.1).
const VALUE_ENDS: &[u8] = b",";

impl Pattern {
    /// Reads a pattern; every text is one.
    pub fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        let mut octets = String::new();
        while let Some(c) = rest.chars().next() {
            let name_len = rest.strip_prefix('$').map_or(0, word_len);
            if let Some(after) = rest.strip_prefix("...") {
                push(&mut pieces, &mut octets, Piece::Any);
                rest = after;
            } else if let Some((choices, after)) = choice(rest) {
                push(&mut pieces, &mut octets, Piece::OneOf(choices));
                rest = after;
            } else if let Some((inner, after)) = rest.strip_prefix("$~(").and_then(until_closed) {
                for piece in Self::new(inner).0 {
                    push(&mut pieces, &mut octets, piece.in_any_case());
                }
                rest = after;
            } else if let Some((inner, after)) = rest.strip_prefix("$64(").and_then(until_closed) {
                push(
                    &mut pieces,
                    &mut octets,
                    Piece::Base64(Self::new(inner).of_values()),
                );
                rest = after;
            } else if name_len > 0 {
                let (name, after) = rest[1..].split_at(name_len);
                push(&mut pieces, &mut octets, Piece::Word(name.to_owned(), WORD_ENDS));
                rest = after;
            } else {
                octets.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        if !octets.is_empty() {
            pieces.push(Piece::Octets(octets.into_bytes()));
        }
        Self(pieces)
    }

    /// Exactly these octets.
    pub fn literal(octets: &[u8]) -> Self {
        Self(vec![Piece::Octets(octets.to_vec())])
    }

    /// The same, whose words end where values do.
    fn of_values(self) -> Self {
        let each = |piece| match piece {
            Piece::Word(name, _) => Piece::Word(name, VALUE_ENDS),
            Piece::OneOf(choices) => Piece::OneOf(choices.into_iter().map(Self::of_values).collect()),
            other => other,
        };
        Self(self.0.into_iter().map(each).collect())
    }

    /// Whether a `$(`, `$~(` or `$64(` has no end, so that it would stand for itself.
    pub fn is_unclosed(&self) -> bool {
        let begins = |octets: &[u8]| {
            let holds = |begin: &[u8]| octets.windows(begin.len()).any(|window| window == begin);
            holds(b"$(") || holds(b"$~(") || holds(b"$64(")
        };
        self.0.iter().any(|piece| match piece {
            Piece::Octets(octets) | Piece::AnyCase(octets) => begins(octets),
            Piece::OneOf(choices) => choices.iter().any(Self::is_unclosed),
            Piece::Base64(inner) => inner.is_unclosed(),
            Piece::Any | Piece::Word(..) => false,
        })
    }

    /// Whether the line fits; adds what it captures only if it does.
    pub fn matches(&self, line: &[u8], captures: &mut Captures) -> bool {
        let mut trial = captures.clone();
        let fits = fit(&self.0, line, &mut trial);
        if fits {
            *captures = trial;
        }
        fits
    }
}

fn push(pieces: &mut Vec<Piece>, octets: &mut String, piece: Piece) {
    if !octets.is_empty() {
        pieces.push(Piece::Octets(std::mem::take(octets).into_bytes()));
    }
    pieces.push(piece);
}

/// `$(NO|BAD)`, or `$"text"`: as an atom or quoted. The patterns of which one fits, and what stands behind.
fn choice(text: &str) -> Option<(Vec<Pattern>, &str)> {
    if let Some(quoted) = text.strip_prefix("$\"") {
        let (text, after) = quoted.split_once('"')?;
        let choices = [format!("\"{text}\""), text.to_owned()];
        return Some((
            choices.map(|choice| Pattern::literal(choice.as_bytes())).into(),
            after,
        ));
    }
    let (choices, after) = until_closed(text.strip_prefix("$(")?)?;
    let mut depth = 0_u32;
    let apart = |c| {
        depth = nesting(depth, c);
        c == '|' && depth == 0
    };
    Some((choices.split(apart).map(Pattern::new).collect(), after))
}

/// What stands before the parenthesis that closes the one before the text, and what stands behind it.
pub(crate) fn until_closed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1;
    let end = text.find(|c| {
        depth = nesting(depth, c);
        depth == 0
    })?;
    Some((&text[..end], &text[end + 1..]))
}

/// How many parentheses are open behind a character.
fn nesting(depth: u32, c: char) -> u32 {
    match c {
        '(' => depth + 1,
        ')' => depth.saturating_sub(1),
        _ => depth,
    }
}

impl Piece {
    fn in_any_case(self) -> Self {
        match self {
            Self::Octets(octets) => Self::AnyCase(octets),
            Self::OneOf(choices) => {
                let each = |choice: Pattern| Pattern(choice.0.into_iter().map(Self::in_any_case).collect());
                Self::OneOf(choices.into_iter().map(each).collect())
            }
            other => other,
        }
    }
}

/// The length of the name that a text begins with: lower-case letters, then letters and digits.
pub(crate) fn word_len(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit())
        .unwrap_or(text.len())
}

/// Recursion is bounded by the pieces of a pattern, which our own files hold.
fn fit(pieces: &[Piece], line: &[u8], captures: &mut Captures) -> bool {
    let Some((piece, rest)) = pieces.split_first() else {
        return line.is_empty();
    };
    match piece {
        Piece::Octets(octets) => line
            .strip_prefix(octets.as_slice())
            .is_some_and(|line| fit(rest, line, captures)),
        Piece::AnyCase(octets) => line
            .split_at_checked(octets.len())
            .is_some_and(|(begin, line)| begin.eq_ignore_ascii_case(octets) && fit(rest, line, captures)),
        Piece::OneOf(choices) => choices.iter().any(|choice| {
            let pieces = [&choice.0, rest].concat();
            let mut trial = captures.clone();
            let fits = fit(&pieces, line, &mut trial);
            if fits {
                *captures = trial;
            }
            fits
        }),
        Piece::Any => (0..=line.len()).any(|n| fit(rest, &line[n..], captures)),
        Piece::Base64(inner) => {
            let is_written = |octet: &u8| octet.is_ascii_alphanumeric() || b"+/=".contains(octet);
            let end = line
                .iter()
                .position(|octet| !is_written(octet))
                .unwrap_or(line.len());
            let (written, line) = line.split_at(end);
            STANDARD
                .decode(written)
                .is_ok_and(|decoded| fit(&inner.0, &decoded, captures) && fit(rest, line, captures))
        }
        Piece::Word(name, ends) => match captures.get(name).cloned() {
            Some(known) => line
                .strip_prefix(known.as_slice())
                .is_some_and(|line| fit(rest, line, captures)),
            None => {
                let most = line
                    .iter()
                    .position(|octet| ends.contains(octet))
                    .unwrap_or(line.len());
                (1..=most).rev().any(|n| {
                    captures.insert(name.clone(), line[..n].to_vec());
                    let fits = fit(rest, &line[n..], captures);
                    if !fits {
                        captures.remove(name);
                    }
                    fits
                })
            }
        },
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Octets(octets) => octets.utf8_chunks().try_for_each(|chunk| {
                for c in chunk.valid().chars() {
                    match c.is_control() {
                        true => write!(f, "{}", c.escape_default())?,
                        false => f.write_char(c)?,
                    }
                }
                write!(f, "{}", chunk.invalid().escape_ascii())
            }),
            Piece::Any => f.write_str("..."),
            Piece::Word(name, _) => write!(f, "${name}"),
            Piece::Base64(inner) => write!(f, "$64({inner})"),
            Piece::AnyCase(octets) => write!(f, "$~({})", octets.escape_ascii()),
            Piece::OneOf(choices) => {
                let choices: Vec<_> = choices.iter().map(Self::to_string).collect();
                write!(f, "$({})", choices.join("|"))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_lines() {
        for (pattern, line, fits) in [
            ("a OK ...", "a OK done", true),
            ("a OK ...", "a OK ", true),
            ("a OK ...", "a NO done", false),
            ("* $n EXISTS", "* 12 EXISTS", true),
            ("* $n EXISTS", "*  EXISTS", false),
            ("$n-$n", "ab-ab", true),
            ("$n-$n", "ab-ac", false),
            ("* FLAGS (...\\Seen...)", "* FLAGS (\\Answered \\Seen)", true),
            ("$ 5", "$ 5", true),
            ("() $\"Work\"", "() Work", true),
            ("() $\"Work\"", "() \"Work\"", true),
            ("() $\"Work\"", "() Work/a", false),
            ("a $(NO|BAD) ...", "a BAD no", true),
            ("a $(NO|BAD) ...", "a OK yes", false),
            (
                "($(UID $n FLAGS (...)|FLAGS (...) UID $n))",
                "(FLAGS (\\Seen) UID 7)",
                true,
            ),
            (
                "($(UID $n FLAGS (...)|FLAGS (...) UID $n))",
                "(UID 7 FLAGS ())",
                true,
            ),
            ("($(UID $n FLAGS (...)|FLAGS (...) UID $n))", "(UID 7)", false),
            ("$($n-|$n+)$n", "1+1", true),
            ("$($n-|$n+)$n", "1+2", false),
            ("a $~((\"text\" $n) \"x\")y", "a (\"TEXT\" 5) \"X\"y", true),
            ("a $~((\"text\" $n) \"x\")y", "a (\"Text\" 5) \"x\"Y", false),
            ("$~($(ok|no)...)", "NO", true),
            ("+ $64(r=a$n,s=$s,i=$i)", "+ cj1hKGI8YyxzPVF3PT0saT00MDk2", true),
            ("+ $64(r=x...)", "+ cj1hKGI8YyxzPVF3PT0saT00MDk2", false),
            ("+ $64()", "+ ", true),
            ("+ $64(...)", "+ =AAA", false),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(line.as_bytes(), &mut Captures::new()),
                fits,
                "{pattern} ~ {line}"
            );
        }
    }

    #[test]
    fn choices_are_closed() {
        for (pattern, unclosed) in [
            ("a $(NO|BAD) ...", false),
            ("a $(NO|() ...", true),
            ("a $(NO|$~(x) ...", true),
            ("a $~((x) ...", true),
            ("+ $64(v=$v", true),
            ("cost $ (5", false),
        ] {
            assert_eq!(Pattern::new(pattern).is_unclosed(), unclosed, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_is_shown_as_it_is_written() {
        for text in ["* FLAGS (\\Seen) gr\u{fc}n", "a $(NO|BAD) ... $n", "+ $64(v=$v)"] {
            assert_eq!(Pattern::new(text).to_string(), text);
        }
        assert_eq!(Pattern::literal(b"\0\xff").to_string(), "\\u{0}\\xff");
    }
}
