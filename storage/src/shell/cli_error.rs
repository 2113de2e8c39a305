//! What ends a program of ours, in words and as an exit status.

use std::fmt;
use std::process::ExitCode;

/// What went wrong, for a person; and the exit status: 2 for a wrong configuration or command line, 3 for a check that
/// could not be made, 1 for the rest.
#[derive(Debug)]
pub struct CliError {
    words: String,
    status: u8,
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words.trim_end())
    }
}

impl CliError {
    /// Something failed.
    pub fn failed(words: impl fmt::Display) -> Self {
        Self {
            words: words.to_string(),
            status: 1,
        }
    }

    /// The command line or the configuration is wrong.
    pub fn usage(words: impl fmt::Display) -> Self {
        Self {
            words: words.to_string(),
            status: 2,
        }
    }

    /// A check could not be made, so nobody knows what it would have found.
    pub fn unchecked(words: impl fmt::Display) -> Self {
        Self {
            words: words.to_string(),
            status: 3,
        }
    }

    /// The end of a program: errors are printed on standard error.
    pub fn exit(result: Result<(), CliError>) -> ExitCode {
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(error.status)
            }
        }
    }
}
