//! Where imported messages come from: files of a Maildir, stretches of an mbox. A message is read in pieces, twice: once to know
//! it, once to store it, so memory does not grow with it.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use lightmail_core::store::MailboxName;
use sha2::{Digest, Sha256};

use super::labels::Labels;
use super::line_ends::ToCrlf;
use super::{maildir, mbox};

/// Octets of a piece, and of a line at a time.
const PIECE: u64 = 64 * 1024;

/// A message that can be read.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The file.
    pub path: PathBuf,
    /// Where in an mbox the message begins, behind its `From ` line; `None`: the file is the message.
    pub at: Option<u64>,
    /// What makes it this message of its mailbox and no other: a name that stays when flags change.
    pub name: String,
    /// INTERNALDATE, in seconds since 1970.
    pub date_s: i64,
    /// Its flags.
    pub labels: Labels,
    /// Octets with CRLF, and their SHA-256.
    pub size: u64,
    pub sha256: [u8; 32],
}

impl Letter {
    /// As errors name it.
    pub fn place(&self) -> String {
        match self.at {
            Some(at) => format!("{}, at octet {at}", self.path.display()),
            None => self.path.display().to_string(),
        }
    }

    /// Reads it again.
    pub fn open(&self) -> io::Result<Octets> {
        let mut file = BufReader::new(File::open(&self.path)?);
        let parser = match self.at {
            Some(at) => {
                file.seek(SeekFrom::Start(at))?;
                Some(mbox::Parser::default())
            }
            None => None,
        };
        Ok(Octets::new(file, parser))
    }
}

/// A message's octets with CRLF, in pieces.
pub struct Octets {
    file: BufReader<File>,
    parser: Option<mbox::Parser>,
    crlf: ToCrlf,
    begins: bool,
    /// The `From ` line behind the message, once it was met.
    next: Option<Vec<u8>>,
    /// Octets of the file that were taken.
    taken: u64,
}

impl Octets {
    fn new(file: BufReader<File>, parser: Option<mbox::Parser>) -> Self {
        Self {
            file,
            parser,
            crlf: ToCrlf::default(),
            begins: true,
            next: None,
            taken: 0,
        }
    }

    /// The next piece; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut out = Vec::new();
        while out.is_empty() {
            let mut octets = Vec::new();
            let done = match &mut self.parser {
                None => (&mut self.file).take(PIECE).read_to_end(&mut octets)? == 0,
                Some(parser) => {
                    let mut line = Vec::new();
                    let ended = (&mut self.file).take(PIECE).read_until(b'\n', &mut line)? == 0;
                    self.taken += line.len() as u64;
                    let begins = std::mem::replace(&mut self.begins, line.ends_with(b"\n"));
                    let goes_on = !ended && parser.line(&line, begins, &mut octets);
                    self.next = (!ended && !goes_on).then_some(line);
                    !goes_on
                }
            };
            if done {
                return Ok(None);
            }
            self.crlf.push(&octets, &mut out);
        }
        Ok(Some(out))
    }

    /// Reads to the end: size and SHA-256.
    fn hash(&mut self) -> io::Result<(u64, [u8; 32])> {
        let (mut size, mut hash) = (0, Sha256::new());
        while let Some(piece) = self.next()? {
            size += piece.len() as u64;
            hash.update(&piece);
        }
        Ok((size, hash.finalize().into()))
    }
}

/// The messages of an mbox, in order.
pub struct Mbox {
    path: PathBuf,
    octets: Octets,
    /// Where the next message begins, behind its `From ` line, and its date.
    at: u64,
    date_s: Option<i64>,
    modified_s: i64,
}

impl Mbox {
    /// Errors: the file cannot be read, or does not begin with a `From ` line. `None`: it is empty.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let modified_s = modified_s(&file.metadata()?);
        let mut file = BufReader::new(file);
        let mut line = Vec::new();
        (&mut file).take(PIECE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if !line.starts_with(b"From ") {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "this is no mbox, as it does not begin with a line \"From …\"; and no Maildir",
            ));
        }
        Ok(Some(Self {
            path: path.to_owned(),
            octets: Octets::new(file, Some(mbox::Parser::default())),
            at: line.len() as u64,
            date_s: mbox::from_date(&line),
            modified_s,
        }))
    }

    /// The next message; `None` behind the last.
    pub fn next(&mut self) -> io::Result<Option<Letter>> {
        if self.octets.parser.is_none() {
            return Ok(None);
        }
        let (size, sha256) = self.octets.hash()?;
        let labels = self
            .octets
            .parser
            .take()
            .map(mbox::Parser::finish)
            .unwrap_or_default();
        let file = self
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let letter = Letter {
            path: self.path.clone(),
            at: Some(self.at),
            name: format!("{file}\0{}", self.at),
            date_s: self.date_s.unwrap_or(self.modified_s),
            labels,
            size,
            sha256,
        };
        self.at += self.octets.taken;
        if let Some(line) = self.octets.next.take() {
            self.date_s = mbox::from_date(&line);
            self.octets.taken = 0;
            self.octets.crlf = ToCrlf::default();
            self.octets.parser = Some(mbox::Parser::default());
        }
        Ok(Some(letter))
    }
}

/// A folder of a Maildir.
pub struct Folder {
    /// Its mailbox, below the one that the Maildir itself goes to; `None`: the Maildir itself.
    pub name: Option<MailboxName>,
    path: PathBuf,
}

/// Whether a folder is a Maildir.
pub fn is_maildir(path: &Path) -> bool {
    path.join("cur").is_dir()
}

/// The folders of a Maildir (Maildir++): itself, then its mailboxes by name.
pub fn folders(path: &Path) -> io::Result<Vec<Folder>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(maildir::mailbox);
        if let Some(name) = name.filter(|_| is_maildir(&path)) {
            folders.push(Folder {
                name: Some(name),
                path,
            });
        }
    }
    folders.sort_by(|a, b| a.name.cmp(&b.name));
    let own = Folder {
        name: None,
        path: path.to_owned(),
    };
    folders.insert(0, own);
    Ok(folders)
}

impl Folder {
    /// The names of its files, those of `cur` and `new`, by their base: where names begin with the time, in the order in which
    /// messages came.
    pub fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for part in ["cur", "new"] {
            let folder = self.path.join(part);
            if !folder.is_dir() {
                continue;
            }
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if !entry.file_name().to_string_lossy().starts_with('.') && !entry.file_type()?.is_dir() {
                    files.push(entry.path());
                }
            }
        }
        files.sort_by_cached_key(|path| order(&file_name(path)));
        Ok(files)
    }

    /// The names of the letters from `a` on.
    pub fn keywords(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path.join(maildir::KEYWORDS_FILE));
        maildir::read_keywords(&text.unwrap_or_default())
    }
}

/// Seconds at the start of a name, then the name.
fn order(name: &str) -> (u64, String) {
    let digits = name
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or_default();
    (digits.parse().unwrap_or(u64::MAX), name.to_owned())
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// A message of a Maildir.
pub fn letter(path: &Path, keywords: &[String]) -> io::Result<Letter> {
    let file = File::open(path)?;
    let date_s = modified_s(&file.metadata()?);
    let (size, sha256) = Octets::new(BufReader::new(file), None).hash()?;
    let name = file_name(path);
    Ok(Letter {
        path: path.to_owned(),
        at: None,
        name: maildir::base(&name).to_owned(),
        date_s,
        labels: maildir::labels(&name, keywords),
        size,
        sha256,
    })
}

fn modified_s(file: &fs::Metadata) -> i64 {
    let since = file
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(0)
}
