//! Writers of flags on two nodes beside a reader who only ever asks for what changed above the MODSEQ that it knows (threat D08): at
//! each step what it knows is the mailbox, whatever commits beside it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use futures_lite::future::block_on;
use lightmail_core::store::{Flag, FlagChange, ModSeq, Refreshed, Reply, Request, UidSet};

use super::town::{Home, Kind, Town};

const MESSAGES: u32 = 5;
/// Changes that each of the two writers makes; an odd number for each message, so that the last one sets the flag.
const CHANGES: u32 = 21 * MESSAGES;

/// The n-th change of a writer: each turns a flag of its own, so that none says what is so already.
fn change(home: Home, flag: Flag, n: u32) -> Request {
    let uid = n % MESSAGES + 1;
    Request::ChangeFlags {
        mailbox: home.inbox,
        uids: UidSet::range(uid..=uid),
        change: match n / MESSAGES % 2 {
            0 => FlagChange::Add,
            _ => FlagChange::Remove,
        },
        flags: flag.into(),
        keywords: vec![],
        unchanged_since: None,
        since: ModSeq(1),
    }
}

async fn write(town: &Town, home: Home, flag: Flag) {
    for n in 0..CHANGES {
        let changed = town.storage.run(home.actor(), change(home, flag, n)).await;
        assert!(matches!(changed, Ok(Reply::FlagsChanged(_))), "{changed:?}");
    }
}

async fn refresh(town: &Town, home: Home, since: ModSeq) -> Refreshed {
    let refresh = Request::Refresh {
        mailbox: home.inbox,
        since,
        claim_recent: false,
    };
    match town.storage.run(home.actor(), refresh).await {
        Ok(Reply::Refreshed(news)) => news,
        other => panic!("{other:?}"),
    }
}

/// Goes from MODSEQ to MODSEQ until the writers have ended, and once more.
async fn read(town: &Town, home: Home, writing: &AtomicUsize) {
    let (mut known, mut since, mut is_last) = (BTreeMap::new(), ModSeq(0), false);
    while !is_last {
        is_last = writing.load(Ordering::SeqCst) == 0;
        let news = refresh(town, home, since).await;
        let rows = || news.view.iter().map(|row| (row.uid, (row.flags, row.modseq)));
        known.extend(rows().filter(|(uid, _)| news.changed.contains(uid.0)));
        assert_eq!(known, rows().collect(), "from {since:?}");
        assert!(news.view.highest_modseq >= since, "time goes on");
        since = news.view.highest_modseq;
    }
    let set = known
        .values()
        .filter(|(flags, _)| flags.has(Flag::Seen) && flags.has(Flag::Flagged));
    assert_eq!(set.count(), MESSAGES as usize, "all changes were told");
}

fn race(kind: Kind) {
    let town = block_on(Town::new(kind));
    let home = block_on(town.settle("a@example.com"));
    for n in 0..MESSAGES {
        block_on(town.deliver(&format!("Subject: {n}\r\n\r\n"), &[home])).unwrap();
    }
    let neighbour = block_on(town.neighbour());
    let writing = AtomicUsize::new(2);
    thread::scope(|scope| {
        for (node, flag) in [(&town, Flag::Seen), (&neighbour, Flag::Flagged)] {
            let writing = &writing;
            scope.spawn(move || {
                let _over = Over(writing);
                block_on(write(node, home, flag));
            });
            scope.spawn(move || block_on(read(node, home, writing)));
        }
    });
    assert!(block_on(town.check()).is_empty());
}

/// A writer has ended, well or badly.
struct Over<'a>(&'a AtomicUsize);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn no_change_slips_past_a_reader() {
    Kind::ALL.into_iter().for_each(race);
}
