//! STORE and UID STORE: change flags.
//!
//! RFC 3501, 6.4.6 and 6.4.8; RFC 7162, 3.1.3 (UNCHANGEDSINCE) and 3.1.12; RFC 2180, 4.2 (messages that others have expunged). One
//! store request; what it changed is told when the command ends, by the same lines as the changes of others.
//!
//! A message has one MODSEQ for all its flags. So a conditional STORE fails where another flag has changed; where that can be seen,
//! it is tried once more with what is known now.

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, unexpected};
use crate::imap::enabled::Extension;
use crate::imap::grammar::{FlagList, StoreItem};
use crate::imap::selected::Selected;
use crate::imap::words::Code;
use crate::store::set::{SequenceSet, UidSet};
use crate::store::{FlagChange, Flags, FlagsChanged, Keywords, ModSeq, Reply, Request, Row, Uid};

/// `store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags` (RFC 4466, 6)
pub(super) fn parse(args: &mut Cursor<'_>, form: Form) -> Parsed {
    args.sp()?;
    let set = args.sequence_set()?;
    args.sp()?;
    let unchanged_since = args.store_modifiers()?;
    let item = args.store_item()?;
    args.end()?;
    Ok(Box::new(Store {
        form,
        set,
        unchanged_since,
        item,
    }))
}

#[derive(Debug)]
struct Store {
    form: Form,
    set: SequenceSet,
    unchanged_since: Option<ModSeq>,
    item: StoreItem,
}

impl Command for Store {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        let Store {
            form,
            set,
            unchanged_since,
            item,
        } = *self;
        let uids = match cx.resolve(set, form) {
            Ok(uids) => uids,
            Err(completion) => return completion.into(),
        };
        if unchanged_since.is_some() {
            cx.enable(Extension::CondStore);
        }
        if uids.is_empty() {
            return Completion::ok().into();
        }
        let storing = Storing {
            form,
            uids: uids.clone(),
            unchanged_since,
            item,
            modified: UidSet::default(),
            again: false,
        };
        storing.ask(cx, uids)
    }
}

/// What the whole command remembers.
#[derive(Debug)]
struct Storing {
    form: Form,
    uids: UidSet,
    unchanged_since: Option<ModSeq>,
    item: StoreItem,
    /// Messages that were left alone because they have changed.
    modified: UidSet,
    /// Whether some were tried again.
    again: bool,
}

impl Storing {
    fn ask(self, cx: &mut Context, uids: UidSet) -> Next {
        let Some(selected) = cx.selected() else {
            return Completion::ok().into();
        };
        let request = Request::ChangeFlags {
            mailbox: selected.mailbox(),
            uids,
            change: self.item.change,
            flags: self.item.list.flags,
            keywords: self.item.list.keywords.clone(),
            unchanged_since: self.unchanged_since,
            since: selected.since(),
        };
        cx.ask(request);
        Next::wait(AwaitChanged { storing: self })
    }
}

#[derive(Debug)]
struct AwaitChanged {
    storing: Storing,
}

impl State for AwaitChanged {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            Ok(Reply::FlagsChanged(changed)) => self.storing.changed(cx, changed),
            Ok(other) => unexpected(&other).into(),
            Err(failure) => failure.into(),
        }
    }
}

impl Storing {
    fn changed(mut self, cx: &mut Context, changed: FlagsChanged) -> Next {
        let Some(selected) = &mut cx.selected else {
            return Completion::ok().into();
        };
        let untouched = self.untouched(selected, &changed);
        self.modified = self.modified.union(&changed.modified).difference(&untouched);
        let highest_modseq = changed.refreshed.view.highest_modseq;
        self.absorb(selected, changed);
        if untouched.is_empty() {
            return self.end(selected);
        }
        (self.unchanged_since, self.again) = (Some(highest_modseq), true);
        self.ask(cx, untouched)
    }

    fn absorb(&self, selected: &mut Selected, changed: FlagsChanged) {
        if !self.item.silent {
            return selected.absorb(changed.refreshed);
        }
        let (change, flags) = (
            self.item.change,
            bits(&self.item.list, &changed.refreshed.view.keywords),
        );
        selected.absorb_own(changed.refreshed, &changed.applied, |old| {
            apply(change, old, flags)
        });
    }

    /// Those of the messages left alone that have changed since the client knew them, but not in the flags it speaks of
    /// (RFC 7162, 3.1.12). Replacing flags speaks of them all.
    fn untouched(&self, selected: &Selected, changed: &FlagsChanged) -> UidSet {
        let Some(since) = self
            .unchanged_since
            .filter(|_| !self.again && self.item.change != FlagChange::Replace)
        else {
            return UidSet::default();
        };
        let view = &changed.refreshed.view;
        let flags = bits(&self.item.list, &view.keywords);
        let is_untouched = |uid: &u32| {
            let old = selected.find(Uid(*uid)).map(|(_, row)| row);
            let known = |old: &Row, new: &Row| old.modseq <= since && old.flags & flags == new.flags & flags;
            old.zip(view.get(Uid(*uid)))
                .is_some_and(|(old, new)| known(old, new))
        };
        changed.modified.iter().filter(is_untouched).collect()
    }

    fn end(self, selected: &mut Selected) -> Next {
        if !self.item.silent {
            selected.owe_flags(&self.uids);
        } else if self.unchanged_since.is_some() {
            // A client needs the new MODSEQ of what it has changed, and the flags of what it has not (RFC 7162, 3.1.3).
            selected.owe_modseqs(&self.uids);
            selected.owe_flags(&self.modified);
        }
        // By UID, what is gone is passed over (RFC 3501, 6.4.8).
        let is_gone = |uid| selected.is_gone(Uid(uid));
        let gone = self.form == Form::Plain && !(self.item.silent && self.unchanged_since.is_none());
        let completion = match gone && self.uids.iter().any(is_gone) {
            true => Completion::no(Code::EXPUNGE_ISSUED, "Some of the messages are gone"),
            false => Completion::ok(),
        };
        match self.modified.is_empty() {
            true => completion.into(),
            false => completion.code(self.modified_code(selected)).into(),
        }
    }

    /// `MODIFIED` with the numbers or the UIDs of what was left alone.
    fn modified_code(&self, selected: &Selected) -> Code {
        let numbers = |uid| selected.seq_of(Uid(uid));
        let modified = match self.form {
            Form::Plain => self.modified.iter().filter_map(numbers).collect(),
            Form::Uid => self.modified.clone(),
        };
        Code::MODIFIED.with(format_args!("{modified}"))
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
