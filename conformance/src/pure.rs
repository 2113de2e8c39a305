//! LightMail's pure core with the reference store: no socket, no clock, a transcript in a millisecond.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use lightmail_core::config::{AntivirusMode, Config};
use lightmail_core::machine::{Exporter, Peer, Seed, TlsInfo};
use lightmail_core::pair::{EXPORTER, Fault, Talk, World};
use lightmail_core::store::{Actor, DomainRequest, Request, domain_of};
use lightmail_core::wire::deflate::Deflater;
use lightmail_core::{imap, lmtp, pop3, sasl, smtp};

use crate::player::{Heard, Logins, Player, Unsupported, Way};
use crate::transcript::{FaultRule, How, Protocol, Transcript};

/// The core, alone with its test driver.
pub struct Core {
    world: World,
    logins: Logins,
    imap: Arc<imap::Settings>,
    lmtp: Arc<smtp::Settings>,
    pop3: Arc<pop3::Settings>,
    mx: Arc<smtp::Settings>,
    submission: Arc<smtp::Settings>,
    talks: HashMap<u8, Connection>,
    /// Conversations so far: each machine gets a seed of its own.
    seeds: u64,
    /// The most octets a machine reads at once.
    read_max: Option<usize>,
}

/// How long a line may take, in virtual milliseconds: answers to wrong passwords come late on purpose.
const PATIENCE_MS: u64 = 5000;

/// The login name of the second account, unless a recorded session's is the same.
const OTHER: &str = "other@example.com";

struct Connection {
    talk: Talk,
    deflate: Option<Deflater>,
    exporter: Option<Exporter>,
    heard: Vec<u8>,
}

/// Who comes this way; each TLS gives something else to bind to.
fn peer(way: &Way, seed: u64) -> Peer {
    let tls = |identities| {
        let mut exporter = [0x1e; 32];
        exporter[..8].copy_from_slice(&seed.to_be_bytes());
        TlsInfo {
            summary: "TLSv1.3 TLS13_AES_256_GCM_SHA384".into(),
            exporter: Some(Exporter(exporter)),
            identities,
        }
    };
    Peer {
        address: Some(match way {
            Way::Afar => [192, 0, 2, 1].into(),
            _ => [127, 0, 0, 1].into(),
        }),
        tls: match way {
            Way::Usual | Way::Afar => None,
            Way::Tls => Some(tls(Vec::new())),
            Way::Certificate(name) => Some(tls(vec![name.to_lowercase()])),
        },
    }
}

impl Core {
    /// A fresh world with two accounts.
    pub fn new() -> Self {
        Self::with_account("user@example.com", "secret")
    }

    /// The same, whose first account is this one.
    pub fn with_account(user: &str, password: &str) -> Self {
        let config = Config::default();
        let taken = user.eq_ignore_ascii_case(OTHER);
        let logins = Logins {
            user: user.into(),
            password: password.into(),
            other: if taken { "another@example.com" } else { OTHER }.into(),
        };
        let mut world = World::new();
        // As the command line makes it; a client may write it with capitals.
        world.create_account(&logins.user.to_lowercase(), &logins.password);
        world.create_account(&logins.other, &logins.password);
        Self {
            world,
            logins,
            imap: Arc::new(imap::Settings::from_config(&config)),
            lmtp: Arc::new(smtp::Settings::lmtp(&config)),
            pop3: Arc::new(pop3::Settings::from_config(&config)),
            mx: Arc::new(smtp::Settings::mx(&config)),
            submission: Arc::new(smtp::Settings::submission(&config)),
            talks: HashMap::new(),
            seeds: 0,
            read_max: None,
        }
    }

    /// The same, which offers STARTTLS and STLS as a server with a certificate does.
    pub fn offering_tls(mut self) -> Self {
        Arc::make_mut(&mut self.imap).tls = true;
        Arc::make_mut(&mut self.pop3).tls = true;
        for settings in [&mut self.lmtp, &mut self.mx, &mut self.submission] {
            Arc::make_mut(settings).tls = true;
        }
        self
    }

    /// The core for a transcript: a fresh world, which offers TLS and mechanisms of SASL where they are needed.
    pub fn of(transcript: &Transcript) -> Self {
        let needs = |names: &[&str]| transcript.needs.iter().any(|need| names.contains(&need.as_str()));
        let mut core = Self::new();
        if needs(&["STARTTLS", "STLS"]) {
            core = core.offering_tls();
        }
        if transcript.needs.iter().any(|need| need.starts_with("AUTH=")) {
            core = core.offering_every_mechanism();
        }
        core
    }

    /// The same, whose operator wants all mechanisms and knows an authorization server.
    fn offering_every_mechanism(mut self) -> Self {
        let all = sasl::NAMES.map(str::to_owned);
        Arc::make_mut(&mut self.imap).mechanisms = all.to_vec();
        Arc::make_mut(&mut self.pop3).mechanisms = all.to_vec();
        self
    }

    /// The same, whose machines read at most so many octets at once.
    pub fn reading_at_most(self, octets: usize) -> Self {
        Self {
            read_max: Some(octets),
            ..self
        }
    }

    /// What is wrong with the store after a transcript; empty unless there is a bug.
    pub fn check(&self) -> Vec<String> {
        self.world.check()
    }

    fn connection(&mut self, number: u8) -> io::Result<&mut Connection> {
        self.talks
            .get_mut(&number)
            .ok_or_else(|| io::Error::other(format!("connection {number} was not opened")))
    }
}

impl Default for Core {
    fn default() -> Self {
        Self::new()
    }
}

impl Player for Core {
    fn connect(&mut self, number: u8, protocol: Protocol, way: &Way) -> io::Result<()> {
        self.seeds += 1;
        let peer = peer(way, self.seeds);
        let exporter = peer.tls.as_ref().and_then(|tls| tls.exporter.clone());
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seeds.to_be_bytes());
        let seed = Seed::new(seed);
        let talk = match protocol {
            Protocol::Imap => self
                .world
                .join(imap::Session::new(peer, Arc::clone(&self.imap), seed)),
            Protocol::Lmtp => self.world.join(lmtp::session(peer, Arc::clone(&self.lmtp), seed)),
            Protocol::Pop3 => self
                .world
                .join(pop3::Session::new(peer, Arc::clone(&self.pop3), seed)),
            Protocol::Smtp => self
                .world
                .join(smtp::mx::session(peer, Arc::clone(&self.mx), seed)),
            Protocol::Submission => self.world.join(smtp::submission::session(
                peer,
                Arc::clone(&self.submission),
                seed,
            )),
        };
        if let Some(octets) = self.read_max {
            self.world.set_read_max(talk, octets);
        }
        self.talks.insert(
            number,
            Connection {
                talk,
                deflate: None,
                exporter,
                heard: Vec::new(),
            },
        );
        Ok(())
    }

    fn send(&mut self, number: u8, octets: &[u8]) -> io::Result<()> {
        let connection = self.connection(number)?;
        let talk = connection.talk;
        match &mut connection.deflate {
            Some(deflater) => {
                let mut deflated = BytesMut::new();
                deflater.push(octets, &mut deflated);
                deflater.flush(&mut deflated);
                self.world.feed(talk, &deflated);
            }
            None => self.world.feed(talk, octets),
        }
        Ok(())
    }

    fn hear(&mut self, number: u8) -> io::Result<Heard> {
        match self.left_over(number)? {
            Heard::Silence => self.world.advance(PATIENCE_MS),
            heard => return Ok(heard),
        }
        self.left_over(number)
    }

    fn left_over(&mut self, number: u8) -> io::Result<Heard> {
        let talk = self.connection(number)?.talk;
        let sent = self.world.take(talk);
        let over = self.world.is_over(talk);
        let connection = self.connection(number)?;
        connection.heard.extend(sent);
        if let Some(at) = connection.heard.windows(2).position(|pair| pair == b"\r\n") {
            return Ok(Heard::Line(connection.heard.drain(..at + 2).take(at).collect()));
        }
        Ok(if over { Heard::Closed } else { Heard::Silence })
    }

    fn close(&mut self, number: u8) -> io::Result<()> {
        if let Some(connection) = self.talks.remove(&number) {
            self.world.close(connection.talk);
        }
        Ok(())
    }

    /// The test driver has shaken hands as soon as the machine wanted to.
    fn start_tls(&mut self, number: u8) -> io::Result<()> {
        self.connection(number)?.exporter = Some(EXPORTER);
        Ok(())
    }

    fn exporter(&mut self, number: u8) -> Option<[u8; 32]> {
        self.talks
            .get(&number)?
            .exporter
            .as_ref()
            .map(|exporter| exporter.0)
    }

    fn issue(&mut self, token: &str, login: &str) -> Result<(), Unsupported> {
        self.world.issue_token(token, login);
        Ok(())
    }

    /// What the machine says is heard as it says it.
    fn start_deflate(&mut self, number: u8) -> io::Result<()> {
        self.connection(number)?.deflate = Some(Deflater::new());
        Ok(())
    }

    fn stop_deflate(&mut self, number: u8) -> io::Result<()> {
        self.connection(number)?.deflate = None;
        Ok(())
    }

    fn pass(&mut self, ms: u64) -> Result<(), Unsupported> {
        self.world.advance(ms);
        Ok(())
    }

    fn lead(&mut self, local: Option<&str>, accounts: &[String]) -> Result<(), Unsupported> {
        let domain = domain_of(&self.logins.user).to_lowercase();
        let logins = accounts.iter().map(|account| account.to_lowercase()).collect();
        let request = match local {
            Some(local) => DomainRequest::AddAlias {
                address: format!("{local}@{domain}"),
                logins,
            },
            None => DomainRequest::SetCatchAll {
                domain,
                login: logins.into_iter().next(),
            },
        };
        let done = self.world.ask(Actor::Operator, Request::Domain(request));
        done.map(drop).map_err(|_| Unsupported("this alias or catch-all"))
    }

    fn fault(&mut self, rule: &FaultRule) -> Result<(), Unsupported> {
        self.world.fail(match rule.how {
            How::Before => Fault::before(&rule.effect, 1),
            How::After => Fault::after(&rule.effect, 1),
            How::Timeout => Fault::timeout(&rule.effect, 1),
        });
        Ok(())
    }

    fn scan(&mut self, name: &str, mode: AntivirusMode) -> Result<(), Unsupported> {
        self.world.stage.virus = Some(name.to_owned());
        Arc::make_mut(&mut self.imap).antivirus = mode;
        Arc::make_mut(&mut self.lmtp).antivirus = mode;
        Ok(())
    }

    fn logins(&self) -> Logins {
        self.logins.clone()
    }
}
