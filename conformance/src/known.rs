//! Where another server is known to deviate: a list that turns such failures into what is expected, and that may not grow old.
//!
//! ```text
//! ; Dovecot 2.3.19
//! [does something else than the text says]
//! rfc3501/6.3.11-no-nul.txt = RFC 3501, 9: stores a NUL
//! ```

use std::collections::BTreeMap;

use crate::run::{Failure, Verdict};

/// Transcripts that a server is known to fail, each with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known(BTreeMap<String, String>);

impl Known {
    /// Reads lines of `FILE = REASON`, the file named as the report names it; `;` and `#` begin a comment,
    /// `[` a heading for readers. An error names the
    /// line, counted from 1, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut known = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with([';', '#', '[']) {
                continue;
            }
            let entry = line
                .split_once('=')
                .map(|(file, reason)| (file.trim(), reason.trim()))
                .filter(|(file, reason)| !file.is_empty() && !reason.is_empty())
                .ok_or_else(|| format!("{}: expected FILE = REASON", at + 1))?;
            if known.insert(entry.0.to_owned(), entry.1.to_owned()).is_some() {
                return Err(format!("{}: expected {} only once", at + 1, entry.0));
            }
        }
        Ok(Self(known))
    }

    /// The transcripts that are listed, and the reason of each.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(file, reason)| (file.as_str(), reason.as_str()))
    }

    /// The verdict in the light of the list: a listed failure deviates as expected; a listed transcript that passes is a
    /// failure, because the list is old.
    pub fn judge(&self, file: &str, verdict: Verdict) -> Verdict {
        match (self.0.get(file), verdict) {
            (Some(reason), Verdict::Fail(failure)) => Verdict::Deviates(reason.clone(), failure),
            (Some(_), Verdict::Pass) => Verdict::Fail(Failure {
                line: 1,
                what: "it passes, and is listed as known to fail: strike it from the list".into(),
                said: vec![],
            }),
            (_, verdict) => verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what() -> Failure {
        Failure {
            line: 7,
            what: "came a BAD no".into(),
            said: vec![],
        }
    }

    fn failure() -> Verdict {
        Verdict::Fail(what())
    }

    #[test]
    fn a_listed_failure_deviates_and_a_listed_pass_fails() {
        let known =
            Known::parse("; a server\n\n[lenient]\nx/a.txt = RFC 3501, 9: says a=b\n# more\n").unwrap();
        assert_eq!(
            known.entries().collect::<Vec<_>>(),
            [("x/a.txt", "RFC 3501, 9: says a=b")]
        );
        assert_eq!(
            known.judge("x/a.txt", failure()),
            Verdict::Deviates("RFC 3501, 9: says a=b".into(), what())
        );
        assert!(matches!(
            known.judge("x/a.txt", Verdict::Pass),
            Verdict::Fail(failure) if failure.what.starts_with("it passes")
        ));
        let absent = Verdict::NotOffered("MOVE".into());
        assert_eq!(known.judge("x/a.txt", absent.clone()), absent);
    }

    #[test]
    fn what_is_not_listed_stays_as_it_is() {
        let known = Known::parse("x/a.txt = RFC 3501, 9: no\n").unwrap();
        for verdict in [failure(), Verdict::Pass] {
            assert_eq!(known.judge("x/b.txt", verdict.clone()), verdict);
        }
    }

    #[test]
    fn errors_name_the_line() {
        for (text, error) in [
            ("\nx/a.txt\n", "2: expected FILE = REASON"),
            ("x/a.txt =\n", "1: expected FILE = REASON"),
            ("= why\n", "1: expected FILE = REASON"),
            ("a = x\na = y\n", "2: expected a only once"),
        ] {
            assert_eq!(Known::parse(text), Err(error.into()));
        }
    }
}
