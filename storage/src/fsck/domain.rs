//! The keys along which rules are checked, in pages: memory and the time of a statement do not grow with the database.

use crate::sql::db::{Answer, Columns, sql};
use crate::sql::query::{Query, Value};
use crate::sql::row::DbRow;
use crate::sql::tx::Tx;

/// The most messages of a page with more than one mailbox: rules compare each with other rows.
const MESSAGES_MAX: u64 = 50_000;

/// What a rule's rows are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Domain {
    Accounts,
    Mailboxes,
    Objects,
    Deliveries,
    Calendars,
    Addresses,
    Queue,
}

/// The keys of a page, both ends belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) low: Key,
    pub(super) high: Key,
    /// Rows of the domain's own table in it.
    pub(super) rows: u64,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Int(i64),
    Id([u8; 16]),
    Text(String),
}

impl Key {
    fn value(&self) -> Value {
        match self {
            Key::Int(number) => Value::Int(*number),
            Key::Id(id) => Value::Octets(id.to_vec()),
            Key::Text(text) => Value::Text(text.clone()),
        }
    }

    /// The smallest key that is larger; `None`: there is none.
    fn next(&self) -> Option<Key> {
        match self {
            Key::Int(number) => number.checked_add(1).map(Key::Int),
            Key::Id(id) => u128::from_be_bytes(*id)
                .checked_add(1)
                .map(|next| Key::Id(next.to_be_bytes())),
            Key::Text(text) => Some(Key::Text(format!("{text}\0"))),
        }
    }
}

impl Page {
    /// One key.
    pub(super) fn one(key: Key) -> Self {
        Self {
            low: key.clone(),
            high: key,
            rows: 1,
        }
    }

    /// A text of question marks in pairs, each pair the ends of the page.
    pub(super) fn of(&self, text: &'static str) -> Query {
        let pairs = text.matches('?').count() / 2;
        (0..pairs).fold(sql(text), |query, _| {
            query.bind(self.low.value()).bind(self.high.value())
        })
    }
}

impl Domain {
    /// The domain's own table is counted and walked; rows of others may lie between its keys.
    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Domain::Accounts => (
                "SELECT COUNT(*) FROM accounts",
                "SELECT id FROM accounts WHERE id >= ? ORDER BY id LIMIT ?",
            ),
            Domain::Mailboxes => (
                "SELECT COUNT(*) FROM mailboxes",
                "SELECT id, msgs FROM mailboxes WHERE id >= ? ORDER BY id LIMIT ?",
            ),
            Domain::Objects => (
                "SELECT COUNT(*) FROM object_keys",
                "SELECT id FROM object_keys WHERE id >= ? ORDER BY id LIMIT ?",
            ),
            Domain::Deliveries => (
                "SELECT COUNT(*) FROM deliveries",
                "SELECT k FROM deliveries WHERE k >= ? ORDER BY k LIMIT ?",
            ),
            Domain::Calendars => (
                "SELECT COUNT(*) FROM calendars",
                "SELECT id FROM calendars WHERE id >= ? ORDER BY id LIMIT ?",
            ),
            Domain::Addresses => (
                "SELECT COUNT(*) FROM addresses",
                "SELECT address FROM addresses WHERE address >= ? ORDER BY address LIMIT ?",
            ),
            Domain::Queue => (
                "SELECT COUNT(*) FROM queue",
                "SELECT id FROM queue WHERE id >= ? ORDER BY id LIMIT ?",
            ),
        }
    }

    /// Rows of its own table that make a page, at most.
    fn page_rows(self) -> i64 {
        match self {
            Domain::Mailboxes => 200,
            Domain::Accounts | Domain::Calendars => 500,
            _ => 5_000,
        }
    }

    fn first(self) -> Key {
        match self {
            Domain::Accounts | Domain::Mailboxes | Domain::Calendars => Key::Int(i64::MIN),
            Domain::Addresses => Key::Text(String::new()),
            _ => Key::Id([0; 16]),
        }
    }

    fn last(self) -> Key {
        match self {
            Domain::Accounts | Domain::Mailboxes | Domain::Calendars => Key::Int(i64::MAX),
            // No octet of UTF-8 is as large as the first of this one.
            Domain::Addresses => Key::Text("\u{10ffff}".repeat(2)),
            _ => Key::Id([0xff; 16]),
        }
    }

    /// Messages that its rules look at beside a row.
    fn weight(self, row: &DbRow) -> Answer<u64> {
        match self {
            Domain::Mailboxes => Ok(u64::try_from(row.int(1)?).unwrap_or(0)),
            _ => Ok(0),
        }
    }

    fn key(self, row: &DbRow) -> Answer<Key> {
        Ok(match self {
            Domain::Accounts | Domain::Mailboxes | Domain::Calendars => Key::Int(row.int(0)?),
            Domain::Addresses => Key::Text(row.text(0)?),
            _ => Key::Id(row.array(0)?),
        })
    }

    /// How many rows its own table has.
    pub(super) async fn count(self, tx: &mut Tx<'_>) -> Answer<u64> {
        let row = tx.db.first(sql(self.texts().0)).await?;
        row.map_or(Ok(0), |row| row.count(0))
    }

    /// The page behind another, or the first; `None`: that was the last. All pages together hold every key there can be.
    pub(super) async fn page(self, tx: &mut Tx<'_>, before: Option<&Page>) -> Answer<Option<Page>> {
        let low = match before {
            None => Some(self.first()),
            Some(before) if before.high == self.last() => None,
            Some(before) => before.high.next(),
        };
        let Some(low) = low else { return Ok(None) };
        let limit = self.page_rows();
        let walk = sql(self.texts().1).bind(low.value()).bind(limit);
        let keys = tx.db.each(walk, |row| Ok((self.key(&row)?, self.weight(&row)?)));
        let keys = keys.await?;
        let mut messages = 0_u64;
        let fits = |(at, (_, weight)): &(usize, &(Key, u64))| {
            messages = messages.saturating_add(*weight);
            *at == 0 || messages <= MESSAGES_MAX
        };
        let rows = keys.iter().enumerate().take_while(fits).count();
        let is_last = rows == keys.len() && i64::try_from(rows) != Ok(limit);
        let high = match keys.into_iter().nth(rows.saturating_sub(1)) {
            Some((key, _)) if !is_last => key,
            _ => self.last(),
        };
        let rows = rows as u64;
        Ok(Some(Page { low, high, rows }))
    }
}
