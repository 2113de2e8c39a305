//! Dialogues: what clients say and what they hear, word for word. IMAP's and POP3's tests play them.

use std::collections::BTreeMap;

use super::{Talk, World};

/// The sessions of a dialogue by their names, which are digits, and what of each was heard and not looked at yet.
pub(crate) type Talks = BTreeMap<char, (Talk, Vec<u8>)>;

/// Where dialogues are played.
pub(crate) trait Dialogue {
    fn world(&mut self) -> &mut World;

    fn talks(&mut self) -> &mut Talks;

    /// The session of a name, which begins when it is first named.
    fn talk(&mut self, name: char) -> Talk;

    /// Whether nothing but a greeting has been heard that a dialogue may leave out; it is passed over.
    fn fresh(&mut self, _: char) -> bool {
        false
    }

    /// Plays a transcript. `1C:` a line of session 1's client; `1C|` the same, without the line end and with `\r`, `\n`, `\0`
    /// meant; `1S:` the next line that it hears, `...` anything; `time 30s`; `1 over`. What is heard must all be in the transcript.
    fn play(&mut self, transcript: &str) -> &mut Self {
        for line in transcript.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, rest) = (line.chars().next().unwrap(), line.get(1..).unwrap());
            if let Some(time) = line.strip_prefix("time ") {
                self.silent();
                self.world().advance(ms(time));
            } else if rest == " over" {
                let talk = self.talk(name);
                self.heard_all(name);
                assert!(self.world().is_over(talk), "{name} is not over");
            } else if let Some(said) = rest.strip_prefix("C: ") {
                self.say(name, &[said.as_bytes(), b"\r\n"].concat());
            } else if let Some(said) = rest.strip_prefix("C| ") {
                let said = said
                    .replace("\\r", "\r")
                    .replace("\\n", "\n")
                    .replace("\\0", "\0");
                self.say(name, said.as_bytes());
            } else if let Some(expected) = rest.strip_prefix("S:") {
                self.expect(name, expected.strip_prefix(' ').unwrap_or(expected));
            } else {
                panic!("no line of a transcript: {line}");
            }
        }
        self.silent();
        let findings = self.world().check();
        assert!(findings.is_empty(), "{findings:?}");
        self
    }

    fn say(&mut self, name: char, octets: &[u8]) {
        let talk = self.talk(name);
        let has_more = self
            .talks()
            .get(&name)
            .is_some_and(|(_, heard)| !heard.is_empty());
        if has_more || !self.fresh(name) {
            self.heard_all(name);
        }
        self.world().feed(talk, octets);
    }

    fn expect(&mut self, name: char, expected: &str) {
        let heard = self
            .hear(name)
            .unwrap_or_else(|| panic!("nothing was heard, but expected: {expected}"));
        assert!(
            matches(expected, &heard),
            "\nexpected {expected}\nheard    {heard}\nthen {:?}",
            self.hear(name)
        );
    }

    fn hear(&mut self, name: char) -> Option<String> {
        let talk = self.talk(name);
        let new = self.world().take(talk);
        let (_, heard) = self.talks().get_mut(&name)?;
        heard.extend_from_slice(&new);
        let end = heard.windows(2).position(|pair| pair == b"\r\n")?;
        let line = String::from_utf8_lossy(heard.get(..end)?).into_owned();
        heard.drain(..end + 2);
        Some(line)
    }

    fn heard_all(&mut self, name: char) {
        if let Some(more) = self.hear(name) {
            panic!("{name} heard what was not expected: {more}");
        }
    }

    fn silent(&mut self) {
        let names: Vec<char> = self.talks().keys().copied().collect();
        names.into_iter().for_each(|name| {
            if !self.fresh(name) {
                self.heard_all(name);
            }
        });
    }

    /// The store requests and effects asked for since the start, by name.
    fn effects(&mut self) -> Vec<&'static str> {
        let log = self.world().log().iter();
        log.map(|effected| effected.effect.name()).collect()
    }
}

fn ms(time: &str) -> u64 {
    let (number, unit) = time.split_at(time.len() - 1);
    let number: u64 = number.parse().unwrap();
    match unit {
        "s" => number * 1000,
        "m" => number * 60_000,
        _ => panic!("no time: {time}"),
    }
}

/// Whether `heard` fits, where `...` stands for anything.
fn matches(expected: &str, heard: &str) -> bool {
    let mut parts = expected.split("...");
    let Some(mut rest) = heard.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut exact = true;
    for part in parts {
        exact = part.is_empty();
        match if part.is_empty() {
            Some(rest.len())
        } else {
            rest.find(part).map(|at| at + part.len())
        } {
            Some(at) => rest = &rest[at..],
            None => return false,
        }
    }
    rest.is_empty() || (exact && expected.ends_with("..."))
}
