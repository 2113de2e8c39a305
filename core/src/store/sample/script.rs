//! Steps become requests: ids are counted, choices are made among what the reference store holds by then.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Address, Labels, Step, Verb};
use crate::antivirus::Virus;
use crate::machine::Secret;
use crate::machine::Stored;
use crate::mime::{Limits, Scanner};
use crate::store::memory::Store;
use crate::store::{
    AccountId, Actor, DeliveryKey, FindDeleted, Flags, Import, Keyword, MailboxId, MailboxName, ModSeq,
    NewAccount, NewMailbox, NewMessage, ObjectId, Recipient, Reply, Request, SpecialUse, Uid, UidSet,
    Undelete, Work,
};

/// The logins of the accounts; all but the first begin with a quota.
pub(super) const LOGINS: [&str; 3] = ["a@example.com", "b@example.com", "c@example.com"];
/// The names that mailboxes have.
const NAMES: [&str; 7] = ["INBOX", "INBOX/c", "a", "a/b", "a/b/c", "x", "x/b"];
/// What accounts but the first may keep, in octets: a few messages.
const QUOTA: u64 = 4_000;

/// Makes requests of steps; the same steps always give the same requests.
pub fn script(steps: &[Step]) -> Vec<(Actor, Request)> {
    let mut script = Script::default();
    let first = (0..2).map(|who| Step {
        who,
        intruder: false,
        verb: Verb::CreateAccount,
    });
    first
        .chain(steps.iter().cloned())
        .map(|step| script.next(step))
        .collect()
}

/// Follows the sequence and draws the ids.
#[derive(Default)]
pub(super) struct Script {
    pub(super) store: Store,
    drawn: u32,
    /// The newest account of each login.
    accounts: [Option<AccountId>; LOGINS.len()],
    keys: Vec<DeliveryKey>,
    objects: Vec<ObjectId>,
    stored: Option<Stored>,
}

impl Script {
    fn next(&mut self, step: Step) -> (Actor, Request) {
        let me = self.account(step.who);
        let login = pick(&LOGINS, step.who).unwrap_or_default().to_owned();
        let (actor, request) = match step.verb {
            verb @ (Verb::FindRecipient { .. } | Verb::Deliver { .. }) => {
                (Actor::Door, self.door(login, verb))
            }
            verb @ (Verb::FindAccount
            | Verb::CreateAccount
            | Verb::SetPassword
            | Verb::SetQuota { .. }
            | Verb::DeleteAccount
            | Verb::ListAccounts
            | Verb::CountGarbage { .. }) => (Actor::Operator, self.operator(step.who, login, verb)),
            verb @ (Verb::FindDeleted { .. }
            | Verb::Undelete { .. }
            | Verb::Import { .. }
            | Verb::FindImported { .. }) => (Actor::Operator, self.operating(me, verb)),
            Verb::Lease {
                owner,
                long,
                maildrop: true,
            } => (Actor::Account(me), self.lease(Work::Maildrop(me), owner, long)),
            Verb::Lease { owner, long, .. } => (Actor::Worker, self.lease(Work::Garbage, owner, long)),
            verb @ (Verb::Collect { .. } | Verb::Claim { .. } | Verb::Forget { .. } | Verb::Find { .. }) => {
                (Actor::Worker, self.worker(verb))
            }
            Verb::Login(verb) => self.login(step.who, me, verb),
            Verb::Places(verb) => self.places(me, verb),
            Verb::Calendar(verb) => (Actor::Account(me), Request::Calendar(self.calendar(me, verb))),
            Verb::DeleteMessages { mailbox, uids } => (Actor::Account(me), self.deletion(me, mailbox, uids)),
            verb => (Actor::Account(me), self.user(me, verb)),
        };
        let actor = if !step.intruder {
            actor
        } else if actor == Actor::Door {
            Actor::Account(me)
        } else {
            Actor::Door
        };
        // What the reference store answers is of no interest here, only what it then holds.
        let _ = self.store.run(actor, request.clone());
        (actor, request)
    }

    fn door(&mut self, login: String, verb: Verb) -> Request {
        match verb {
            Verb::FindRecipient { detail: true } => Request::FindRecipient {
                address: login.replacen('@', "+detail@", 1),
                base: Some(login),
            },
            Verb::Deliver {
                letter,
                same_object,
                to,
            } => {
                let last = self.stored.clone().filter(|_| same_object);
                let stored = last.unwrap_or_else(|| self.upload(letter));
                let recipients = to.into_iter().map(|address| self.recipient(&address)).collect();
                Request::Deliver {
                    stored,
                    recipients,
                    at_ms: self.now_ms(),
                }
            }
            _ => Request::FindRecipient {
                address: login,
                base: None,
            },
        }
    }

    fn operator(&mut self, who: u8, login: String, verb: Verb) -> Request {
        match verb {
            Verb::FindAccount => Request::FindAccount { login },
            Verb::CreateAccount => self.new_account(who, login),
            Verb::SetPassword => Request::SetPassword {
                login,
                password: Secret(format!("plain:{}", self.draw())).into(),
            },
            Verb::SetQuota { limited } => Request::SetQuota {
                login,
                quota_bytes: if limited { QUOTA } else { 0 },
            },
            Verb::DeleteAccount => Request::DeleteAccount {
                login,
                at_ms: self.now_ms(),
            },
            Verb::CountGarbage { ago } => Request::CountGarbage {
                before_ms: self.now_ms() - u64::from(ago) * 150,
            },
            _ => Request::ListAccounts,
        }
    }

    fn operating(&mut self, account: AccountId, verb: Verb) -> Request {
        match verb {
            Verb::FindDeleted {
                name,
                ago: (from, before),
                after,
                limit,
            } => Request::FindDeleted(FindDeleted {
                account,
                mailbox: name.map(mailbox_name),
                from_ms: self.now_ms() - u64::from(from) * 150,
                before_ms: self.now_ms() + 1 - u64::from(before) * 150,
                after: after.map(|(mailbox, uid)| (self.mailbox(account, mailbox), Uid(u32::from(uid)))),
                limit: u32::from(limit),
            }),
            Verb::Undelete { mailbox, uids, to } => Request::Undelete(Undelete {
                account,
                from: self.mailbox(account, mailbox),
                uids: set(uids),
                to: mailbox_name(to),
                at_ms: self.now_ms(),
            }),
            Verb::Import {
                name,
                letters,
                ignore_quota,
            } => {
                let messages = letters
                    .into_iter()
                    .map(|(letter, labels, again)| (self.key(again), self.message(letter, &labels)))
                    .collect();
                Request::Import(Import {
                    account,
                    mailbox: mailbox_name(name),
                    messages,
                    ignore_quota,
                    at_ms: self.now_ms(),
                })
            }
            Verb::FindImported { keys } => Request::FindImported {
                keys: keys.into_iter().map(|key| self.key(Some(key))).collect(),
            },
            _ => Request::ListAccounts,
        }
    }

    fn lease(&mut self, work: Work, owner: u8, long: bool) -> Request {
        Request::TakeLease {
            work,
            owner: [owner; 16],
            // What is between these two would depend on how fast a database is.
            for_ms: if long { 1_000_000_000 } else { 0 },
            at_ms: self.now_ms(),
        }
    }

    fn deletion(&mut self, me: AccountId, mailbox: u8, uids: u16) -> Request {
        Request::DeleteMessages {
            mailbox: self.mailbox(me, mailbox),
            uids: set(uids),
            at_ms: self.now_ms(),
        }
    }

    fn worker(&mut self, verb: Verb) -> Request {
        match verb {
            Verb::Collect { what, ago, limit } => {
                let at_ms = self.now_ms();
                collection(what, at_ms - u64::from(ago) * 150, u32::from(limit), at_ms)
            }
            Verb::Forget { objects } => Request::ForgetObjects {
                objects: self.objects.iter().copied().take(usize::from(objects)).collect(),
            },
            Verb::Find { from, to } => Request::FindObjects {
                from: pick(&self.objects, from).unwrap_or(ObjectId([0; 16])),
                to: pick(&self.objects, to).unwrap_or(ObjectId([255; 16])),
            },
            Verb::Claim { after, limit } => Request::ClaimObjects {
                after: after.and_then(|after| pick(&self.objects, after)),
                limit: u32::from(limit),
            },
            _ => Request::ClaimObjects {
                after: None,
                limit: 0,
            },
        }
    }

    fn user(&mut self, me: AccountId, verb: Verb) -> Request {
        match verb {
            Verb::ListMailboxes { recent } => Request::ListMailboxes { recent },
            Verb::ListSubscriptions => Request::ListSubscriptions,
            Verb::Status { name } => Request::StatusMailbox {
                name: mailbox_name(name),
                recent: name % 2 == 0,
            },
            Verb::Create { name } => {
                let mailbox = self.new_mailbox(mailbox_name(name));
                Request::CreateMailbox {
                    superiors: self.superiors(&mailbox.name),
                    mailbox,
                    at_s: self.now_s(),
                }
            }
            Verb::Delete { name } => Request::DeleteMailbox {
                name: mailbox_name(name),
                at_ms: self.now_ms(),
            },
            Verb::Rename { from, to } => {
                let to = self.new_mailbox(mailbox_name(to));
                let superiors = self.superiors(&to.name);
                Request::RenameMailbox {
                    from: mailbox_name(from),
                    to,
                    superiors,
                    at_s: self.now_s(),
                }
            }
            Verb::Subscribe { name, remove: false } => Request::Subscribe {
                name: mailbox_name(name),
            },
            Verb::Subscribe { name, remove: true } => Request::Unsubscribe {
                name: mailbox_name(name),
            },
            Verb::Append {
                name,
                instead,
                letters,
            } => {
                let instead = instead.map(|name| self.new_mailbox(mailbox_name(name)));
                let messages = letters
                    .into_iter()
                    .map(|(letter, labels)| self.message(letter, &labels))
                    .collect();
                Request::Append {
                    name: mailbox_name(name),
                    instead,
                    messages,
                    at_ms: self.now_ms(),
                }
            }
            verb => self.selected(me, verb),
        }
    }

    fn selected(&mut self, me: AccountId, verb: Verb) -> Request {
        match verb {
            Verb::Open { name, claim } => Request::OpenMailbox {
                name: mailbox_name(name),
                claim_recent: claim,
            },
            Verb::Refresh {
                mailbox,
                since,
                claim,
            } => Request::Refresh {
                mailbox: self.mailbox(me, mailbox),
                since: modseq(since),
                claim_recent: claim,
            },
            Verb::Page { mailbox, uids } => Request::FetchPage {
                mailbox: self.mailbox(me, mailbox),
                uids: set(uids),
            },
            Verb::Store {
                mailbox,
                uids,
                change,
                flags,
                unchanged_since,
                since,
            } => Request::ChangeFlags {
                mailbox: self.mailbox(me, mailbox),
                uids: set(uids),
                change,
                flags: Flags(u64::from(flags.system)),
                keywords: keywords(&flags.keywords),
                unchanged_since: unchanged_since.map(modseq),
                since: modseq(since),
            },
            Verb::Copy {
                from,
                uids,
                whole,
                to,
                moving,
                again,
                since,
            } => Request::Copy {
                from: self.mailbox(me, from),
                uids: set(uids),
                whole,
                to: mailbox_name(to),
                moving,
                key: self.key(again),
                at_ms: self.now_ms(),
                since: modseq(since),
            },
            Verb::Expunge {
                mailbox,
                within,
                since,
            } => Request::Expunge {
                mailbox: self.mailbox(me, mailbox),
                within: within.map(set),
                at_ms: self.now_ms(),
                since: modseq(since),
            },
            _ => Request::ListMailboxes { recent: false },
        }
    }

    fn new_account(&mut self, who: u8, login: String) -> Request {
        let id = AccountId(i64::from(self.draw()));
        let taken = self
            .store
            .run(Actor::Operator, Request::FindAccount { login: login.clone() });
        let free = matches!(taken, Ok(Reply::AccountFound(None)));
        if let Some(slot) = self
            .accounts
            .get_mut(usize::from(who) % LOGINS.len())
            .filter(|_| free)
        {
            *slot = Some(id);
        }
        let mut mailboxes = vec![
            self.new_mailbox(MailboxName::inbox()),
            self.new_mailbox(mailbox_name(5)),
        ];
        mailboxes
            .iter_mut()
            .skip(1)
            .for_each(|mailbox| mailbox.special_use = Some(SpecialUse::Junk));
        let quota_bytes = if who == 0 { 0 } else { QUOTA };
        Request::CreateAccount(NewAccount {
            id,
            login,
            password: self.hashes("secret"),
            quota_bytes,
            mailboxes,
            at_ms: self.now_ms(),
        })
    }

    fn new_mailbox(&mut self, name: MailboxName) -> NewMailbox {
        let id = self.draw();
        NewMailbox {
            id: MailboxId(i64::from(id)),
            name,
            special_use: None,
            object_id: half(id),
        }
    }

    fn superiors(&mut self, name: &MailboxName) -> Vec<NewMailbox> {
        name.superiors()
            .map(|superior| self.new_mailbox(superior))
            .collect()
    }

    fn message(&mut self, letter: u16, labels: &Labels) -> NewMessage {
        NewMessage {
            stored: self.upload(letter),
            flags: Flags(u64::from(labels.system)),
            keywords: keywords(&labels.keywords),
            internal_date_s: i64::from(letter) * 86_400,
            email_id: half(self.draw()),
        }
    }

    fn recipient(&mut self, address: &Address) -> Recipient {
        let account = self.account(address.who);
        let head = format!("Delivered-To: {}\r\n", "x".repeat(usize::from(address.head)));
        Recipient {
            key: self.key(address.again),
            account,
            mailbox: self.mailbox(account, address.mailbox),
            instead: address.instead.map(|name| self.new_mailbox(mailbox_name(name))),
            keywords: keywords(&address.keywords),
            head: Bytes::from(head),
            email_id: half(self.draw()),
        }
    }

    /// A new object that holds a small message.
    pub(super) fn upload(&mut self, letter: u16) -> Stored {
        let id = self.draw();
        let date = if letter.is_multiple_of(2) {
            "Date: Tue, 3 Mar 2026 10:00:00 +0100\r\n"
        } else {
            ""
        };
        let text = format!(
            "Subject: {id}\r\n{date}\r\n{}\r\n",
            "y".repeat(usize::from(letter))
        );
        let mut scanner = Scanner::new(Limits::default());
        scanner.push(text.as_bytes());
        let sha256: [u8; 32] = Sha256::digest(&text).into();
        let stored = Stored {
            object: ObjectId(half(id)),
            size: text.len() as u64,
            sha256,
            received_sha256: sha256,
            index: Arc::new(scanner.finish()),
            durable_ms: 0,
            virus: Virus::NotScanned,
        };
        self.stored = Some(stored.clone());
        self.objects.push(stored.object);
        stored
    }

    /// A key that was used before, or a new one.
    fn key(&mut self, again: Option<u8>) -> DeliveryKey {
        let old = again.and_then(|choice| pick(&self.keys, choice));
        old.unwrap_or_else(|| {
            let new = DeliveryKey(half(self.draw()));
            self.keys.push(new);
            new
        })
    }

    /// The newest account of a login, made or not.
    fn account(&self, who: u8) -> AccountId {
        pick(&self.accounts, who).flatten().unwrap_or(AccountId(i64::MAX))
    }

    /// A mailbox of an account, often the first, sometimes a deleted one; seldom somebody else's.
    fn mailbox(&self, account: AccountId, choice: u8) -> MailboxId {
        let owner = if choice >= 250 {
            self.account(choice % 2)
        } else {
            account
        };
        let all: Vec<_> = self.store.modseqs(owner).map(|(id, _)| id).collect();
        pick(&all, if choice.is_multiple_of(2) { 0 } else { choice / 2 }).unwrap_or(MailboxId(i64::MAX))
    }

    pub(super) fn draw(&mut self) -> u32 {
        self.drawn += 1;
        self.drawn
    }

    /// The clock: about a second for each few ids drawn, so that moments repeat.
    pub(super) fn now_ms(&self) -> u64 {
        1_700_000_000_000 + u64::from(self.drawn) * 150
    }

    fn now_s(&self) -> i64 {
        1_700_000_000 + i64::from(self.drawn) * 150 / 1000
    }
}

fn collection(what: u8, before_ms: u64, limit: u32, at_ms: u64) -> Request {
    match what {
        0 => Request::CollectMailboxes { before_ms, limit },
        1 => Request::CollectCalendars { before_ms, limit },
        2 => Request::CollectCalendarObjects {
            before_ms,
            limit,
            at_ms,
        },
        _ => Request::CollectMessages {
            before_ms,
            limit,
            at_ms,
        },
    }
}

pub(super) fn pick<T: Clone>(from: &[T], choice: u8) -> Option<T> {
    from.get(usize::from(choice).checked_rem(from.len())?).cloned()
}

fn mailbox_name(choice: u8) -> MailboxName {
    pick(&NAMES, choice)
        .and_then(|name| MailboxName::new(name).ok())
        .unwrap_or_else(MailboxName::inbox)
}

fn keywords(choices: &[u8]) -> Vec<Keyword> {
    // 1 is 0 in capitals: keywords compare without regard to case.
    let name = |choice: &u8| {
        if *choice == 1 {
            "KEY0".to_owned()
        } else {
            format!("key{choice}")
        }
    };
    choices
        .iter()
        .filter_map(|choice| Keyword::new(&name(choice)))
        .collect()
}

fn set(bits: u16) -> UidSet {
    (0u32..16).filter(|n| bits >> n & 1 == 1).map(|n| n + 1).collect()
}

fn modseq(number: u8) -> ModSeq {
    ModSeq(u64::from(number))
}

/// 16 octets that hold a number.
fn half(number: u32) -> [u8; 16] {
    (0x0190_0000_0000_7000_8000_0000_0000_0000_u128 | u128::from(number)).to_be_bytes()
}
