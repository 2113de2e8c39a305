//! The invariants I1 to I8 of a database, each as one statement that finds what breaks it.
//!
//! One statement is one snapshot on either database, and every transaction keeps the rules, so work in flight breaks none.
//! Each `BETWEEN ? AND ?` is the page of keys that is being checked.
//!
//! What has no row in another table is found by `LEFT JOIN … IS NULL`: MariaDB may answer `NOT EXISTS` by a copy of the whole other
//! table, made anew for each page. References are counted by the page's range of each table that names objects, as `queue` has no index for them.

use super::domain::{Domain, Key};
use super::finding::{Rule, Subject};
use super::fix::Fix;
use crate::sql::db::{Answer, Columns};
use crate::sql::row::DbRow;
use lightmail_core::store::ObjectId;

/// A rule about rows.
#[derive(Debug)]
pub(super) struct RowRule {
    pub(super) rule: Rule,
    pub(super) domain: Domain,
    pub(super) shape: Shape,
    pub(super) text: &'static str,
    pub(super) fix: Fix,
}

/// What the columns of a finding are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Account,
    Mailbox,
    Message,
    Object,
    Delivery,
    Calendar,
    CalendarObject,
    Address,
    Domain,
    Queued,
}

impl Shape {
    /// What a row is about, and its key.
    pub(super) fn subject(self, row: &DbRow) -> Answer<(Subject, Key)> {
        let int = |at| row.int(at);
        Ok(match self {
            Shape::Account => (Subject::Account(int(0)?), Key::Int(int(0)?)),
            Shape::Mailbox => (Subject::Mailbox(int(0)?), Key::Int(int(0)?)),
            Shape::Message => (Subject::Message(int(0)?, int(1)?), Key::Int(int(0)?)),
            Shape::Object => (Subject::Object(ObjectId(row.array(0)?)), Key::Id(row.array(0)?)),
            Shape::Delivery => (Subject::Delivery(row.array(0)?), Key::Id(row.array(0)?)),
            Shape::Calendar => (Subject::Calendar(int(0)?), Key::Int(int(0)?)),
            Shape::CalendarObject => {
                let name = String::from_utf8_lossy(&row.octets(1)?).into_owned();
                (Subject::CalendarObject(int(0)?, name), Key::Int(int(0)?))
            }
            Shape::Address => (Subject::Address(row.text(0)?), Key::Text(row.text(0)?)),
            Shape::Domain => (Subject::Domain(row.text(0)?), Key::Text(row.text(0)?)),
            Shape::Queued => (Subject::Queued(row.array(0)?), Key::Id(row.array(0)?)),
        })
    }
}

macro_rules! rule {
    ($name:literal I $invariant:literal, $domain:ident as $shape:ident, $fix:ident: $text:expr, $means:literal, $remedy:expr) => {
        RowRule {
            rule: Rule {
                name: $name,
                invariant: $invariant,
                means: $means,
                remedy: $remedy,
            },
            domain: Domain::$domain,
            shape: Shape::$shape,
            text: $text,
            fix: Fix::$fix,
        }
    };
}

/// What `--repair` mends.
const REPAIR: &str = "run fsck with --repair";
/// What it does not.
const RESTORE: &str = "restore the row from a backup of the database, or delete what is left of it by hand";

/// In the order in which repairs build on one another.
pub(super) const RULES: &[RowRule] = &[
    rule!("uid-next" I 4, Mailboxes as Mailbox, RaiseNumbers:
        "SELECT b.id FROM mailboxes b WHERE b.id BETWEEN ? AND ? \
         AND EXISTS (SELECT 1 FROM messages m WHERE m.mailbox_id = b.id AND m.uid >= b.uid_next)",
        "a message has a UID that is still to be given: the next one would be refused, or named twice", REPAIR),
    rule!("highest-modseq" I 4, Mailboxes as Mailbox, RaiseNumbers:
        "SELECT b.id FROM mailboxes b WHERE b.id BETWEEN ? AND ? AND \
         (EXISTS (SELECT 1 FROM messages m WHERE m.mailbox_id = b.id AND m.modseq > b.highest_modseq) \
         OR EXISTS (SELECT 1 FROM expunged e WHERE e.mailbox_id = b.id AND e.modseq > b.highest_modseq))",
        "a change has a MODSEQ above HIGHESTMODSEQ: clients may never be told of it", REPAIR),
    rule!("uid-or-modseq-too-small" I 4, Mailboxes as Message, No:
        "SELECT m.mailbox_id, m.uid FROM messages m WHERE m.mailbox_id BETWEEN ? AND ? AND (m.uid < 1 OR m.modseq < 2)",
        "a message has a UID or MODSEQ that is none", RESTORE),
    rule!("message-without-mailbox" I 4, Mailboxes as Mailbox, No:
        "SELECT m.mailbox_id FROM (SELECT DISTINCT mailbox_id FROM messages WHERE mailbox_id BETWEEN ? AND ?) m \
         LEFT JOIN mailboxes b ON b.id = m.mailbox_id WHERE b.id IS NULL",
        "the mailbox of messages is gone: nobody can read them", RESTORE),
    rule!("expunged-without-mailbox" I 7, Mailboxes as Mailbox, ForgetExpunged:
        "SELECT e.mailbox_id FROM (SELECT DISTINCT mailbox_id FROM expunged WHERE mailbox_id BETWEEN ? AND ?) e \
         LEFT JOIN mailboxes b ON b.id = e.mailbox_id WHERE b.id IS NULL",
        "what was expunged is remembered of a mailbox that is gone: it costs space", REPAIR),
    rule!("uid-unaccounted" I 7, Mailboxes as Mailbox, AccountForUids:
        "SELECT b.id FROM mailboxes b LEFT JOIN messages m ON m.mailbox_id = b.id WHERE b.id BETWEEN ? AND ? GROUP BY b.id \
         HAVING MAX(b.uid_next) - 1 <> COUNT(m.uid) + COALESCE((SELECT SUM(e.uid_hi - e.uid_lo + 1) FROM expunged e \
         WHERE e.mailbox_id = b.id), 0)",
        "UIDs were given that neither have a row nor are known as expunged, or that are both: rows of messages may be lost",
        "if rows were lost, restore a backup of the database; else run fsck with --repair, so that clients are told"),
    rule!("recent-from" I 4, Mailboxes as Mailbox, LowerRecent:
        "SELECT b.id FROM mailboxes b WHERE b.id BETWEEN ? AND ? AND b.recent_from > b.uid_next",
        "messages to come are not recent", REPAIR),
    rule!("uid-validity-twice" I 5, Accounts as Account, No:
        "SELECT b.account_id FROM mailboxes b WHERE b.account_id BETWEEN ? AND ? GROUP BY b.account_id \
         HAVING COUNT(*) <> COUNT(DISTINCT b.uid_validity)",
        "two mailboxes of an account have one UIDVALIDITY: after a rename a client may take one for the other",
        "stop the servers and run `lightmail admin bump --after-restore --hard`"),
    rule!("uid-validity-last" I 5, Accounts as Account, RaiseUidValidity:
        "SELECT b.account_id FROM mailboxes b LEFT JOIN uid_validity_seq s ON s.account_id = b.account_id \
         WHERE b.account_id BETWEEN ? AND ? AND (s.last IS NULL OR b.uid_validity > s.last) GROUP BY b.account_id",
        "a UIDVALIDITY in use may be given again", REPAIR),
    rule!("index-without-message" I 1, Mailboxes as Message, ForgetIndex:
        "SELECT i.mailbox_id, i.uid FROM message_index i LEFT JOIN messages m ON m.mailbox_id = i.mailbox_id AND m.uid = i.uid \
         WHERE i.mailbox_id BETWEEN ? AND ? AND m.uid IS NULL",
        "an index row of no message costs space", REPAIR),
    rule!("body-without-row" I 2, Mailboxes as Message, RestoreObject:
        "SELECT m.mailbox_id, m.uid FROM messages m LEFT JOIN object_keys o ON o.id = m.object_id \
         WHERE m.mailbox_id BETWEEN ? AND ? AND o.id IS NULL",
        "the body of a message has no row: the sweep of orphans would delete it",
        "run fsck with --repair: the row is made anew if the body is there and is what the message's index says; else restore the body"),
    rule!("index-missing" I 1, Mailboxes as Message, MakeIndex:
        "SELECT m.mailbox_id, m.uid FROM messages m LEFT JOIN message_index i ON i.mailbox_id = m.mailbox_id AND i.uid = m.uid \
         WHERE m.mailbox_id BETWEEN ? AND ? AND i.uid IS NULL",
        "a message has no index: it cannot be read",
        "run fsck with --repair: the index is made anew from the body, with a field of filler in place of the trace fields"),
    rule!("body-differs-from-message" I 2, Mailboxes as Message, No:
        "SELECT m.mailbox_id, m.uid FROM messages m JOIN message_index i ON i.mailbox_id = m.mailbox_id AND i.uid = m.uid \
         JOIN object_keys o ON o.id = m.object_id WHERE m.mailbox_id BETWEEN ? AND ? \
         AND (o.size + LENGTH(i.head) <> m.size OR o.sha256 <> i.sha256)",
        "message, index and body's row disagree about size or hash", RESTORE),
    rule!("body-claimed" I 2, Objects as Object, No:
        "SELECT o.id FROM object_keys o WHERE o.id BETWEEN ? AND ? AND (o.state NOT IN (1, 2) OR (o.state = 2 AND \
         (o.refs > 0 OR EXISTS (SELECT 1 FROM messages m WHERE m.object_id = o.id) \
         OR EXISTS (SELECT 1 FROM calendar_objects c WHERE c.object_id = o.id) \
         OR EXISTS (SELECT 1 FROM queue q WHERE q.object_id = o.id))))",
        "a body is being deleted that rows name",
        "stop the servers at once; if the body is still there set its state to 1 and run fsck with --repair, else restore it from a backup"),
    rule!("references" I 3, Objects as Object, CountReferences:
        "SELECT o.id FROM object_keys o \
         LEFT JOIN (SELECT object_id, COUNT(*) AS refs FROM messages WHERE object_id BETWEEN ? AND ? GROUP BY object_id) m \
         ON m.object_id = o.id \
         LEFT JOIN (SELECT object_id, COUNT(*) AS refs FROM calendar_objects WHERE object_id BETWEEN ? AND ? GROUP BY object_id) c \
         ON c.object_id = o.id \
         LEFT JOIN (SELECT object_id, COUNT(*) AS refs FROM queue WHERE object_id BETWEEN ? AND ? GROUP BY object_id) q \
         ON q.object_id = o.id \
         WHERE o.id BETWEEN ? AND ? AND o.state = 1 AND ((o.refs = 0) <> (o.zero_at > 0) \
         OR o.refs <> COALESCE(m.refs, 0) + COALESCE(c.refs, 0) + COALESCE(q.refs, 0))",
        "a body counts other rows than those that name it: it may never be deleted, or be taken for garbage", REPAIR),
    rule!("mailbox-counts" I 6, Mailboxes as Mailbox, CountMailbox:
        "SELECT b.id FROM mailboxes b LEFT JOIN messages m ON m.mailbox_id = b.id AND m.deleted_at = 0 \
         WHERE b.id BETWEEN ? AND ? GROUP BY b.id \
         HAVING MAX(b.msgs) <> COUNT(m.uid) OR MAX(b.bytes) <> COALESCE(SUM(m.size), 0) \
         OR MAX(b.unseen) <> COALESCE(SUM((m.flags & 1) = 0), 0) OR MAX(b.deleted) <> COALESCE(SUM((m.flags & 8) <> 0), 0)",
        "STATUS tells wrong numbers of a mailbox", REPAIR),
    rule!("account-counts" I 6, Accounts as Account, CountAccount:
        "SELECT a.id FROM accounts a LEFT JOIN mailboxes b ON b.account_id = a.id WHERE a.id BETWEEN ? AND ? GROUP BY a.id \
         HAVING MAX(a.used_msgs) <> COALESCE(SUM(b.msgs), 0) OR MAX(a.used_bytes) <> COALESCE(SUM(b.bytes), 0)",
        "an account's use, and so its quota, is wrong", REPAIR),
    rule!("deleted-mailbox" I 6, Mailboxes as Mailbox, No:
        "SELECT b.id FROM mailboxes b LEFT JOIN accounts a ON a.id = b.account_id WHERE b.id BETWEEN ? AND ? \
         AND ((b.deleted_at > 0 AND b.msgs > 0) OR (b.deleted_at = 0 AND a.id IS NULL))",
        "a mailbox that is deleted holds messages, or one that is not has no account", RESTORE),
    rule!("delivery-leads-nowhere" I 1, Deliveries as Delivery, ForgetDelivery:
        "SELECT d.k FROM deliveries d JOIN mailboxes b ON b.id = d.mailbox_id \
         LEFT JOIN messages m ON m.mailbox_id = d.mailbox_id AND m.uid = d.uid WHERE d.k BETWEEN ? AND ? AND m.uid IS NULL \
         AND COALESCE((SELECT e.uid_lo FROM expunged e WHERE e.mailbox_id = d.mailbox_id AND e.uid_hi >= d.uid \
         ORDER BY e.uid_hi LIMIT 1), d.uid + 1) > d.uid",
        "a delivery's key names a message that never was: the mail would be acknowledged again and not be there", REPAIR),
    rule!("address-without-account" I 6, Addresses as Address, ForgetAddress:
        "SELECT d.address FROM addresses d LEFT JOIN accounts a ON a.id = d.account_id \
         WHERE d.address BETWEEN ? AND ? AND a.id IS NULL",
        "an address leads to no account, and keeps others from having it", REPAIR),
    rule!("alias-without-account" I 6, Addresses as Address, ForgetAlias:
        "SELECT DISTINCT s.address FROM aliases s LEFT JOIN accounts a ON a.id = s.account_id \
         WHERE s.address BETWEEN ? AND ? AND a.id IS NULL",
        "an alias leads to an account that is gone", REPAIR),
    rule!("catch-all-without-account" I 6, Addresses as Domain, ForgetCatchAll:
        "SELECT o.name FROM domains o LEFT JOIN accounts a ON a.id = o.catch_all \
         WHERE o.name BETWEEN ? AND ? AND o.catch_all <> 0 AND a.id IS NULL",
        "the catch-all of a domain is an account that is gone: mail for unknown addresses is refused by another reply", REPAIR),
    rule!("address-without-domain" I 6, Addresses as Address, OwnDomain:
        "SELECT d.address FROM (SELECT address FROM addresses WHERE address BETWEEN ? AND ? \
         UNION SELECT address FROM aliases WHERE address BETWEEN ? AND ?) d \
         LEFT JOIN domains o ON o.name = SUBSTR(d.address, INSTR(d.address, '@') + 1) WHERE o.name IS NULL",
        "the domain of an address is none of ours: it can have no alias and no catch-all, and mistyped addresses in it look like other servers'",
        REPAIR),
    rule!("subscription-without-account" I 6, Accounts as Account, ForgetSubscriptions:
        "SELECT s.account_id FROM (SELECT DISTINCT account_id FROM subscriptions WHERE account_id BETWEEN ? AND ?) s \
         LEFT JOIN accounts a ON a.id = s.account_id WHERE a.id IS NULL",
        "subscriptions of no account cost space", REPAIR),
    rule!("queued-without-body" I 2, Queue as Queued, No:
        "SELECT q.id FROM queue q LEFT JOIN object_keys o ON o.id = q.object_id WHERE q.id BETWEEN ? AND ? AND o.id IS NULL",
        "mail that waits to be sent has no body", RESTORE),
    rule!("calendar-modseq" I 4, Calendars as Calendar, RaiseCalendar:
        "SELECT c.id FROM calendars c WHERE c.id BETWEEN ? AND ? AND (c.removed_floor > c.modseq OR EXISTS \
         (SELECT 1 FROM calendar_objects o WHERE o.calendar_id = c.id AND o.modseq > c.modseq))",
        "a change of a calendar is newer than the calendar: clients may never be told of it", REPAIR),
    rule!("calendar-object-state" I 4, Calendars as CalendarObject, No:
        "SELECT o.calendar_id, o.name FROM calendar_objects o LEFT JOIN calendars c ON c.id = o.calendar_id \
         WHERE o.calendar_id BETWEEN ? AND ? AND (c.id IS NULL OR o.modseq < 2 OR (o.gone = 0) <> (o.deleted_at = 0) \
         OR (o.gone > 0 AND o.gone <> o.modseq))",
        "a calendar object has no calendar, or is half deleted", RESTORE),
    rule!("calendar-object-body" I 2, Calendars as CalendarObject, No:
        "SELECT c.calendar_id, c.name FROM calendar_objects c LEFT JOIN object_keys o ON o.id = c.object_id \
         WHERE c.calendar_id BETWEEN ? AND ? \
         AND (o.id IS NULL OR o.state <> 1 OR o.kind <> 2 OR o.size <> c.size OR SUBSTR(o.sha256, 1, 16) <> c.etag)",
        "the body of a calendar object has no row, or another size or hash than the object says", RESTORE),
    rule!("calendar-counts" I 6, Calendars as Calendar, CountCalendar:
        "SELECT c.id FROM calendars c WHERE c.id BETWEEN ? AND ? AND c.objects <> \
         (SELECT COUNT(*) FROM calendar_objects o WHERE o.calendar_id = c.id AND o.gone = 0)",
        "a calendar counts other objects than it has", REPAIR),
    rule!("calendar-state" I 6, Calendars as Calendar, No:
        "SELECT c.id FROM calendars c LEFT JOIN accounts a ON a.id = c.account_id WHERE c.id BETWEEN ? AND ? \
         AND ((c.gone = 0) <> (c.deleted_at = 0) OR (c.gone > 0 AND c.objects > 0) OR (c.gone = 0 AND a.id IS NULL))",
        "a calendar is half deleted, or has no account", RESTORE),
];

/// What is wrong with a body beside its row.
pub(super) const MISSING: Rule = Rule {
    name: "body-missing",
    invariant: 2,
    means: "a body is not there: its messages cannot be read",
    remedy: "restore the object under its key from a backup of the folder or the bucket, then run fsck --bodies",
};
pub(super) const SIZE: Rule = Rule {
    name: "body-size",
    invariant: 2,
    means: "a body has another size than its row says: it was cut off or overwritten",
    ..MISSING
};
pub(super) const HASH: Rule = Rule {
    name: "body-hash",
    invariant: 2,
    means: "a body has other octets than were received",
    ..MISSING
};
pub(super) const ORPHAN: Rule = Rule {
    name: "orphan",
    invariant: 8,
    means: "a body has no row: it costs space, no mail is hurt",
    remedy: "leave it to the garbage worker, which sweeps them; after a restore of an older database it may be mail that came later",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_single_and_question_marks_come_in_pairs() {
        let mut names: Vec<_> = RULES.iter().map(|row| row.rule.name).collect();
        names.extend([MISSING, SIZE, HASH, ORPHAN].map(|rule| rule.name));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for row in RULES {
            let pages = row.text.matches("BETWEEN ? AND ?").count();
            assert_eq!(row.text.matches('?').count(), 2 * pages, "{}", row.rule.name);
            assert!(pages > 0, "{}", row.rule.name);
        }
    }

    /// MariaDB may copy a whole table for each page to answer one.
    #[test]
    fn no_rule_asks_for_what_does_not_exist() {
        for row in RULES {
            assert!(!row.text.contains("NOT EXISTS"), "{}", row.rule.name);
            assert!(!row.text.contains("NOT IN (SELECT"), "{}", row.rule.name);
        }
    }
}
