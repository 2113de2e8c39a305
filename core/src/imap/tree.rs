//! The tree of mailbox names that LIST and LSUB walk: which names match, which are chosen, and what is below them.
//!
//! RFC 3501, 6.3.8 and 6.3.9; RFC 5258, 3; RFC 6154, 2. A name may exist only because of names below it, and may be subscribed
//! without existing. Pure; holds one entry for each name and each superior of one.

use std::collections::BTreeMap;

use super::grammar::ListSelect;
use super::grammar::glob::Glob;
use crate::store::{MailboxName, SpecialUse, Status};

/// Names, octet by octet.
#[derive(Debug, Default)]
pub(super) struct Tree(BTreeMap<MailboxName, Node>);

#[derive(Debug, Default)]
struct Node {
    exists: bool,
    subscribed: bool,
    special_use: Option<SpecialUse>,
    /// What is counted of it, if that will be told.
    status: Option<Status>,
    /// A pattern matches it.
    matches: bool,
    /// A mailbox exists below.
    children: bool,
    /// A name below meets the criteria.
    chosen_below: bool,
    /// A name below meets the criteria, and no pattern matches it: this name speaks for it.
    hidden_below: bool,
}

/// A name to be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: MailboxName,
    pub(super) exists: bool,
    pub(super) subscribed: bool,
    pub(super) special_use: Option<SpecialUse>,
    /// What is counted of it, if that will be told.
    pub(super) status: Option<Status>,
    pub(super) children: bool,
    /// It meets the criteria itself.
    pub(super) chosen: bool,
    /// A name below meets the criteria.
    pub(super) chosen_below: bool,
}

impl Tree {
    /// Mailboxes that exist; `counted`: what is counted of them will be told.
    pub(super) fn mailboxes(&mut self, mailboxes: Vec<Status>, counted: bool) {
        for status in mailboxes {
            let node = self.node(status.mailbox.name.clone());
            (node.exists, node.special_use) = (true, status.mailbox.special_use);
            node.status = Some(status).filter(|_| counted);
        }
    }

    /// Names that are subscribed.
    pub(super) fn subscriptions(&mut self, names: Vec<MailboxName>) {
        for name in names {
            self.node(name).subscribed = true;
        }
    }

    /// Matches the names behind `after` (`None`: all) against the patterns, until about `steps` octets have been compared.
    /// Returns the last name matched; `None`: that was all.
    pub(super) fn match_some(
        &mut self,
        globs: &[(Glob, usize)],
        after: Option<MailboxName>,
        steps: usize,
    ) -> Option<MailboxName> {
        use std::ops::Bound::{Excluded, Unbounded};
        let cost: usize = globs.iter().map(|(_, octets)| octets + 1).sum();
        let mut left = steps;
        let start = after.map_or(Unbounded, Excluded);
        for (name, node) in self.0.range_mut((start, Unbounded)) {
            node.matches = globs.iter().any(|(glob, _)| glob.matches(name.as_str()));
            left = left.saturating_sub(cost.saturating_mul(name.as_str().len()));
            if left == 0 {
                return Some(name.clone());
            }
        }
        None
    }

    /// The names that match and meet the criteria, and those that speak for names below them: where nothing is chosen, superiors
    /// without a mailbox; else, with RECURSIVEMATCH, all superiors of what no pattern shows (RFC 5258, 3.3).
    pub(super) fn choose(mut self, select: ListSelect) -> Vec<Entry> {
        for (name, exists, chosen, hidden) in self.judged(select) {
            for superior in name.superiors() {
                let node = self.node(superior);
                node.children |= exists;
                node.chosen_below |= chosen;
                node.hidden_below |= hidden;
            }
        }
        let listed = self.0.into_iter().filter(|(_, node)| node.is_listed(select));
        listed.map(|(name, node)| node.entry(name, select)).collect()
    }

    fn judged(&self, select: ListSelect) -> Vec<(MailboxName, bool, bool, bool)> {
        let judge = |(name, node): (&MailboxName, &Node)| {
            let chosen = node.chosen(select);
            (name.clone(), node.exists, chosen, chosen && !node.matches)
        };
        self.0.iter().map(judge).collect()
    }

    /// A name's node; its superiors have theirs.
    fn node(&mut self, name: MailboxName) -> &mut Node {
        if !self.0.contains_key(&name) {
            for superior in name.superiors() {
                self.0.entry(superior).or_default();
            }
        }
        self.0.entry(name).or_default()
    }
}

impl Node {
    fn chosen(&self, select: ListSelect) -> bool {
        (self.exists || !all(select))
            && (self.subscribed || !select.subscribed)
            && (self.special_use.is_some() || !select.special_use)
    }

    fn is_listed(&self, select: ListSelect) -> bool {
        let nameless = all(select) && !self.exists && self.children;
        let speaks = select.recursive_match && self.hidden_below;
        self.matches && (self.chosen(select) || nameless || speaks)
    }

    fn entry(self, name: MailboxName, select: ListSelect) -> Entry {
        let chosen = self.chosen(select);
        let Node {
            exists,
            subscribed,
            special_use,
            status,
            children,
            chosen_below,
            ..
        } = self;
        Entry {
            name,
            exists,
            subscribed,
            special_use,
            status,
            children,
            chosen,
            chosen_below,
        }
    }
}

/// Whether nothing is selected: all that exists is listed.
fn all(select: ListSelect) -> bool {
    !select.subscribed && !select.special_use
}
