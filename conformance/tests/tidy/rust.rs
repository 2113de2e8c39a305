//! Rust sources, read as far as the rules need it: what is code, what is text, where functions begin and end.

use std::sync::LazyLock;

use crate::tree::{Text, texts};

/// A source: its code with comments and literals blanked out, octet for octet, and its string literals.
#[derive(Clone)]
pub struct Source {
    pub path: String,
    pub code: String,
    /// Where each begins in the file, and what stands between its quotes, escapes as written.
    pub literals: Vec<(usize, String)>,
}

/// A function with a body.
pub struct Function {
    pub name: String,
    /// Counted from 1.
    pub line: usize,
    /// The lines between its braces.
    pub lines: usize,
}

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| texts(&[".rs"]).into_iter().map(read).collect());

/// The sources below a folder.
pub fn sources(folder: &str) -> impl Iterator<Item = &'static Source> {
    SOURCES
        .iter()
        .filter(move |source| source.path.starts_with(folder))
}

fn read(Text { path, text }: Text) -> Source {
    let (mut code, mut literals) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        let (length, kind) = token(rest, code.chars().last());
        let (taken, behind) = rest.split_at(length);
        match kind {
            Kind::Code => code.push_str(taken),
            Kind::Comment => blank(&mut code, taken),
            Kind::Literal { quote } => {
                blank(&mut code, taken);
                literals.push((at, taken.get(quote..).unwrap_or_default().to_owned()));
            }
        }
        rest = behind;
    }
    Source { path, code, literals }
}

enum Kind {
    Code,
    Comment,
    /// A string; its text begins behind so many octets.
    Literal {
        quote: usize,
    },
}

/// Spaces for octets; line ends stay.
fn blank(code: &mut String, taken: &str) {
    code.extend(taken.bytes().map(|octet| if octet == b'\n' { '\n' } else { ' ' }));
}

/// How long the next token is, and whether it is code.
fn token(rest: &str, before: Option<char>) -> (usize, Kind) {
    let to = |end: &str| rest.find(end).unwrap_or(rest.len());
    if rest.starts_with("//") {
        return (to("\n"), Kind::Comment);
    }
    if rest.starts_with("/*") {
        return (to("*/") + "*/".len(), Kind::Comment);
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if !in_word && let Some(raw) = raw_string(rest) {
        return raw;
    }
    if let Some(inner) = rest.strip_prefix('"') {
        return (1 + quoted(inner, '"'), Kind::Literal { quote: 1 });
    }
    if let Some(inner) = rest.strip_prefix('\'') {
        // `'a'` and `'\n'` are characters, `'a` is a lifetime.
        let second = inner.chars().nth(1);
        if inner.starts_with('\\') || second == Some('\'') {
            return (1 + quoted(inner, '\''), Kind::Comment);
        }
    }
    (rest.chars().next().map_or(1, char::len_utf8), Kind::Code)
}

/// `r"…"`, `r#"…"#`, with a `b` or `c` in front or not.
fn raw_string(rest: &str) -> Option<(usize, Kind)> {
    let raw = rest.strip_prefix(['b', 'c']).unwrap_or(rest).strip_prefix('r')?;
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    let text = raw[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let quote = rest.len() - text.len();
    let length = quote + text.find(&end).map_or(text.len(), |at| at + end.len());
    Some((length, Kind::Literal { quote }))
}

/// Up to the closing quote, which is counted.
fn quoted(inner: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    inner.len()
}

/// Behind the brace that closes the first one of `code`.
fn closed(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Where an item's body begins: its brace, unless it ends in a semicolon before.
fn body(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '{' if depth == 0 => return Some(at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

impl Source {
    /// The line of an octet, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }

    /// The same without what is there for tests only.
    pub fn without_tests(&self) -> Self {
        let mut source = self.clone();
        let mark = "#[cfg(test)]";
        let mut from = 0;
        while let Some(found) = source.code[from..].find(mark) {
            let start = from + found;
            let item = start + mark.len();
            let end = match body(&source.code[item..]) {
                Some(brace) => item + brace + closed(&source.code[item + brace..]),
                None => item + source.code[item..].find(';').map_or(0, |at| at + 1),
            };
            let mut blanked = String::new();
            blank(&mut blanked, &source.code[start..end]);
            source.code.replace_range(start..end, &blanked);
            source.literals.retain(|(at, _)| !(start..end).contains(at));
            from = end;
        }
        source
    }

    /// Whether the file as a whole is there for tests only.
    pub fn is_test(&self) -> bool {
        let path = &self.path;
        path.contains("/tests/") || path.contains("/benches/") || path.ends_with("/tests.rs")
    }

    /// All functions, those within others too.
    pub fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        for (at, word) in self.code.match_indices("fn ") {
            let in_word = self.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let behind = &self.code[at + word.len()..];
            let name: String = behind
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let Some(brace) = (if in_word || name.is_empty() {
                None
            } else {
                body(behind)
            }) else {
                continue;
            };
            let text = &behind[brace..];
            let lines = text[..closed(text)].matches('\n').count().saturating_sub(1);
            let line = self.line(at);
            functions.push(Function { name, line, lines });
        }
        functions
    }
}

#[test]
fn sources_are_read_as_far_as_it_takes() {
    let text = r##"
/// Not "this".
fn one<'a>(x: &'a str) -> [u8; 2] {
    let braces = ("}", '}', '\'', r#"}""#, b"* OK"); // }
    /* } */ [0; 2]
}
trait T { fn declared(); }
#[cfg(test)]
mod tests {
    fn two() { panic!("test") }
}
fn three() { { } }
"##;
    let source = read(Text {
        path: "x.rs".into(),
        text: text.into(),
    });
    let shown = |source: &Source| {
        let functions = source.functions();
        let shown = functions
            .iter()
            .map(|f| format!("{}:{}:{}", f.name, f.line, f.lines));
        shown.collect::<Vec<_>>()
    };
    assert_eq!(shown(&source), ["one:3:2", "two:10:0", "three:12:0"]);
    let texts: Vec<_> = source.literals.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["}\"", "}\"\"#", "* OK\"", "test\""]);
    let source = source.without_tests();
    assert_eq!(shown(&source), ["one:3:2", "three:12:0"]);
    assert_eq!(source.literals.len(), 3);
}
