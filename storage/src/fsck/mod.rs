//! `lightmail fsck`: the invariants I1 to I8, checked both ways between the database and the bodies, and repaired where other
//! rows tell what is right.
//!
//! It runs beside servers: a rule is one statement, so one snapshot, and what two questions have told is asked again before it is
//! a finding. Memory does not grow with the store.
//!
//! Invariant: without [`Wish::repair`] nothing is written; a row of a message is never deleted, and a body never touched.

mod bodies;
mod domain;
mod finding;
mod fix;
mod fix_index;
mod fix_uids;
mod lanes;
mod places;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lightmail_core::machine::ObjectKind;
use lightmail_core::store::Failure;

use crate::Storage;
use crate::sql::db::{Answer, Columns, sql};
use crate::sql::short::Short;
use crate::sql::tx::Tx;
use crate::storage::Inner;
use domain::{Domain, Key, Page};
pub use finding::{Event, Finding, Place, Progress, Repair, Rule, Subject, Summary, Wish};
use fix::Bench;
use rules::{RULES, RowRule};

/// How long a statement may take: a table is counted whole, and servers may be at work beside.
const LIMIT: Duration = Duration::from_secs(3600);

/// Findings of one rule in one page that are told one by one; of more, only the number is.
const TOLD_MAX: usize = 10_000;

const MESSAGES: &str = "SELECT COUNT(*) FROM messages";

impl Storage {
    /// Checks the whole store, and repairs what it is asked to. `tell` hears of findings and of progress while it runs.
    ///
    /// Errors: the database or the bucket did not answer; what had been found until then was told.
    pub async fn fsck(&self, wish: Wish, tell: &mut (dyn FnMut(Event) + Send)) -> Result<Summary, Failure> {
        let inner = self.inner();
        let mut check = Check {
            inner,
            wish,
            tell,
            bench: Bench {
                inner,
                short: Short::new(inner),
                at_ms: wish.at_ms,
            },
            summary: Summary::default(),
            progress: Progress {
                what: "rows",
                done: 0,
                total: 0,
            },
        };
        let ended = check.run().await;
        let summary = check.summary;
        check.bench.short.close().await;
        ended.map(|()| summary)
    }
}

/// A check under way.
struct Check<'a> {
    inner: &'a Arc<Inner>,
    wish: Wish,
    tell: &'a mut (dyn FnMut(Event) + Send),
    bench: Bench<'a>,
    summary: Summary,
    progress: Progress,
}

impl Check<'_> {
    async fn run(&mut self) -> Result<(), Failure> {
        self.measure().await?;
        for rule in RULES {
            self.rule(rule).await?;
        }
        for kind in [ObjectKind::Email, ObjectKind::Calendar] {
            self.bodies(kind).await?;
        }
        Ok(())
    }

    /// How much there is to do.
    async fn measure(&mut self) -> Result<(), Failure> {
        let mut sizes = BTreeMap::new();
        let domains: BTreeSet<_> = RULES.iter().map(|rule| rule.domain).collect();
        for domain in domains {
            let count = async |tx: &mut Tx<'_>| domain.count(tx).await;
            sizes.insert(domain, self.inner.read_within(LIMIT, "fsck", count).await?);
        }
        let size = |domain| sizes.get(&domain).copied().unwrap_or(0);
        let rows: u64 = RULES.iter().map(|rule| size(rule.domain)).sum();
        let objects = size(Domain::Objects);
        let count = async |tx: &mut Tx<'_>| {
            let row = tx.db.first(sql(MESSAGES)).await?;
            row.map_or(Ok(0), |row| row.count(0))
        };
        let messages = self.inner.read_within(LIMIT, "fsck", count).await?;
        let reads = if self.wish.bodies { objects } else { 0 };
        self.progress.total = rows + objects + reads;
        self.summary.messages = messages;
        Ok(())
    }

    /// Checks one rule, page by page.
    async fn rule(&mut self, rule: &'static RowRule) -> Result<(), Failure> {
        let mut page = None;
        loop {
            let next = async |tx: &mut Tx<'_>| rule.domain.page(tx, page.as_ref()).await;
            let Some(next) = self.inner.read_within(LIMIT, "fsck", next).await? else {
                return Ok(());
            };
            while self.page(rule, &next).await? {}
            self.advance(rule.rule.name, next.rows);
            page = Some(next);
        }
    }

    /// Checks one page; whether it is to be checked again, as more was found than can be repaired at a time.
    async fn page(&mut self, rule: &'static RowRule, page: &Page) -> Result<bool, Failure> {
        let find = async |tx: &mut Tx<'_>| breaches(tx, rule, page).await;
        let found = self.inner.read_within(LIMIT, "fsck", find).await?;
        let mut repaired = 0;
        for (subject, key) in found.first {
            repaired += u64::from(self.breach(rule, subject, key).await?);
        }
        let again = found.more > 0 && repaired > 0;
        if !again {
            self.summary.found += found.more;
        }
        Ok(again)
    }

    /// Tells of a breach, after it was repaired if that is asked for; whether it was.
    async fn breach(&mut self, rule: &'static RowRule, subject: Subject, key: Key) -> Result<bool, Failure> {
        let find = async |tx: &mut Tx<'_>| places::places(tx, &subject).await;
        let places = self.inner.read_within(LIMIT, "fsck", find).await?;
        let repair = if !self.wish.repair {
            Repair::NotAsked
        } else if self.repaired(rule, &subject, key).await? {
            Repair::Done
        } else {
            Repair::NotPossible
        };
        self.found(Finding {
            rule: &rule.rule,
            subject,
            places,
            repair,
        });
        Ok(repair == Repair::Done)
    }

    /// Repairs a breach, and looks whether the rule holds now.
    async fn repaired(
        &mut self,
        rule: &'static RowRule,
        subject: &Subject,
        key: Key,
    ) -> Result<bool, Failure> {
        let tried = self.bench.apply(rule.fix, subject).await?;
        // A mailbox may hold very many messages: for one of them the repair's own word is taken.
        if !tried || matches!(subject, Subject::Message(..)) {
            return Ok(tried);
        }
        let page = Page::one(key);
        let find = async |tx: &mut Tx<'_>| breaches(tx, rule, &page).await;
        let left = self.inner.read_within(LIMIT, "fsck", find).await?;
        Ok(left.first.iter().all(|(other, _)| other != subject))
    }

    /// Tells of what is wrong with a body.
    async fn tell(&mut self, rule: &'static Rule, subject: Subject) -> Result<(), Failure> {
        let find = async |tx: &mut Tx<'_>| places::places(tx, &subject).await;
        let places = self.inner.read_within(LIMIT, "fsck", find).await?;
        let repair = if self.wish.repair {
            Repair::NotPossible
        } else {
            Repair::NotAsked
        };
        self.found(Finding {
            rule,
            subject,
            places,
            repair,
        });
        Ok(())
    }

    fn found(&mut self, finding: Finding) {
        self.summary.found += 1;
        self.summary.repaired += u64::from(finding.repair == Repair::Done);
        (self.tell)(Event::Found(finding));
    }

    fn advance(&mut self, what: &'static str, rows: u64) {
        self.progress.what = what;
        self.progress.done += rows;
        self.progress.total = self.progress.total.max(self.progress.done);
        (self.tell)(Event::Progress(self.progress));
    }
}

/// What breaks a rule in a page.
struct Breaches {
    first: Vec<(Subject, Key)>,
    /// How many more there are.
    more: u64,
}

async fn breaches(tx: &mut Tx<'_>, rule: &RowRule, page: &Page) -> Answer<Breaches> {
    let mut found = Breaches {
        first: Vec::new(),
        more: 0,
    };
    let take = |row| {
        if found.first.len() < TOLD_MAX {
            found.first.push(rule.shape.subject(&row)?);
        } else {
            found.more += 1;
        }
        Ok(true)
    };
    tx.db.while_wanted(page.of(rule.text), take).await?;
    Ok(found)
}

/// What breaks the rules about rows in a database that nobody else changes, one line each.
#[cfg(test)]
pub(crate) async fn check_rows(tx: &mut Tx<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in RULES {
        let mut page = None;
        while let Some(next) = rule.domain.page(tx, page.as_ref()).await.unwrap() {
            let found = breaches(tx, rule, &next).await.unwrap();
            let line = |(subject, _)| format!("I{} {}: {subject:?}", rule.rule.invariant, rule.rule.name);
            lines.extend(found.first.into_iter().map(line));
            page = Some(next);
        }
    }
    lines
}

/// How many rules there are about rows.
#[cfg(test)]
pub(crate) fn rules_of_rows() -> usize {
    RULES.len()
}

/// The statement of a rule.
#[cfg(test)]
pub(crate) fn row_rule(name: &str) -> &'static str {
    RULES.iter().find(|rule| rule.rule.name == name).unwrap().text
}

/// How many mailboxes the pages have.
#[cfg(test)]
pub(crate) async fn mailboxes_of_pages(tx: &mut Tx<'_>) -> Vec<u64> {
    let (mut rows, mut page) = (Vec::new(), None);
    while let Some(next) = Domain::Mailboxes.page(tx, page.as_ref()).await.unwrap() {
        rows.push(next.rows);
        page = Some(next);
    }
    rows
}
