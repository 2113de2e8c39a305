//! `record`: a proxy that writes transcripts.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use lightmail_conformance::record::{Recorder, read_given, serve};
use lightmail_conformance::transcript::Protocol;

use super::files;
use super::run::{place, seconds};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Where the client connects to; port 0 draws one
    #[arg(long, value_name = "HOST:PORT")]
    listen: String,
    /// Where the server listens, without TLS
    #[arg(long, value_name = "HOST:PORT", value_parser = place)]
    to: String,
    /// What they speak
    #[arg(long)]
    protocol: Spoken,
    /// The first connection's transcript; the next get a number, as session-2.txt. No file is overwritten
    #[arg(long, value_name = "FILE", default_value = "session.txt")]
    output: PathBuf,
    /// Lines as `INBOX with 3 messages`, which say what the mailboxes hold at the start
    #[arg(long, value_name = "FILE")]
    given: Option<PathBuf>,
    /// Write the server's lines as they come, without patterns for texts, dates and UIDVALIDITY
    #[arg(long)]
    literal: bool,
    /// How long the server may take to accept a connection, and to close behind a client, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    patience: Duration,
}

#[derive(Clone, Copy, ValueEnum)]
enum Spoken {
    Imap,
    Lmtp,
    Pop3,
    Smtp,
}

impl Args {
    /// Ends only with the process: what has passed is in the files already.
    pub(super) fn run(&self) -> Result<bool, String> {
        let given = match &self.given {
            Some(file) => {
                read_given(&files::read(file)?).map_err(|error| format!("{}:{error}", file.display()))?
            }
            None => Vec::new(),
        };
        let recorder = Recorder {
            to: self.to.clone(),
            protocol: match self.protocol {
                Spoken::Imap => Protocol::Imap,
                Spoken::Lmtp => Protocol::Lmtp,
                Spoken::Pop3 => Protocol::Pop3,
                Spoken::Smtp => Protocol::Smtp,
            },
            output: self.output.clone(),
            given,
            literal: self.literal,
            patience: self.patience,
        };
        let cannot = |error| format!("--listen {}: {error}", self.listen);
        let listener = TcpListener::bind(&self.listen).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        eprintln!("Connect the client to {address}, without TLS. Ctrl-C ends the recording.");
        serve(&listener, recorder, |line| eprintln!("{line}")).map_err(cannot)?;
        Ok(true)
    }
}
