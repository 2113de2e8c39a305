use std::collections::{BTreeMap, BTreeSet};

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::imap::grammar;
use crate::store::{Flag, Mailbox};

/// A mailbox as a store has it.
#[derive(Debug)]
struct Server {
    messages: BTreeMap<u32, (u64, u64)>,
    vanished: Vec<(u32, u64)>,
    uid_next: u32,
    modseq: u64,
}

impl Server {
    fn new() -> Self {
        Self {
            messages: BTreeMap::new(),
            vanished: Vec::new(),
            uid_next: 1,
            modseq: 1,
        }
    }

    fn add(&mut self, count: u32) {
        for _ in 0..count {
            self.modseq += 1;
            self.messages.insert(self.uid_next, (0, self.modseq));
            self.uid_next += 1;
        }
    }

    /// Changes the n-th message, if there is one.
    fn flip(&mut self, n: usize, flags: u64) {
        self.modseq += 1;
        let modseq = self.modseq;
        if let Some(message) = self.messages.values_mut().nth(n) {
            *message = (message.0 ^ flags, modseq);
        }
    }

    fn expunge(&mut self, n: usize) {
        if let Some(&uid) = self.messages.keys().nth(n) {
            self.modseq += 1;
            self.messages.remove(&uid);
            self.vanished.push((uid, self.modseq));
        }
    }

    fn view(&self) -> Arc<View> {
        let row = |(&uid, &(flags, modseq)): (&u32, &(u64, u64))| Row {
            uid: Uid(uid),
            size: 1,
            flags: Flags(flags),
            modseq: ModSeq(modseq),
            internal_date_s: 0,
            sent_date_s: 0,
        };
        let mut view = View::empty(MailboxId(1), 1);
        (view.uid_next, view.highest_modseq) = (Uid(self.uid_next), ModSeq(self.modseq));
        Arc::new(view.with_rows(self.messages.iter().map(row)))
    }

    fn opened(&self, recent_from: u32) -> Opened {
        let mailbox = Mailbox {
            id: MailboxId(1),
            name: MailboxName::inbox(),
            uid_validity: 1,
            uid_next: Uid(self.uid_next),
            highest_modseq: ModSeq(self.modseq),
            msgs: 0,
            unseen: 0,
            bytes: 0,
            recent_from: Uid(recent_from),
            special_use: None,
            object_id: [0; 16],
        };
        Opened {
            mailbox,
            view: self.view(),
            recent_from: Uid(recent_from),
        }
    }

    fn refreshed(&self, since: ModSeq, recent_from: u32) -> Refreshed {
        let changed = self
            .messages
            .iter()
            .filter(|(_, message)| message.1 > since.0)
            .map(|(&uid, _)| uid)
            .collect();
        let vanished = self
            .vanished
            .iter()
            .filter(|gone| gone.1 > since.0)
            .map(|gone| gone.0)
            .collect();
        Refreshed {
            view: self.view(),
            changed,
            vanished,
            recent_from: Uid(recent_from),
        }
    }
}

/// What a client makes of the lines it reads: it knows no UIDs but by position.
#[derive(Debug)]
struct Client {
    messages: Vec<(u32, String)>,
}

impl Client {
    /// Reads responses; `server` is asked for the UIDs of new messages, as a client would by FETCH.
    fn read(&mut self, selected: &Selected, told: &[u8], expunges: bool) {
        for line in std::str::from_utf8(told).unwrap().lines() {
            let mut words = line.strip_prefix("* ").unwrap().splitn(3, ' ');
            let number: usize = words.next().unwrap().parse().unwrap();
            match (words.next().unwrap(), words.next()) {
                ("EXPUNGE", None) => {
                    assert!(expunges, "an expunge was told where none may be");
                    self.messages.remove(number - 1);
                }
                ("EXISTS", None) => {
                    assert!(
                        number > self.messages.len(),
                        "EXISTS shrinks or is told for nothing"
                    );
                    for at in self.messages.len()..number {
                        let row = selected.row_at(at as u32 + 1).unwrap();
                        self.messages.push((row.uid.0, row.flags.0.to_string()));
                    }
                }
                ("RECENT", None) => assert!(number <= self.messages.len()),
                ("FETCH", Some(items)) => self.messages[number - 1].1 = items.to_owned(),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Change {
    Add(u32),
    Flip(usize, u64),
    Expunge(usize),
    /// The store says: what is new is recent from so many before UIDNEXT on.
    Absorb(u32),
    Tell(bool),
    /// The client itself adds flags to all its messages, and wants to hear nothing of it.
    Own(u64),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0u32..4).prop_map(Change::Add),
        (0usize..12, 1u64..8).prop_map(|(n, flags)| Change::Flip(n, flags)),
        (0usize..12).prop_map(Change::Expunge),
        (0u32..6).prop_map(Change::Absorb),
        any::<bool>().prop_map(Change::Tell),
        (1u64..8).prop_map(Change::Own),
    ]
}

fn spelled(flags: u64) -> String {
    let mut out = BytesMut::from(&b"(FLAGS "[..]);
    grammar::print::flags(&mut out, Flags(flags), &Keywords::default(), false);
    out.extend_from_slice(b")");
    String::from_utf8(out.to_vec()).unwrap()
}

fn bits(spelled: &str) -> u64 {
    spelled.parse().unwrap_or_else(|_| {
        Flag::ALL
            .into_iter()
            .filter(|flag| spelled.contains(flag.name()))
            .fold(0, |all, flag| all | Flags::from(flag).0)
    })
}

fn manner(expunges: bool, uid: bool) -> Manner {
    Manner {
        expunges,
        uid,
        ..Manner::default()
    }
}

fn tell_all(selected: &mut Selected, client: &mut Client, expunges: bool) {
    loop {
        let mut out = BytesMut::new();
        let told = selected.tell(&mut out, manner(expunges, false));
        client.read(selected, &out, expunges);
        if told == Told::All {
            return;
        }
    }
}

fn rows(selected: &Selected) -> impl Iterator<Item = &Row> {
    selected.rows_within(Uid(1), Uid(u32::MAX))
}

/// Numbers mean the same to both sides, told or not.
fn agree(selected: &Selected, client: &Client) {
    assert_eq!(selected.exists(), client.messages.len());
    let uids: Vec<_> = client.messages.iter().map(|message| message.0).collect();
    assert!(rows(selected).map(|row| row.uid.0).eq(uids.iter().copied()));
    for (at, &uid) in uids.iter().enumerate() {
        let number = at as u32 + 1;
        assert_eq!(selected.row_at(number).map(|row| row.uid), Some(Uid(uid)));
        assert_eq!(selected.seq_of(Uid(uid)), Some(number));
        assert_eq!(selected.find(Uid(uid)).map(|(_, row)| row.uid), Some(Uid(uid)));
    }
    assert_eq!(selected.row_at(0), None);
    assert_eq!(selected.row_at(uids.len() as u32 + 1), None);
    let known: BTreeSet<_> = uids.iter().copied().collect();
    for uid in (1..60).filter(|uid| !known.contains(uid)) {
        assert_eq!((selected.seq_of(Uid(uid)), selected.find(Uid(uid))), (None, None));
    }
    let all = SequenceSet::parse(b"1:*").unwrap();
    assert_eq!(
        selected.resolve(all.clone(), true).unwrap(),
        uids.iter().copied().collect()
    );
    assert_eq!(
        selected.resolve(all, false).ok(),
        (!uids.is_empty()).then(|| uids.iter().copied().collect())
    );
    let recent = rows(selected).filter(|row| selected.is_recent(row.uid)).count();
    assert_eq!(selected.recent(), recent);
}

proptest! {
    #[test]
    fn a_client_that_only_listens_is_always_right(
        first in 0u32..8,
        recent_from in 1u32..10,
        changes in proptest::collection::vec(change(), 0..40),
    ) {
        let mut server = Server::new();
        server.add(first);
        let mut selected = Selected::new(server.opened(recent_from.min(server.uid_next)), false);
        let messages = rows(&selected).map(|row| (row.uid.0, row.flags.0.to_string())).collect();
        let mut client = Client { messages };
        let mut recent: BTreeSet<u32> = (recent_from..server.uid_next).collect();
        for change in changes {
            match change {
                Change::Add(count) => server.add(count),
                Change::Flip(n, flags) => server.flip(n, flags),
                Change::Expunge(n) => server.expunge(n),
                Change::Absorb(back) => {
                    let recent_from = server.uid_next.saturating_sub(back).max(1);
                    let had_below = selected.view().uid_next.0;
                    recent.extend(recent_from.max(had_below)..server.uid_next);
                    selected.absorb(server.refreshed(selected.since(), recent_from));
                }
                Change::Tell(expunges) => tell_all(&mut selected, &mut client, expunges),
                Change::Own(flags) => {
                    let own: UidSet = rows(&selected).map(|row| row.uid.0).filter(|uid| server.messages.contains_key(uid)).collect();
                    server.modseq += 1;
                    let modseq = server.modseq;
                    own.iter().for_each(|uid| {
                        let message = server.messages.get_mut(&uid).unwrap();
                        *message = (message.0 | flags, modseq);
                    });
                    for message in client.messages.iter_mut().filter(|message| own.contains(message.0)) {
                        message.1 = spelled(bits(&message.1) | flags);
                    }
                    selected.absorb_own(server.refreshed(selected.since(), server.uid_next), &own, |old| old | Flags(flags));
                }
            }
            agree(&selected, &client);
            let heard = (1..server.uid_next).filter(|&uid| selected.is_recent(Uid(uid)));
            prop_assert_eq!(heard.collect::<BTreeSet<_>>(), recent.clone());
        }
        selected.absorb(server.refreshed(selected.since(), server.uid_next));
        tell_all(&mut selected, &mut client, true);
        agree(&selected, &client);
        let known: Vec<_> = client.messages.iter().map(|message| (message.0, bits(&message.1))).collect();
        let there: Vec<_> = server.messages.iter().map(|(&uid, &(flags, _))| (uid, flags)).collect();
        prop_assert_eq!(known, there);
        let mut out = BytesMut::new();
        prop_assert_eq!(selected.tell(&mut out, manner(true, true)), Told::All);
        prop_assert!(out.is_empty(), "{:?}", out);
    }
}

#[test]
fn numbers_and_uids_resolve() {
    let mut server = Server::new();
    server.add(6);
    server.expunge(1);
    server.expunge(3);
    let selected = Selected::new(server.opened(7), false);
    // The UIDs are 1, 3, 4, 6.
    for (set, uid, expected) in [
        ("1", false, Some("1")),
        ("2:3", false, Some("3:4")),
        ("3:2", false, Some("3:4")),
        ("*", false, Some("6")),
        ("*:3", false, Some("4,6")),
        ("5", false, None),
        ("1,9", false, None),
        ("2", true, Some("")),
        ("2:5", true, Some("3:4")),
        ("*", true, Some("6")),
        ("100:*", true, Some("6")),
        ("1:4294967295", true, Some("1,3:4,6")),
    ] {
        let set = SequenceSet::parse(set.as_bytes()).unwrap();
        let resolved = selected
            .resolve(set.clone(), uid)
            .ok()
            .map(|uids| uids.to_string());
        assert_eq!(resolved.as_deref(), expected, "{set:?} {uid}");
    }
}

#[test]
fn another_mailboxs_news_and_old_news_change_nothing() {
    let mut server = Server::new();
    server.add(3);
    let mut selected = Selected::new(server.opened(1), false);
    server.expunge(0);
    let stale = Refreshed {
        view: selected.view().clone(),
        ..server.refreshed(ModSeq(1), 1)
    };
    selected.absorb(server.refreshed(selected.since(), 4));
    assert_eq!(selected.view().len(), 2);
    selected.absorb(stale);
    assert_eq!((selected.view().len(), selected.exists()), (2, 3));
    let other = Arc::new(View::empty(MailboxId(2), 1));
    selected.absorb(Refreshed {
        view: other,
        ..server.refreshed(ModSeq(1), 1)
    });
    assert_eq!(selected.view().len(), 2);
}

/// News that a store has forgotten, or a message that comes back among the others, must not shift numbers in silence.
#[test]
fn news_that_do_not_add_up_are_noticed() {
    let mut server = Server::new();
    server.add(3);
    let opened = server.opened(1);
    server.expunge(1);
    let mut selected = Selected::new(opened.clone(), false);
    selected.absorb(Refreshed {
        vanished: UidSet::default(),
        ..server.refreshed(ModSeq(1), 4)
    });
    assert_eq!(
        selected.tell(&mut BytesMut::new(), manner(true, false)),
        Told::Lost
    );

    let mut selected = Selected::new(server.opened(1), false);
    let mut restored = (*opened.view).clone();
    restored.highest_modseq = ModSeq(100);
    selected.absorb(Refreshed {
        view: Arc::new(restored),
        ..server.refreshed(ModSeq(100), 4)
    });
    assert_eq!(
        selected.tell(&mut BytesMut::new(), manner(true, false)),
        Told::Lost
    );
}
