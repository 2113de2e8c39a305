//! Scripted servers: what they say, and what the client must say.

mod content;
mod hostile;
mod opening;
mod own_server;
mod split;
mod transactions;

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;

use super::*;
use crate::machine::{Action, Input, Machine, Step, Time};
use crate::pair::{Fault, Talk, World};
use crate::store::ObjectId;
use crate::store::queue::{MailBody, MailOptions, QueueId};

/// The machine of a world whose report can be asked for.
#[derive(Clone)]
struct Shared(Rc<RefCell<Option<Client>>>);

impl Machine for Shared {
    fn handle(&mut self, now: Time, input: Input) {
        self.0.borrow_mut().as_mut().unwrap().handle(now, input);
    }

    fn poll(&mut self) -> Step {
        self.0.borrow_mut().as_mut().unwrap().poll()
    }
}

/// A client and its servers.
struct Play {
    world: World,
    talk: Talk,
    client: Shared,
    /// What the client has said and the script has not looked at.
    said: Vec<u8>,
    /// How many connections the script has looked at.
    connects: usize,
}

const MESSAGE: &str = "Subject: hi\r\n\r\nHello\r\n";
const HELLO: &str = "S: 220 mx.example ESMTP\nC: EHLO us.example\n";

/// Two hosts, one message to each number of recipients.
fn job(recipients: &[u8]) -> Job {
    let host = |last: u8| Host {
        name: format!("mx{last}.example"),
        address: [192, 0, 2, last].into(),
        port: 25,
    };
    let mails = recipients
        .iter()
        .zip(0..)
        .map(|(count, number)| mail(number, *count));
    Job {
        hosts: vec![host(1), host(2)],
        hello: "us.example".to_owned(),
        tls: TlsPolicy::Opportunistic,
        login: None,
        deliveries: mails.collect(),
    }
}

/// A message from `s<number>@x.org` to `a<number>@y.org`, `b<number>@y.org`, …
fn mail(number: u8, recipients: u8) -> JobMail {
    let recipient = |letter: u8| JobRecipient {
        id: QueueId([number * 10 + letter; 16]),
        address: format!("{}{number}@y.org", char::from(b'a' + letter)),
        options: MailOptions::default(),
    };
    JobMail {
        object: ObjectId([number; 16]),
        size: MESSAGE.len() as u64,
        head: Bytes::from_static(b"Received: x\r\n"),
        sender: format!("s{number}@x.org"),
        recipients: (0..recipients).map(recipient).collect(),
    }
}

impl Play {
    /// The first connection has been asked for.
    fn new(job: Job) -> Self {
        Self::with(job, MESSAGE.as_bytes(), &[])
    }

    /// The same, with another body for every message, and with what is to go wrong.
    fn with(job: Job, body: &[u8], faults: &[Fault]) -> Self {
        let bodies = vec![body; job.deliveries.len()];
        Self::with_bodies(job, &bodies, faults)
    }

    /// The same, with a body for each message.
    fn with_bodies(mut job: Job, bodies: &[&[u8]], faults: &[Fault]) -> Self {
        let mut world = World::new();
        for (mail, body) in job.deliveries.iter_mut().zip(bodies) {
            mail.size = body.len() as u64;
            world
                .stage
                .objects
                .insert(mail.object, Bytes::copy_from_slice(body));
        }
        faults.iter().for_each(|fault| world.fail(fault.clone()));
        let client = Shared(Rc::new(RefCell::new(Some(Client::new(job, Settings::default())))));
        let talk = world.join(client.clone());
        world.advance(0);
        Self {
            world,
            talk,
            client,
            said: Vec::new(),
            connects: 0,
        }
    }

    /// Plays a script: `-> 192.0.2.1` a connection that is asked for; `S:` a line of the server; `S|` the same, without its end and with
    /// `\r`, `\n`, `\0` meant; `C:` the next line of the client; `close`; `time 5m`; `over`. What the client says must all be in it.
    fn play(&mut self, script: &str) -> &mut Self {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("->", address) => self.expect_connect(address),
                ("S:", text) => self.world.feed(self.talk, format!("{text}\r\n").as_bytes()),
                ("S|", text) => self.world.feed(self.talk, &raw(text)),
                ("C:", text) => assert_eq!(self.hear().as_deref(), Some(text), "in {script}"),
                ("close", _) => self.world.close(self.talk),
                ("time", minutes) => {
                    let minutes: u64 = minutes.trim_end_matches('m').parse().unwrap();
                    self.world.advance(minutes * 60_000);
                }
                ("over", _) => assert!(self.world.is_over(self.talk), "the client is not over"),
                _ => panic!("no line of a script: {line}"),
            }
        }
        assert_eq!(self.hear(), None, "what was not expected");
        self
    }

    fn expect_connect(&mut self, address: &str) {
        assert_eq!(self.hear(), None, "before the connection");
        let targets: Vec<String> = self
            .actions()
            .iter()
            .filter_map(|action| match action {
                Action::Connect(target) => Some(target.address.to_string()),
                _ => None,
            })
            .collect();
        assert_eq!(targets.get(self.connects).map(String::as_str), Some(address));
        self.connects += 1;
    }

    /// The next line of the client.
    fn hear(&mut self) -> Option<String> {
        self.said.extend(self.world.take(self.talk));
        let end = self.said.windows(2).position(|pair| pair == b"\r\n")?;
        let line = String::from_utf8_lossy(&self.said[..end]).into_owned();
        self.said.drain(..end + 2);
        Some(line)
    }

    fn actions(&self) -> &[Action] {
        self.world.conversation(self.talk).unwrap().actions()
    }

    /// All that the client has said.
    fn sent(&self) -> String {
        String::from_utf8_lossy(self.world.conversation(self.talk).unwrap().sent()).into_owned()
    }

    fn report(&mut self) -> JobReport {
        let client = self.client.0.borrow_mut().take().unwrap();
        client.report()
    }

    /// What became of whom, in the order of their ids: `1: delivered 250 ok`.
    fn fates(&mut self) -> Vec<String> {
        let mut told = self.report().done;
        told.sort_by_key(|told| told.id.0);
        told.iter()
            .map(|told| format!("{}: {}", told.id.0[0], fate(&told.fate)))
            .collect()
    }
}

fn fate(fate: &Fate) -> String {
    match fate {
        Fate::Delivered { reply, .. } => format!("delivered {reply}"),
        Fate::Refused(why) => format!("refused {why}"),
        Fate::Later(why) => format!("later {why}"),
        Fate::Unknown(why) => format!("unknown {why}"),
    }
}

fn raw(text: &str) -> Vec<u8> {
    let text = text
        .replace("\\r", "\r")
        .replace("\\n", "\n")
        .replace("\\0", "\0");
    text.into_bytes()
}

/// A script in which the server offers this, and pipelining.
fn offering(keywords: &str) -> String {
    let lines: String = keywords
        .split(',')
        .map(|keyword| format!("S: 250-{keyword}\n"))
        .collect();
    format!("-> 192.0.2.1\n{HELLO}S: 250-mx.example\n{lines}S: 250 PIPELINING\n")
}
