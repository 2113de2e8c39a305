//! LANG: in which language the server explains itself.
//!
//! RFC 6856, 3.2. All texts are English, which is the default language too (`i-default`), so there is nothing to switch.

use super::{Context, State, words};

/// Each language's tag, its name, and how it is told that it is in use.
const LANGUAGES: [(&str, &str, &str); 2] = [
    ("en", "English", "Language is English"),
    (
        "i-default",
        "Default language",
        "Language is the default, English",
    ),
];

/// `LANG [language-range]`
pub(super) fn start(cx: &mut Context, range: &str) -> State {
    if range.is_empty() {
        cx.reply(words::LANGUAGES);
        for (tag, name, _) in LANGUAGES {
            cx.out.line(format_args!("{tag} {name}"));
        }
        cx.out.line(".");
        return State::AwaitCommand;
    }
    match LANGUAGES.iter().find(|(tag, ..)| matches(range, tag)) {
        Some((tag, _, told)) => {
            cx.out.ok(format_args!("{tag} {told}"));
            State::AwaitCommand
        }
        None => cx.answer(words::NO_LANGUAGE),
    }
}

/// Whether a basic language range means a tag: it is the tag, or the tag goes on behind it with a hyphen (RFC 6856, 3.2: a basic language range).
fn matches(range: &str, tag: &str) -> bool {
    let rest = tag.get(range.len()..).filter(|_| {
        tag.get(..range.len())
            .is_some_and(|front| front.eq_ignore_ascii_case(range))
    });
    range == "*" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Whether the arguments, the verb's space included, are a range that means a language here, or none.
pub(in crate::pop3) fn is_language(arguments: &[u8]) -> bool {
    let range = std::str::from_utf8(arguments).unwrap_or("?").trim_matches(' ');
    range.is_empty() || LANGUAGES.iter().any(|(tag, ..)| matches(range, tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (range, tag) in [
            ("*", "en"),
            ("EN", "en"),
            ("i", "i-default"),
            ("i-Default", "i-default"),
        ] {
            assert!(matches(range, tag), "{range}");
        }
        for (range, tag) in [
            ("en-GB", "en"),
            ("i-def", "i-default"),
            ("e", "en"),
            ("", "en"),
            ("é", "en"),
        ] {
            assert!(!matches(range, tag), "{range}");
        }
    }
}
