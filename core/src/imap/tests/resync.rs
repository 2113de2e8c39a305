//! A client that keeps a copy of its mailbox by QRESYNC, as RFC 7162, 6 tells it to, among others that change the mailbox. However
//! its connection ends, the copy is the mailbox once it is back.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::machine::Seed;
use crate::store::set::SequenceSet;
use crate::store::{Actor, Reply, Request};

/// Flags that are changed here.
const FLAGS: [&str; 4] = [r"\Flagged", r"\Seen", r"\Answered", "Work"];

/// What a client keeps between its connections.
#[derive(Debug, Default)]
struct Copy {
    uid_validity: u64,
    /// It knows of all changes up to here.
    modseq: u64,
    /// Flags, sorted, and MODSEQ by UID.
    messages: BTreeMap<u32, (Vec<String>, u64)>,
}

/// What the lines of one command said of MODSEQs.
#[derive(Debug, Default)]
struct Heard {
    highest: Option<u64>,
    stamped: u64,
}

impl Copy {
    /// Takes in a line. Messages that it has not fetched yet stay unknown unless `fetching`.
    fn hear(&mut self, line: &str, fetching: bool, heard: &mut Heard) {
        if let Some(modseq) = number_behind(line, "[HIGHESTMODSEQ ") {
            heard.highest = Some(modseq);
        } else if let Some(validity) = number_behind(line, "[UIDVALIDITY ") {
            self.uid_validity = validity;
        } else if let Some(uids) = line.strip_prefix("* VANISHED ") {
            let uids = SequenceSet::parse(uids.trim_start_matches("(EARLIER) ").as_bytes()).unwrap();
            let uids = uids.resolve(0);
            self.messages.retain(|uid, _| !uids.contains(*uid));
        } else if line.contains(" FETCH (") {
            self.hear_fetch(line, fetching, heard);
        }
    }

    fn hear_fetch(&mut self, line: &str, fetching: bool, heard: &mut Heard) {
        let uid = u32::try_from(number_behind(line, "UID ").unwrap()).unwrap();
        let modseq = number_behind(line, "MODSEQ (").unwrap();
        heard.stamped = heard.stamped.max(modseq);
        let flags = line.split_once("FLAGS (").map(|(_, behind)| {
            let names = behind.split_once(')').unwrap().0.split_whitespace();
            let mut flags: Vec<_> = names
                .filter(|name| *name != r"\Recent")
                .map(str::to_owned)
                .collect();
            flags.sort();
            flags
        });
        match (self.messages.get_mut(&uid), flags) {
            (Some(known), Some(flags)) => *known = (flags, modseq),
            (Some(known), None) => known.1 = modseq,
            (None, Some(flags)) if fetching => {
                self.messages.insert(uid, (flags, modseq));
            }
            (None, _) => {}
        }
    }

    /// The command is over (RFC 7162, 6).
    fn conclude(&mut self, heard: &Heard) {
        self.modseq = heard.highest.unwrap_or(self.modseq.max(heard.stamped));
    }

    /// What its own STORE does to the flags it knows.
    fn set(&mut self, from: u32, to: u32, flag: &str, on: bool) {
        for (flags, _) in self.messages.range_mut(from..=to).map(|(_, message)| message) {
            flags.retain(|known| known != flag);
            if on {
                flags.push(flag.to_owned());
                flags.sort();
            }
        }
    }
}

fn number_behind(line: &str, words: &str) -> Option<u64> {
    let (_, behind) = line.split_once(words)?;
    let digits = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
    behind.get(..digits)?.parse().ok()
}

/// A step of somebody.
#[derive(Clone, Debug)]
enum Act {
    /// Another session (1 or 2) sends a command.
    Other(char, String),
    /// Rows of what was expunged go for good.
    Collect(u32),
    /// The client sends a command.
    Mine(String),
    /// The client changes flags and wants to hear no more than it must; by UIDs from one to another.
    Silent(u32, u32, usize, bool, bool),
    /// The client reads so many lines of a NOOP; then its connection is lost.
    Cut(usize),
}

fn range() -> impl Strategy<Value = String> {
    (1u32..9, 0u32..3).prop_map(|(from, more)| format!("{from}:{}", from + more))
}

fn store() -> impl Strategy<Value = String> {
    let sign = prop_oneof![
        Just("+FLAGS"),
        Just("-FLAGS"),
        Just("FLAGS"),
        Just("+FLAGS.SILENT")
    ];
    (range(), sign, 0usize..FLAGS.len())
        .prop_map(|(set, sign, flag)| format!("UID STORE {set} {sign} ({})", FLAGS[flag]))
}

fn act() -> impl Strategy<Value = Act> {
    let other = prop_oneof![
        4 => store(),
        4 => range().prop_map(|set| format!(r"UID STORE {set} +FLAGS.SILENT (\Deleted)")),
        4 => Just("EXPUNGE".to_owned()),
        2 => range().prop_map(|set| format!("UID COPY {set} INBOX")),
        1 => range().prop_map(|set| format!("UID MOVE {set} INBOX")),
        1 => Just("NOOP".to_owned()),
    ];
    let mine = prop_oneof![
        2 => Just("NOOP".to_owned()),
        1 => Just("EXPUNGE".to_owned()),
        1 => Just("FETCH 1 (UID MODSEQ)".to_owned()),
        1 => Just("UID SEARCH 1:* MODSEQ 1".to_owned()),
        1 => Just("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 3 VANISHED)".to_owned()),
        6 => (1u32..4, 0usize..FLAGS.len()).prop_map(|(number, flag)| format!("STORE {number} +FLAGS ({})", FLAGS[flag])),
        1 => range().prop_map(|set| format!("UID COPY {set} INBOX")),
        1 => range().prop_map(|set| format!("UID MOVE {set} INBOX")),
    ];
    prop_oneof![
        6 => (prop_oneof![Just('1'), Just('2')], other).prop_map(|(who, command)| Act::Other(who, command)),
        1 => (1u32..4).prop_map(Act::Collect),
        5 => mine.prop_map(Act::Mine),
        3 => (1u32..9, 0u32..3, 0usize..FLAGS.len(), any::<bool>(), any::<bool>())
            .prop_map(|(from, more, flag, on, conditional)| Act::Silent(from, from + more, flag, on, conditional)),
        3 => prop_oneof![Just(0), 0usize..8].prop_map(Act::Cut),
    ]
}

/// The client, its copy, and its connection.
struct Client {
    copy: Copy,
    talk: Option<Talk>,
}

impl Client {
    /// Sends a command and takes in what it hears, up to `lines`.
    fn command(&mut self, stage: &mut Stage, command: &str, fetching: bool, lines: usize) {
        let talk = self.talk.unwrap();
        stage.world.feed(talk, format!("t {command}\r\n").as_bytes());
        let said = String::from_utf8(stage.world.take(talk)).unwrap();
        let mut heard = Heard::default();
        for line in said.lines().take(lines) {
            self.copy.hear(line, fetching, &mut heard);
            if line.starts_with("t ") {
                self.copy.conclude(&heard);
            }
        }
        assert!(
            lines < usize::MAX || said.lines().any(|line| line.starts_with("t ")),
            "{said}"
        );
    }

    /// Connects, opens the mailbox with what it knows, and fetches what has come since.
    fn resync(&mut self, stage: &mut Stage) {
        let session = Session::new(
            stage.peer.clone(),
            Arc::new(stage.settings.clone()),
            Seed::new([9; 32]),
        );
        let talk = stage.world.join(session);
        self.talk = Some(talk);
        stage
            .world
            .feed(talk, b"l LOGIN user@example.com secret\r\ne ENABLE QRESYNC\r\n");
        stage.world.take(talk);
        let Copy {
            uid_validity, modseq, ..
        } = self.copy;
        let select = match modseq {
            0 => "SELECT INBOX".to_owned(),
            modseq => format!("SELECT INBOX (QRESYNC ({uid_validity} {modseq}))"),
        };
        self.command(stage, &select, false, usize::MAX);
        self.fetch_new(stage);
    }

    fn fetch_new(&mut self, stage: &mut Stage) {
        let known = self.copy.messages.keys().last().copied().unwrap_or(0);
        self.command(
            stage,
            &format!("UID FETCH {}:* (FLAGS MODSEQ)", known + 1),
            true,
            usize::MAX,
        );
    }

    fn cut(&mut self, stage: &mut Stage) {
        if let Some(talk) = self.talk.take() {
            stage.world.cut(talk);
        }
    }

    fn act(&mut self, stage: &mut Stage, act: Act) {
        match act {
            Act::Other(who, command) => {
                let talk = stage.talk(who);
                stage.world.feed(talk, format!("o {command}\r\n").as_bytes());
                stage.world.take(talk);
            }
            Act::Collect(limit) => {
                let at_ms = stage.world.now().unix_ms;
                let collect = Request::CollectMessages {
                    before_ms: u64::MAX,
                    limit,
                    at_ms,
                };
                stage.world.ask(Actor::Worker, collect).unwrap();
            }
            Act::Mine(command) => self.command(stage, &command, false, usize::MAX),
            Act::Silent(from, to, flag, on, conditional) => {
                let (sign, flag) = (if on { '+' } else { '-' }, FLAGS[flag]);
                let condition = if conditional {
                    format!("(UNCHANGEDSINCE {}) ", self.copy.modseq)
                } else {
                    String::new()
                };
                // What the condition leaves alone is told with its flags.
                self.copy.set(from, to, flag, on);
                self.command(
                    stage,
                    &format!("UID STORE {from}:{to} {condition}{sign}FLAGS.SILENT ({flag})"),
                    false,
                    usize::MAX,
                );
            }
            Act::Cut(lines) => {
                self.command(stage, "NOOP", false, lines);
                self.cut(stage);
                self.resync(stage);
                assert_eq!(self.copy.messages, there(stage), "after a cut");
            }
        }
    }
}

/// The mailbox as the store has it.
fn there(stage: &mut Stage) -> BTreeMap<u32, (Vec<String>, u64)> {
    let open = Request::OpenMailbox {
        name: MailboxName::inbox(),
        claim_recent: false,
    };
    let Ok(Reply::Opened(opened)) = stage.world.ask(Actor::Account(stage.account), open) else {
        panic!("INBOX is not there")
    };
    let view = opened.view;
    let flags = |flags: Flags| {
        let system = Flag::ALL
            .into_iter()
            .filter(|flag| flags.has(*flag))
            .map(|flag| flag.name().to_owned());
        let mut flags: Vec<_> = system.chain(view.keywords.of(flags).map(str::to_owned)).collect();
        flags.sort();
        flags
    };
    view.iter()
        .map(|row| (row.uid.0, (flags(row.flags), row.modseq.0)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_copy_kept_by_qresync_is_the_mailbox(acts in proptest::collection::vec(act(), 0..50)) {
        let mut stage = Stage::selected(6, "12");
        let mut client = Client { copy: Copy::default(), talk: None };
        client.resync(&mut stage);
        for act in acts {
            client.act(&mut stage, act);
        }
        // While it is connected, NOOP and a look at what is new are enough.
        client.command(&mut stage, "NOOP", false, usize::MAX);
        client.fetch_new(&mut stage);
        prop_assert_eq!(&client.copy.messages, &there(&mut stage));
        client.cut(&mut stage);
        client.resync(&mut stage);
        prop_assert_eq!(&client.copy.messages, &there(&mut stage));
        let findings = stage.world.check();
        prop_assert!(findings.is_empty(), "{findings:?}");
    }
}

/// STORE beside FETCH CHANGEDSINCE (threat D08): a client that only ever asks for what changed since the MODSEQ it knows misses nothing.
#[test]
fn no_store_slips_past_changedsince() {
    race_of_stores(2_000);
}

/// The same for as many rounds as docs/attacks.md tells of.
///
///     cargo test -p lightmail-core no_store_in_a_hundred_thousand -- --ignored
#[test]
#[ignore = "takes seconds"]
fn no_store_in_a_hundred_thousand_slips_past_changedsince() {
    race_of_stores(100_000);
}

fn race_of_stores(rounds: u32) {
    let mut stage = Stage::selected(3, "1");
    let mut client = Client {
        copy: Copy::default(),
        talk: None,
    };
    client.resync(&mut stage);
    for round in 0..rounds {
        let (number, sign) = (round % 3 + 1, if round % 2 == 0 { '+' } else { '-' });
        let talk = stage.talk('1');
        stage.world.feed(
            talk,
            format!(
                "o STORE {number} {sign}FLAGS.SILENT ({})\r\n",
                FLAGS[round as usize % 3]
            )
            .as_bytes(),
        );
        stage.world.take(talk);
        let since = client.copy.modseq;
        client.command(
            &mut stage,
            &format!("UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since} VANISHED)"),
            false,
            usize::MAX,
        );
        assert_eq!(client.copy.messages, there(&mut stage), "round {round}");
    }
}

/// The order of events that loses an expunge if a client believes the highest MODSEQ that it has seen (RFC 7162, 6).
#[test]
fn an_expunge_that_was_not_told_is_not_lost() {
    let mut stage = Stage::selected(6, "12");
    let mut client = Client {
        copy: Copy::default(),
        talk: None,
    };
    client.resync(&mut stage);
    for act in [
        Act::Other('1', r"UID STORE 5 +FLAGS.SILENT (\Deleted)".to_owned()),
        Act::Other('1', "EXPUNGE".to_owned()),
        Act::Mine(r"STORE 1 +FLAGS (\Flagged)".to_owned()),
        Act::Cut(0),
    ] {
        client.act(&mut stage, act);
    }
}
