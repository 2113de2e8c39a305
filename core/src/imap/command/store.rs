//! STORE and UID STORE: change flags.
//!
//! RFC 3501, 6.4.6 and 6.4.8; RFC 2180, 4.2 (messages that others have expunged). One store request; what it changed is told when the
//! command ends, by the same lines as the changes of others.

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, unexpected};
use crate::imap::grammar::{FlagList, StoreItem};
use crate::imap::words::Code;
use crate::store::set::{SequenceSet, UidSet};
use crate::store::{FlagChange, Flags, FlagsChanged, Keywords, Reply, Request, Uid};

/// `store = "STORE" SP sequence-set SP store-att-flags` (RFC 3501, 9)
pub(super) fn parse(args: &mut Cursor<'_>, form: Form) -> Parsed {
    args.sp()?;
    let set = args.sequence_set()?;
    args.sp()?;
    let item = args.store_item()?;
    args.end()?;
    Ok(Box::new(Store { form, set, item }))
}

#[derive(Debug)]
struct Store {
    form: Form,
    set: SequenceSet,
    item: StoreItem,
}

impl Command for Store {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        let Store { form, set, item } = *self;
        let uids = match cx.resolve(set, form) {
            Ok(uids) => uids,
            Err(completion) => return completion.into(),
        };
        let Some(selected) = cx.selected().filter(|_| !uids.is_empty()) else {
            return Completion::ok().into();
        };
        let request = Request::ChangeFlags {
            mailbox: selected.mailbox(),
            uids: uids.clone(),
            change: item.change,
            flags: item.list.flags,
            keywords: item.list.keywords.clone(),
            unchanged_since: None,
            since: selected.since(),
        };
        cx.ask(request);
        Next::wait(AwaitChanged { form, uids, item })
    }
}

#[derive(Debug)]
struct AwaitChanged {
    form: Form,
    uids: UidSet,
    item: StoreItem,
}

impl State for AwaitChanged {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            Ok(Reply::FlagsChanged(changed)) => self.changed(cx, changed),
            Ok(other) => unexpected(&other).into(),
            Err(failure) => failure.into(),
        }
    }
}

impl AwaitChanged {
    fn changed(self, cx: &mut Context, changed: FlagsChanged) -> Next {
        let Some(selected) = &mut cx.selected else {
            return Completion::ok().into();
        };
        if self.item.silent {
            let flags = bits(&self.item.list, &changed.refreshed.view.keywords);
            let change = self.item.change;
            selected.absorb_own(changed.refreshed, &changed.applied, |old| {
                apply(change, old, flags)
            });
            return Completion::ok().into();
        }
        selected.absorb(changed.refreshed);
        selected.owe_flags(&self.uids);
        // By UID, what is gone is passed over (RFC 3501, 6.4.8).
        match self.form == Form::Plain && self.uids.iter().any(|uid| selected.is_gone(Uid(uid))) {
            true => Completion::no(Code::EXPUNGE_ISSUED, "Some of the messages are gone").into(),
            false => Completion::ok().into(),
        }
    }
}

fn bits(list: &FlagList, keywords: &Keywords) -> Flags {
    list.keywords
        .iter()
        .filter_map(|keyword| keywords.find(keyword))
        .fold(list.flags, |all, bit| all | bit)
}

fn apply(change: FlagChange, old: Flags, flags: Flags) -> Flags {
    match change {
        FlagChange::Add => old | flags,
        FlagChange::Remove => old & !flags,
        FlagChange::Replace => flags,
    }
}
