//! Whom a finding hurts: accounts, mailboxes and UIDs instead of numbers.

use super::finding::{Place, Subject};
use crate::sql::db::{Answer, Columns, sql};
use crate::sql::query::Query;
use crate::sql::row::DbRow;
use crate::sql::tx::Tx;

/// Columns: login, name of a mailbox or calendar, UID, name of a calendar object; each may be NULL.
const OF_ACCOUNT: &str = "SELECT a.login, NULL, NULL, NULL FROM accounts a WHERE a.id = ?";
const OF_MAILBOX: &str = "SELECT a.login, b.name, NULL, NULL FROM mailboxes b \
     LEFT JOIN accounts a ON a.id = b.account_id WHERE b.id = ?";
const OF_MESSAGE: &str = "SELECT a.login, b.name, m.uid, NULL FROM messages m LEFT JOIN mailboxes b ON b.id = m.mailbox_id \
     LEFT JOIN accounts a ON a.id = b.account_id WHERE m.mailbox_id = ? AND m.uid = ?";
const OF_OBJECT: &str = "SELECT a.login, b.name, m.uid, NULL FROM messages m LEFT JOIN mailboxes b ON b.id = m.mailbox_id \
     LEFT JOIN accounts a ON a.id = b.account_id WHERE m.object_id = ? AND m.deleted_at = 0 \
     UNION ALL SELECT a.login, c.name, NULL, o.name FROM calendar_objects o LEFT JOIN calendars c ON c.id = o.calendar_id \
     LEFT JOIN accounts a ON a.id = c.account_id WHERE o.object_id = ? AND o.gone = 0 LIMIT 100";
const OF_CALENDAR: &str = "SELECT a.login, c.name, NULL, NULL FROM calendars c \
     LEFT JOIN accounts a ON a.id = c.account_id WHERE c.id = ?";

/// The places that a subject means.
pub(super) async fn places(tx: &mut Tx<'_>, subject: &Subject) -> Answer<Vec<Place>> {
    let query = match subject {
        Subject::Account(id) => sql(OF_ACCOUNT).bind(*id),
        Subject::Mailbox(id) => sql(OF_MAILBOX).bind(*id),
        Subject::Message(mailbox, uid) => sql(OF_MESSAGE).bind(*mailbox).bind(*uid),
        Subject::Object(object) | Subject::Key(_, object) => of_object(object.0),
        Subject::Calendar(id) | Subject::CalendarObject(id, _) => sql(OF_CALENDAR).bind(*id),
        Subject::Delivery(_) | Subject::Address(_) | Subject::Domain(_) | Subject::Queued(_) => {
            return Ok(Vec::new());
        }
    };
    tx.db.each(query, |row| place(&row)).await
}

fn of_object(object: [u8; 16]) -> Query {
    sql(OF_OBJECT).bind(object.to_vec()).bind(object.to_vec())
}

fn place(row: &DbRow) -> Answer<Place> {
    Ok(Place {
        account: row.maybe_text(0)?,
        folder: row.maybe_text(1)?,
        uid: row.maybe_int(2)?,
        name: row.maybe_text(3)?,
    })
}
