//! The invariants of a store (I1 to I7): what must be true after every request.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::{Flag, Flags, ModSeq, ObjectId, Uid, domain_of};

use super::calendar::Collection;
use super::folder::{Folder, Message};
use super::{Account, Load, MAILBOXES_MAX, SUBSCRIPTIONS_MAX, Store};

/// Says what is wrong with a store, one line a finding; an empty list is a sound store.
pub fn check(store: &Store) -> Vec<String> {
    let mut findings = Findings::default();
    store
        .folders
        .values()
        .for_each(|folder| check_folder(folder, &mut findings));
    store.accounts.iter().for_each(|(id, account)| {
        let mine: Vec<_> = store
            .folders
            .values()
            .filter(|folder| folder.account == *id)
            .collect();
        check_account(account, &mine, &mut findings);
    });
    check_owners(store, &mut findings);
    check_calendars(store, &mut findings);
    check_objects(store, &mut findings);
    check_receipts(store, &mut findings);
    findings.0
}

#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(what());
        }
    }
}

/// I4, I6 and I7 within one mailbox.
fn check_folder(folder: &Folder, findings: &mut Findings) {
    let line = &folder.line;
    let name = &line.name;
    let live = || folder.live().map(|message| message.row);
    let unseen = live().filter(|row| !row.flags.has(Flag::Seen)).count() as u64;
    let bytes = live().map(|row| u64::from(row.size)).sum::<u64>();
    let counted = (line.msgs, line.unseen, line.bytes);
    let found = (live().count() as u64, unseen, bytes);
    findings.must(counted == found, || {
        format!("I6 {name}: counts (msgs, unseen, bytes) {counted:?}, has {found:?}")
    });
    findings.must(folder.deleted_at_ms.is_none() || line.msgs == 0, || {
        format!("{name}: deleted, but has live messages")
    });
    findings.must(line.recent_from <= line.uid_next, || {
        format!("{name}: recent from beyond UIDNEXT")
    });
    // A UID that has no row and is not known as expunged is one that was lost or given twice.
    let given = u64::from(line.uid_next.0.saturating_sub(1));
    let gone = folder.gone.values().map(|uids| uids.len()).sum::<u64>();
    findings.must(folder.messages.len() as u64 + gone == given, || {
        format!("I7 {name}: gave {given} UIDs, has other rows")
    });
    let twice = folder.messages.keys().find(|uid| folder.has_gone(**uid));
    findings.must(twice.is_none(), || {
        format!("I7 {name}: {twice:?} has a row and is expunged")
    });
    findings.must(
        folder.gone.keys().all(|modseq| *modseq <= line.highest_modseq),
        || format!("I4 {name}: expunged above HIGHESTMODSEQ"),
    );
    let newest = folder.messages.keys().next_back().copied().unwrap_or(Uid(0));
    findings.must(newest < line.uid_next, || {
        format!("I4 {name}: {newest:?} is not below UIDNEXT")
    });
    let known = known_flags(folder);
    for (uid, message) in &folder.messages {
        check_message(*uid, message, folder, known, findings);
    }
}

fn check_message(uid: Uid, message: &Message, folder: &Folder, known: Flags, findings: &mut Findings) {
    let (name, row) = (&folder.line.name, &message.row);
    findings.must(row.uid == uid && uid.0 > 0, || {
        format!("I4 {name}: {uid:?} is filed under another UID")
    });
    let modseq = row.modseq;
    findings.must((2..=folder.line.highest_modseq.0).contains(&modseq.0), || {
        format!("I4 {name} {uid:?}: {modseq:?}")
    });
    findings.must(known.has(row.flags), || {
        format!("{name} {uid:?}: {:?} names no keyword", row.flags)
    });
    let size = message.object_size + message.head.len() as u64;
    findings.must(u64::from(row.size) == size, || {
        format!("{name} {uid:?}: size {} is not {size}", row.size)
    });
}

/// The flags that can be set in a mailbox.
fn known_flags(folder: &Folder) -> Flags {
    (0..folder.keywords.len())
        .map(Flags::keyword)
        .fold(Flags::SYSTEM, |known, bit| known | bit)
}

/// I5 and I6 of an account, and its lists.
fn check_account(account: &Account, mine: &[&Folder], findings: &mut Findings) {
    let login = &account.login;
    let mut used = Load::default();
    mine.iter()
        .flat_map(|folder| folder.live())
        .for_each(|message| used.add(message.row.size));
    let counted = Load {
        msgs: account.used_msgs,
        bytes: account.used_bytes,
    };
    findings.must(counted == used, || {
        format!("I6 {login}: counts {counted:?}, has {used:?}")
    });
    let validities: BTreeSet<_> = mine.iter().map(|folder| folder.line.uid_validity).collect();
    findings.must(validities.len() == mine.len(), || {
        format!("I5 {login}: a UIDVALIDITY was given twice")
    });
    let newest = validities.last().copied().unwrap_or(0);
    findings.must(newest <= account.last_uid_validity, || {
        format!("I5 {login}: UIDVALIDITY {newest} may come again")
    });
    let live: BTreeMap<_, _> = mine
        .iter()
        .filter(|folder| folder.deleted_at_ms.is_none())
        .map(|f| (&f.line.name, &f.line.id))
        .collect();
    findings.must(account.names.iter().eq(live), || {
        format!("{login}: the tree names other mailboxes than there are")
    });
    let many = account.names.len() > MAILBOXES_MAX || account.subscriptions.len() > SUBSCRIPTIONS_MAX;
    findings.must(!many, || format!("{login}: more names than allowed"));
}

/// What has no account is deleted.
fn check_owners(store: &Store, findings: &mut Findings) {
    for folder in store.folders.values() {
        let owned = store.accounts.contains_key(&folder.account);
        findings.must(owned || folder.deleted_at_ms.is_some(), || {
            format!("{}: lives without an account", folder.line.name)
        });
    }
    check_places(store, findings);
}

/// Addresses lead to accounts, as an account's own or as an alias, and their domains are ours.
fn check_places(store: &Store, findings: &mut Findings) {
    let own = store.addresses.iter();
    let led = store
        .aliases
        .iter()
        .flat_map(|(alias, accounts)| accounts.iter().map(move |id| (alias, id)));
    for (address, account) in own.chain(led) {
        findings.must(store.accounts.contains_key(account), || {
            format!("{address}: leads to no account")
        });
        findings.must(store.domains.contains_key(domain_of(address)), || {
            format!("{address}: its domain is none of ours")
        });
    }
    for (alias, accounts) in &store.aliases {
        let alone = !accounts.is_empty() && !store.addresses.contains_key(alias);
        findings.must(alone, || {
            format!("{alias}: leads to nobody, or is an account's too")
        });
    }
    for (name, domain) in &store.domains {
        let there = domain
            .catch_all
            .is_none_or(|account| store.accounts.contains_key(&account));
        findings.must(there, || format!("{name}: its catch-all is no account"));
    }
}

/// I4 and I6 of calendars, and what makes an account's calendars and a calendar's objects unique.
fn check_calendars(store: &Store, findings: &mut Findings) {
    let mut names = BTreeSet::new();
    for collection in store.calendars.values() {
        let (name, live) = (&collection.line.name, collection.deleted_at_ms.is_none());
        let owned = store.accounts.contains_key(&collection.account);
        findings.must(owned || !live, || {
            format!("calendar {name:?}: lives without an account")
        });
        findings.must(!live || names.insert((collection.account, name)), || {
            format!("calendar {name:?}: its name is given twice")
        });
        check_collection(collection, findings);
    }
}

fn check_collection(collection: &Collection, findings: &mut Findings) {
    let (name, modseq) = (&collection.line.name, collection.line.modseq);
    let live = collection.all_live().count() as u64;
    findings.must(collection.line.objects == live, || {
        format!(
            "I6 calendar {name:?}: counts {}, has {live}",
            collection.line.objects
        )
    });
    findings.must(collection.deleted_at_ms.is_none() || live == 0, || {
        format!("calendar {name:?}: deleted, but has live objects")
    });
    let uids: BTreeSet<_> = collection.all_live().map(|object| &object.uid).collect();
    findings.must(uids.len() as u64 == live, || {
        format!("calendar {name:?}: a UID is given twice")
    });
    findings.must(collection.removed_floor <= modseq, || {
        format!("I4 calendar {name:?}: forgot removals above its MODSEQ")
    });
    for ((place, gone), entry) in &collection.objects {
        let object = &entry.object;
        let is_live = *gone == ModSeq(0);
        let at_home = object.name == *place && (is_live || object.modseq == *gone);
        findings.must(at_home && is_live == entry.deleted_at_ms.is_none(), || {
            format!("calendar {name:?} {place:?}: is filed elsewhere")
        });
        findings.must((ModSeq(2)..=modseq).contains(&object.modseq), || {
            format!("I4 calendar {name:?} {place:?}: {:?}", object.modseq)
        });
    }
}

/// I1, I2 and I3: every message and calendar object has its body, and bodies count them.
fn check_objects(store: &Store, findings: &mut Findings) {
    let mut refs: BTreeMap<ObjectId, u64> = BTreeMap::new();
    let messages = store.folders.values().flat_map(|folder| folder.messages.values());
    let messages = messages.map(|message| (message.object, message.object_size));
    let entries = store
        .calendars
        .values()
        .flat_map(|calendar| calendar.objects.values());
    let entries = entries.map(|entry| (entry.object.object, entry.object.size));
    for (id, expected) in messages.chain(entries) {
        *refs.entry(id).or_default() += 1;
        let size = store.objects.get(&id).map(|object| object.size);
        findings.must(size == Some(expected), || {
            format!("I2 {id:?}: missing, or of another size")
        });
    }
    for (id, object) in &store.objects {
        let found = refs.get(id).copied().unwrap_or(0);
        findings.must(object.refs == found, || {
            format!("I3 {id:?}: counts {} rows, has {found}", object.refs)
        });
        findings.must(!object.claimed || found == 0, || {
            format!("I2 {id:?}: is being deleted and has {found} rows")
        });
    }
}

/// I1: what a key brought is there, or was expunged since.
fn check_receipts(store: &Store, findings: &mut Findings) {
    for (key, receipt) in &store.receipts {
        let folder = store.folders.get(&receipt.mailbox);
        let there = folder
            .is_some_and(|folder| folder.messages.contains_key(&receipt.uid) || folder.has_gone(receipt.uid));
        findings.must(there, || format!("I1 {key:?}: {receipt:?} is not there"));
    }
}
