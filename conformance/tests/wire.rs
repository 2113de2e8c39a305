//! The transcripts over TCP against the core: what a live server sees, one world for all of them.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use lightmail_conformance::report::{self, Played};
use lightmail_conformance::run::{Strictness, Verdict, run};
use lightmail_conformance::tcp::Tcp;
use lightmail_conformance::transcript::Protocol;
use lightmail_conformance::{Player as _, library, player::Logins, pure::Core};

/// How long nothing happens until virtual time passes, and how much: ten times as fast as outside.
const QUIET: Duration = Duration::from_millis(10);
const VIRTUAL_MS: u64 = 100;

/// What happens to the one thread that has the world.
enum Event {
    Joined(u64, Protocol, TcpStream),
    Said(u64, Vec<u8>),
    Gone(u64),
    Check(Sender<Vec<String>>),
}

/// The core behind sockets. It numbers connections by 8 bits; only a few are open at a time.
#[derive(Default)]
struct Server {
    core: Core,
    open: HashMap<u64, (u8, TcpStream)>,
}

impl Server {
    fn on(&mut self, event: Event) {
        match event {
            Event::Joined(id, protocol, stream) => {
                let taken = |number: &u8| self.open.values().any(|(open, _)| open == number);
                let number = (0..=u8::MAX).find(|number| !taken(number)).unwrap();
                self.core.connect(number, protocol).unwrap();
                stream.set_nodelay(true).unwrap();
                self.open.insert(id, (number, stream));
            }
            Event::Said(id, octets) => self.core.send(self.open[&id].0, &octets).unwrap(),
            Event::Gone(id) => {
                let (number, stream) = self.open.remove(&id).unwrap();
                self.core.close(number).unwrap();
                let _ = stream.shutdown(Shutdown::Both);
            }
            Event::Check(findings) => findings.send(self.core.check()).unwrap(),
        }
    }

    /// Sends what all connections have to say: one may have woken another.
    fn speak(&mut self) {
        for (number, stream) in self.open.values_mut() {
            let (octets, over) = self.core.said(*number);
            // A client that is gone hears nothing.
            let _ = stream.write_all(&octets);
            if over {
                let _ = stream.shutdown(Shutdown::Write);
            }
        }
    }
}

fn start() -> Sender<Event> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut server = Server::default();
        loop {
            match told.recv_timeout(QUIET) {
                Ok(event) => server.on(event),
                // Answers to wrong passwords come late: where everybody waits, virtual time passes.
                Err(RecvTimeoutError::Timeout) => server.core.pass(VIRTUAL_MS).unwrap(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            server.speak();
        }
    });
    tell
}

/// Accepts connections; their numbers are `first`, `first + 2` and so on. Where it listens.
fn listen(tell: &Sender<Event>, protocol: Protocol, first: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let tell = tell.clone();
    thread::spawn(move || {
        for (id, stream) in (first..).step_by(2).zip(listener.incoming().flatten()) {
            let tell = tell.clone();
            tell.send(Event::Joined(id, protocol, stream.try_clone().unwrap()))
                .unwrap();
            thread::spawn(move || read(&tell, id, stream));
        }
    });
    place
}

fn read(tell: &Sender<Event>, id: u64, mut stream: TcpStream) {
    let mut octets = [0; 4096];
    while let Ok(n @ 1..) = stream.read(&mut octets) {
        tell.send(Event::Said(id, octets[..n].to_vec())).unwrap();
    }
    tell.send(Event::Gone(id)).unwrap();
}

#[test]
fn every_transcript_passes_over_tcp_or_needs_the_core() {
    let server = start();
    let imap = listen(&server, Protocol::Imap, 0);
    let lmtp = listen(&server, Protocol::Lmtp, 1);
    let logins: Logins = Core::new().logins();
    let transcripts = library::read(&library::folder(), "").unwrap_or_else(|error| panic!("{error}"));
    let played: Vec<_> = transcripts
        .iter()
        .map(|transcript| {
            let patience = Duration::from_secs(10);
            let mut player = Tcp::new(imap.clone(), Some(lmtp.clone()), logins.clone(), patience);
            let verdict = run(transcript, &mut player, Strictness::EveryLine);
            Played { transcript, verdict }
        })
        .collect();
    let fits = |played: &Played<'_>| match &played.verdict {
        Verdict::Pass => true,
        Verdict::Fail(_) => false,
        Verdict::NotOffered(what) => ["virtual time", "injected faults"].contains(&what.as_str()),
    };
    assert!(played.iter().all(fits), "{}", report::terminal(&played));
    assert!(played.iter().any(|played| played.verdict == Verdict::Pass));
    let (findings, found) = channel();
    server.send(Event::Check(findings)).unwrap();
    assert_eq!(found.recv().unwrap(), Vec::<String>::new());
}
