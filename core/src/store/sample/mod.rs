//! Random request sequences over a small world: three accounts, seven names, few messages, so that requests collide often.
//!
//! A [`Step`] says roughly what to do; [`script`] makes requests of steps. It draws every id by counting and follows along
//! with the reference store, so that most requests hit something. The same steps always give the same requests:
//! run them on two stores and compare the answers.

mod calendar;
mod login;
mod places;
mod script;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Actor, FlagChange, Request};
pub use login::login_scripts;
pub use places::place_scripts;
pub use script::script;

/// One request, roughly. Numbers are choices, taken modulo what there is to choose from.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which account acts.
    who: u8,
    /// Whether somebody asks who may not.
    intruder: bool,
    verb: Verb,
}

#[derive(Clone, Debug)]
enum Verb {
    FindAccount,
    FindRecipient {
        detail: bool,
    },
    CreateAccount,
    SetPassword,
    SetQuota {
        limited: bool,
    },
    DeleteAccount,
    ListAccounts,
    ListMailboxes {
        recent: bool,
    },
    ListSubscriptions,
    Status {
        name: u8,
    },
    Create {
        name: u8,
    },
    Delete {
        name: u8,
    },
    Rename {
        from: u8,
        to: u8,
    },
    Subscribe {
        name: u8,
        remove: bool,
    },
    Open {
        name: u8,
        claim: bool,
    },
    Refresh {
        mailbox: u8,
        since: u8,
        claim: bool,
    },
    Page {
        mailbox: u8,
        uids: u16,
    },
    Store {
        mailbox: u8,
        uids: u16,
        change: FlagChange,
        flags: Labels,
        unchanged_since: Option<u8>,
        since: u8,
    },
    Copy {
        from: u8,
        uids: u16,
        whole: bool,
        to: u8,
        moving: bool,
        again: Option<u8>,
        since: u8,
    },
    Expunge {
        mailbox: u8,
        within: Option<u16>,
        since: u8,
    },
    DeleteMessages {
        mailbox: u8,
        uids: u16,
    },
    Append {
        name: u8,
        instead: Option<u8>,
        letters: Vec<(u16, Labels)>,
    },
    Deliver {
        letter: u16,
        same_object: bool,
        to: Vec<Address>,
    },
    FindDeleted {
        name: Option<u8>,
        /// From how long ago until how long ago, in steps of 150 ms.
        ago: (u8, u8),
        after: Option<(u8, u8)>,
        limit: u8,
    },
    Undelete {
        mailbox: u8,
        uids: u16,
        to: u8,
    },
    Import {
        name: u8,
        letters: Vec<(u16, Labels, Option<u8>)>,
        ignore_quota: bool,
    },
    FindImported {
        keys: Vec<u8>,
    },
    Calendar(calendar::Verb),
    Login(login::Verb),
    Places(places::Verb),
    Lease {
        owner: u8,
        long: bool,
        /// Of the maildrop, in place of the worker's.
        maildrop: bool,
    },
    Collect {
        /// Messages, mailboxes, calendar objects or calendars.
        what: u8,
        /// How long ago, in steps of 150 ms.
        ago: u8,
        limit: u8,
    },
    Claim {
        after: Option<u8>,
        limit: u8,
    },
    Forget {
        objects: u8,
    },
    CountGarbage {
        ago: u8,
    },
    Find {
        from: u8,
        to: u8,
    },
}

/// System flags and keywords.
#[derive(Clone, Debug)]
struct Labels {
    system: u8,
    keywords: Vec<u8>,
}

/// A recipient: an account, a mailbox of it, perhaps a key that was used before.
#[derive(Clone, Debug)]
struct Address {
    who: u8,
    mailbox: u8,
    again: Option<u8>,
    head: u8,
    instead: Option<u8>,
    keywords: Vec<u8>,
}

/// Sequences of up to `len` requests, in front of them those that make the first two accounts.
pub fn scripts(len: usize) -> impl Strategy<Value = Vec<(Actor, Request)>> {
    vec(step(), 1..=len).prop_map(|steps| script(&steps))
}

/// Sequences about calendars and what the garbage worker makes of them; the first two accounts have a calendar.
pub fn calendar_scripts(len: usize) -> impl Strategy<Value = Vec<(Actor, Request)>> {
    let verb = prop_oneof![
        40 => calendar::verb().prop_map(Verb::Calendar),
        8 => garbage(),
        1 => Just(Verb::DeleteAccount),
        1 => Just(Verb::CreateAccount),
    ];
    let (who, rarely) = (
        prop_oneof![8 => Just(0u8), 1 => Just(1)],
        prop::bool::weighted(0.02),
    );
    let step = (who, rarely, verb).prop_map(|(who, intruder, verb)| Step { who, intruder, verb });
    let first = |who| Step {
        who,
        intruder: false,
        verb: Verb::Calendar(calendar::Verb::create()),
    };
    vec(step, 1..=len).prop_map(move |steps| {
        let first = (0..2).map(first);
        script(&first.chain(steps).collect::<Vec<_>>())
    })
}

/// Sequences about messages that are moved, deleted, and asked for back.
pub fn undelete_scripts(len: usize) -> impl Strategy<Value = Vec<(Actor, Request)>> {
    let few = || prop_oneof![Just(0u8), Just(2), Just(5)];
    // About half of the keywords that a mailbox can have, so that those of two messages are too many for one.
    let crowded = (0u8..32, vec(0u8..90, 30..45)).prop_map(|(system, keywords)| Labels { system, keywords });
    let labels = || prop_oneof![3 => labels(), 1 => crowded.clone()];
    let dead = Labels {
        system: 8,
        keywords: Vec::new(),
    };
    let marked = (any::<u8>(), uids()).prop_map(move |(mailbox, uids)| Verb::Store {
        mailbox,
        uids,
        change: FlagChange::Add,
        flags: dead.clone(),
        unchanged_since: None,
        since: 0,
    });
    let verb = prop_oneof![
        6 => (few(), vec((300u16..900, labels()), 1..4))
            .prop_map(|(name, letters)| Verb::Append { name, instead: None, letters }),
        5 => (any::<u8>(), uids(), few(), prop::bool::weighted(0.8)).prop_map(|(from, uids, to, moving)| Verb::Copy {
            from, uids, whole: false, to, moving, again: None, since: 0,
        }),
        4 => marked,
        6 => any::<u8>().prop_map(|mailbox| Verb::Expunge { mailbox, within: None, since: 0 }),
        2 => few().prop_map(|name| Verb::Create { name }),
        1 => few().prop_map(|name| Verb::Delete { name }),
        2 => (any::<u8>(), 0u8..30, any::<bool>())
            .prop_map(|(mailbox, since, claim)| Verb::Refresh { mailbox, since, claim }),
        1 => (any::<u8>(), uids()).prop_map(|(mailbox, uids)| Verb::Page { mailbox, uids }),
        5 => operating(),
        6 => (any::<u8>(), uids(), few()).prop_map(|(mailbox, uids, to)| Verb::Undelete { mailbox, uids, to }),
        1 => garbage(),
    ];
    let step = (0u8..2, verb).prop_map(|(who, verb)| Step {
        who,
        intruder: false,
        verb,
    });
    vec(step, 1..=len).prop_map(|steps| script(&steps))
}

/// One random step.
pub fn step() -> impl Strategy<Value = Step> {
    let rarely = prop::bool::weighted(0.04);
    (prop_oneof![12 => 0u8..2, 1 => Just(2)], rarely, verb()).prop_map(|(who, intruder, verb)| Step {
        who,
        intruder,
        verb,
    })
}

fn verb() -> impl Strategy<Value = Verb> {
    prop_oneof![
        2 => accounts(),
        3 => any::<bool>().prop_map(|recent| Verb::ListMailboxes { recent }),
        1 => Just(Verb::ListSubscriptions),
        14 => tree(),
        16 => reading(),
        14 => (any::<u8>(), uids(), change(), labels(), maybe(0u8..30), 0u8..30).prop_map(
            |(mailbox, uids, change, flags, unchanged_since, since)| Verb::Store {
                mailbox, uids, change, flags, unchanged_since, since,
            }),
        12 => (any::<u8>(), uids(), any::<bool>(), name(), any::<bool>(), maybe(any::<u8>()), 0u8..30).prop_map(
            |(from, uids, whole, to, moving, again, since)| Verb::Copy { from, uids, whole, to, moving, again, since }),
        8 => (any::<u8>(), proptest::option::of(uids()), 0u8..30)
            .prop_map(|(mailbox, within, since)| Verb::Expunge { mailbox, within, since }),
        4 => (any::<u8>(), uids()).prop_map(|(mailbox, uids)| Verb::DeleteMessages { mailbox, uids }),
        10 => (name(), maybe(any::<u8>()), vec((0u16..900, labels()), 1..4))
            .prop_map(|(name, instead, letters)| Verb::Append { name, instead, letters }),
        14 => (0u16..900, prop::bool::weighted(0.1), vec(address(), 1..5))
            .prop_map(|(letter, same_object, to)| Verb::Deliver { letter, same_object, to }),
        8 => calendar::verb().prop_map(Verb::Calendar),
        12 => garbage(),
        14 => operating(),
        // More tokens than requests: no answer depends on how fast a database is.
        6 => login::verb(Just(1000)).prop_map(Verb::Login),
        4 => places::verb().prop_map(Verb::Places),
    ]
}

fn garbage() -> impl Strategy<Value = Verb> {
    prop_oneof![
        1 => (0u8..2, any::<bool>(), any::<bool>())
            .prop_map(|(owner, long, maildrop)| Verb::Lease { owner, long, maildrop }),
        5 => (0u8..4, 0u8..20, 0u8..5).prop_map(|(what, ago, limit)| Verb::Collect { what, ago, limit }),
        3 => (maybe(any::<u8>()), 0u8..4).prop_map(|(after, limit)| Verb::Claim { after, limit }),
        1 => any::<u8>().prop_map(|objects| Verb::Forget { objects }),
        5 => (0u8..20).prop_map(|ago| Verb::CountGarbage { ago }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(from, to)| Verb::Find { from, to }),
    ]
}

fn operating() -> impl Strategy<Value = Verb> {
    let letter = (0u16..900, labels(), proptest::option::weighted(0.3, any::<u8>()));
    prop_oneof![
        4 => (proptest::option::of(name()), (0u8..200, 0u8..4), maybe((any::<u8>(), 0u8..6)), 0u8..9)
            .prop_map(|(name, ago, after, limit)| Verb::FindDeleted { name, ago, after, limit }),
        5 => (any::<u8>(), uids(), name()).prop_map(|(mailbox, uids, to)| Verb::Undelete { mailbox, uids, to }),
        4 => (name(), vec(letter, 1..4), any::<bool>())
            .prop_map(|(name, letters, ignore_quota)| Verb::Import { name, letters, ignore_quota }),
        1 => vec(any::<u8>(), 0..4).prop_map(|keys| Verb::FindImported { keys }),
    ]
}

fn accounts() -> impl Strategy<Value = Verb> {
    prop_oneof![
        2 => Just(Verb::FindAccount),
        3 => any::<bool>().prop_map(|detail| Verb::FindRecipient { detail }),
        3 => Just(Verb::CreateAccount),
        1 => Just(Verb::SetPassword),
        2 => any::<bool>().prop_map(|limited| Verb::SetQuota { limited }),
        1 => Just(Verb::DeleteAccount),
        3 => Just(Verb::ListAccounts),
    ]
}

fn tree() -> impl Strategy<Value = Verb> {
    prop_oneof![
        6 => name().prop_map(|name| Verb::Create { name }),
        2 => name().prop_map(|name| Verb::Delete { name }),
        3 => (name(), name()).prop_map(|(from, to)| Verb::Rename { from, to }),
        2 => (name(), any::<bool>()).prop_map(|(name, remove)| Verb::Subscribe { name, remove }),
    ]
}

fn reading() -> impl Strategy<Value = Verb> {
    prop_oneof![
        2 => name().prop_map(|name| Verb::Status { name }),
        3 => (name(), any::<bool>()).prop_map(|(name, claim)| Verb::Open { name, claim }),
        3 => (any::<u8>(), 0u8..30, any::<bool>())
            .prop_map(|(mailbox, since, claim)| Verb::Refresh { mailbox, since, claim }),
        2 => (any::<u8>(), uids()).prop_map(|(mailbox, uids)| Verb::Page { mailbox, uids }),
    ]
}

/// INBOX more often than others.
fn name() -> impl Strategy<Value = u8> {
    prop_oneof![1 => Just(0), 2 => any::<u8>()]
}

/// Bit n stands for UID n + 1.
fn uids() -> impl Strategy<Value = u16> {
    prop_oneof![
        any::<u16>(),
        Just(u16::MAX),
        Just(0),
        (0u32..16).prop_map(|n| 1 << n)
    ]
}

fn change() -> impl Strategy<Value = FlagChange> {
    prop_oneof![2 => Just(FlagChange::Add), 1 => Just(FlagChange::Remove), 1 => Just(FlagChange::Replace)]
}

/// Now and then more keywords than a mailbox can have.
fn labels() -> impl Strategy<Value = Labels> {
    let keywords = prop_oneof![12 => vec(0u8..6, 0..3), 1 => vec(0u8..90, 40..90)];
    (0u8..32, keywords).prop_map(|(system, keywords)| Labels { system, keywords })
}

fn address() -> impl Strategy<Value = Address> {
    let keywords = prop_oneof![12 => Just(vec![]), 3 => vec(0u8..6, 1..3), 1 => vec(0u8..90, 40..90)];
    let one = (
        0u8..2,
        any::<u8>(),
        maybe(any::<u8>()),
        0u8..80,
        maybe(any::<u8>()),
        keywords,
    );
    one.prop_map(|(who, mailbox, again, head, instead, keywords)| Address {
        who,
        mailbox,
        again,
        head,
        instead,
        keywords,
    })
}

/// Seldom something.
fn maybe<T: std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::weighted(0.15, of)
}
