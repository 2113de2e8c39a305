//! HIGHESTMODSEQs of many mailboxes with one statement.

use lightmail_core::store::{AccountId, MailboxId};

use super::db::{Answer, Columns, sql};
use super::tx::{Notice, Tx};

/// A text with so many marks: few texts for all numbers, so that each stays prepared.
macro_rules! newest {
    ($column:literal, 1) => {
        newest!($column, "?")
    };
    ($column:literal, 8) => {
        newest!($column, eight!("?"))
    };
    ($column:literal, 64) => {
        newest!($column, eight!(eight!("?")))
    };
    ($column:literal, 512) => {
        newest!($column, eight!(eight!(eight!("?"))))
    };
    ($column:literal, $marks:expr) => {
        concat!(
            "SELECT account_id, id, highest_modseq FROM mailboxes WHERE ",
            $column,
            " IN (",
            $marks,
            ")"
        )
    };
}

macro_rules! eight {
    ($marks:expr) => {
        concat!(
            $marks, ", ", $marks, ", ", $marks, ", ", $marks, ", ", $marks, ", ", $marks, ", ", $marks, ", ",
            $marks
        )
    };
}

/// A text and how many marks it has.
type Text = (usize, &'static str);

const OF_MAILBOXES: [Text; 4] = [
    (1, newest!("id", 1)),
    (8, newest!("id", 8)),
    (64, newest!("id", 64)),
    (512, newest!("id", 512)),
];
const OF_ACCOUNTS: [Text; 4] = [
    (1, newest!("account_id", 1)),
    (8, newest!("account_id", 8)),
    (64, newest!("account_id", 64)),
    (512, newest!("account_id", 512)),
];

/// Of these mailboxes, deleted ones too.
pub(crate) async fn newest_of_mailboxes(tx: &mut Tx<'_>, mailboxes: &[MailboxId]) -> Answer<Vec<Notice>> {
    newest(tx, &OF_MAILBOXES, mailboxes.iter().map(|id| id.0).collect()).await
}

/// Of all mailboxes of these accounts, deleted ones too.
pub(crate) async fn newest_of_accounts(tx: &mut Tx<'_>, accounts: &[AccountId]) -> Answer<Vec<Notice>> {
    newest(tx, &OF_ACCOUNTS, accounts.iter().map(|id| id.0).collect()).await
}

async fn newest(tx: &mut Tx<'_>, texts: &[Text; 4], ids: Vec<i64>) -> Answer<Vec<Notice>> {
    let mut found = Vec::new();
    let [.., longest] = texts;
    for some in ids.chunks(longest.0) {
        let Some(last) = some.last() else { continue };
        let (marks, text) = texts
            .iter()
            .find(|(marks, _)| some.len() <= *marks)
            .unwrap_or(longest);
        // The last fills what is left of the marks.
        let ids = some.iter().chain(std::iter::repeat(last)).take(*marks);
        let query = ids.fold(sql(*text), |query, id| query.bind(*id));
        let rows = tx.db.each(query, |row| {
            Ok(Notice {
                account: AccountId(row.int(0)?),
                mailbox: MailboxId(row.int(1)?),
                modseq: row.modseq(2)?,
            })
        });
        found.extend(rows.await?);
    }
    Ok(found)
}
