//! One mail transaction: which commands are said, and what their replies mean to each recipient (RFC 5321, 3.3; RFC 2920, 3.1).

use std::collections::VecDeque;
use std::fmt::Write as _;

use bytes::Bytes;

use super::envelope::Envelope;
use super::job::{Fate, JobMail, JobRecipient, Reason, Told};
use super::reply::{Class, Reply, Status};

/// The most recipients of one transaction: so many has every server to take (RFC 5321, 4.5.3.1.8).
pub(super) const RECIPIENTS_MAX: usize = 100;

/// A message that is not being sent.
#[derive(Debug)]
pub(super) struct Waiting {
    /// With those of its recipients that are still to be told of.
    pub mail: JobMail,
    /// What is told if no other host brings more.
    pub why: Option<Fate>,
}

impl Waiting {
    /// A host has failed it. What may be otherwise tomorrow at one of the hosts is no refusal; and what a server has said tells more than
    /// that another one did not answer.
    pub fn fail(&mut self, fate: Fate) {
        if rank(&fate) >= self.why.as_ref().map_or(0, rank) {
            self.why = Some(fate);
        }
    }
}

fn rank(fate: &Fate) -> u8 {
    match fate {
        Fate::Later(Reason::Replied(_)) => 2,
        Fate::Later(Reason::Found(..)) => 1,
        Fate::Delivered { .. } | Fate::Refused(_) | Fate::Unknown(_) => 0,
    }
}

/// What is known of the recipients, and by whom.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub done: Vec<Told>,
    pub host: Option<usize>,
}

impl Ledger {
    pub fn tell(&mut self, recipient: &JobRecipient, fate: Fate) {
        let (id, host) = (recipient.id, self.host);
        self.done.push(Told { id, fate, host });
    }
}

/// A command whose reply means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Reset,
    Mail,
    /// Of the recipient with this number.
    Rcpt(usize),
    Data,
}

/// What follows a reply.
#[derive(Debug)]
pub(super) enum Turn {
    /// The next command, or the end if there is none.
    Next,
    /// The content. Perhaps nobody wants it: then a lone dot (RFC 2920, 3.1).
    Content,
    /// The end of the connection.
    Lost(Reason),
}

/// A transaction that is under way.
#[derive(Debug)]
pub(super) struct Transaction {
    pub mail: JobMail,
    pub envelope: Envelope,
    asked: Vec<Asked>,
    script: VecDeque<(Command, String)>,
    /// Commands that were said and not answered.
    expected: VecDeque<Command>,
    /// Whether the server has an open transaction.
    pub opened: bool,
    /// Whether the last octet of the message has been given away: from here on a lost answer says nothing.
    pub sent: bool,
    /// There were too many recipients for one transaction.
    again: Vec<JobRecipient>,
}

#[derive(Debug)]
struct Asked {
    recipient: JobRecipient,
    state: AskedState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AskedState {
    Open,
    Taken,
    /// Told of, or to be asked for again.
    Past,
}

impl Transaction {
    /// A transaction with the first recipients of a message; `None` if none of them can be written into a command. `reset`: the server
    /// still has another one open.
    pub fn new(
        mut mail: JobMail,
        envelope: Envelope,
        reset: bool,
        ledger: &mut Ledger,
    ) -> Result<Self, JobMail> {
        let mut script = VecDeque::new();
        if reset {
            script.push_back((Command::Reset, "RSET".to_owned()));
        }
        script.push_back((Command::Mail, envelope.mail.clone()));
        let mut asked = Vec::new();
        let first = mail.recipients.len().min(RECIPIENTS_MAX);
        for recipient in mail.recipients.drain(..first) {
            match envelope.rcpt(&recipient) {
                Some(line) => {
                    script.push_back((Command::Rcpt(asked.len()), line));
                    let state = AskedState::Open;
                    asked.push(Asked { recipient, state });
                }
                None => {
                    let why = Reason::found(Status(5, 1, 3), "The address cannot be written into a command");
                    ledger.tell(&recipient, Fate::Refused(why));
                }
            }
        }
        if asked.is_empty() {
            return Err(mail);
        }
        if !envelope.chunked {
            script.push_back((Command::Data, "DATA".to_owned()));
        }
        Ok(Self {
            mail,
            envelope,
            asked,
            script,
            expected: VecDeque::new(),
            opened: false,
            sent: false,
            again: Vec::new(),
        })
    }

    /// What is to be said now: everything where commands may be pipelined, else the next command. `None`: there is nothing left to say,
    /// or an answer is due first.
    pub fn say(&mut self, pipelining: bool) -> Option<Bytes> {
        if !self.expected.is_empty() {
            return None;
        }
        let count = if pipelining { self.script.len() } else { 1 };
        let mut text = String::new();
        for (command, line) in self.script.drain(..count.min(self.script.len())) {
            self.expected.push_back(command);
            // Writing to memory does not fail.
            let _ = write!(text, "{line}\r\n");
        }
        (!text.is_empty()).then(|| text.into())
    }

    /// The command whose reply comes next.
    pub fn awaited(&self) -> Option<Command> {
        self.expected.front().copied()
    }

    /// Whether somebody is to get the content.
    pub fn is_wanted(&self) -> bool {
        self.asked.iter().any(|one| one.state == AskedState::Taken)
    }

    /// The reply to the oldest command that has none. Replies are counted, and neither codes nor texts tell to which command they are
    /// (RFC 2920, 3.1).
    pub fn on(&mut self, reply: Reply, ledger: &mut Ledger) -> Turn {
        let Some(command) = self.expected.pop_front() else {
            return Turn::Lost(unfit());
        };
        if reply.closes() {
            return Turn::Lost(Reason::Replied(reply));
        }
        match (command, reply.class()) {
            (Command::Reset, Class::Done) => Turn::Next,
            (Command::Mail, Class::Done) => {
                self.opened = true;
                Turn::Next
            }
            (Command::Rcpt(at), Class::Done) => {
                self.taken(at);
                Turn::Next
            }
            (Command::Data, Class::More) => Turn::Content,
            (Command::Rcpt(at), Class::Later | Class::Refused) => {
                self.refused(at, reply, ledger);
                Turn::Next
            }
            (Command::Mail | Command::Data, Class::Later | Class::Refused) => {
                self.script.clear();
                self.settle(&fate_of(reply), ledger);
                Turn::Next
            }
            (Command::Reset, _)
            | (Command::Mail | Command::Rcpt(_), Class::More)
            | (Command::Data, Class::Done) => Turn::Lost(unfit()),
        }
    }

    /// The reply to the whole message, which speaks of everybody who was taken.
    pub fn finish(&mut self, reply: Reply, ledger: &mut Ledger) {
        let fate = match reply.class() {
            Class::Done => Fate::Delivered {
                reply,
                dsn: self.envelope.dsn,
                deliver_by: self.envelope.deliver_by,
            },
            Class::More => Fate::Unknown(unfit()),
            Class::Later | Class::Refused => fate_of(reply),
        };
        self.settle(&fate, ledger);
    }

    /// Everybody who is not told of yet is told this.
    pub fn settle(&mut self, fate: &Fate, ledger: &mut Ledger) {
        for one in &mut self.asked {
            if std::mem::replace(&mut one.state, AskedState::Past) != AskedState::Past {
                ledger.tell(&one.recipient, fate.clone());
            }
        }
    }

    /// The message with those recipients who are still to be asked for; `None`: there are none.
    pub fn rest(self) -> Option<JobMail> {
        let mut mail = self.mail;
        let open = self.asked.into_iter();
        let open = open
            .filter(|one| one.state != AskedState::Past)
            .map(|one| one.recipient);
        let recipients: Vec<_> = open.chain(self.again).chain(mail.recipients).collect();
        mail.recipients = recipients;
        (!mail.recipients.is_empty()).then_some(mail)
    }

    fn taken(&mut self, at: usize) {
        if let Some(one) = self.asked.get_mut(at)
            && one.state == AskedState::Open
        {
            one.state = AskedState::Taken;
        }
    }

    fn refused(&mut self, at: usize, reply: Reply, ledger: &mut Ledger) {
        let is_wanted = self.is_wanted();
        if let Some(one) = self.asked.get_mut(at)
            && one.state == AskedState::Open
        {
            one.state = AskedState::Past;
            match is_wanted && says_too_many(&reply) {
                true => self.again.push(one.recipient.clone()),
                false => ledger.tell(&one.recipient, fate_of(reply)),
            }
        }
        if !self.asked.iter().any(|one| one.state != AskedState::Past) {
            self.script.clear();
        }
    }
}

/// A server that has taken some recipients may have room for no more of them: they are sent the message in a transaction of their own
/// (RFC 5321, 4.5.3.1.10, where 552 is an old way of saying it; RFC 3463, 3.6).
fn says_too_many(reply: &Reply) -> bool {
    let fits = reply
        .enhanced
        .is_none_or(|Status(_, subject, detail)| (subject, detail) == (5, 3));
    matches!(reply.code, 452 | 552) && fits
}

fn fate_of(reply: Reply) -> Fate {
    match reply.class() {
        Class::Refused => Fate::Refused(Reason::Replied(reply)),
        _ => Fate::Later(Reason::Replied(reply)),
    }
}

/// A reply that is none to what was said.
pub(super) fn unfit() -> Reason {
    Reason::found(Status(4, 5, 0), "A reply does not fit the command")
}
