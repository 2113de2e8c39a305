//! No password in any record, however it is sent and wherever it is cut; and what is no secret stays readable.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::script::Script;
use super::{masker, read_given};
use crate::Transcript;
use crate::transcript::{Protocol, StepKind};

const PASSWORD: &str = "Tr0ub4dor";

/// What is said: by the client, or a line of the server.
#[derive(Clone, Debug)]
enum Said {
    C(Vec<u8>),
    S(Vec<u8>),
}

/// Reads a session: a line is `C: …` or `S: …`, `\r\n` is added; `@` is the password, `%…%` is written in base64, `|` a NUL in it.
fn session(text: &str) -> Vec<Said> {
    let text = text.replace('@', PASSWORD);
    let line = |line: &str| {
        let (side, said) = line.split_at(2);
        let said = said.strip_prefix(' ').unwrap_or(said).replace("\\t", "\t");
        let mut out = String::new();
        for (at, part) in said.split('%').enumerate() {
            out += &if at % 2 == 1 {
                STANDARD.encode(part.replace('|', "\0"))
            } else {
                part.to_owned()
            };
        }
        match side {
            "S:" => Said::S(out.into_bytes()),
            "C-" => Said::C(out.into_bytes()),
            "C;" => Said::C(format!("{out}\n").into_bytes()),
            _ => Said::C(format!("{out}\r\n").into_bytes()),
        }
    };
    text.lines()
        .map(str::trim_start)
        .filter(|line| !line.is_empty())
        .map(line)
        .collect()
}

/// The record of a session, whose client's octets come in these pieces.
fn record(protocol: Protocol, session: &[Said], cut: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> String {
    let mut masker = masker(protocol);
    let mut out = Vec::new();
    let mut script = Script::begin(&mut out, protocol, "mail.test:143", &[], false).unwrap();
    for said in session {
        match said {
            Said::C(octets) => {
                for piece in cut(octets).iter().flat_map(|octets| masker.client(octets)) {
                    script.client(&piece).unwrap();
                }
            }
            Said::S(line) => {
                let mut line = line.clone();
                let account = masker.server(&mut line);
                script.server(&line).unwrap();
                if let Some(phrase) = account.and_then(|account| account.phrase()) {
                    script.note(&format!("given    {phrase}")).unwrap();
                }
            }
        }
    }
    let rest = masker.end();
    script.client(&rest).unwrap();
    String::from_utf8(out).unwrap()
}

fn whole(octets: &[u8]) -> Vec<Vec<u8>> {
    vec![octets.to_vec()]
}

/// What the record's client says.
fn sent(record: &str) -> Vec<u8> {
    let read = Transcript::parse("t", record).unwrap_or_else(|error| panic!("{error}\n{record}"));
    let octets = read.steps.into_iter().filter_map(|step| match step.kind {
        StepKind::Send { octets, .. } => Some(octets),
        _ => None,
    });
    octets.collect::<Vec<_>>().concat()
}

/// Fails if the record holds the password: as it is, in capitals, in base64 in any position, or in hexadecimal.
fn holds_no_password(record: &str, form: &str) {
    let hex: Vec<_> = PASSWORD.bytes().map(|octet| format!("{octet:02x}")).collect();
    let mut forms = vec![PASSWORD.to_lowercase(), hex.join(" ")];
    let low = record.to_lowercase();
    for shift in 0..3 {
        let inner = &STANDARD.encode(format!("{}{PASSWORD}", "-".repeat(shift)));
        // The middle, which hangs on nothing before or behind it.
        forms.push(inner[4..inner.len() - 4].to_lowercase());
    }
    for held in &forms {
        assert!(!low.contains(held), "{form}\nis recorded as\n{record}");
    }
}

/// Records a session whole, octet by octet, and cut in two at every place.
fn in_every_cut(protocol: Protocol, text: &str) {
    let session = session(text);
    let length: usize = session
        .iter()
        .map(|said| {
            if let Said::C(octets) = said {
                octets.len()
            } else {
                0
            }
        })
        .sum();
    let longest = session
        .iter()
        .map(|said| {
            if let Said::C(octets) = said {
                octets.len()
            } else {
                0
            }
        })
        .max();
    let check = |record: &str| {
        holds_no_password(record, text);
        assert_eq!(sent(record).len(), length, "{text}\nis recorded as\n{record}");
    };
    check(&record(protocol, &session, whole));
    check(&record(protocol, &session, |octets| {
        octets.iter().map(|&octet| vec![octet]).collect()
    }));
    for at in 1..longest.unwrap_or(1) {
        check(&record(protocol, &session, |octets| {
            let (one, two) = octets.split_at(at.min(octets.len()));
            vec![one.to_vec(), two.to_vec()]
        }));
    }
}

#[test]
fn no_password_is_recorded_of_imap() {
    let forms = [
        "C: a LOGIN bob @\nS: a OK in",
        "C: a login bob @\nS: a NO [AUTHENTICATIONFAILED] @ is wrong",
        "C: a LOGIN \"bob\" \"@\"\nS: a OK in",
        "C: a LOGIN bob \"a\\\"@\\\\\"\nS: a BAD a\"@\\",
        "C: a LOGIN {3}\nS: + go\nC- bob\nC:  {9}\nS: + go\nC- @\nC: \nS: a OK in",
        "C: a LOGIN {3+}\nC- bob\nC:  {9+}\nC- @\nC: \nS: a OK in",
        "C: a LOGIN {3+}\nC- bob\nC:  @\nS: a OK in",
        "C: a LOGIN bob {9}\nS: a NO too long\nC: @\nS: @ BAD what",
        "C: a LOGIN bob {9}\nC: @\nS: + go\nS: a NO",
        "C: a LOGIN {9}\nS: + go\nC- @\nC: \nS: a BAD",
        "C: a LOGIN {9}\nS: + go\nC- @\nC: bob\nS: a BAD",
        "C: a LOGIN @\nS: a BAD",
        "C: a LOGIN  bob @\nS: a BAD",
        "C: a  LOGIN bob @\nS: a BAD",
        "C: a LOGIN bob  @\nS: a BAD",
        "C: a LOGIN bob @ \nS: a BAD",
        "C: a LOGIN bob my @\nS: a BAD",
        "C: a LOGIN bob \"@\nS: a BAD",
        "C: a LOGIN \"@\nS: a BAD",
        "C: a LOGIN \"bob\"@\nS: a BAD",
        "C: a LOGIN (bob @)\nS: a BAD",
        "C: a LOGIN bob @{3}\nS: a BAD",
        "C: a\\tLOGIN\\tbob\\t@\nS: a BAD",
        "C; a LOGIN bob @\nS: a BAD",
        "C- a LOGIN bob @",
        "C- a LOGIN {9}\r\nC- @",
        "C: LOGIN bob @\nS: LOGIN BAD Unknown command BOB @",
        "C: a LOGNI bob @\nS: a BAD Unknown command: LOGNI bob @",
        "C: a LOGNI bob {9+}\nC- @\nC: \nS: a BAD",
        "C: a LOGNI {3}\nS: + go\nC- bob\nC:  {9}\nS: + go\nC- @\nC: \nS: a BAD",
        "C: @\nS: @ BAD no",
        "C: a @\nS: a BAD @?",
        "C: user bob\nS: user BAD\nC: PASS @\nS: PASS BAD TR0UB4DOR",
        "C: a PASS @\nS: a BAD",
        "C: a NOOP @\nS: a BAD",
        "C: a CAPABILITY {9+}\nC- @\nC: \nS: a BAD",
        "C: a ID @\nS: a BAD",
        "C: a APPEND INBOX {21+}\nC: b LOGIN bob @\nC: \nS: a BAD\nS: b OK",
        "C: a LOGIN bob other\nS: a OK\nC: b LOGIN bob @\nS: b BAD",
        "C: a LOGIN bob other\nS: a OK\nC: LOGIN bob @\nS: LOGIN BAD",
        "C: a LOGIN bob other\nS: a OK\nC: b AUTHENTICATE PLAIN %|bob|@%\nS: b BAD",
        "C: a AUTHENTICATE PLAIN\nS: +\nC: %|bob|@%\nS: a OK in",
        "C: a AUTHENTICATE PLAIN\nC: %|bob|@%\nS: + \nS: a OK in",
        "C: a AUTHENTICATE PLAIN %|bob|@%\nS: a OK in",
        "C: a authenticate plain %bob|bob|@%\nS: a NO %bob|bob|@%",
        "C: a AUTHENTICATE PLAIN %|bob|@%\nC: %|bob|@%\nS: a BAD\nS: * BAD",
        "C: a AUTHENTICATE PLAIN\nS: a NO\nC: %|bob|@%\nS: * BAD",
        "C: a AUTHENTICATE PLAIN\nS: + \nC: @\nS: a BAD",
        "C: a AUTHENTICATE PLAIN\nS: + \nC: %@%\nS: a BAD",
        "C: a AUTHENTICATE PLAIN\nS: + \nC: %bob|@%\nS: a BAD",
        "C: a AUTHENTICATE PLAIN\nS: + \nC: %bob|@|%\nS: a BAD",
        "C: a AUTHENTICATE PLAIN\nS: + \nC: %|bob|@%x\nS: a BAD",
        "C: a AUTHENTICATE PLAIN\nS: + \nC;  %|bob|@%\nS: a BAD",
        "C: a AUTHENTICATE PLAIN {9+}\nC- @\nC: \nS: a BAD",
        "C: a AUTHENTICATE LOGIN\nS: + %Username:%\nC: %bob%\nS: + %Password:%\nC: %@%\nS: a OK",
        "C: a AUTHENTICATE LOGIN %bob%\nS: + %Password:%\nC: %@%\nS: a OK",
        "C: a AUTHENTICATE LOGIN\nC: %bob%\nC: %@%\nS: + %Username:%\nS: + %Password:%\nS: a OK",
        "C: a AUTHENTICATE LOGIN\nS: + %Username:%\nC: %bob%\nS: + %Password:%\nC: @\nS: a NO",
        "C: a AUTHENTICATE @\nS: a NO",
        "C: a AUTHENTICATE XPLAIN %|bob|@%\nS: a NO",
        "C: a AUTHENTICATE  PLAIN %|bob|@%\nS: a BAD",
        "C: a AUTHENTCATE PLAIN %|bob|@%\nS: a BAD",
        "C: a AUTHENTICATE CRAM-MD5\nS: + %<1.x>%\nC: %bob @%\nS: a OK",
        "C: a LOGIN bob other\nC: b AUTHENTICATE PLAIN %|bob|@%\nS: a NO\nS: b OK",
        "C: a NOOP\nC: a LOGIN bob other\nS: a OK\nC: @\nS: a NO\nS: * BAD @",
        "C: a LOGIN bob other\nC: a NOOP\nS: a NO\nS: a OK\nC: @\nS: * BAD @",
        "C: a LOGIN bob \"@{9}\"\nS: a BAD",
    ];
    for form in forms {
        in_every_cut(Protocol::Imap, form);
    }
}

#[test]
fn no_password_is_recorded_of_lmtp() {
    for form in [
        "C: AUTH PLAIN %|bob|@%\nS: 235 in",
        "C: auth plain\nS: 334 \nC: %|bob|@%\nS: 535 @",
        "C: AUTH LOGIN\nS: 334 %Username:%\nC: %bob%\nS: 334 %Password:%\nC: %@%\nS: 235 in",
        "C: AUTH LOGIN %bob%\nS: 334 %Password:%\nC: @\nS: 501",
        "C: AUTH @\nS: 504",
        "C: ATUH PLAIN %|bob|@%\nS: 500 ATUH PLAIN %|bob|@%",
        "C: AUTH PLAIN\nS: 502 no\nC: %|bob|@%\nS: 500",
        "C: PASS @\nS: 500 PASS @",
        "C: a LOGIN bob @\nS: 500",
        "C: @\nS: 500 tr0ub4dor?",
        "C: BDAT x @\nC: @\nS: 501\nS: 500",
        "C: DATA\nC: @\nS: 503\nS: 500",
        "C; PASS @\nS: 500",
        "C- PASS @",
    ] {
        // Behind a bad count its own line is all that BDAT may show.
        let form = form.replace("BDAT x @", "BDAT x");
        in_every_cut(Protocol::Lmtp, &form);
    }
}

fn recorded(protocol: Protocol, text: &str) -> String {
    let record = record(protocol, &session(text), whole);
    record.split_once("\n\n").unwrap().1.to_owned()
}

#[test]
fn what_is_no_secret_stays() {
    for (said, record) in [
        (
            "S: * OK hello\nC: a LOGIN \"bob\" @\nS: a OK [CAPABILITY X] in\nC: b SELECT INBOX\nS: * OK [UIDVALIDITY 7] ok\nS: * 1 EXISTS\nS: b OK [READ-WRITE] done",
            "S: * OK ...  # hello\nC: a LOGIN \"bob\" xxxxxxxxx\nS: a OK [CAPABILITY X] ...  # in\ngiven    account \"bob\" with password \"xxxxxxxxx\"\n\
             C: b SELECT INBOX\nS: * OK [UIDVALIDITY $v1] ...  # ok\nS: * 1 EXISTS\nS: b OK [READ-WRITE] ...  # done\n",
        ),
        (
            "C: a LOGIN {3}\nS: + go\nC- bob\nC:  {9}\nS: + go\nC- @\nC: \nS: a OK in",
            "C: a LOGIN {3}\nS: + go\nC- bob\nC:  {9}\nS: + go\nC- xxxxxxxxx\nC: \nS: a OK ...  # in\ngiven    account \"bob\" with password \"xxxxxxxxx\"\n",
        ),
        (
            "C: a AUTHENTICATE PLAIN %|bob|@%\nS: a OK in\nC: b APPEND INBOX {5}\nS: + go\nC- hello\nC: \nS: b OK [APPENDUID 7 1] ok",
            "C: a AUTHENTICATE PLAIN AGJvYgB4eHh4eHh4eHg=\nS: a OK ...  # in\ngiven    account \"bob\" with password \"xxxxxxxxx\"\n\
             C: b APPEND INBOX {5}\nS: + go\nC- hello\nC: \nS: b OK [APPENDUID $v1 1] ...  # ok\n",
        ),
        (
            "C: a AUTHENTICATE LOGIN %bob%\nS: + UGFzc3dvcmQ6\nC: %@%\nS: a OK in",
            "C: a AUTHENTICATE LOGIN Ym9i\nS: + UGFzc3dvcmQ6\nC: eHh4eHh4eHh4\nS: a OK ...  # in\n\
             given    account \"bob\" with password \"xxxxxxxxx\"\n",
        ),
        (
            "C: a AUTHENTICATE LOGIN\nS: + VXNlcm5hbWU6\nC: %bob%\nS: + UGFzc3dvcmQ6\nC: %@%\nS: a OK in\nC: b IDLE\nS: + idling\nC: DONE\nS: b OK",
            "C: a AUTHENTICATE LOGIN\nS: + VXNlcm5hbWU6\nC: Ym9i\nS: + UGFzc3dvcmQ6\nC: eHh4eHh4eHh4\nS: a OK ...  # in\n\
             given    account \"bob\" with password \"xxxxxxxxx\"\nC: b IDLE\nS: + idling\nC: DONE\nS: b OK\n",
        ),
        (
            "C: a ID (\"name\" \"x\")\nS: * ID NIL\nS: a OK ok\nC: b LOGNI bob @\nS: b BAD no LOGNI here\nC: c LOGIN bob wrong\nS: c NO no",
            "C: a ID (\"name\" \"x\")\nS: * ID NIL\nS: a OK ...  # ok\nC: x xxxxx xxx xxxxxxxxx\nS: x BAD ...  # no xxxxx here\nC: c LOGIN bob xxxxx\nS: c NO ...  # no\n",
        ),
    ] {
        assert_eq!(recorded(Protocol::Imap, said), record);
    }
    assert_eq!(
        recorded(
            Protocol::Lmtp,
            "S: 220 x ready\nC: LHLO me\nS: 250-x\nS: 250 SIZE 5\nC: DATA\nS: 354 go\nC: PASS word\nC: ..\nC: .\nS: 250 2.1.5 ok\nC: BDAT 4 LAST\nC- a b \nC: QUIT\nS: 221 2.0.0 bye"
        ),
        "S: 220 ...  # x ready\nC: LHLO me\nS: 250-...  # x\nS: 250 SIZE 5\nC: DATA\nS: 354 ...  # go\nC: PASS word\nC: ..\nC: .\nS: 250 2.1.5 ...  # ok\nC: BDAT 4 LAST\nC- a b \nC: QUIT\nS: 221 2.0.0 ...  # bye\n"
    );
}

#[test]
fn the_first_recipient_that_is_taken_is_the_account() {
    let hello = "S: 220 x ready\nC: LHLO me\nS: 250-x\nS: 250 SIZE 5\n";
    for (said, account) in [
        (
            "C: MAIL FROM:<>\nS: 250 ok\nC: RCPT TO:<bob>\nS: 250 ok\nC: RCPT TO:<eve>\nS: 250 ok",
            Some("bob"),
        ),
        (
            "C: MAIL FROM:<>\nC: rcpt to:<eve>\nC: RCPT TO:<bob> NOTIFY=NEVER\nC: DATA\nS: 250 ok\nS: 550 no\nS: 250 ok\nS: 354 go",
            Some("bob"),
        ),
        ("C: RCPT TO:<bob>\nS: 503-no\nS: 503 no\nC: NOOP\nS: 250 ok", None),
        ("C: RCPT TO:<\nS: 501 no\nC: VRFY <bob>\nS: 252 perhaps", None),
    ] {
        let record = recorded(Protocol::Lmtp, &format!("{hello}{said}"));
        let given: Vec<_> = record.lines().filter(|line| line.starts_with("given")).collect();
        let phrase = account.map(|login| format!("given    account \"{login}\" with password \"x\""));
        assert_eq!(given, Vec::from_iter(&phrase), "{record}");
    }
}

#[test]
fn what_is_too_long_is_masked_and_not_held() {
    let long = "y".repeat(300 * 1024);
    for form in [
        format!("C: a LOGIN bob {long}@\nS: a BAD"),
        format!("C: {long} @\nS: * BAD"),
        format!("C: a LOGIN {{400000}}\nC: {long}@\nS: a BAD"),
        format!("C: a AUTHENTICATE PLAIN\nS: +\nC: {long}@\nS: a BAD"),
    ] {
        let record = record(Protocol::Imap, &session(&form), |octets| {
            octets.chunks(16 * 1024).map(<[u8]>::to_vec).collect()
        });
        holds_no_password(&record, "a long form");
        assert!(!record.contains("yyyy"));
    }
}

#[test]
fn what_is_given_is_read_and_errors_name_the_line() {
    assert_eq!(
        read_given("# mail\nINBOX with 2 messages\n\ngiven   mailbox \"Work\"; mailbox \"x\" with plain\n"),
        Ok(vec![
            "INBOX with 2 messages".into(),
            "mailbox \"Work\"".into(),
            "mailbox \"x\" with plain".into()
        ])
    );
    assert_eq!(
        read_given("INBOX\n1 has logged in").unwrap_err(),
        "2: expected a mailbox, as INBOX with 3 messages"
    );
    assert!(read_given("INBOX with 2").unwrap_err().starts_with("1: given "));
}
