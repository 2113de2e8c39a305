//! `report`: the tables that are published.

use std::path::PathBuf;

use lightmail_conformance::Transcript;
use lightmail_conformance::report::{Column, Score, html, markdown};
use lightmail_conformance::results;

use super::{Choice, files, in_core, print};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Play in the core, and write what it shows as Markdown here; RFC_COMPLIANCE.md where neither this nor --html is said
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Write a page for a browser here, one file that needs nothing else
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The columns of the page: results that `run --results` or `core --results` has written, each with a name, as
    /// `dovecot=FILE`. Without any, the core's own
    #[arg(long, value_name = "NAME=FILE", num_args = 1.., requires = "html", value_parser = named)]
    results: Vec<(String, PathBuf)>,
    #[command(flatten)]
    choice: Choice,
}

fn named(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.to_owned(), file.into())),
        _ => Err("expected NAME=FILE, as dovecot=dovecot.jsonl".into()),
    }
}

impl Args {
    pub(super) fn run(&self) -> Result<bool, String> {
        let transcripts = self.choice.read()?;
        let mut well = true;
        let usual = PathBuf::from("RFC_COMPLIANCE.md");
        if let Some(to) = self.to.as_ref().or(self.html.is_none().then_some(&usual)) {
            let played = in_core(&transcripts);
            files::write(to, &markdown(&played))?;
            well = Score::of(played.iter().map(|played| &played.verdict)).failed == 0;
            print(&format!(
                "{}: {} transcripts, played in the core\n",
                to.display(),
                played.len()
            ))?;
        }
        if let Some(file) = &self.html {
            let columns = self.columns(&transcripts)?;
            files::write(file, &html(&transcripts, &columns))?;
            let names: Vec<_> = columns.iter().map(|column| &*column.name).collect();
            print(&format!(
                "{}: {} transcripts, {}\n",
                file.display(),
                transcripts.len(),
                names.join(", ")
            ))?;
        }
        Ok(well)
    }

    fn columns(&self, transcripts: &[Transcript]) -> Result<Vec<Column>, String> {
        if self.results.is_empty() {
            let played = in_core(transcripts);
            return Ok(vec![Column {
                name: "LightMail's core".into(),
                results: played
                    .into_iter()
                    .map(|played| (played.transcript.file.clone(), played.verdict))
                    .collect(),
            }]);
        }
        let read = |(name, file): &(String, PathBuf)| {
            let results =
                results::read(&files::read(file)?).map_err(|error| format!("{}:{error}", file.display()))?;
            Ok(Column {
                name: name.clone(),
                results,
            })
        };
        self.results.iter().map(read).collect()
    }
}
