//! Setting up, all over IMAP itself: mailboxes on a connection of its own, then connections in their state.

use std::collections::HashSet;

use super::{Run, SETUP, Stop, broken, came, setup_failed};
use crate::fill::fill;
use crate::given::{Given, State};
use crate::player::{Heard, Way};
use crate::transcript::{Protocol, StepKind};

impl Run<'_> {
    pub(super) fn set_up(&mut self, given: &[Given]) -> Result<(), Stop> {
        given.iter().try_for_each(|given| self.prepare(given))?;
        let logins = self.player.logins();
        let stranger = given.iter().any(
            |given| matches!(given, Given::Account { login, password } if *login != logins.user || *password != logins.password),
        );
        if stranger {
            return Err(Stop::NotOffered("the account of a recorded session".into()));
        }
        let uses_other = self.uses_other(given);
        if uses_other && self.player.logins().other.is_empty() {
            return Err(Stop::NotOffered("a second account".into()));
        }
        match self.transcript.over {
            Protocol::Imap => {}
            Protocol::Lmtp | Protocol::Smtp | Protocol::Submission => self.look_for_needs_of_smtp()?,
            Protocol::Pop3 => self.look_for_needs_of_pop3()?,
        }
        self.speaks.insert(SETUP, Protocol::Imap);
        if uses_other {
            self.clear("$other")?;
            self.hang_up()?;
        }
        self.clear("$user")?;
        self.lead(given)?;
        let latest = self.fill_mailboxes(given)?;
        given.iter().try_for_each(|given| self.bring(given, latest))
    }

    /// What is known before anything is opened: how each connection speaks and comes, and who holds which token.
    fn prepare(&mut self, given: &Given) -> Result<(), Stop> {
        let filled = |text: &str| match fill(text.as_bytes(), &self.captures) {
            Ok(octets) => Ok(String::from_utf8_lossy(&octets).into_owned()),
            Err(what) => Err(Stop::Failed { line: 1, what }),
        };
        match given {
            Given::Connections {
                numbers, speaks, way, ..
            } => {
                let way = match way {
                    Way::Certificate(name) => Way::Certificate(filled(name)?),
                    other => other.clone(),
                };
                // Under TLS other mechanisms are offered: needs are looked for where they will be used.
                if matches!(way, Way::Tls | Way::Certificate(_)) {
                    self.ways.insert(SETUP, way.clone());
                }
                self.ways
                    .extend(numbers.iter().map(|&number| (number, way.clone())));
                let speaks = speaks.map(|protocol| numbers.iter().map(move |&number| (number, protocol)));
                self.speaks.extend(speaks.into_iter().flatten());
                Ok(())
            }
            Given::Token { token, login } => {
                let login = filled(login)?;
                let issued = self.player.issue(token, &login);
                issued.map_err(|what| Stop::NotOffered(what.to_string()))
            }
            Given::Clamd { name, mode } => {
                let scans = self.player.scan(name, *mode);
                scans.map_err(|what| Stop::NotOffered(what.to_string()))
            }
            Given::Mailbox { .. } | Given::Account { .. } | Given::Places { .. } => Ok(()),
        }
    }

    /// Whether the second account is spoken of.
    fn uses_other(&self, given: &[Given]) -> bool {
        let named = |octets: &[u8]| octets.windows(6).any(|word| word == b"$other");
        let said =
            self.transcript.steps.iter().any(
                |step| matches!(&step.kind, StepKind::Send { octets, template: true, .. } if named(octets)),
            );
        said || given.iter().any(|given| match given {
            Given::Connections { other, .. } => *other,
            Given::Places { accounts, .. } => accounts.iter().any(|account| account == "$other"),
            _ => false,
        })
    }

    /// Makes aliases and catch-alls.
    fn lead(&mut self, given: &[Given]) -> Result<(), Stop> {
        let logins = self.player.logins();
        for given in given {
            if let Given::Places { local, accounts } = given {
                let login = |account: &String| match account.as_str() {
                    "$other" => logins.other.clone(),
                    _ => logins.user.clone(),
                };
                let accounts: Vec<_> = accounts.iter().map(login).collect();
                let made = self.player.lead(local.as_deref(), &accounts);
                made.map_err(|what| Stop::NotOffered(what.to_string()))?;
            }
        }
        Ok(())
    }

    /// Closes the connection that sets up, so that another can be opened.
    fn hang_up(&mut self) -> Result<(), Stop> {
        self.open.remove(&SETUP);
        self.player.close(SETUP).map_err(|error| broken(1, &error))
    }

    /// Looks in the answer to LHLO or EHLO.
    fn look_for_needs_of_smtp(&mut self) -> Result<(), Stop> {
        self.speaks.insert(SETUP, self.transcript.over);
        self.greeted(SETUP)?;
        let offered = self.hello(SETUP)?;
        self.look_for_needs(&offered)?;
        self.hang_up()
    }

    /// Looks in the answer to CAPA.
    fn look_for_needs_of_pop3(&mut self) -> Result<(), Stop> {
        self.speaks.insert(SETUP, Protocol::Pop3);
        self.greeted(SETUP)?;
        self.send(SETUP, b"CAPA\r\n", 1)?;
        let mut offered = HashSet::new();
        loop {
            match self.hear(SETUP, 1)? {
                // CAPA itself may be missing.
                Heard::Line(line) if line == b"." || line.starts_with(b"-ERR") => break,
                Heard::Line(line) => {
                    let line = String::from_utf8_lossy(&line).to_uppercase();
                    // As IMAP writes them, so that one need serves both.
                    let mechanisms = line.strip_prefix("SASL ").unwrap_or_default().split(' ');
                    offered.extend(mechanisms.map(|mechanism| format!("AUTH={mechanism}")));
                    offered.extend(line.split(' ').next().map(str::to_owned));
                    offered.insert(line);
                }
                other => return Err(setup_failed("CAPA", &came(&other))),
            }
        }
        self.look_for_needs(&offered)?;
        self.hang_up()
    }

    fn look_for_needs(&self, offered: &HashSet<String>) -> Result<(), Stop> {
        let missing = self
            .transcript
            .needs
            .iter()
            .find(|need| !offered.contains(&need.to_uppercase()));
        missing.map_or(Ok(()), |missing| Err(Stop::NotOffered(missing.clone())))
    }

    /// Opens a connection and reads its greeting.
    fn greeted(&mut self, number: u8) -> Result<(), Stop> {
        let greetings = match self.speaks(number) {
            Protocol::Imap => &["* OK", "* PREAUTH"][..],
            Protocol::Lmtp | Protocol::Smtp | Protocol::Submission => &["220 "],
            Protocol::Pop3 => &["+OK"],
        };
        let heard = self.hear(number, 1)?;
        match &heard {
            Heard::Line(line)
                if greetings
                    .iter()
                    .any(|greeting| line.starts_with(greeting.as_bytes())) =>
            {
                Ok(())
            }
            _ => Err(setup_failed("greeting", &came(&heard))),
        }
    }

    /// Logs in to an account, empties INBOX, deletes and unsubscribes what is not there by itself, and looks whether the server
    /// offers what is needed.
    fn clear(&mut self, login: &str) -> Result<(), Stop> {
        self.greeted(SETUP)?;
        // Mechanisms are offered before log-in, most extensions after it.
        let mut capabilities = self.command(SETUP, "CAPABILITY")?;
        self.command(SETUP, &format!("LOGIN \"{login}\" \"$password\""))?;
        capabilities.extend(self.command(SETUP, "CAPABILITY")?);
        let offered: HashSet<String> = capabilities
            .iter()
            .filter_map(|line| line.strip_prefix("* CAPABILITY "))
            .flat_map(|line| line.split(' ').map(str::to_uppercase))
            // A need may leave out what stands behind it: `APPENDLIMIT`.
            .flat_map(|word| [word.split('=').next().unwrap_or_default().to_owned(), word])
            .collect();
        if self.transcript.over == Protocol::Imap {
            self.look_for_needs(&offered)?;
        }
        self.empty_inbox()?;
        for name in self.listed("LIST \"\" \"*\"")?.into_iter().rev() {
            let usual =
                ["INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"].contains(&name.trim_matches('"'));
            if !usual && !name.starts_with('{') {
                self.may_fail(&format!("DELETE {name}"))?;
            }
        }
        for name in self.listed("LSUB \"\" \"*\"")? {
            self.may_fail(&format!("UNSUBSCRIBE {name}"))?;
        }
        Ok(())
    }

    fn empty_inbox(&mut self) -> Result<(), Stop> {
        self.command(SETUP, "SELECT INBOX")?;
        // `1:*` in an empty mailbox is an error to some servers.
        self.may_fail("STORE 1:* +FLAGS.SILENT (\\Deleted)")?;
        self.command(SETUP, "EXPUNGE")?;
        self.command(SETUP, "CLOSE").map(drop)
    }

    /// The names in the answer to LIST or LSUB, as the server writes them.
    fn listed(&mut self, command: &str) -> Result<Vec<String>, Stop> {
        let lines = self.command(SETUP, command)?;
        let name = |line: &String| {
            let (_, name) = line
                .rsplit_once(" \"/\" ")
                .or_else(|| line.rsplit_once(" \".\" "))?;
            Some(name.to_owned())
        };
        Ok(lines.iter().filter_map(name).collect())
    }

    /// Makes and fills the mailboxes; the name of the last one.
    fn fill_mailboxes<'g>(&mut self, given: &'g [Given]) -> Result<&'g str, Stop> {
        let mut latest = "INBOX";
        for given in given {
            if let Given::Mailbox { name, samples } = given {
                self.fill_mailbox(name, samples)?;
                latest = name;
            }
        }
        Ok(latest)
    }

    fn fill_mailbox(&mut self, name: &str, samples: &[String]) -> Result<(), Stop> {
        if name != "INBOX" {
            self.command(SETUP, &format!("CREATE \"{name}\""))?;
        }
        for sample in samples {
            let octets = crate::samples::sample(sample).unwrap_or_default();
            let tag = self.next_tag();
            self.send(
                SETUP,
                format!("{tag} APPEND \"{name}\" {{{}}}\r\n", octets.len()).as_bytes(),
                1,
            )?;
            match self.hear(SETUP, 1)? {
                Heard::Line(line) if line.starts_with(b"+") => {}
                other => return Err(setup_failed("APPEND", &came(&other))),
            }
            self.send(SETUP, &octets, 1)?;
            self.send(SETUP, b"\r\n", 1)?;
            self.answer(SETUP, &tag, "APPEND")?;
        }
        Ok(())
    }

    /// Brings connections as far as they are said to have come.
    fn bring(&mut self, given: &Given, latest: &str) -> Result<(), Stop> {
        let Given::Connections {
            numbers,
            other,
            state,
            ..
        } = given
        else {
            return Ok(());
        };
        let login = if *other { "$other" } else { "$user" };
        for &number in numbers.iter().filter(|_| *state != State::Unopened) {
            self.greeted(number)?;
            match state {
                State::Unopened | State::Connected => {}
                State::Greeted => drop(self.hello(number)?),
                State::LoggedIn => self.log_in(number, login)?,
                State::Selected(name) => {
                    self.log_in(number, login)?;
                    let name = name.as_deref().unwrap_or(latest);
                    self.command(number, &format!("SELECT \"{name}\""))?;
                }
                State::Examined(name) => {
                    self.log_in(number, login)?;
                    let name = name.as_deref().unwrap_or(latest);
                    self.command(number, &format!("EXAMINE \"{name}\""))?;
                }
            }
        }
        self.said.clear();
        Ok(())
    }

    fn log_in(&mut self, number: u8, login: &str) -> Result<(), Stop> {
        match self.speaks(number) {
            Protocol::Pop3 => {
                self.said_well(number, &format!("USER {login}"), b"+OK")?;
                return self.said_well(number, "PASS $password", b"+OK");
            }
            Protocol::Submission => {
                self.hello(number)?;
                return self.said_well(number, "AUTH PLAIN $plain", b"235 ");
            }
            Protocol::Imap | Protocol::Lmtp | Protocol::Smtp => {}
        }
        self.command(number, &format!("LOGIN \"{login}\" \"$password\""))
            .map(drop)
    }

    /// A command that must be answered with one line, which begins so.
    fn said_well(&mut self, number: u8, command: &str, good: &[u8]) -> Result<(), Stop> {
        let octets = fill(format!("{command}\r\n").as_bytes(), &self.captures)
            .map_err(|what| Stop::Failed { line: 1, what })?;
        self.send(number, &octets, 1)?;
        match self.hear(number, 1)? {
            Heard::Line(line) if line.starts_with(good) => Ok(()),
            other => Err(setup_failed(command, &came(&other))),
        }
    }

    /// Says LHLO or EHLO; the keywords of the answer.
    fn hello(&mut self, number: u8) -> Result<HashSet<String>, Stop> {
        let verb = match self.speaks(number) {
            Protocol::Lmtp => "LHLO",
            _ => "EHLO",
        };
        self.send(number, format!("{verb} client.example\r\n").as_bytes(), 1)?;
        let mut offered = HashSet::new();
        loop {
            let heard = self.hear(number, 1)?;
            let Heard::Line(line) = &heard else {
                return Err(setup_failed(verb, &came(&heard)));
            };
            let line = String::from_utf8_lossy(line);
            let Some(text) = line.strip_prefix("250-").or_else(|| line.strip_prefix("250 ")) else {
                return Err(setup_failed(verb, &came(&heard)));
            };
            offered.extend(text.split(' ').next().map(str::to_uppercase));
            if line.starts_with("250 ") {
                return Ok(offered);
            }
        }
    }

    /// A command that must be answered with OK; its untagged lines.
    fn command(&mut self, number: u8, command: &str) -> Result<Vec<String>, Stop> {
        let tag = self.ask(number, command)?;
        self.answer(number, &tag, command)
    }

    /// A command that may be answered with NO or BAD, but must be answered.
    fn may_fail(&mut self, command: &str) -> Result<(), Stop> {
        let tag = self.ask(SETUP, command)?;
        self.tagged(SETUP, &tag, command).map(drop)
    }

    /// Sends a command; its tag.
    fn ask(&mut self, number: u8, command: &str) -> Result<String, Stop> {
        let tag = self.next_tag();
        let octets = fill(format!("{tag} {command}\r\n").as_bytes(), &self.captures)
            .map_err(|what| Stop::Failed { line: 1, what })?;
        self.send(number, &octets, 1)?;
        Ok(tag)
    }

    fn next_tag(&mut self) -> String {
        self.tag += 1;
        format!("setup{}", self.tag)
    }

    fn answer(&mut self, number: u8, tag: &str, command: &str) -> Result<Vec<String>, Stop> {
        let (untagged, answer) = self.tagged(number, tag, command)?;
        if answer.starts_with("OK") {
            Ok(untagged)
        } else {
            Err(setup_failed(command, &format!("came {tag} {answer}")))
        }
    }

    /// Hears up to the tagged line: what comes before it, and what is behind its tag.
    fn tagged(&mut self, number: u8, tag: &str, command: &str) -> Result<(Vec<String>, String), Stop> {
        let mut untagged = Vec::new();
        loop {
            let heard = self.hear(number, 1)?;
            let Heard::Line(line) = &heard else {
                return Err(setup_failed(command, &came(&heard)));
            };
            let line = String::from_utf8_lossy(line).into_owned();
            match line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
                Some(answer) => return Ok((untagged, answer.to_owned())),
                None => untagged.push(line),
            }
        }
    }
}
