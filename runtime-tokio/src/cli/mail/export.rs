//! `lightmail export`: an account's messages as Maildirs or mboxes.
//!
//! A file is written under another name, made durable, and renamed: under its own name it is whole. So a command that was killed
//! goes on where it was. A message's file in a Maildir is known by its UID, an mbox is written whole or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use lightmail_core::config::Config;
use lightmail_core::store::{
    Failure, Flags, Keyword, MailboxName, Page, PageRow, Reply, Request, Row, UidSet, View,
};
use lightmail_storage::shell::{CliError, words};
use lightmail_storage::{Desk, Storage};

use super::super::open;
use super::labels::Labels;
use super::line_ends::ToLf;
use super::maildir::{self, KEYWORDS_FILE};
use super::mbox::{self, Quoter};
use super::progress::Progress;
use super::{Owner, mailbox_name, odd};

/// An account's messages, as files.
#[derive(Args)]
pub struct ExportCommand {
    /// Whose: the login name
    #[arg(long, value_name = "LOGIN")]
    account: String,
    /// Only this mailbox [default: all]
    #[arg(long, value_name = "NAME", value_parser = mailbox_name)]
    mailbox: Option<MailboxName>,
    /// maildir: one Maildir with a folder for each mailbox; mbox: a file for each mailbox
    #[arg(long)]
    format: Format,
    /// The folder that is written to; it is made if it is not there
    #[arg(long, value_name = "PATH")]
    to: PathBuf,
    /// Lines end with CRLF, as in the store, not with LF
    #[arg(long)]
    crlf: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Maildir,
    Mbox,
}

/// Runs `lightmail export`.
pub async fn run(command: &ExportCommand, config: &Config) -> Result<(), CliError> {
    let storage = open(config).await?;
    let result = run_on(command, &storage).await;
    storage.close().await;
    result
}

async fn run_on(command: &ExportCommand, storage: &Storage) -> Result<(), CliError> {
    let owner = Owner::find(storage, &command.account).await?;
    let wanted = |name: &MailboxName| command.mailbox.as_ref().is_none_or(|wanted| wanted == name);
    let names = owner.mailboxes().await?.into_iter().map(|mailbox| mailbox.name);
    let names: Vec<_> = names.filter(wanted).collect();
    if names.is_empty() {
        let name = command
            .mailbox
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        return Err(CliError::failed(format!(
            "{}: {name}: there is no such mailbox",
            owner.login
        )));
    }
    make_folder(&command.to)?;
    let mut failed = 0;
    for name in names {
        let mut exporter = Exporter {
            command,
            desk: storage.desk(),
            progress: Progress::new(format!("{}: {name}", owner.login)),
            done: Done::default(),
        };
        exporter.mailbox(&owner, &name).await?;
        let Done { written, there, lost } = exporter.done;
        drop(exporter);
        say!(
            "{}: {name}: {written} written, {there} were there already, {lost} could not be read",
            owner.login
        );
        failed += lost;
    }
    match failed {
        0 => Ok(()),
        lost => Err(CliError::failed(format!(
            "{lost} messages could not be read; they are named above"
        ))),
    }
}

#[derive(Default)]
struct Done {
    written: u64,
    there: u64,
    lost: u64,
}

struct Exporter<'a> {
    command: &'a ExportCommand,
    desk: Desk,
    progress: Progress,
    done: Done,
}

impl Exporter<'_> {
    async fn mailbox(&mut self, owner: &Owner<'_>, name: &MailboxName) -> Result<(), CliError> {
        let open = Request::OpenMailbox {
            name: name.clone(),
            claim_recent: false,
        };
        let Reply::Opened(opened) = owner.ask(name, open).await? else {
            return Err(odd());
        };
        match self.command.format {
            Format::Maildir => self.maildir(owner, name, &opened.view).await,
            Format::Mbox => self.mbox(owner, name, &opened.view).await,
        }
    }

    async fn maildir(&mut self, owner: &Owner<'_>, name: &MailboxName, view: &View) -> Result<(), CliError> {
        let root = if name.is_inbox() {
            self.command.to.clone()
        } else {
            self.command.to.join(maildir::folder(name))
        };
        for part in ["", "tmp", "new", "cur"] {
            make_folder(&root.join(part))?;
        }
        let keywords: Vec<String> = view.keywords.names().take(26).map(str::to_owned).collect();
        if !keywords.is_empty() {
            let write = |file: &mut File| file.write_all(maildir::write_keywords(&keywords).as_bytes());
            write_whole(
                &root.join("tmp").join(KEYWORDS_FILE),
                &root.join(KEYWORDS_FILE),
                write,
            )?;
        }
        let cur = root.join("cur");
        let there = exported(&cur, view.uid_validity).map_err(|error| file_error(&cur, &error))?;
        let all: UidSet = view.iter().map(|row| row.uid.0).collect();
        self.done.there = all.intersection(&there).len();
        let mut left = all.difference(&there);
        while !left.is_empty() {
            let page = page(owner, name, view, left).await?;
            for row in &page.rows {
                let Some(line) = view.get(row.uid) else { continue };
                let labels = labels(view, line.flags);
                let file = file_name(view, line) + &maildir::letters(&labels, &keywords);
                self.maildir_file(&root, &file, line, row).await?;
            }
            sync_folder(&cur)?;
            left = page.rest;
        }
        Ok(())
    }

    async fn maildir_file(
        &mut self,
        root: &Path,
        name: &str,
        line: &Row,
        row: &PageRow,
    ) -> Result<(), CliError> {
        let (tmp, path) = (
            root.join("tmp").join(maildir::base(name)),
            root.join("cur").join(name),
        );
        let failed = |error: io::Error| file_error(&tmp, &error);
        let file = create(&tmp).map_err(failed)?;
        let mut out = BufWriter::new(file);
        let mut filter = Ends::new(self.command.crlf);
        let whole = self
            .write(row, |octets| filter.push(octets, &mut out))
            .await
            .map_err(failed)?;
        if !whole {
            let _ = fs::remove_file(&tmp);
            return Ok(());
        }
        filter.finish(&mut out).map_err(failed)?;
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        file.set_modified(UNIX_EPOCH + Duration::from_secs(u64::try_from(line.internal_date_s).unwrap_or(0)))
            .map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(&tmp, &path).map_err(failed)
    }

    async fn mbox(&mut self, owner: &Owner<'_>, name: &MailboxName, view: &View) -> Result<(), CliError> {
        let file = maildir::folder(name);
        let path = self
            .command
            .to
            .join(format!("{}.mbox", file.trim_start_matches('.')));
        if path.exists() {
            self.done.there = view.len() as u64;
            return Ok(());
        }
        let tmp = path.with_extension("mbox.tmp");
        let failed = |error: io::Error| file_error(&tmp, &error);
        let mut out = BufWriter::new(create(&tmp).map_err(failed)?);
        let mut left: UidSet = view.iter().map(|row| row.uid.0).collect();
        while !left.is_empty() {
            let page = page(owner, name, view, left).await?;
            for row in &page.rows {
                let Some(line) = view.get(row.uid) else { continue };
                self.mbox_message(&mut out, &labels(view, line.flags), line, row)
                    .await
                    .map_err(failed)?;
            }
            left = page.rest;
        }
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        fs::rename(&tmp, &path).map_err(failed)?;
        sync_folder(&self.command.to)
    }

    async fn mbox_message(
        &mut self,
        out: &mut impl Write,
        labels: &Labels,
        line: &Row,
        row: &PageRow,
    ) -> io::Result<()> {
        let crlf = self.command.crlf;
        let start = format!(
            "{}\n{}",
            mbox::from_line(line.internal_date_s),
            mbox::status_fields(labels)
        );
        let start = if crlf { start.replace('\n', "\r\n") } else { start };
        out.write_all(start.as_bytes())?;
        let (mut quoter, mut filter) = (Quoter::default(), Ends::new(crlf));
        let mut quoted = Vec::new();
        // What cannot be read ends here, so that the file is an mbox all the same; it is told.
        self.write(row, |octets| {
            quoted.clear();
            quoter.push(octets, &mut quoted);
            filter.push(&quoted, out)
        })
        .await?;
        let mut end = Vec::new();
        quoter.finish(&mut end);
        filter.finish(out)?;
        let end = String::from_utf8_lossy(&end).into_owned();
        out.write_all(if crlf { end.replace('\n', "\r\n") } else { end }.as_bytes())
    }

    /// Gives head and body to `put`. False: it could not be read.
    async fn write(
        &mut self,
        row: &PageRow,
        mut put: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<bool> {
        put(&row.head)?;
        let mut reader = self.desk.read(row.object, 0..row.object_size);
        while let Some(piece) = reader.next().await {
            match piece {
                Ok(octets) => put(&octets)?,
                // It will be there later: nothing is written without it.
                Err(failure @ Failure::Unavailable { .. }) => return Err(io::Error::other(words(failure))),
                Err(failure) => {
                    self.done.lost += 1;
                    eprintln!("UID {}, object {}: {}", row.uid.0, row.object, words(failure));
                    return Ok(false);
                }
            }
        }
        self.done.written += 1;
        self.progress.add(1, row.object_size);
        Ok(true)
    }
}

/// Line ends on their way out.
struct Ends {
    lf: Option<ToLf>,
    octets: Vec<u8>,
}

impl Ends {
    fn new(crlf: bool) -> Self {
        Self {
            lf: (!crlf).then(ToLf::default),
            octets: Vec::new(),
        }
    }

    fn push(&mut self, octets: &[u8], out: &mut impl Write) -> io::Result<()> {
        match &mut self.lf {
            None => out.write_all(octets),
            Some(lf) => {
                self.octets.clear();
                lf.push(octets, &mut self.octets);
                out.write_all(&self.octets)
            }
        }
    }

    fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.octets.clear();
        if let Some(lf) = &mut self.lf {
            lf.finish(&mut self.octets);
        }
        out.write_all(&self.octets)
    }
}

async fn page(owner: &Owner<'_>, name: &MailboxName, view: &View, uids: UidSet) -> Result<Page, CliError> {
    let fetch = Request::FetchPage {
        mailbox: view.mailbox,
        uids,
    };
    match owner.ask(name, fetch).await? {
        Reply::Page(page) => Ok(page),
        _ => Err(odd()),
    }
}

fn labels(view: &View, flags: Flags) -> Labels {
    Labels {
        flags: flags & Flags::SYSTEM,
        keywords: view.keywords.of(flags).filter_map(Keyword::new).collect(),
    }
}

/// A file's name up to its flags: when the message came, its UID, and which UIDs these are.
fn file_name(view: &View, line: &Row) -> String {
    format!(
        "{}.U{}V{}.lightmail:2,",
        line.internal_date_s.max(0),
        line.uid.0,
        view.uid_validity
    )
}

/// The UIDs that a folder has files of.
fn exported(cur: &Path, uid_validity: u32) -> io::Result<UidSet> {
    let mut uids = BTreeSet::new();
    for entry in fs::read_dir(cur)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let ours = maildir::base(&name).strip_suffix(&format!("V{uid_validity}.lightmail"));
        let uid = ours
            .and_then(|rest| rest.split_once(".U"))
            .and_then(|(_, uid)| uid.parse::<u32>().ok());
        uids.extend(uid);
    }
    Ok(uids.into_iter().collect())
}

fn make_folder(path: &Path) -> Result<(), CliError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| file_error(path, &error))
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

fn write_whole(
    tmp: &Path,
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), CliError> {
    let write_all = || {
        let mut file = create(tmp)?;
        write(&mut file)?;
        file.sync_all()?;
        fs::rename(tmp, path)
    };
    write_all().map_err(|error| file_error(path, &error))
}

fn sync_folder(path: &Path) -> Result<(), CliError> {
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    synced.map_err(|error| file_error(path, &error))
}

fn file_error(path: &Path, error: &io::Error) -> CliError {
    CliError::failed(format!("{}: {error}", path.display()))
}
