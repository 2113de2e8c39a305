//! A run's results in a file, a line of JSON for each transcript, so that a report can put servers side by side.
//!
//! ```text
//! {"file":"rfc3501/6.1.2-noop.txt","verdict":"pass"}
//! {"file":"rfc3501/6.3.5-rename.txt","verdict":"fail","line":7,"what":"expected a OK ..., came a BAD no","said":["1C: a RENAME x y","1S: a BAD no"]}
//! {"file":"rfc3501/9-one-space.txt","verdict":"deviates","reason":"RFC 3501, 9: …","line":5,"what":"…","said":[]}
//! {"file":"rfc6851/3.1-move.txt","verdict":"not offered","what":"MOVE"}
//! ```

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::report::Played;
use crate::run::{Failure, Verdict};

/// What a server did, by the transcript's file name.
pub type Results = HashMap<String, Verdict>;

/// The lines of a run.
pub fn write(played: &[Played<'_>]) -> String {
    let line = |played: &Played<'_>| format!("{}\n", entry(&played.transcript.file, &played.verdict));
    played.iter().map(line).collect()
}

fn entry(file: &str, verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Pass => json!({"file": file, "verdict": "pass"}),
        Verdict::NotOffered(what) => json!({"file": file, "verdict": "not offered", "what": what}),
        Verdict::Fail(Failure { line, what, said }) => {
            json!({"file": file, "verdict": "fail", "line": line, "what": what, "said": said})
        }
        Verdict::Deviates(reason, Failure { line, what, said }) => {
            json!({"file": file, "verdict": "deviates", "reason": reason, "line": line, "what": what, "said": said})
        }
    }
}

/// Reads the lines of a run. An error names the line, counted from 1, and what was expected there.
pub fn read(text: &str) -> Result<Results, String> {
    let mut results = Results::new();
    for (at, line) in text.lines().enumerate() {
        let value: Value = serde_json::from_str(line).map_err(|error| {
            format!(
                "{}: expected a line of JSON as `run --results` writes it: {error}",
                at + 1
            )
        })?;
        let (file, verdict) = parse(&value).map_err(|expected| format!("{}: expected {expected}", at + 1))?;
        if results.insert(file.clone(), verdict).is_some() {
            return Err(format!("{}: expected {file} only once", at + 1));
        }
    }
    Ok(results)
}

fn parse(value: &Value) -> Result<(String, Verdict), String> {
    let text = |key: &str| {
        let found = value[key].as_str().map(str::to_owned);
        found.ok_or_else(|| format!("\"{key}\", a string"))
    };
    let verdict = match &*text("verdict")? {
        "pass" => Verdict::Pass,
        "not offered" => Verdict::NotOffered(text("what")?),
        "fail" => Verdict::Fail(failure(value, text("what")?)?),
        "deviates" => Verdict::Deviates(text("reason")?, failure(value, text("what")?)?),
        other => return Err(format!("pass, fail, deviates or not offered for {other:?}")),
    };
    Ok((text("file")?, verdict))
}

fn failure(value: &Value, what: String) -> Result<Failure, String> {
    let line = value["line"].as_u64().and_then(|line| usize::try_from(line).ok());
    let said = value["said"]
        .as_array()
        .and_then(|said| said.iter().map(|said| said.as_str().map(str::to_owned)).collect());
    Ok(Failure {
        line: line.ok_or("\"line\", a number")?,
        what,
        said: said.ok_or("\"said\", a list of strings")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Transcript;

    #[test]
    fn what_is_written_is_read_again() {
        let failure = || Failure {
            line: 7,
            what: "came \"x\"\n\u{fffd}".into(),
            said: vec!["1C: a".into(), "1S: </pre>".into()],
        };
        let verdicts = [
            Verdict::Pass,
            Verdict::Fail(failure()),
            Verdict::Deviates("RFC 3501, 9: so".into(), failure()),
            Verdict::NotOffered("MOVE".into()),
        ];
        let transcripts: Vec<_> = (0..verdicts.len())
            .map(|at| Transcript::parse(&format!("x/{at}.txt"), "proves   RFC 3501, 6: x\nC: a\n").unwrap())
            .collect();
        let played: Vec<_> = transcripts
            .iter()
            .zip(verdicts.clone())
            .map(|(transcript, verdict)| Played { transcript, verdict })
            .collect();
        let results = read(&write(&played)).unwrap();
        for (at, verdict) in verdicts.iter().enumerate() {
            assert_eq!(results.get(&format!("x/{at}.txt")), Some(verdict));
        }
    }

    #[test]
    fn errors_name_the_line_and_what_was_expected() {
        let pass = r#"{"file":"a","verdict":"pass"}"#;
        for (line, error) in [
            (pass, "2: expected a only once"),
            ("{}", "2: expected \"verdict\", a string"),
            (
                r#"{"file":"b","verdict":"maybe"}"#,
                "2: expected pass, fail, deviates or not offered for \"maybe\"",
            ),
            (
                r#"{"file":"b","verdict":"fail","what":"x"}"#,
                "2: expected \"line\", a number",
            ),
            (
                r#"{"file":"b","verdict":"fail","what":"x","line":1,"said":[1]}"#,
                "2: expected \"said\", a list of strings",
            ),
            (r#"{"verdict":"pass"}"#, "2: expected \"file\", a string"),
        ] {
            assert_eq!(read(&format!("{pass}\n{line}\n")).unwrap_err(), error);
        }
        let error = read("pass\n").unwrap_err();
        assert!(
            error.starts_with("1: expected a line of JSON as `run --results` writes it: "),
            "{error}"
        );
    }
}
