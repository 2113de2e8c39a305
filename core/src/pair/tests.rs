//! The driver, driven with a toy machine that does what its lines say.

use std::collections::VecDeque;

use super::*;
use crate::machine::*;
use crate::store::{AccountId, Actor, Flags, MailboxName, ObjectId, Reply, Request};
use crate::wire::filter::Filter;

/// Reads lines; answers in lines.
struct Toy {
    account: AccountId,
    unread: Vec<u8>,
    acts: VecDeque<Action>,
    in_flight: Option<Token>,
    stored: Option<Stored>,
    tokens: u64,
    waited: bool,
    until: Option<Due>,
    ends: bool,
    ignores_eof: bool,
}

impl Toy {
    fn new(account: AccountId) -> Self {
        Self {
            account,
            unread: Vec::new(),
            acts: VecDeque::new(),
            in_flight: None,
            stored: None,
            tokens: 0,
            waited: false,
            until: None,
            ends: false,
            ignores_eof: false,
        }
    }

    fn say(&mut self, line: impl std::fmt::Display) {
        self.acts.push_back(Action::Send(format!("{line}\n").into()));
    }

    fn token(&mut self) -> Token {
        self.tokens += 1;
        self.in_flight = Some(Token(self.tokens));
        Token(self.tokens)
    }

    fn ask(&mut self, effect: Effect) {
        let token = self.token();
        self.acts.push_back(Action::Do(token, effect));
    }

    fn send_object(&mut self, object: u8, range: std::ops::Range<u64>) {
        let (token, object, head) = (self.token(), ObjectId([object; 16]), "head:".into());
        self.acts.push_back(Action::SendObject {
            token,
            head,
            object,
            range,
            filter: Filter::None,
        });
    }

    fn line(&mut self, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "waited" => self.say(self.waited),
            "subscribe" => {
                let name = MailboxName::new(rest).unwrap();
                self.ask(Effect::Store(
                    Actor::Account(self.account),
                    Request::Subscribe { name },
                ));
            }
            "confirm" => self.ask(Effect::ConfirmDelivery(Vec::new())),
            "put" => {
                let (upload, object) = (Upload(self.tokens), ObjectId([1; 16]));
                self.acts.push_back(Action::OpenUpload(
                    upload,
                    Purpose {
                        object,
                        kind: ObjectKind::Email,
                    },
                ));
                self.acts.push_back(Action::Feed(upload, rest.to_owned().into()));
                self.acts
                    .push_back(Action::FeedObject(upload, ObjectId([9; 16]), 0..2));
                self.ask(Effect::FinishUpload(upload));
            }
            "get" => self.send_object(1, 0..rest.parse().unwrap()),
            "get-twice" => {
                self.send_object(1, 0..1);
                self.send_object(1, 0..1);
            }
            "find" => {
                let targets = self.stored.iter().map(|stored| ScanTarget {
                    object: stored.object,
                    size: stored.size,
                    head: "To: me\r\n".into(),
                    index: stored.index.clone(),
                });
                let targets = targets.collect();
                let needle = |text: &str| Needle {
                    text: text.to_owned(),
                    scope: Scope::Text,
                };
                self.ask(Effect::Scan(Scan {
                    targets,
                    needles: rest.split(' ').map(needle).collect(),
                }));
            }
            "watch" => self.acts.push_back(Action::Watch(Watched::Account(self.account))),
            "sleep" => self.until = Some(Due::Idle(rest.parse().unwrap())),
            "starttls" => self.acts.push_back(Action::StartTls(TlsRole::Server)),
            "reuse" => self.tokens = 0,
            "stray" => self.acts.push_back(Action::Feed(Upload(99), "x".into())),
            "stay" => self.ignores_eof = true,
            _ => self.ends = true,
        }
    }

    fn next_line(&mut self) -> Option<String> {
        let end = self.unread.iter().position(|octet| *octet == b'\n')?;
        let line = self.unread.drain(..=end).collect::<Vec<_>>();
        Some(String::from_utf8(line).unwrap().trim_end().to_owned())
    }
}

impl Machine for Toy {
    fn handle(&mut self, now: Time, input: Input) {
        match input {
            Input::Bytes { octets, waited } => {
                assert!(octets.len() <= READ_MAX && self.in_flight.is_none());
                self.unread.extend_from_slice(&octets);
                self.waited = waited;
            }
            Input::Outcome(token, outcome) => {
                assert_eq!(self.in_flight.take(), Some(token));
                match outcome {
                    Ok(Done::Stored(stored)) => {
                        self.say(format!("stored {}", stored.size));
                        self.stored = Some(stored);
                    }
                    Ok(Done::Scanned(found)) => self.say(format!("found {found:?}")),
                    Ok(_) => self.say("ok"),
                    Err(failure) => self.say(format!("{failure:?}").split(['(', ' ']).next().unwrap()),
                }
            }
            Input::Eof => self.ends = !self.ignores_eof,
            Input::Changed { modseq, .. } => self.say(format!("changed {}", modseq.0)),
            Input::Tick => {
                self.until = None;
                self.say(format!("tick {}", now.mono_ms));
            }
            Input::Tls(result) => self.say(format!("tls {}", result.is_ok())),
            Input::Shutdown => self.ends = true,
            Input::Connected(_) | Input::Inflate(_) => {}
        }
    }

    fn poll(&mut self) -> Step {
        while self.acts.is_empty() && self.in_flight.is_none() {
            match self.next_line() {
                Some(line) if !self.ends => self.line(&line),
                _ => break,
            }
        }
        match self.acts.pop_front() {
            Some(action) => Step::Act(action),
            None if self.ends && self.in_flight.is_none() => Step::Over,
            None => Step::Wait {
                bytes: self.in_flight.is_none(),
                until: self.until,
            },
        }
    }
}

fn world() -> (World, Talk, AccountId) {
    let mut world = World::new();
    world.stage.objects.insert(ObjectId([9; 16]), "\r\n".into());
    let account = world.create_account("user@example.com", "secret");
    let talk = world.join(Toy::new(account));
    (world, talk, account)
}

fn said(world: &mut World, talk: Talk, lines: &str) -> String {
    world.feed(talk, lines.as_bytes());
    String::from_utf8(world.take(talk)).unwrap()
}

#[test]
fn a_read_that_had_to_wait_says_so() {
    let (mut world, talk, _) = world();
    assert_eq!(said(&mut world, talk, "waited\n"), "true\n");
    world.set_read_max(talk, 7);
    assert_eq!(said(&mut world, talk, "waited\nwaited\n"), "true\nfalse\n");
    assert_eq!(said(&mut world, talk, "waited\n"), "true\n");
}

#[test]
fn an_upload_is_hashed_scanned_and_kept() {
    let (mut world, talk, _) = world();
    assert_eq!(said(&mut world, talk, "put Subject: x\n"), "stored 12\n");
    let Ok(Done::Stored(stored)) = &world.log()[0].outcome else {
        panic!("{:?}", world.log())
    };
    assert_eq!(stored.index.summary.subject.to_lowercase(), "x");
    assert_eq!(
        world.stage.read(stored.object, &(0..12)).unwrap(),
        "Subject: x\r\n"
    );
    assert!(world.stage.read(stored.object, &(0..13)).is_err());
    let summary = world.conversation(talk).unwrap().summary();
    assert_eq!(summary.uploads[&Upload(0)], b"Subject: x\r\n");
    assert_eq!(summary.effects, [Effect::FinishUpload(Upload(0))]);
    assert_eq!(
        said(&mut world, talk, "get 7\nget 3\nconfirm\n"),
        "head:Subjectok\nhead:Subok\nok\n"
    );
    assert_eq!(
        world.conversation(talk).unwrap().summary().effects.len(),
        1,
        "ConfirmDelivery is about time"
    );
}

#[test]
fn stored_messages_are_searched() {
    let (mut world, talk, _) = world();
    said(&mut world, talk, "put Subject: needle\n");
    assert_eq!(said(&mut world, talk, "find needle hay me\n"), "found [5]\n");
    world.stage.objects.clear();
    assert_eq!(said(&mut world, talk, "find needle\n"), "found [0]\n");
}

#[test]
fn the_chosen_effect_fails_as_chosen() {
    for (fault, answer, subscribed) in [
        (Fault::before("store.Subscribe", 2), "ok\nBroken\nok\n", "a c"),
        (Fault::after("store.Subscribe", 2), "ok\nBroken\nok\n", "a b c"),
        (
            Fault::timeout("store.Subscribe", 1),
            "Unavailable\nok\nok\n",
            "b c",
        ),
        (Fault::before("store.Append", 1), "ok\nok\nok\n", "a b c"),
    ] {
        let (mut world, talk, account) = world();
        world.fail(fault.clone());
        assert_eq!(
            said(&mut world, talk, "subscribe a\nsubscribe b\nsubscribe c\n"),
            answer,
            "{fault:?}"
        );
        let answer = world.ask(Actor::Account(account), Request::ListSubscriptions);
        let Ok(Reply::Subscriptions(names)) = answer else {
            panic!("{answer:?}")
        };
        let ours = names
            .iter()
            .map(MailboxName::as_str)
            .filter(|name| name.len() == 1);
        assert_eq!(ours.collect::<Vec<_>>().join(" "), subscribed, "{fault:?}");
    }
}

#[test]
fn a_body_fails_before_its_first_octet_or_cuts() {
    let (mut world, talk, _) = world();
    said(&mut world, talk, "put Subject: x\n");
    world.fail(Fault::before("SendObject", 1));
    assert_eq!(said(&mut world, talk, "get 7\n"), "Broken\n");
    world.fail(Fault::after("SendObject", 1));
    assert_eq!(said(&mut world, talk, "get 6\n"), "head:Sub");
    assert!(world.is_over(talk));
}

#[test]
fn ticks_fall_due_in_order() {
    let (mut world, one, account) = world();
    let two = world.join(Toy::new(account));
    said(&mut world, one, "sleep 300\n");
    world.advance(100);
    said(&mut world, two, "sleep 100\n");
    world.advance(99);
    assert_eq!((world.take(one), world.take(two)), (Vec::new(), Vec::new()));
    world.advance(1000);
    assert_eq!(world.take(two), b"tick 1000200\n");
    assert_eq!(world.take(one), b"tick 1000300\n");
    assert_eq!(world.now().mono_ms, 1_001_199);
    assert_eq!(world.now().unix_ms, 1_772_000_001_199);
}

#[test]
fn changes_are_told_once_to_those_who_watch() {
    let (mut world, one, account) = world();
    let two = world.join(Toy::new(account));
    said(&mut world, one, "watch\n");
    for modseq in 2..4 {
        world
            .append(account, &MailboxName::inbox(), Flags::NONE, b"Subject: x\r\n\r\n")
            .unwrap();
        assert_eq!(world.take(one), format!("changed {modseq}\n").into_bytes());
    }
    assert_eq!(said(&mut world, one, "waited\n"), "true\n");
    assert_eq!(world.take(two), b"");
    assert_eq!(world.check(), Vec::<String>::new());
    let object = *world.stage.objects.keys().next_back().unwrap();
    world.stage.objects.insert(object, "other".into());
    world
        .stage
        .objects
        .retain(|id, _| *id == object || *id == ObjectId([9; 16]));
    assert_eq!(world.check().len(), 2, "one body is missing, one is another");
}

#[test]
fn the_end_may_come_at_any_octet() {
    let input = b"subscribe a\nput Subject: x\nget 3\nquit\n";
    for cut in 0..=input.len() {
        let (mut world, talk, _) = world();
        world.feed(talk, &input[..cut]);
        world.close(talk);
        assert!(world.is_over(talk), "after {cut} octets");
        world.feed(talk, b"waited\n");
        assert_eq!(world.conversation(talk).unwrap().unread(), 0);
    }
}

#[test]
fn any_cut_of_the_input_gives_the_same_summary() {
    let input = b"subscribe a\nput Subject: x\nget 3\nquit\n";
    let (mut whole, talk, _) = world();
    whole.feed(talk, input);
    let want = whole.conversation(talk).unwrap().summary();
    assert!(want.over && want.effects.len() == 2);
    for cut in 0..=input.len() {
        let (mut world, talk, _) = world();
        world.feed(talk, &input[..cut]);
        world.feed(talk, &input[cut..]);
        assert_eq!(world.conversation(talk).unwrap().summary(), want, "cut at {cut}");
    }
}

#[test]
fn plaintext_behind_starttls_closes() {
    let (mut world, talk, _) = world();
    assert_eq!(said(&mut world, talk, "starttls\n"), "tls true\n");
    world.fail(Fault::before("StartTls", 1));
    assert_eq!(said(&mut world, talk, "starttls\n"), "tls false\n");
    world.set_read_max(talk, 9);
    assert_eq!(said(&mut world, talk, "starttls\nwaited\n"), "");
    assert!(world.is_over(talk));
}

#[test]
fn a_server_that_drains_ends_all() {
    let (mut world, one, account) = world();
    let two = world.join(Toy::new(account));
    world.shutdown();
    assert!(world.is_over(one) && world.is_over(two));
}

#[test]
#[should_panic(expected = "an action before the outcome of SendObject")]
fn two_bodies_at_once_are_noticed() {
    let (mut world, talk, _) = world();
    said(&mut world, talk, "put Subject: x\nget-twice\n");
}

#[test]
#[should_panic(expected = "Token(1) is drawn again")]
fn a_token_drawn_twice_is_noticed() {
    let (mut world, talk, _) = world();
    said(&mut world, talk, "subscribe a\nreuse\nsubscribe b\n");
}

#[test]
#[should_panic(expected = "Upload(99) is fed, but not open")]
fn octets_for_no_upload_are_noticed() {
    let (mut world, talk, _) = world();
    said(&mut world, talk, "stray\n");
}

#[test]
#[should_panic(expected = "the machine is not over")]
fn a_machine_that_outlives_its_peer_is_noticed() {
    let (mut world, talk, _) = world();
    said(&mut world, talk, "stay\n");
    world.close(talk);
}
