//! `lightmail-conformance`: plays transcripts of the mail RFCs against a live server or in LightMail's pure core, records sessions as
//! transcripts, and puts the results of servers side by side.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match cli::dispatch(&cli::Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}", error.trim_end());
            ExitCode::from(2)
        }
    }
}
