//! Short ways to ask a store; every answer is followed by a check.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::antivirus::Virus;
use crate::machine::Stored;
use crate::mime::{Limits, Scanner};
use crate::store::memory::{Store, check};
use crate::store::*;

pub(super) struct Bench {
    pub(super) store: Store,
    drawn: u32,
    pub(super) me: AccountId,
}

impl Bench {
    /// One account with INBOX and a quota; 0: none.
    pub(super) fn new(quota_bytes: u64) -> Self {
        let mut bench = Self {
            store: Store::new(),
            drawn: 0,
            me: AccountId(0),
        };
        bench.me = bench.account("user@example.com", quota_bytes);
        bench
    }

    pub(super) fn account(&mut self, login: &str, quota_bytes: u64) -> AccountId {
        let id = AccountId(i64::from(self.draw()));
        let mailboxes = vec![self.mailbox("INBOX")];
        let (login, password, at_ms) = (
            login.to_owned(),
            crate::machine::Secret("hash".to_owned()).into(),
            1_000_000,
        );
        let new = NewAccount {
            id,
            login,
            password,
            quota_bytes,
            mailboxes,
            at_ms,
        };
        self.ask(Actor::Operator, Request::CreateAccount(new)).unwrap();
        id
    }

    pub(super) fn draw(&mut self) -> u32 {
        self.drawn += 1;
        self.drawn
    }

    pub(super) fn half(&mut self) -> [u8; 16] {
        u128::from(self.draw()).to_be_bytes()
    }

    pub(super) fn mailbox(&mut self, of: &str) -> NewMailbox {
        let id = MailboxId(i64::from(self.draw()));
        NewMailbox {
            id,
            name: name(of),
            special_use: None,
            object_id: self.half(),
        }
    }

    pub(super) fn superiors(&mut self, of: &str) -> Vec<NewMailbox> {
        name(of)
            .superiors()
            .map(|superior| self.mailbox(superior.as_str()))
            .collect()
    }

    pub(super) fn stored(&mut self, octets: usize) -> Stored {
        let text = format!("{}\r\n", "x".repeat(octets - 2));
        let mut scanner = Scanner::new(Limits::default());
        scanner.push(text.as_bytes());
        let (object, index) = (ObjectId(self.half()), Arc::new(scanner.finish()));
        let sha256 = Sha256::digest(&text).into();
        Stored {
            object,
            size: octets as u64,
            sha256,
            received_sha256: sha256,
            index,
            durable_ms: 0,
            virus: Virus::NotScanned,
        }
    }

    pub(super) fn ask(&mut self, actor: Actor, request: Request) -> Result<Reply, Failure> {
        let answer = self.store.run(actor, request);
        assert_eq!(check(&self.store), Vec::<String>::new());
        answer
    }

    /// As the user.
    pub(super) fn user(&mut self, request: Request) -> Result<Reply, Failure> {
        self.ask(Actor::Account(self.me), request)
    }

    pub(super) fn create(&mut self, of: &str) -> Result<Reply, Failure> {
        let (mailbox, superiors) = (self.mailbox(of), self.superiors(of));
        self.user(Request::CreateMailbox {
            mailbox,
            superiors,
            at_s: 500,
        })
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<Reply, Failure> {
        let (to, superiors) = (self.mailbox(to), self.superiors(to));
        self.user(Request::RenameMailbox {
            from: name(from),
            to,
            superiors,
            at_s: 500,
        })
    }

    /// One message each of 100 octets with these keywords.
    pub(super) fn append(&mut self, to: &str, keywords: &[&[&str]]) -> Result<Reply, Failure> {
        let messages = keywords.iter().map(|keywords| self.message(100, keywords));
        let messages = messages.collect();
        self.user(Request::Append {
            name: name(to),
            instead: None,
            messages,
            at_ms: 9_000,
        })
    }

    pub(super) fn line(&mut self, of: &str) -> Mailbox {
        match self.user(Request::StatusMailbox {
            name: name(of),
            recent: false,
        }) {
            Ok(Reply::Status(status)) => status.mailbox,
            other => panic!("{of}: {other:?}"),
        }
    }

    pub(super) fn names(&mut self) -> String {
        let Ok(Reply::Mailboxes(lines)) = self.user(Request::ListMailboxes { recent: false }) else {
            panic!()
        };
        lines
            .iter()
            .map(|line| line.mailbox.name.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    pub(super) fn open(&mut self, of: &str, claim_recent: bool) -> Opened {
        match self.user(Request::OpenMailbox {
            name: name(of),
            claim_recent,
        }) {
            Ok(Reply::Opened(opened)) => opened,
            other => panic!("{of}: {other:?}"),
        }
    }

    pub(super) fn store(
        &mut self,
        of: &str,
        uids: &[u32],
        change: FlagChange,
        flags: &str,
    ) -> Result<FlagsChanged, Failure> {
        self.store_since(of, uids, change, flags, None)
    }

    /// `flags`: keywords and system flags with a space between them.
    pub(super) fn store_since(
        &mut self,
        of: &str,
        uids: &[u32],
        change: FlagChange,
        flags: &str,
        unchanged_since: Option<u64>,
    ) -> Result<FlagsChanged, Failure> {
        let (system, keywords): (Vec<_>, Vec<_>) =
            flags.split_whitespace().partition(|flag| flag.starts_with('\\'));
        let system = Flag::ALL.into_iter().filter(|flag| system.contains(&flag.name()));
        let request = Request::ChangeFlags {
            mailbox: self.line(of).id,
            uids: set(uids),
            change,
            flags: system.fold(Flags::NONE, |all, flag| all | flag.into()),
            keywords: words(&keywords),
            unchanged_since: unchanged_since.map(ModSeq),
            since: ModSeq(0),
        };
        match self.user(request)? {
            Reply::FlagsChanged(changed) => Ok(changed),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn copy(
        &mut self,
        from: &str,
        uids: &[u32],
        to: &str,
        moving: bool,
    ) -> Result<Copied, Failure> {
        let key = DeliveryKey(self.half());
        self.copy_keyed(from, uids, to, moving, key)
    }

    pub(super) fn copy_keyed(
        &mut self,
        from: &str,
        uids: &[u32],
        to: &str,
        moving: bool,
        key: DeliveryKey,
    ) -> Result<Copied, Failure> {
        let from = self.line(from).id;
        let request = Request::Copy {
            from,
            uids: set(uids),
            whole: false,
            to: name(to),
            moving,
            key,
            at_ms: 9_000,
            since: ModSeq(0),
        };
        match self.user(request)? {
            Reply::Copied(copied) => Ok(copied),
            other => panic!("{other:?}"),
        }
    }

    /// UIDs with flags: `1:\Seen,work 2:`.
    pub(super) fn flags(&mut self, of: &str) -> String {
        let view = self.open(of, false).view;
        let mut lines = Vec::new();
        for row in view.iter() {
            let system = Flag::ALL
                .into_iter()
                .filter(|flag| row.flags.has(*flag))
                .map(Flag::name);
            let mut all: Vec<&str> = system.collect();
            all.extend(view.keywords.of(row.flags));
            lines.push(format!("{}:{}", row.uid.0, all.join(",")));
        }
        lines.join(" ")
    }

    pub(super) fn used(&mut self) -> (u64, u64) {
        let Ok(Reply::Accounts(lines)) = self.ask(Actor::Operator, Request::ListAccounts) else {
            panic!()
        };
        let line = lines.iter().find(|line| line.id == self.me).unwrap();
        (line.used_msgs, line.used_bytes)
    }

    /// Delivers one message to recipients: an account, a mailbox and the number of a key each.
    pub(super) fn deliver(
        &mut self,
        octets: usize,
        to: &[(AccountId, MailboxId, u8)],
    ) -> Vec<Result<Delivered, Refusal>> {
        let stored = self.stored(octets);
        self.deliver_object(stored, to)
    }

    /// Delivers a message of 100 octets to mailboxes of the user, by their keys, into the one of this name in place of them.
    pub(super) fn deliver_instead(
        &mut self,
        into: &str,
        to: &[(MailboxId, u8, &[&str])],
    ) -> Vec<Result<Delivered, Refusal>> {
        let recipients = to.iter().map(|(mailbox, key, keywords)| Recipient {
            key: DeliveryKey([*key; 16]),
            account: self.me,
            mailbox: *mailbox,
            instead: Some(self.mailbox(into)),
            keywords: words(keywords),
            head: Bytes::new(),
            email_id: self.half(),
        });
        let (recipients, stored) = (recipients.collect(), self.stored(100));
        let deliver = Request::Deliver {
            stored,
            recipients,
            at_ms: 9_000,
        };
        match self.ask(Actor::Door, deliver) {
            Ok(Reply::Delivered(answers)) => answers,
            other => panic!("{other:?}"),
        }
    }

    /// A message of so many octets with these keywords.
    pub(super) fn message(&mut self, octets: usize, keywords: &[&str]) -> NewMessage {
        NewMessage {
            stored: self.stored(octets),
            flags: Flags::NONE,
            keywords: words(keywords),
            internal_date_s: 7,
            email_id: self.half(),
        }
    }

    pub(super) fn deliver_object(
        &mut self,
        stored: Stored,
        to: &[(AccountId, MailboxId, u8)],
    ) -> Vec<Result<Delivered, Refusal>> {
        let recipients = to.iter().map(|(account, mailbox, key)| Recipient {
            key: DeliveryKey([*key; 16]),
            account: *account,
            mailbox: *mailbox,
            instead: None,
            keywords: vec![],
            head: Bytes::from_static(b"To: x\r\n"),
            email_id: self.half(),
        });
        let recipients = recipients.collect();
        match self.ask(
            Actor::Door,
            Request::Deliver {
                stored,
                recipients,
                at_ms: 9_000,
            },
        ) {
            Ok(Reply::Delivered(answers)) => answers,
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn name(text: &str) -> MailboxName {
    MailboxName::new(text).unwrap()
}

pub(super) fn set(uids: &[u32]) -> UidSet {
    uids.iter().copied().collect()
}

pub(super) fn words(words: &[&str]) -> Vec<Keyword> {
    words.iter().map(|word| Keyword::new(word).unwrap()).collect()
}

pub(super) fn refused<T: std::fmt::Debug>(answer: Result<T, Failure>) -> Refusal {
    match answer {
        Err(Failure::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}
