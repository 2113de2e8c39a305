//! `lightmail-conformance`: replays transcripts of the mail RFCs against a live server, or in LightMail's pure core.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use lightmail_conformance::player::Logins;
use lightmail_conformance::report::{Played, Score};
use lightmail_conformance::run::Strictness;
use lightmail_conformance::{Transcript, library, pure, report, run, tcp};

/// Replays transcripts of the mail RFCs.
#[derive(Parser)]
#[command(name = "lightmail-conformance", version, about)]
struct Args {
    /// Where the transcripts lie
    #[arg(long, global = true, value_name = "DIR", default_value_os_t = library::folder())]
    transcripts: PathBuf,
    /// Only transcripts whose file name contains this
    #[arg(long, global = true, value_name = "TEXT", default_value = "")]
    only: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Replay against a live server. The account's mail is deleted: use one made for this
    Run {
        /// Where its IMAP listens
        #[arg(long, value_name = "HOST:PORT")]
        imap: String,
        /// Where its LMTP listens, on TCP; without it, LMTP transcripts do not apply
        #[arg(long, value_name = "HOST:PORT")]
        lmtp: Option<String>,
        /// The account's login name
        #[arg(long)]
        user: String,
        /// Its password
        #[arg(long)]
        password: String,
        /// A second account's login name, with the same password
        #[arg(long, default_value = "")]
        other: String,
        /// Fail on every line that a transcript does not name, also where servers may say more
        #[arg(long)]
        strict: bool,
        /// How long the server may take for its answers to one step, in seconds
        #[arg(long, default_value_t = 5)]
        patience: u64,
    },
    /// Replay in the pure core
    Core,
    /// Replay in the pure core and write RFC_COMPLIANCE.md
    Report {
        /// The file to write
        #[arg(long, value_name = "FILE", default_value = "RFC_COMPLIANCE.md")]
        to: PathBuf,
    },
}

fn main() -> ExitCode {
    match dispatch(&Args::parse()) {
        Ok(Score {
            failed: 0,
            passed: 1..,
            ..
        }) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}", error.trim_end());
            ExitCode::from(2)
        }
    }
}

fn dispatch(args: &Args) -> Result<Score, String> {
    let transcripts = library::read(&args.transcripts, &args.only).map_err(|error| error.to_string())?;
    if transcripts.is_empty() {
        return Err(format!(
            "{}: no transcript whose name contains {:?}",
            args.transcripts.display(),
            args.only
        ));
    }
    let played = match &args.command {
        Command::Core | Command::Report { .. } => in_core(&transcripts),
        Command::Run {
            imap,
            lmtp,
            user,
            password,
            other,
            strict,
            patience,
        } => {
            let logins = Logins {
                user: user.clone(),
                password: password.clone(),
                other: other.clone(),
            };
            let strictness = if *strict {
                Strictness::EveryLine
            } else {
                Strictness::WhatIsNamed
            };
            let new = || {
                tcp::Tcp::new(
                    imap.clone(),
                    lmtp.clone(),
                    logins.clone(),
                    Duration::from_secs(*patience),
                )
            };
            transcripts
                .iter()
                .map(|transcript| live(transcript, &mut new(), strictness))
                .collect()
        }
    };
    if let Command::Report { to } = &args.command {
        std::fs::write(to, report::markdown(&played))
            .map_err(|error| format!("{}: {error}", to.display()))?;
    }
    print!("{}", report::terminal(&played));
    Ok(Score::of(played.iter().map(|played| &played.verdict)))
}

fn in_core(transcripts: &[Transcript]) -> Vec<Played<'_>> {
    transcripts
        .iter()
        .map(|transcript| Played {
            transcript,
            verdict: run::run(transcript, &mut pure::Core::new(), Strictness::EveryLine),
        })
        .collect()
}

fn live<'a>(transcript: &'a Transcript, player: &mut tcp::Tcp, strictness: Strictness) -> Played<'a> {
    let verdict = run::run(transcript, player, strictness);
    let mark = match verdict {
        run::Verdict::Pass => b'.',
        run::Verdict::Fail(_) => b'F',
        run::Verdict::NotOffered(_) => b'-',
    };
    // Progress only: a closed standard error is no reason to stop.
    let _ = std::io::stderr().write_all(&[mark]);
    Played { transcript, verdict }
}
