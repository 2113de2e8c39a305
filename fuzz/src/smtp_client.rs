//! The SMTP client: servers that answer anything, in any cut, at any pace.

use std::iter::Peekable;
use std::net::Ipv4Addr;

use bytes::{Bytes, BytesMut};
use lightmail_core::machine::{
    Action, ConnectFailure, Done, Due, Input, Machine, Peer, Secret, Step, Time, TlsInfo,
};
use lightmail_core::smtp::client::{
    Client, Fate, Host, Job, JobMail, JobRecipient, JobReport, Login, Settings, TlsPolicy,
};
use lightmail_core::store::ObjectId;
use lightmail_core::store::queue::{MailBody, MailOptions, QueueId};
use lightmail_core::wire::filter::Filtering;

use crate::cut::{Cut, Pace};

/// What ends one flight of a server's octets: the next one is of another connection, or goes over TLS.
const FLIGHT_END: u8 = 0x1e;

/// More steps than a client could need for an input of the fuzzer.
const STEPS_MAX: usize = 1_000_000;

/// Any octets as the answers of any number of servers. Every recipient is told of once, in words that are safe to show; nobody is sent
/// a message twice; no CR and no LF goes out alone; any cut gives the same; it ends.
pub fn smtp_client(input: Pace<'_>) {
    let job = job(input.start);
    let whole = play(&job, Cut::whole(input.cut.octets), [0].into_iter());
    assert_eq!(
        play(&job, input.cut, [0].into_iter()),
        whole,
        "another cut, another outcome"
    );
    for outcome in [whole, play(&job, input.cut, input.pauses())] {
        assert_report(&job, &outcome.report);
        assert_sent(&job, &outcome, input.cut.octets);
    }
}

/// A client that hears this, for the heap's bound: what it has sent and told is not counted.
pub fn run(input: Pace<'_>) {
    let mut wire = Wire::new(input.cut, [0].into_iter());
    let mut client = Client::new(job(input.start), Settings::default());
    wire.drive(&mut client, |_| ());
}

fn job(start: u8) -> Job {
    let (tls, user) = match start & 3 {
        0 => (TlsPolicy::Never, None),
        1 => (TlsPolicy::Opportunistic, None),
        2 => (TlsPolicy::Verified, Some("user")),
        _ => (TlsPolicy::Implicit, None),
    };
    let host = |last| Host {
        name: format!("mx{last}.example.com"),
        address: Ipv4Addr::new(192, 0, 2, last).into(),
        port: 25,
    };
    let login = user.map(|user| Login {
        user: user.to_owned(),
        password: Secret("secret".to_owned()),
    });
    Job {
        hosts: vec![host(1), host(2)],
        hello: "example.com".to_owned(),
        tls,
        login,
        deliveries: (0..3).map(|number| mail(number, start & 4 != 0)).collect(),
    }
}

/// Bodies are what their numbers say, and not all of them have whole lines.
const BODIES: [&[u8]; 3] = [b".\r\n..\n.\r.\r\n", b"", b"a\r\n.b"];

fn mail(number: u8, binary: bool) -> JobMail {
    let options = MailOptions {
        body: if binary && number == 0 {
            MailBody::Binary
        } else {
            MailBody::EightBit
        },
        utf8: number == 1,
        envid: Some("id".to_owned()),
        ..MailOptions::default()
    };
    let recipient = |letter: u8| JobRecipient {
        id: QueueId([number * 10 + letter; 16]),
        address: format!("{letter}@{number}.example.org"),
        options: options.clone(),
    };
    JobMail {
        object: ObjectId([number; 16]),
        size: body(ObjectId([number; 16])).len() as u64,
        head: Bytes::from_static(b".Received: x\r\n"),
        sender: "sender@example.com".to_owned(),
        recipients: (0..3).map(recipient).collect(),
    }
}

fn body(object: ObjectId) -> &'static [u8] {
    BODIES.get(usize::from(object.0[0])).copied().unwrap_or_default()
}

#[derive(Debug, PartialEq)]
struct Outcome {
    sent: Vec<u8>,
    objects: Vec<ObjectId>,
    report: JobReport,
}

fn play(job: &Job, cut: Cut<'_>, pauses: impl Iterator<Item = u64> + Clone) -> Outcome {
    let (mut sent, mut objects) = (Vec::new(), Vec::new());
    let mut client = Client::new(job.clone(), Settings::default());
    Wire::new(cut, pauses).drive(&mut client, |action| match action {
        Action::Send(octets) => sent.extend_from_slice(octets),
        Action::SendObject {
            head, object, filter, ..
        } => {
            let (mut filtering, mut out) = (Filtering::new(filter), BytesMut::new());
            filtering.push(body(*object), &mut out);
            filtering.finish(&mut out);
            sent.extend_from_slice(head);
            sent.extend_from_slice(&out);
            objects.push(*object);
        }
        _ => {}
    });
    let report = client.report();
    Outcome {
        sent,
        objects,
        report,
    }
}

/// The world of a client: servers that say what they say.
struct Wire<'a, P> {
    sizes: [u8; 4],
    flights: std::slice::Split<'a, u8, fn(&u8) -> bool>,
    /// What of the current flight has not been read.
    pieces: Peekable<Box<dyn Iterator<Item = &'a [u8]> + 'a>>,
    pauses: std::iter::Cycle<P>,
    now: Time,
}

impl<'a, P: Iterator<Item = u64> + Clone> Wire<'a, P> {
    fn new(cut: Cut<'a>, pauses: P) -> Self {
        let is_end: fn(&u8) -> bool = |octet| *octet == FLIGHT_END;
        Self {
            sizes: cut.sizes,
            flights: cut.octets.split(is_end),
            pieces: none(),
            pauses: pauses.cycle(),
            now: Time::default(),
        }
    }

    /// Runs a client to its end.
    fn drive(&mut self, client: &mut Client, mut see: impl FnMut(&Action)) {
        for _ in 0..STEPS_MAX {
            match client.poll() {
                Step::Over => return,
                Step::Act(action) => {
                    see(&action);
                    if let Some(input) = self.act(&action) {
                        client.handle(self.now, input);
                    }
                }
                Step::Wait { bytes, until } => {
                    let input = self.next(bytes, until);
                    client.handle(self.now, input);
                }
            }
        }
        panic!("the client does not come to an end");
    }

    fn act(&mut self, action: &Action) -> Option<Input> {
        match action {
            Action::Connect(target) => {
                let peer = Peer {
                    address: Some(target.address),
                    tls: None,
                };
                let found = self.fly();
                let nobody = || ConnectFailure("nobody\r\nlistens".to_owned());
                Some(Input::Connected(found.then_some(peer).ok_or_else(nobody)))
            }
            // Plaintext left over at the switch closes the session.
            Action::StartTls(_) if self.pieces.peek().is_some() => {
                self.pieces = none();
                Some(Input::Eof)
            }
            Action::StartTls(_) => {
                self.fly();
                Some(Input::Tls(Ok(TlsInfo::default())))
            }
            Action::SendObject { token, .. } => Some(Input::Outcome(*token, Ok(Done::Sent))),
            Action::Disconnect => {
                self.pieces = none();
                None
            }
            _ => None,
        }
    }

    /// Begins the next flight, if there is one.
    fn fly(&mut self) -> bool {
        let flight = self.flights.next();
        let sizes = self.sizes;
        self.pieces = match flight {
            Some(octets) => {
                (Box::new(Cut { sizes, octets }.pieces()) as Box<dyn Iterator<Item = _>>).peekable()
            }
            None => none(),
        };
        flight.is_some()
    }

    fn next(&mut self, bytes: bool, until: Option<Due>) -> Input {
        let due_ms = until.map(|due| due.at_ms(self.now));
        let pause_ms = if bytes {
            self.pauses.next().unwrap_or_default()
        } else {
            u64::MAX
        };
        let later_ms = self.now.mono_ms.saturating_add(pause_ms);
        if let Some(due_ms) = due_ms.filter(|due_ms| *due_ms <= later_ms) {
            self.now.mono_ms = due_ms;
            return Input::Tick;
        }
        assert!(bytes, "the client waits for nothing");
        self.now.mono_ms = later_ms;
        match self.pieces.next() {
            Some(piece) => Input::Bytes {
                octets: Bytes::copy_from_slice(piece),
                waited: true,
            },
            None => Input::Eof,
        }
    }
}

fn none<'a>() -> Peekable<Box<dyn Iterator<Item = &'a [u8]> + 'a>> {
    (Box::new(std::iter::empty()) as Box<dyn Iterator<Item = _>>).peekable()
}

fn assert_report(job: &Job, report: &JobReport) {
    let mut told: Vec<_> = report.done.iter().map(|told| told.id.0).collect();
    told.sort_unstable();
    let all = job.deliveries.iter().flat_map(|mail| &mail.recipients);
    let mut all: Vec<_> = all.map(|one| one.id.0).collect();
    all.sort_unstable();
    assert_eq!(told, all);
    for told in &report.done {
        let words = match &told.fate {
            Fate::Delivered { reply, .. } => reply.to_string(),
            Fate::Refused(why) | Fate::Later(why) | Fate::Unknown(why) => why.to_string(),
        };
        assert!(
            words.len() < 2_000 && !words.chars().any(char::is_control),
            "{words:?}"
        );
    }
}

fn assert_sent(job: &Job, outcome: &Outcome, said: &[u8]) {
    // Recipients who are too many for one transaction are sent the message in another one.
    let splits = [&b"452"[..], b"552"]
        .iter()
        .any(|code| said.windows(3).any(|three| three == *code));
    let mut objects = outcome.objects.clone();
    objects.sort_unstable();
    objects.dedup();
    assert!(
        splits || objects.len() == outcome.objects.len(),
        "a message was given away twice"
    );
    let binary = job.deliveries.iter().any(|mail| {
        let mut options = mail.recipients.iter().map(|one| one.options.body);
        options.any(|body| body == MailBody::Binary)
    });
    if !binary {
        let alone = |pair: &[u8]| (pair.first() == Some(&b'\r')) != (pair.get(1) == Some(&b'\n'));
        assert!(
            !outcome.sent.windows(2).any(alone),
            "{}",
            outcome.sent.escape_ascii()
        );
    }
}
