//! `run`: a live server.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgGroup;
use lightmail_conformance::Transcript;
use lightmail_conformance::known::Known;
use lightmail_conformance::player::Logins;
use lightmail_conformance::report::Played;
use lightmail_conformance::run::{self, Strictness, Verdict};
use lightmail_conformance::tcp::{Tcp, reach};
use lightmail_conformance::tls::Tls;

use super::{Choice, files, finish};

#[derive(clap::Args)]
#[command(group = ArgGroup::new("encrypted").args(["tls", "starttls"]))]
pub(super) struct Args {
    /// Where its IMAP listens
    #[arg(long, value_name = "HOST:PORT", value_parser = place)]
    imap: String,
    /// IMAP speaks TLS from the first octet, as on port 993, and STARTTLS is followed; the certificate must be one that this system trusts
    #[arg(long)]
    tls: bool,
    /// All connections go through STARTTLS or STLS before the transcript begins; those of a server that refuses it do not apply
    #[arg(long, conflicts_with = "tls")]
    starttls: bool,
    /// With --tls or --starttls: trust the authorities in this file, or the certificate itself, and no other
    #[arg(
        long,
        value_name = "FILE",
        requires = "encrypted",
        conflicts_with = "insecure"
    )]
    cacert: Option<PathBuf>,
    /// With --tls or --starttls: take any certificate
    #[arg(long, requires = "encrypted")]
    insecure: bool,
    /// Where its LMTP listens, on TCP; without it, LMTP transcripts do not apply
    #[arg(long, value_name = "HOST:PORT", value_parser = place)]
    lmtp: Option<String>,
    /// Where its POP3 listens; without it, POP3 transcripts do not apply
    #[arg(long, value_name = "HOST:PORT", value_parser = place)]
    pop3: Option<String>,
    /// Where its SMTP listens for other servers; without it, SMTP transcripts do not apply
    #[arg(long, value_name = "HOST:PORT", value_parser = place)]
    smtp: Option<String>,
    /// Where its SMTP listens for users; without it, submission transcripts do not apply
    #[arg(long, value_name = "HOST:PORT", value_parser = place)]
    submission: Option<String>,
    /// The account's login name, which is an address
    #[arg(long, value_name = "ADDRESS")]
    user: String,
    /// Its password
    #[arg(long)]
    password: String,
    /// A second account's login name, with the same password; without it, transcripts with two accounts do not apply
    #[arg(long, value_name = "ADDRESS", default_value = "", hide_default_value = true)]
    other: String,
    /// Fail on every line that a transcript does not name, also where servers may say more
    #[arg(long)]
    strict: bool,
    /// What this server is known to fail, lines of `TRANSCRIPT = REASON`: such a failure counts as known, and one that passes fails
    /// the run
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Write the results here, for `report --results`
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// How long the server may take for its answers to one step, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    patience: Duration,
    #[command(flatten)]
    choice: Choice,
}

/// `HOST:PORT`.
pub(super) fn place(text: &str) -> Result<String, String> {
    let port = text
        .rsplit_once(':')
        .filter(|(host, _)| !host.is_empty())
        .map(|(_, port)| port.parse::<u16>());
    match port {
        Some(Ok(1..)) => Ok(text.to_owned()),
        _ => Err("expected HOST:PORT, as mail.example.com:143 or [::1]:143".into()),
    }
}

/// A number of seconds, with a fraction or without.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let number = text
        .parse::<f64>()
        .ok()
        .filter(|number| (0.01..=3600.0).contains(number));
    number
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "expected seconds between 0.01 and 3600".into())
}

/// So many transcripts in a row that cannot even be set up end the run.
const HOPELESS: usize = 5;

impl Args {
    pub(super) fn run(&self) -> Result<bool, String> {
        let transcripts = self.choice.read()?;
        let known = match &self.known {
            Some(file) => read_known(file, &self.choice.transcripts)?,
            None => Known::default(),
        };
        let tls = self.trust()?;
        self.look(tls.as_ref())?;
        let mut played = Vec::new();
        for transcript in &transcripts {
            played.push(self.play(transcript, tls.as_ref(), &known));
            hopeful(&played)?;
        }
        eprintln!();
        finish(&played, self.results.as_deref())
    }

    /// Whose certificates are taken; `None`: nothing is said of TLS.
    fn trust(&self) -> Result<Option<Tls>, String> {
        let tls = match &self.cacert {
            _ if !self.tls && !self.starttls => return Ok(None),
            Some(file) => Tls::trusting(file).map_err(|error| format!("--cacert: {error}")),
            None if self.insecure => Tls::trusting_anybody().map_err(|error| format!("--insecure: {error}")),
            None => Tls::trusting_the_system()
                .map_err(|error| format!("{error}; --cacert names one, --insecure takes any certificate")),
        };
        tls.map(Some)
    }

    /// Whether the servers are there at all, before every transcript says that they are not.
    fn look(&self, tls: Option<&Tls>) -> Result<(), String> {
        let tls = tls.filter(|_| self.tls);
        let imap = reach(&self.imap, tls, self.patience).map_err(|error| {
            let hint = match self.tls && !self.insecure {
                true => "; --cacert names whom to trust, --insecure takes any certificate",
                false => "",
            };
            format!("--imap {}: no server can be reached: {error}{hint}", self.imap)
        });
        let other = |name: &str, place: &Option<String>| {
            place.as_ref().map_or(Ok(()), |place| {
                reach(place, None, self.patience)
                    .map_err(|error| format!("--{name} {place}: no server can be reached: {error}"))
            })
        };
        imap.and_then(|()| other("lmtp", &self.lmtp))
            .and_then(|()| other("pop3", &self.pop3))
            .and_then(|()| other("smtp", &self.smtp))
            .and_then(|()| other("submission", &self.submission))
    }

    fn player(&self, tls: Option<&Tls>) -> Tcp {
        let logins = Logins {
            user: self.user.clone(),
            password: self.password.clone(),
            other: self.other.clone(),
        };
        let player = Tcp::new(self.imap.clone(), self.lmtp.clone(), logins, self.patience)
            .with_pop3(self.pop3.clone())
            .with_smtp(self.smtp.clone(), self.submission.clone());
        match tls {
            Some(tls) if self.starttls => player.starting_tls(tls.clone()),
            Some(tls) => player.with_tls(tls.clone()).with_starttls(tls.clone()),
            None => player,
        }
    }

    fn play<'a>(&self, transcript: &'a Transcript, tls: Option<&Tls>, known: &Known) -> Played<'a> {
        let strictness = if self.strict {
            Strictness::EveryLine
        } else {
            Strictness::WhatIsNamed
        };
        let verdict = known.judge(
            &transcript.file,
            run::run(transcript, &mut self.player(tls), strictness),
        );
        let mark = match verdict {
            Verdict::Pass => b'.',
            Verdict::Fail(_) => b'F',
            Verdict::Deviates(..) => b'd',
            Verdict::NotOffered(_) => b'-',
        };
        // Progress only: a closed standard error is no reason to stop.
        let _ = std::io::stderr().write_all(&[mark]);
        Played { transcript, verdict }
    }
}

/// A server that does not answer, or lets nobody in, is told once and not for each transcript.
fn hopeful(played: &[Played<'_>]) -> Result<(), String> {
    let in_setup =
        |played: &Played<'_>| matches!(&played.verdict, Verdict::Fail(failure) if failure.is_in_setup());
    match played.last().map(|last| &last.verdict) {
        Some(Verdict::Fail(failure))
            if played.len() >= HOPELESS && played.iter().rev().take(HOPELESS).all(in_setup) =>
        {
            Err(format!(
                "\nThe last {HOPELESS} transcripts could not even be set up: {}\nIs --user a login name of this server, --password its \
             password, does the server answer within --patience, and does a port where TLS comes first have --tls?",
                failure.what
            ))
        }
        _ => Ok(()),
    }
}

/// Reads what a server is known to fail; a list that names what is no transcript is an error.
fn read_known(file: &Path, transcripts: &Path) -> Result<Known, String> {
    let place = file.display();
    let known = Known::parse(&files::read(file)?).map_err(|error| format!("{place}:{error}"))?;
    let stray = known
        .entries()
        .map(|(named, _)| named)
        .find(|named| !transcripts.join(named).is_file());
    match stray {
        Some(named) => Err(format!(
            "{place}: {named} is no transcript of {}",
            transcripts.display()
        )),
        None => Ok(known),
    }
}
