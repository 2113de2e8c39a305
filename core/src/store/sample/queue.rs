//! Requests about the outbound queue: mail comes, is claimed by several workers, settled and reported, and changed by an operator.
//!
//! A moment here is long over or far away. What is between would depend on how fast a database is, whose clock is another one.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::script::{Script, half, pick, script};
use super::{Address, Step, address};
use crate::store::queue::{
    DeliverBy, LateMail, MailBody, MailOptions, NewReport, Outbound, QueueChange, QueueFate, QueueFilter,
    QueueId, QueuePage, QueueRequest, QueueSelection, QueueState, Settled,
};
use crate::store::{AccountId, Actor, QueueReply, Reply, Request};

const DOMAINS: [&str; 3] = ["example.net", "xn--4ca.example", "elsewhere.example"];
const SENDERS: [&str; 3] = ["a@example.com", "b@example.com", ""];
const PRIORITIES: [i8; 4] = [0, 0, 4, -3];
/// A moment that never comes, in milliseconds since 1970.
pub const FAR_MS: u64 = 9_000_000_000_000;
/// Claims that hold for as long as a script.
const LONG_MS: u64 = 1_000_000_000;

/// One request, roughly.
#[derive(Clone, Debug)]
pub(super) enum Verb {
    Send {
        letter: u16,
        same_object: bool,
        to: Vec<Address>,
        out: Vec<Letter>,
    },
    Claim {
        owner: u8,
        for_ms: u64,
        limit: u32,
    },
    Settle {
        owner: u8,
        settled: Vec<(u8, QueueFate)>,
        report: Option<(Vec<Address>, Vec<Letter>)>,
    },
    Renew {
        owner: u8,
        ids: Vec<u8>,
        for_ms: u64,
    },
    NextDue,
    List(Page),
    Change {
        which: Selection,
        change: QueueChange,
    },
}

/// A recipient elsewhere; now and then an id or a key that was used before.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    again: Option<u8>,
    taken: Option<u8>,
    what: u8,
    later: bool,
}

/// Some entries.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    Ids(Vec<u8>),
    Page(Page),
}

/// A page of entries.
#[derive(Clone, Debug)]
pub(super) struct Page {
    domain: Option<u8>,
    sender: Option<u8>,
    state: Option<QueueState>,
    after: Option<u8>,
    limit: u32,
}

/// Claims hold for so long.
pub(super) fn verb(for_ms: impl Strategy<Value = u64> + Clone) -> impl Strategy<Value = Verb> {
    let letters = || vec(letter(), 0..4);
    let report = prop::option::weighted(0.4, (vec(address(), 0..2), vec(letter(), 0..2)));
    let renewed = prop_oneof![for_ms.clone(), Just(0)];
    prop_oneof![
        10 => (0u16..900, prop::bool::weighted(0.1), vec(address(), 0..2), letters())
            .prop_map(|(letter, same_object, to, out)| Verb::Send { letter, same_object, to, out }),
        9 => (1u8..3, for_ms, 0u32..6).prop_map(|(owner, for_ms, limit)| Verb::Claim { owner, for_ms, limit }),
        8 => (1u8..3, vec((any::<u8>(), fate()), 0..4), report)
            .prop_map(|(owner, settled, report)| Verb::Settle { owner, settled, report }),
        3 => (1u8..3, vec(any::<u8>(), 0..12), renewed)
            .prop_map(|(owner, ids, for_ms)| Verb::Renew { owner, ids, for_ms }),
        2 => Just(Verb::NextDue),
        4 => page().prop_map(Verb::List),
        5 => (selection(), change()).prop_map(|(which, change)| Verb::Change { which, change }),
    ]
}

fn letter() -> impl Strategy<Value = Letter> {
    let rarely = || prop::option::weighted(0.1, any::<u8>());
    let taken = prop::option::weighted(0.03, any::<u8>());
    (rarely(), taken, any::<u8>(), prop::bool::weighted(0.15)).prop_map(|(again, taken, what, later)| {
        Letter {
            again,
            taken,
            what,
            later,
        }
    })
}

fn fate() -> impl Strategy<Value = QueueFate> {
    let error = prop_oneof![8 => "[a-zä]{0,9}", 1 => Just("ä".repeat(600))];
    let held = error.clone().prop_map(|error| QueueFate::Held { error });
    prop_oneof![
        5 => Just(QueueFate::Gone),
        4 => (prop_oneof![0u64..900, Just(FAR_MS)], error, any::<bool>())
            .prop_map(|(next_ms, error, told_delay)| QueueFate::Later { next_ms, error, told_delay }),
        1 => held,
    ]
}

fn change() -> impl Strategy<Value = QueueChange> {
    prop_oneof![
        Just(QueueChange::Retry),
        Just(QueueChange::Hold),
        Just(QueueChange::Release),
        Just(QueueChange::Delete),
    ]
}

fn selection() -> impl Strategy<Value = Selection> {
    prop_oneof![
        vec(any::<u8>(), 0..12).prop_map(Selection::Ids),
        page().prop_map(Selection::Page)
    ]
}

fn page() -> impl Strategy<Value = Page> {
    let state = prop_oneof![
        Just(QueueState::Waiting),
        Just(QueueState::Claimed),
        Just(QueueState::Held)
    ];
    let seldom = || prop::option::weighted(0.3, any::<u8>());
    (
        seldom(),
        seldom(),
        prop::option::weighted(0.3, state),
        seldom(),
        0u32..9,
    )
        .prop_map(|(domain, sender, state, after, limit)| Page {
            domain,
            sender,
            state,
            after,
            limit,
        })
}

/// Sequences about the queue, with accounts and garbage that come and go. `briefly`: claims may end while the script runs, which
/// is the same everywhere only where nobody but the script tells the time.
pub fn queue_scripts(len: usize, briefly: bool) -> impl Strategy<Value = Vec<(Actor, Request)>> {
    let for_ms = match briefly {
        true => prop_oneof![Just(0), Just(300), Just(LONG_MS)].boxed(),
        false => Just(LONG_MS).boxed(),
    };
    let verb = prop_oneof![
        40 => verb(for_ms).prop_map(super::Verb::Queue),
        4 => super::garbage(),
        1 => Just(super::Verb::DeleteAccount),
        1 => Just(super::Verb::CreateAccount),
        1 => any::<bool>().prop_map(|limited| super::Verb::SetQuota { limited }),
    ];
    let step = (0u8..2, prop::bool::weighted(0.02), verb).prop_map(|(who, intruder, verb)| Step {
        who,
        intruder,
        verb,
    });
    vec(step, 1..=len).prop_map(|steps| script(&steps))
}

impl Script {
    pub(super) fn queue(&mut self, me: AccountId, verb: Verb) -> (Actor, Request) {
        // Each request has a moment of its own.
        self.draw();
        let at_ms = self.now_ms();
        let request = match verb {
            Verb::Send {
                letter,
                same_object,
                to,
                out,
            } => {
                let stored = self.upload_or_last(letter, same_object);
                let request = Request::Deliver {
                    recipients: to.iter().map(|address| self.recipient(address)).collect(),
                    outbound: out.iter().map(|letter| self.outbound(me, letter)).collect(),
                    stored,
                    at_ms,
                };
                return (Actor::Door, request);
            }
            Verb::List(page) => {
                let page = self.page(&page);
                return (Actor::Operator, Request::Queue(QueueRequest::List(page)));
            }
            Verb::Change { which, change } => {
                let which = match which {
                    Selection::Ids(ids) => QueueSelection::Ids(self.queued(&ids)),
                    Selection::Page(page) => QueueSelection::Page(self.page(&page)),
                };
                let change = QueueRequest::Change { which, change, at_ms };
                return (Actor::Operator, Request::Queue(change));
            }
            Verb::Claim { owner, for_ms, limit } => QueueRequest::Claim {
                owner: [owner; 16],
                for_ms,
                limit,
                at_ms,
            },
            Verb::Settle {
                owner,
                settled,
                report,
            } => QueueRequest::Settle {
                owner: [owner; 16],
                settled: self.settled(settled),
                report: report.map(|(to, out)| Box::new(self.report(me, &to, &out))),
                at_ms,
            },
            Verb::Renew { owner, ids, for_ms } => QueueRequest::Renew {
                owner: [owner; 16],
                ids: self.queued(&ids),
                for_ms,
                at_ms,
            },
            Verb::NextDue => QueueRequest::NextDue { at_ms },
        };
        (Actor::Worker, Request::Queue(request))
    }

    fn report(&mut self, me: AccountId, to: &[Address], out: &[Letter]) -> NewReport {
        NewReport {
            stored: self.upload(100),
            recipients: to.iter().map(|address| self.recipient(address)).collect(),
            outbound: out.iter().map(|letter| self.outbound(me, letter)).collect(),
        }
    }

    fn outbound(&mut self, me: AccountId, letter: &Letter) -> Outbound {
        let taken = letter.taken.and_then(|choice| pick(&self.entries, choice));
        let id = taken.unwrap_or_else(|| {
            let new = QueueId(half(self.draw()));
            self.entries.push(new);
            new
        });
        let (n, domain) = (letter.what, pick(&DOMAINS, letter.what).unwrap_or_default());
        Outbound {
            id,
            key: self.key(letter.again),
            account: n.is_multiple_of(2).then_some(me),
            sender: pick(&SENDERS, n / 3).unwrap_or_default().to_owned(),
            recipient: format!("user{n}@{domain}"),
            domain: domain.to_owned(),
            head: Bytes::from(format!("Received: by {n}\r\n")),
            options: options(n),
            due_ms: if letter.later { FAR_MS } else { u64::from(n % 7) },
            expires_ms: FAR_MS + u64::from(n),
        }
    }

    /// Mostly entries that somebody has claimed.
    fn settled(&mut self, settled: Vec<(u8, QueueFate)>) -> Vec<Settled> {
        let claimed = self.claimed();
        let one = |(choice, fate)| {
            let from = if choice < 230 { &claimed } else { &self.entries };
            pick(from, choice).map(|id| Settled { id, fate })
        };
        settled.into_iter().filter_map(one).collect()
    }

    fn claimed(&mut self) -> Vec<QueueId> {
        let page = QueuePage {
            filter: QueueFilter {
                state: Some(QueueState::Claimed),
                ..QueueFilter::default()
            },
            after: None,
            limit: u32::MAX,
        };
        let list = Request::Queue(QueueRequest::List(page));
        match self.store.run(Actor::Operator, list) {
            Ok(Reply::Queue(QueueReply::Lines(lines))) => lines.into_iter().map(|line| line.id).collect(),
            _ => Vec::new(),
        }
    }

    fn queued(&self, ids: &[u8]) -> Vec<QueueId> {
        ids.iter()
            .filter_map(|choice| pick(&self.entries, *choice))
            .collect()
    }

    fn page(&self, page: &Page) -> QueuePage {
        let one = |from: &[&str], choice: Option<u8>| {
            let text = choice.and_then(|choice| pick(from, choice));
            text.map(str::to_owned)
        };
        QueuePage {
            filter: QueueFilter {
                domain: one(&DOMAINS, page.domain),
                sender: one(&SENDERS, page.sender),
                state: page.state,
            },
            after: page.after.and_then(|choice| pick(&self.entries, choice)),
            limit: page.limit,
        }
    }
}

fn options(n: u8) -> MailOptions {
    MailOptions {
        body: pick(&[MailBody::SevenBit, MailBody::EightBit, MailBody::Binary], n).unwrap_or_default(),
        utf8: n.is_multiple_of(3),
        priority: pick(&PRIORITIES, n).unwrap_or_default(),
        envid: n.is_multiple_of(5).then(|| format!("envelope+{n}")),
        by: n.is_multiple_of(11).then_some(DeliverBy {
            until_ms: u64::from(n),
            late: LateMail::Return,
            trace: true,
        }),
        ..MailOptions::default()
    }
}
