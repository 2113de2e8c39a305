//! `replay`: recorded sessions in the core.

use std::path::PathBuf;

use lightmail_conformance::Transcript;
use lightmail_conformance::replay::replay;

use super::{files, print};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Recorded sessions or other transcripts
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Show only the sessions that differ
    #[arg(long)]
    quiet: bool,
}

impl Args {
    pub(super) fn run(&self) -> Result<bool, String> {
        let read = |file: &PathBuf| {
            let name = file.display().to_string();
            Transcript::parse(&name, &files::read(file)?).map_err(|error| error.to_string())
        };
        let transcripts = self.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let (mut same, mut broken) = (true, false);
        for transcript in &transcripts {
            let replay = replay(transcript);
            let differs = replay.differences() > 0 || replay.broken.is_some();
            if differs || !self.quiet {
                print(&format!(
                    "{}: {}\n{replay}\n",
                    transcript.file, transcript.proves.claim
                ))?;
            }
            same &= !differs;
            broken |= replay.broken.is_some();
            print(&match (differs, &replay.broken) {
                (false, _) => format!("{}: LightMail answers the same.\n", transcript.file),
                (true, Some(why)) => format!("{}: the replay ends early: {why}\n", transcript.file),
                (true, None) => format!(
                    "{}: {} lines differ: - stands in the record, + is what LightMail says.\n",
                    transcript.file,
                    replay.differences()
                ),
            })?;
        }
        match broken && same {
            true => Err("a replay could not be played".into()),
            false => Ok(same),
        }
    }
}
