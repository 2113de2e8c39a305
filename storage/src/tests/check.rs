//! The invariants of a database and its bodies (I1 to I8), read with plain SQL, past the code of the requests.

use std::collections::BTreeMap;
use std::path::Path;

use lightmail_core::machine::ObjectKind;
use lightmail_core::store::ObjectId;
use sha2::{Digest, Sha256};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::Faults;
use crate::sql::conn::Conn;
use crate::sql::db::{Columns, Db, sql};
use crate::sql::row::DbRow;

/// Each finds rows that must not be.
const RULES: &[(&str, &str)] = &[
    (
        "I1 a key leads to a message that is there, or was expunged since",
        "SELECT hex(k) FROM deliveries d JOIN mailboxes b ON b.id = d.mailbox_id \
         WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.mailbox_id = d.mailbox_id AND m.uid = d.uid) \
         AND NOT EXISTS (SELECT 1 FROM expunged e WHERE e.mailbox_id = d.mailbox_id AND d.uid BETWEEN e.uid_lo AND e.uid_hi)",
    ),
    (
        "I1 a message has its index, an index its message",
        "SELECT m.mailbox_id || ' ' || m.uid FROM messages m LEFT JOIN message_index i USING (mailbox_id, uid) WHERE i.uid IS NULL \
         UNION ALL SELECT i.mailbox_id || ' ' || i.uid FROM message_index i LEFT JOIN messages m USING (mailbox_id, uid) WHERE m.uid IS NULL",
    ),
    (
        "I2 a message's object is live, and has the size and hash that the message says",
        "SELECT m.mailbox_id || ' ' || m.uid FROM messages m JOIN message_index i USING (mailbox_id, uid) \
         LEFT JOIN object_keys o ON o.id = m.object_id \
         WHERE o.id IS NULL OR o.state <> 1 OR o.size + length(i.head) <> m.size OR o.sha256 <> i.sha256",
    ),
    (
        "I2 a calendar object's body is live, and has the size and hash that the object says",
        "SELECT c.calendar_id || ' ' || hex(c.name) FROM calendar_objects c LEFT JOIN object_keys o ON o.id = c.object_id \
         WHERE o.id IS NULL OR o.state <> 1 OR o.kind <> 2 OR o.size <> c.size OR substr(o.sha256, 1, 16) <> c.etag",
    ),
    (
        "I3 an object counts its messages, calendar objects and queue entries",
        "SELECT hex(id) FROM object_keys o WHERE refs <> (SELECT COUNT(*) FROM messages m WHERE m.object_id = o.id) \
         + (SELECT COUNT(*) FROM calendar_objects c WHERE c.object_id = o.id) \
         + (SELECT COUNT(*) FROM queue q WHERE q.object_id = o.id) \
         OR (refs = 0) <> (zero_at > 0) OR (state = 2 AND refs > 0)",
    ),
    (
        "I4 UIDs lie below UIDNEXT, MODSEQs not above HIGHESTMODSEQ",
        "SELECT m.mailbox_id || ' ' || m.uid FROM messages m LEFT JOIN mailboxes b ON b.id = m.mailbox_id \
         WHERE b.id IS NULL OR m.uid < 1 OR m.uid >= b.uid_next OR m.modseq < 2 OR m.modseq > b.highest_modseq",
    ),
    (
        "I5 an account gives a UIDVALIDITY once, and none above its last",
        "SELECT account_id || ' ' || uid_validity FROM mailboxes GROUP BY account_id, uid_validity HAVING COUNT(*) > 1 \
         UNION ALL SELECT b.id FROM mailboxes b LEFT JOIN uid_validity_seq s USING (account_id) \
         WHERE s.last IS NULL OR b.uid_validity > s.last",
    ),
    (
        "I6 a mailbox counts its messages",
        "SELECT b.id FROM mailboxes b LEFT JOIN messages m ON m.mailbox_id = b.id AND m.deleted_at = 0 GROUP BY b.id \
         HAVING MAX(b.msgs) <> COUNT(m.uid) OR MAX(b.bytes) <> COALESCE(SUM(m.size), 0) \
         OR MAX(b.unseen) <> COALESCE(SUM((m.flags & 1) = 0), 0) OR MAX(b.deleted) <> COALESCE(SUM((m.flags & 8) <> 0), 0)",
    ),
    (
        "I6 an account counts its messages",
        "SELECT a.login FROM accounts a LEFT JOIN mailboxes b ON b.account_id = a.id GROUP BY a.id \
         HAVING MAX(a.used_msgs) <> COALESCE(SUM(b.msgs), 0) OR MAX(a.used_bytes) <> COALESCE(SUM(b.bytes), 0)",
    ),
    (
        "I7 every UID given has a row or is known as expunged, never both",
        "SELECT b.id FROM mailboxes b LEFT JOIN messages m ON m.mailbox_id = b.id GROUP BY b.id \
         HAVING MAX(b.uid_next) - 1 <> COUNT(m.uid) + COALESCE((SELECT SUM(uid_hi - uid_lo + 1) FROM expunged e \
         WHERE e.mailbox_id = b.id), 0) OR MAX(b.recent_from) > MAX(b.uid_next)",
    ),
    (
        "I4 what is known as expunged has a MODSEQ of its mailbox",
        "SELECT e.mailbox_id FROM expunged e LEFT JOIN mailboxes b ON b.id = e.mailbox_id \
         WHERE b.id IS NULL OR e.modseq > b.highest_modseq OR e.uid_lo > e.uid_hi",
    ),
    (
        "I4 a calendar object has a MODSEQ of its calendar, and is filed as live or under its MODSEQ",
        "SELECT o.calendar_id || ' ' || hex(o.name) FROM calendar_objects o LEFT JOIN calendars c ON c.id = o.calendar_id \
         WHERE c.id IS NULL OR o.modseq < 2 OR o.modseq > c.modseq OR (o.gone = 0) <> (o.deleted_at = 0) \
         OR (o.gone > 0 AND o.gone <> o.modseq) \
         UNION ALL SELECT id FROM calendars WHERE removed_floor > modseq",
    ),
    (
        "I6 a calendar counts its objects; a deleted one has none; what has no account is deleted",
        "SELECT c.id FROM calendars c WHERE c.objects <> (SELECT COUNT(*) FROM calendar_objects o \
         WHERE o.calendar_id = c.id AND o.gone = 0) OR (c.gone = 0) <> (c.deleted_at = 0) OR (c.gone > 0 AND c.objects > 0) \
         OR (c.gone = 0 AND c.account_id NOT IN (SELECT id FROM accounts))",
    ),
    (
        "a deleted mailbox is empty, and what has no account is deleted",
        "SELECT b.id FROM mailboxes b LEFT JOIN accounts a ON a.id = b.account_id \
         WHERE (b.deleted_at > 0 AND b.msgs > 0) OR (a.id IS NULL AND b.deleted_at = 0)",
    ),
    (
        "addresses and subscriptions have an account",
        "SELECT address FROM addresses WHERE account_id NOT IN (SELECT id FROM accounts) \
         UNION ALL SELECT account_id FROM subscriptions WHERE account_id NOT IN (SELECT id FROM accounts)",
    ),
];

/// What is wrong with a database, one line a finding.
pub(super) async fn check(conn: &mut Conn) -> Vec<String> {
    let mut findings = Vec::new();
    for (rule, text) in RULES {
        let rows = rows(conn, text).await;
        findings.extend(rows.iter().map(|row| format!("{rule}: {}", any_text(row))));
    }
    findings
}

/// What is wrong with the bodies: every object is there as its row says (I2); `orphans` files have no row (I8).
pub(super) async fn check_bodies(conn: &mut Conn, data_dir: &Path, orphans: usize) -> Vec<String> {
    let mut findings = Vec::new();
    let mut named = BTreeMap::new();
    for row in rows(conn, "SELECT id, size, sha256, kind FROM object_keys").await {
        let kind = match row.int(3).unwrap() {
            1 => ObjectKind::Email,
            _ => ObjectKind::Calendar,
        };
        let key = kind.key(ObjectId(row.array(0).unwrap()));
        let octets = std::fs::read(data_dir.join(&key)).unwrap_or_default();
        let sound = octets.len() as i64 == row.int(1).unwrap()
            && Sha256::digest(&octets)[..] == row.octets(2).unwrap();
        if !sound {
            findings.push(format!("I2 {key}: missing, or other than its row says"));
        }
        named.insert(key, ());
    }
    let files = ["emails", "calendars"].into_iter().flat_map(|folder| {
        let entries = std::fs::read_dir(data_dir.join(folder)).unwrap();
        entries.map(move |entry| format!("{folder}/{}", entry.unwrap().file_name().into_string().unwrap()))
    });
    let unnamed: Vec<_> = files.filter(|key| !named.contains_key(key)).collect();
    if unnamed.len() > orphans {
        findings.push(format!(
            "I8 more than {orphans} bodies without a row: {unnamed:?}"
        ));
    }
    findings
}

/// A connection that reads a folder's database.
pub(super) async fn open_sqlite(data_dir: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(data_dir.join("lightmail.db"))
        .read_only(true);
    options.connect().await.unwrap()
}

/// The number that a question is answered with.
pub(super) async fn count(conn: &mut Conn, text: &'static str) -> i64 {
    rows(conn, text).await[0].int(0).unwrap()
}

async fn rows(conn: &mut Conn, text: &'static str) -> Vec<DbRow> {
    let faults = Faults::default();
    Db::new(conn, &faults).each(sql(text), Ok).await.unwrap()
}

fn any_text(row: &DbRow) -> String {
    row.text(0)
        .or_else(|_| row.int(0).map(|n| n.to_string()))
        .unwrap_or_default()
}
