//! LightMail: the mail server on tokio, and the commands of its operator.

mod cli;
mod listen;
mod serve;
mod session;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
