//! The transcript format: text to steps, with file and line in every error.
//!
//! ```text
//! proves   RFC 3501, 7.4.1: numbers drop by one after each EXPUNGE, and only when told
//! given    INBOX with 4 messages; 1 and 2 have selected it
//! needs    MOVE                          # capabilities without which it does not apply
//! over     LMTP                          # or POP3, SMTP, SUBMISSION; IMAP where nothing is said
//!
//! 1C: a STORE 1,3 +FLAGS.SILENT (\Deleted)
//! 1S: a OK ...
//! {                                      # in any order
//! 2S: * 1 EXPUNGE
//! 2S: * 2 EXPUNGE
//! }
//! ?2S: * 0 RECENT                        # may come
//! *2S: * OK ...                          # may come, any number of times
//! !2S: * ... EXISTS                      # must not come before the next line that is matched, nor as it
//! 1C- no line end after this             # octets as they stand
//! 1C* 70000 x                            # octets so many times, no line end
//! 1C| 6e 75 6c 00                        # raw octets
//! 1S| 2a 20 4f 4b                        # a line, its octets in hexadecimal
//! time +29m                              # virtual: the core only
//! fault store.Deliver: fails before      # the core only: `fails before`, `fails after`, `times out`
//! 1S closes
//! 1C closes
//! 1C starts TLS                          # behind the answer to STARTTLS; from here on under TLS
//! 1C starts DEFLATE                      # behind the answer to COMPRESS; from here on both sides compress
//! 1C stops DEFLATE                       # behind the answer to UNAUTHENTICATE; from here on neither does
//! C proves SCRAM-SHA-256 n=$user,r=a,…   # computes $proof and $signature from $password and the messages, RFC 5802's AuthMessage
//! ```
//!
//! In an `S:` line `...` stands for any octets, `$name` for a word that is captured the first time and must be the same later;
//! `$"text"` for that text as an atom or quoted, `$(NO|BAD)` for one of several patterns, `$~(text)` for a pattern whose letters may be
//! small or capital, `$64(text)` for a
//! pattern written in base64, in which a captured word ends at a comma;
//! a `C:` line may use what was captured, and `$64(text)`, the text in base64, in which `\00` is an octet. Known from the start are `$user`, `$password`, `$other` (a second account's login),
//! `$userlocal` and `$userdomain` (the two parts of `$user`), `$shoutdomain` (the latter in capitals), `$user64`, `$password64` and
//! `$plain` (the first two and the message of SASL PLAIN, in base64); `$exporter1` is what connection 1's TLS gives to bind to (RFC 9266,
//! 2), from the moment when it has begun. A number before `C`
//! or `S` names the connection; without one it is the first. ` # ` begins a comment, `\#` is the character itself.
//!
//! A recorded session ([`crate::record`]) proves nothing; it begins with `records  a session with HOST:PORT` in the place of `proves`.
//!
//! `over` is what all connections speak but those of which a `given` says otherwise: `2 speaks IMAP and has selected INBOX`
//! ([`crate::given`]). So one transcript delivers over LMTP and looks at what has come over IMAP.

mod words;

use std::fmt;

use lightmail_core::sasl::scram::Hash;

use crate::given::Given;
use crate::pattern::Pattern;
use words::{duration_ms, fault, octets, proof, repeated, strip_comment, wordless};

/// One transcript.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// Its file name, for messages.
    pub file: String,
    /// The text that it proves.
    pub proves: Proof,
    /// Where it starts.
    pub given: Vec<String>,
    /// Capabilities without which it does not apply.
    pub needs: Vec<String>,
    /// The protocol.
    pub over: Protocol,
    /// What is said.
    pub steps: Vec<Step>,
    /// The whole text, for a reader.
    pub text: String,
}

/// `RFC 3501, 6.4.3 and 7.4.1: what it says there`; several RFCs are separated by `;`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// RFC number and section (`6.4.3`); none of a recorded session.
    pub sections: Vec<(u32, String)>,
    /// The claim in words.
    pub claim: String,
}

/// What a transcript speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// IMAP.
    Imap,
    /// LMTP.
    Lmtp,
    /// POP3.
    Pop3,
    /// SMTP, as another server speaks it.
    Smtp,
    /// SMTP, as a user's client speaks it.
    Submission,
}

/// One step and the line where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Counted from 1.
    pub line: usize,
    /// What happens.
    pub kind: StepKind,
}

/// What happens at a step.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// The client sends octets; `template`: captures are put in.
    Send {
        /// The connection.
        connection: u8,
        /// What is sent, its line end included.
        octets: Vec<u8>,
        /// Whether `$name` is replaced.
        template: bool,
    },
    /// The server sends lines: a single one, or several in any order.
    Expect(Vec<Expected>),
    /// The server closes.
    ServerCloses(u8),
    /// The client closes.
    ClientCloses(u8),
    /// The client shakes hands.
    ClientStartsTls(u8),
    /// Both sides compress from here on.
    ClientStartsDeflate(u8),
    /// Neither side compresses any more.
    ClientStopsDeflate(u8),
    /// The client computes what proves its password by SCRAM, and what must prove the server's.
    Prove {
        /// The mechanism's.
        hash: Hash,
        /// `AuthMessage` (RFC 5802, 3), in which captures are put in.
        messages: String,
    },
    /// Virtual time passes, in milliseconds.
    Time(u64),
    /// An effect will fail once.
    Fault(FaultRule),
}

/// What a step may be, for who wrote none of these.
const KINDS: &str = "C: C- C* C| S: S| time fault, S closes, C closes, C starts TLS, C starts DEFLATE, C stops DEFLATE, C proves, { or }";

/// A line from the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The connection.
    pub connection: u8,
    /// Whether it must, may or must not come.
    pub must: Must,
    /// What it looks like.
    pub pattern: Pattern,
    /// Counted from 1.
    pub line: usize,
}

/// Whether a line comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
    /// It must.
    Come,
    /// It may.
    MayCome,
    /// It may, any number of times.
    MayRepeat,
    /// It must not, until the next line is matched.
    NotCome,
}

/// An effect that fails once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// The effect's name (`store.Deliver`).
    pub effect: String,
    /// How it fails.
    pub how: How,
}

/// How an effect fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Nothing has happened.
    Before,
    /// It has happened, and the answer was lost.
    After,
    /// It is not known whether it happens; the answer is "later".
    Timeout,
}

/// What is wrong with a transcript, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTranscript {
    /// The file.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What was expected there.
    pub expected: String,
}

impl fmt::Display for BadTranscript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: expected {}", self.file, self.line, self.expected)
    }
}

impl std::error::Error for BadTranscript {}

/// What stands behind `given`.
const GIVEN: &str = "given   INBOX with 3 messages, mailbox \"Work\", 1 has logged in, 2 speaks IMAP and has selected it, or the like \
                     (conformance/README.md lists all)";

impl Transcript {
    /// Reads a transcript.
    pub fn parse(file: &str, text: &str) -> Result<Self, BadTranscript> {
        let mut reader = Reader {
            file,
            proof: None,
            given: vec![],
            needs: vec![],
            over: Protocol::Imap,
            steps: vec![],
            group: None,
        };
        for (at, line) in text.lines().enumerate() {
            reader.line(at + 1, strip_comment(line))?;
        }
        reader.finish(text)
    }
}

struct Reader<'a> {
    file: &'a str,
    proof: Option<Proof>,
    given: Vec<String>,
    needs: Vec<String>,
    over: Protocol,
    steps: Vec<Step>,
    /// The open `{`: where, and its lines.
    group: Option<(usize, Vec<Expected>)>,
}

impl Reader<'_> {
    fn bad<T>(&self, line: usize, expected: impl Into<String>) -> Result<T, BadTranscript> {
        Err(BadTranscript {
            file: self.file.to_owned(),
            line,
            expected: expected.into(),
        })
    }

    fn line(&mut self, at: usize, line: String) -> Result<(), BadTranscript> {
        if line.trim().is_empty() {
            return Ok(());
        }
        if let Some((word, rest)) = line.split_once("  ")
            && self.header(at, word, rest.trim())?
        {
            return Ok(());
        }
        match line.trim() {
            "{" if self.group.is_none() => self.group = Some((at, vec![])),
            "{" => return self.bad(at, "a line of the group that is open, or }"),
            "}" => match self.group.take() {
                Some((opened, lines)) => self.steps.push(Step {
                    line: opened,
                    kind: StepKind::Expect(lines),
                }),
                None => return self.bad(at, "a { before this }"),
            },
            _ => self.step(at, &line)?,
        }
        Ok(())
    }

    /// Whether the line was a header.
    fn header(&mut self, at: usize, word: &str, rest: &str) -> Result<bool, BadTranscript> {
        match word {
            "proves" => match proof(rest) {
                Some(proof) => self.proof = Some(proof),
                None => return self.bad(at, "proves   RFC 3501, 6.4.3 and 7.4.1: what it says there"),
            },
            "records" => {
                self.proof = Some(Proof {
                    sections: vec![],
                    claim: rest.to_owned(),
                });
            }
            "given" => {
                for phrase in rest.split(';').map(str::trim) {
                    if Given::parse(phrase).is_err() {
                        return self.bad(at, format!("{GIVEN}, not {phrase:?}"));
                    }
                    self.given.push(phrase.to_owned());
                }
            }
            "needs" => self.needs.extend(rest.split_whitespace().map(str::to_owned)),
            "over" => match rest {
                "IMAP" => self.over = Protocol::Imap,
                "LMTP" => self.over = Protocol::Lmtp,
                "POP3" => self.over = Protocol::Pop3,
                "SMTP" => self.over = Protocol::Smtp,
                "SUBMISSION" => self.over = Protocol::Submission,
                _ => return self.bad(at, "over   IMAP, LMTP, POP3, SMTP or SUBMISSION"),
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn step(&mut self, at: usize, line: &str) -> Result<(), BadTranscript> {
        if let Some(rest) = line.strip_prefix("time ") {
            return match duration_ms(rest.trim()) {
                Some(ms) => self.push(at, StepKind::Time(ms)),
                None => self.bad(at, "time +29m (ms, s, m or h)"),
            };
        }
        if let Some(rest) = line.strip_prefix("fault ") {
            return match fault(rest.trim()) {
                Some(rule) => self.push(at, StepKind::Fault(rule)),
                None => self.bad(at, "fault EFFECT: fails before, fails after or times out"),
            };
        }
        let (must, said) = match line.strip_prefix(['?', '!', '*']) {
            Some(rest) => (
                match line.chars().next() {
                    Some('?') => Must::MayCome,
                    Some('*') => Must::MayRepeat,
                    _ => Must::NotCome,
                },
                rest,
            ),
            None => (Must::Come, line),
        };
        let digits = said.len() - said.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, said) = said.split_at(digits);
        let Ok(connection) = (if number.is_empty() {
            Ok(1)
        } else {
            number.parse::<u8>()
        }) else {
            return self.bad(at, "a connection's number below 256");
        };
        self.speech(at, must, connection, said)
    }

    fn speech(&mut self, at: usize, must: Must, connection: u8, said: &str) -> Result<(), BadTranscript> {
        let text = |prefix: &str| {
            said.strip_prefix(prefix)
                .map(|text| text.strip_prefix(' ').unwrap_or(text))
        };
        let expected = |pattern| Expected {
            connection,
            must,
            pattern,
            line: at,
        };
        if let Some(text) = text("S:") {
            return self.expect(at, expected(self.pattern(at, text)?));
        }
        if let Some(hex) = text("S|") {
            return match octets(hex) {
                Some(octets) => self.expect(at, expected(Pattern::literal(&octets))),
                None => self.bad(at, "octets in hexadecimal: 6e 75 6c 00"),
            };
        }
        if must != Must::Come || self.group.is_some() {
            return self.bad(at, "S: or S| behind ?, * or ! or within { }");
        }
        let kind = if let Some(text) = text("C:") {
            StepKind::Send {
                connection,
                octets: format!("{text}\r\n").into_bytes(),
                template: true,
            }
        } else if let Some(text) = text("C-") {
            StepKind::Send {
                connection,
                octets: text.as_bytes().to_vec(),
                template: true,
            }
        } else if let Some(many) = text("C*") {
            match repeated(many) {
                Some(octets) => StepKind::Send {
                    connection,
                    octets,
                    template: false,
                },
                None => return self.bad(at, "how often, and the octets: 70000 x"),
            }
        } else if let Some(hex) = text("C|") {
            match octets(hex) {
                Some(octets) => StepKind::Send {
                    connection,
                    octets,
                    template: false,
                },
                None => return self.bad(at, "octets in hexadecimal: 6e 75 6c 00"),
            }
        } else {
            match wordless(said.trim(), connection) {
                Some(kind) => kind,
                None => return self.bad(at, KINDS),
            }
        };
        self.push(at, kind)
    }

    /// A pattern whose choices are closed: an open one would stand for itself, and a line that must not come never came.
    fn pattern(&self, at: usize, text: &str) -> Result<Pattern, BadTranscript> {
        let pattern = Pattern::new(text);
        if pattern.is_unclosed() {
            self.bad(at, "a \")\" for each \"(\" of $(…), $~(…) and $64(…)")?;
        }
        Ok(pattern)
    }

    fn expect(&mut self, at: usize, expected: Expected) -> Result<(), BadTranscript> {
        match &mut self.group {
            Some((_, lines)) => lines.push(expected),
            None => self.steps.push(Step {
                line: at,
                kind: StepKind::Expect(vec![expected]),
            }),
        }
        Ok(())
    }

    fn push(&mut self, line: usize, kind: StepKind) -> Result<(), BadTranscript> {
        if self.group.is_some() {
            return self.bad(line, "only S: lines within { }");
        }
        self.steps.push(Step { line, kind });
        Ok(())
    }

    fn finish(self, text: &str) -> Result<Transcript, BadTranscript> {
        if let Some((opened, _)) = self.group {
            return self.bad(opened, "a } for this {");
        }
        if self.steps.is_empty() {
            return self.bad(text.lines().count(), "at least one step");
        }
        match self.proof {
            Some(proves) => Ok(Transcript {
                file: self.file.to_owned(),
                proves,
                given: self.given,
                needs: self.needs,
                over: self.over,
                steps: self.steps,
                text: text.to_owned(),
            }),
            None => self.bad(1, "proves   RFC 3501, 6.4.3: what it says there"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Transcript::parse("t", text).unwrap_err().to_string()
    }

    #[test]
    fn a_transcript_is_read() {
        let text = "proves   RFC 3501, 6.4.3 and 7.4.1; RFC 4315, 2.1: it works\ngiven    INBOX with 4 messages; 1 has selected it\n\
                    needs    UIDPLUS\n\n1C: a NOOP    # hello\n{\n?S: * $n EXISTS\n2S: * ...\n*S: * OK ...\n}\nC| 00 0d\nC* 3 ab\ntime +2m\nfault store.Deliver: fails after\nS closes\n";
        let read = Transcript::parse("t", text).unwrap();
        assert_eq!(
            read.proves.sections,
            [
                (3501, "6.4.3".into()),
                (3501, "7.4.1".into()),
                (4315, "2.1".into())
            ]
        );
        assert_eq!(read.given, ["INBOX with 4 messages", "1 has selected it"]);
        assert_eq!(read.steps.len(), 7);
        assert_eq!(
            read.steps[0].kind,
            StepKind::Send {
                connection: 1,
                octets: b"a NOOP\r\n".to_vec(),
                template: true
            }
        );
        assert!(
            matches!(&read.steps[1].kind, StepKind::Expect(lines) if lines.len() == 3 && lines[1].connection == 2 && lines[2].must == Must::MayRepeat)
        );
        assert!(matches!(&read.steps[3].kind, StepKind::Send { octets, .. } if octets == b"ababab"));
        assert_eq!(read.steps[4].kind, StepKind::Time(120_000));
    }

    #[test]
    fn errors_name_the_place_and_what_was_expected() {
        let head = "proves   RFC 3501, 6: x\n";
        assert_eq!(
            error("C: a\n"),
            "t:1: expected proves   RFC 3501, 6.4.3: what it says there"
        );
        assert_eq!(
            error(&format!("{head}X: a")),
            "t:2: expected C: C- C* C| S: S| time fault, S closes, C closes, C starts TLS, C starts DEFLATE, C stops DEFLATE, C proves, { or }"
        );
        assert_eq!(
            error(&format!("{head}S: a $(NO|BAD ...\n")),
            "t:2: expected a \")\" for each \"(\" of $(…), $~(…) and $64(…)"
        );
        assert_eq!(
            error(&format!("{head}{{\nS: a\n")),
            "t:2: expected a } for this {"
        );
        assert_eq!(
            error(&format!("{head}C| 0g")),
            "t:2: expected octets in hexadecimal: 6e 75 6c 00"
        );
        for wrong in ["C* x", "C* 5 ", "C* 9999999 x"] {
            assert_eq!(
                error(&format!("{head}{wrong}")),
                "t:2: expected how often, and the octets: 70000 x"
            );
        }
        assert_eq!(
            error(&format!("{head}time 5m")),
            "t:2: expected time +29m (ms, s, m or h)"
        );
        assert_eq!(error(head), "t:1: expected at least one step");
        for (line, expected) in [
            (
                "proves   RFC 3501: x",
                "proves   RFC 3501, 6.4.3 and 7.4.1: what it says there",
            ),
            (
                "proves   3501, 6: x",
                "proves   RFC 3501, 6.4.3 and 7.4.1: what it says there",
            ),
            (
                "proves   RFC 3501, 6.1-2: x",
                "proves   RFC 3501, 6.4.3 and 7.4.1: what it says there",
            ),
            ("over     HTTP", "over   IMAP, LMTP, POP3, SMTP or SUBMISSION"),
            ("time +5", "time +29m (ms, s, m or h)"),
            ("time +99999999999999999999s", "time +29m (ms, s, m or h)"),
            (
                "fault store.Deliver",
                "fault EFFECT: fails before, fails after or times out",
            ),
            (
                "fault store.Deliver: burns",
                "fault EFFECT: fails before, fails after or times out",
            ),
            ("256C: a", "a connection's number below 256"),
            ("?C: a", "S: or S| behind ?, * or ! or within { }"),
            ("S| 0", "octets in hexadecimal: 6e 75 6c 00"),
            ("C* 70000", "how often, and the octets: 70000 x"),
            ("}", "a { before this }"),
            ("{\n{", "a line of the group that is open, or }"),
            ("{\nC: a", "S: or S| behind ?, * or ! or within { }"),
            ("{\ntime +1s", "only S: lines within { }"),
            (
                "S opens",
                "C: C- C* C| S: S| time fault, S closes, C closes, C starts TLS, C starts DEFLATE, C stops DEFLATE, C proves, { or }",
            ),
        ] {
            let at = 2 + line.matches('\n').count();
            assert_eq!(
                error(&format!("{head}{line}\n")),
                format!("t:{at}: expected {expected}"),
                "{line}"
            );
        }
        assert_eq!(
            error(&format!("{head}given    INBOX; 1 has eaten it\nC: a")),
            format!("t:2: expected {GIVEN}, not \"1 has eaten it\"")
        );
    }
}
