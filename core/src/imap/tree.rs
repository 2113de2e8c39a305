//! The tree of mailbox names that LIST and LSUB walk: which names match, which are chosen, and what is below them.
//!
//! RFC 3501, 6.3.8 and 6.3.9; RFC 5258, 3; RFC 6154, 2. A name may exist only because of names below it, and may be subscribed
//! without existing. Pure; holds one entry for each name and each superior of one.

use std::collections::BTreeMap;

use super::grammar::ListSelect;
use super::grammar::glob::Glob;
use crate::store::{Mailbox, MailboxName, SpecialUse};

/// Names, octet by octet.
#[derive(Debug, Default)]
pub(super) struct Tree(BTreeMap<MailboxName, Node>);

#[derive(Debug, Default)]
struct Node {
    exists: bool,
    subscribed: bool,
    special_use: Option<SpecialUse>,
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
    pub(super) children: bool,
    /// It meets the criteria itself.
    pub(super) chosen: bool,
    /// A name below meets the criteria.
    pub(super) chosen_below: bool,
}

impl Tree {
    /// Mailboxes that exist.
    pub(super) fn mailboxes(&mut self, mailboxes: Vec<Mailbox>) {
        for mailbox in mailboxes {
            let node = self.0.entry(mailbox.name).or_default();
            (node.exists, node.special_use) = (true, mailbox.special_use);
        }
    }

    /// Names that are subscribed.
    pub(super) fn subscriptions(&mut self, names: Vec<MailboxName>) {
        for name in names {
            self.0.entry(name).or_default().subscribed = true;
        }
    }

    /// The names that match a pattern and meet the criteria, and those that speak for names below them: where nothing is chosen,
    /// superiors without a mailbox; else, with RECURSIVEMATCH, all superiors of what no pattern shows (RFC 5258, 3.3).
    pub(super) fn choose(mut self, globs: &[Glob], select: ListSelect) -> Vec<Entry> {
        let matches = |name: &MailboxName| globs.iter().any(|glob| glob.matches(name.as_str()));
        for (name, exists, chosen) in self.names(select) {
            let hidden = chosen && !matches(&name);
            for superior in name.superiors() {
                let node = self.0.entry(superior).or_default();
                node.children |= exists;
                node.chosen_below |= chosen;
                node.hidden_below |= hidden;
            }
        }
        let all = !select.subscribed && !select.special_use;
        let speaks = |node: &Node| {
            if all {
                !node.exists && node.children
            } else {
                select.recursive_match && node.hidden_below
            }
        };
        let listed = self
            .0
            .into_iter()
            .filter(|(name, node)| (node.chosen(select) || speaks(node)) && matches(name));
        listed.map(|(name, node)| node.entry(name, select)).collect()
    }

    fn names(&self, select: ListSelect) -> Vec<(MailboxName, bool, bool)> {
        self.0
            .iter()
            .map(|(name, node)| (name.clone(), node.exists, node.chosen(select)))
            .collect()
    }
}

impl Node {
    fn chosen(&self, select: ListSelect) -> bool {
        let all = !select.subscribed && !select.special_use;
        (self.exists || !all)
            && (self.subscribed || !select.subscribed)
            && (self.special_use.is_some() || !select.special_use)
    }

    fn entry(self, name: MailboxName, select: ListSelect) -> Entry {
        let chosen = self.chosen(select);
        let Node {
            exists,
            subscribed,
            special_use,
            children,
            chosen_below,
            ..
        } = self;
        Entry {
            name,
            exists,
            subscribed,
            special_use,
            children,
            chosen,
            chosen_below,
        }
    }
}
