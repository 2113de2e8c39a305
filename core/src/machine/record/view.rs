//! How a view is written: as what has changed since the last one, which a record has already.

use std::sync::Arc;

use super::text::{Expected, Reader, Recordable, Writer, structs};
use crate::store::view::Changes;
use crate::store::{Keywords, MailboxId, Row, UidSet, View};

structs! {
    Row { uid, size, flags, modseq, internal_date_s, sent_date_s }
}

impl Recordable for Arc<View> {
    /// The mailbox, its counters and keywords, rows that are new or others behind a `+` each, then what has vanished.
    fn write(&self, out: &mut Writer) {
        self.mailbox.write(out);
        self.uid_validity.write(out);
        self.uid_next.write(out);
        self.highest_modseq.write(out);
        self.keywords.to_stored().write(out);
        let before = base(out.view.take(), self.mailbox, self.uid_validity);
        write_changes(&before, self, out).write(out);
        out.view = Some(Arc::clone(self));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        let (mailbox, uid_validity) = (MailboxId::read(from)?, u32::read(from)?);
        let (uid_next, highest_modseq) = (Recordable::read(from)?, Recordable::read(from)?);
        let keywords = Keywords::from_stored(&from.quoted()?).ok_or("keywords")?;
        let mut changes = Changes::default();
        while from.skip("+") {
            changes.changed.push(Row::read(from)?);
        }
        changes.vanished = UidSet::read(from)?;
        if !changes.changed.is_sorted_by(|a, b| a.uid < b.uid) {
            return Err("rows that ascend by UID");
        }
        let mut view = base(from.view.take(), mailbox, uid_validity).apply(&changes);
        (view.uid_next, view.highest_modseq, view.keywords) = (uid_next, highest_modseq, keywords);
        let view = Arc::new(view);
        from.view = Some(Arc::clone(&view));
        Ok(view)
    }
}

/// The view to count from: the last one, if it is of the same mailbox.
fn base(last: Option<Arc<View>>, mailbox: MailboxId, uid_validity: u32) -> Arc<View> {
    last.filter(|last| (last.mailbox, last.uid_validity) == (mailbox, uid_validity))
        .unwrap_or_else(|| Arc::new(View::empty(mailbox, uid_validity)))
}

/// Writes the rows of `new` that are not in `old`; what has vanished. Stops when nothing more fits.
fn write_changes(old: &View, new: &View, out: &mut Writer) -> UidSet {
    let mut vanished = UidSet::default();
    let mut before = old.iter().peekable();
    for row in new.iter() {
        while let Some(gone) = before.next_if(|old| old.uid < row.uid) {
            vanished.insert(gone.uid.0);
        }
        if before.next_if(|old| old.uid == row.uid) != Some(row) {
            out.word("+");
            row.write(out);
        }
        if out.is_full() {
            return vanished;
        }
    }
    before.for_each(|gone| vanished.insert(gone.uid.0));
    vanished
}
