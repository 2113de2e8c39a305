//! The command line. Each command says whether all went well; an error is a text for the operator.

mod files;
mod record;
mod replay;
mod report;
mod run;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use lightmail_conformance::Transcript;
use lightmail_conformance::library;
use lightmail_conformance::report::{Played, Score, terminal};
use lightmail_conformance::run::Strictness;
use lightmail_conformance::{pure, results};

/// Conformance of mail servers: transcripts of the RFCs, played against any IMAP, LMTP, POP3 or SMTP server.
///
/// Exit status: 0 where all is as the transcripts say, 1 where something is not, 2 where it could not be found out.
#[derive(Parser)]
#[command(name = "lightmail-conformance", version, about, long_about)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play transcripts against a live server. The accounts' mail is DELETED: use accounts made for this
    Run(Box<run::Args>),
    /// Play transcripts in LightMail's core, without any server
    Core {
        #[command(flatten)]
        choice: Choice,
        /// Write the results here, for `report --results`
        #[arg(long, value_name = "FILE")]
        results: Option<PathBuf>,
    },
    /// Record sessions: a proxy between a client and a server, which writes a transcript for each connection
    Record(record::Args),
    /// Play recorded sessions, or any transcripts, in LightMail's core, and show where it answers otherwise
    Replay(replay::Args),
    /// Write RFC_COMPLIANCE.md, or a page for a browser that puts servers side by side
    Report(report::Args),
}

/// Which transcripts.
#[derive(clap::Args)]
struct Choice {
    /// Where the transcripts lie
    #[arg(long, value_name = "DIR", default_value_os_t = library::folder(), hide_default_value = true)]
    transcripts: PathBuf,
    /// Only those whose file name contains this, as rfc3501/6.4 or move
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    only: String,
}

impl Choice {
    fn read(&self) -> Result<Vec<Transcript>, String> {
        let place = self.transcripts.display();
        let transcripts = library::read(&self.transcripts, &self.only).map_err(|error| error.to_string())?;
        if transcripts.is_empty() {
            return Err(format!(
                "{place}: no transcript whose name contains {:?}; leave out --only to play all",
                self.only
            ));
        }
        Ok(transcripts)
    }
}

/// Carries out a command; whether all went well.
pub fn dispatch(args: &Args) -> Result<bool, String> {
    match &args.command {
        Command::Run(args) => args.run(),
        Command::Core { choice, results } => {
            let transcripts = choice.read()?;
            finish(&in_core(&transcripts), results.as_deref())
        }
        Command::Record(args) => args.run(),
        Command::Replay(args) => args.run(),
        Command::Report(args) => args.run(),
    }
}

fn in_core(transcripts: &[Transcript]) -> Vec<Played<'_>> {
    let play = |transcript| Played {
        transcript,
        verdict: lightmail_conformance::run::run(
            transcript,
            &mut pure::Core::of(transcript),
            Strictness::EveryLine,
        ),
    };
    transcripts.iter().map(play).collect()
}

/// Prints what a run showed, and writes it where it is asked for.
fn finish(played: &[Played<'_>], to: Option<&std::path::Path>) -> Result<bool, String> {
    if let Some(file) = to {
        files::write(file, &results::write(played))?;
    }
    print(&terminal(played))?;
    let score = Score::of(played.iter().map(|played| &played.verdict));
    Ok(score.failed == 0 && score.passed > 0)
}

/// Prints; a reader that has gone, as `head`, is no error.
fn print(text: &str) -> Result<(), String> {
    use std::io::Write as _;
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("standard output: {error}"))
        }
        _ => Ok(()),
    }
}
