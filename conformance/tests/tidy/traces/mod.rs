//! What can be said has a transcript: each command, response, code, capability and reply of `words.txt`; and what the code's own
//! tables hold is in that list.

mod list;
mod told;
mod vocabulary;

use std::collections::BTreeSet;
use std::fs;

use crate::tree::root;
use crate::{citations, none};

use list::{How, Word, list};
use told::{Said, TOLD, Told};
use vocabulary::vocabulary;

/// Whether a text fits a pattern in which `...` is anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split("...");
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut pieces: Vec<_> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether a line begins with a word; what follows is a space, or nothing.
fn begins(text: &str, word: &str) -> bool {
    text.strip_prefix(word)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

impl Word {
    /// Whether the line shows the word: for a client's word, that it is sent; for a server's, that it comes.
    fn is_in(&self, said: &Said) -> bool {
        let text = said.text.as_str();
        let behind = || text.split_once(' ').map_or("", |(_, behind)| behind);
        if said.protocol != self.protocol() {
            return false;
        }
        match (&self.how, self.kind.as_str()) {
            // What clients send has no case, but for the texts in it.
            (How::Client(pattern), _) => said.client && fits(&pattern.to_uppercase(), &text.to_uppercase()),
            (How::Server(pattern), _) => !said.client && fits(pattern, text),
            (_, "command") => said.client && begins(&behind().to_uppercase(), &self.word),
            (_, "verb" | "pop-command") => said.client && begins(&text.to_uppercase(), &self.word),
            (_, "reply" | "pop-capability") => !said.client && begins(text, &self.word),
            (_, "pop-code") => !said.client && text.starts_with(&format!("-ERR [{}]", self.word)),
            (_, "code") => !said.client && is_code(behind(), &self.word),
            (_, "untagged") => !said.client && text.starts_with("* ") && is_untagged(behind(), &self.word),
            _ => false,
        }
    }

    /// Whether a transcript shows the word, and plays so.
    fn is_shown(&self, told: &Told) -> bool {
        if let How::Proved(rfc) = self.how {
            return told
                .transcript
                .proves
                .sections
                .iter()
                .any(|(proved, _)| *proved == rfc);
        }
        told.written.iter().any(|said| {
            self.is_in(said)
                && match (said.client, self.kind.as_str()) {
                    (true, "command") => succeeds(told, said),
                    (true, _) => true,
                    (false, _) => told.heard.iter().any(|heard| self.is_in(heard)),
                }
        })
    }
}

/// `OK [CODE] …`, without the tag.
fn is_code(status: &str, word: &str) -> bool {
    ["OK [", "NO [", "BAD [", "BYE ["].iter().any(|condition| {
        let code = status
            .strip_prefix(condition)
            .and_then(|code| code.strip_prefix(word));
        code.is_some_and(|behind| behind.starts_with([' ', ']', '.']))
    })
}

/// `WORD …` or `12 WORD …`, without the star.
fn is_untagged(response: &str, word: &str) -> bool {
    let numbered = response.split_once(' ').map_or("", |(_, behind)| behind);
    begins(response, word) || begins(numbered, word)
}

/// Whether a command is answered OK.
fn succeeds(told: &Told, sent: &Said) -> bool {
    let tag = sent.text.split(' ').next().unwrap_or_default();
    let ok = |said: &&Said| {
        !said.client && said.connection == sent.connection && begins(&said.text, &format!("{tag} OK"))
    };
    told.written.iter().any(|said| ok(&said)) && told.heard.iter().any(|said| ok(&said))
}

/// Whether a file's tests have the word.
fn is_tested(file: &str, word: &str) -> bool {
    let word = word.split(' ').next_back().unwrap_or(word);
    fs::read_to_string(root().join(file)).is_ok_and(|text| text.contains(word))
}

#[test]
fn every_word_of_the_protocols_has_a_transcript() {
    let mut complaints = Vec::new();
    for word in &list() {
        let Word {
            line,
            kind,
            word: name,
            rfc,
            section,
            ..
        } = word;
        let shown = TOLD.iter().find(|told| word.is_shown(told));
        let complaint = match (&word.how, shown) {
            (How::Untried(file), _) if !is_tested(file, name) => {
                format!("{file} has no test of it: write one, or a transcript")
            }
            (How::Untried(_), None) | (_, Some(_)) => continue,
            (How::Client(pattern), None) => format!("no transcript has C: {pattern}"),
            (How::Server(pattern), None) => format!("no transcript has S: {pattern}"),
            (_, None) => "no transcript shows it".to_owned(),
        };
        complaints.push(format!(
            "conformance/words.txt:{line}: {kind} {name}: {complaint} (RFC {rfc}, {section}; CONTRIBUTING.md, How to write a transcript)"
        ));
    }
    none(&complaints);
}

#[test]
fn words_that_a_transcript_shows_are_not_called_untried() {
    let tried = |word: &Word| {
        let plainly = Word {
            how: How::Plainly,
            kind: word.kind.clone(),
            word: word.word.clone(),
            section: String::new(),
            ..*word
        };
        let shown = TOLD.iter().find(|told| plainly.is_shown(told))?;
        Some(format!(
            "conformance/words.txt:{}: {} {}: {} shows it: take `untried` out",
            word.line, word.kind, word.word, shown.transcript.file
        ))
    };
    let list = list();
    let untried = list.iter().filter(|word| matches!(word.how, How::Untried(_)));
    none(&untried.filter_map(tried).collect::<Vec<_>>());
}

#[test]
fn every_section_of_the_words_exists() {
    let sections = citations::sections();
    let told = |word: &Word| {
        let wrong = citations::wrong(&sections, word.rfc, &word.section)?;
        Some(format!("conformance/words.txt:{}: {wrong}", word.line))
    };
    none(&list().iter().filter_map(told).collect::<Vec<_>>());
}

#[test]
fn every_word_of_the_code_is_listed() {
    let list = list();
    let mut complaints = Vec::new();
    for (kind, words) in vocabulary() {
        assert!(
            words.len() > 3,
            "the words of kind {kind} were not found: {words:?}"
        );
        let listed: BTreeSet<_> = list
            .iter()
            .filter(|word| word.kind == kind)
            .map(|word| word.word.clone())
            .collect();
        for word in words.difference(&listed) {
            complaints.push(format!(
                "conformance/words.txt lacks {kind} {word}: add a line with its RFC and section"
            ));
        }
        // Responses are also made of parts, which no literal holds as a whole.
        for word in listed.difference(&words).filter(|_| kind != "untagged") {
            complaints.push(format!(
                "conformance/words.txt lists {kind} {word}, which the code does not know: take it out"
            ));
        }
    }
    none(&complaints);
}
