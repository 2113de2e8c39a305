//! What an error of the database means, for both databases in one place.

use std::io;

use lightmail_core::store::{Budget, Failure, Refusal};
use sqlx::mysql::MySqlDatabaseError;
use sqlx::sqlite::SqliteError;

use crate::trust;

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Another transaction was in the way: this one is run again, whole.
    Conflict,
    /// The connection is gone, or none can be made.
    Away,
    /// There is no TLS, or a certificate that is not trusted.
    Distrust,
    /// There are too many connections.
    TooMany,
    /// The server takes no writes.
    ReadOnly,
    /// The server's disk, or a table, is full.
    Full,
    /// The disk of this machine is full.
    Space,
    /// The server lacks memory or time, or its storage fails.
    Strained,
    /// The server does not let us in, or not do this.
    Denied,
    /// Another program holds the file.
    Busy,
    /// The statement itself is at fault: its request is to blame, no other.
    Data,
    /// It fits nothing else: nothing in this transaction can be trusted to work.
    Fault,
}

impl Trouble {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Tls(_) => Trouble::Distrust,
            error if trust::is_of_tls(error) => Trouble::Distrust,
            sqlx::Error::Io(error) => of_io(error.kind()),
            sqlx::Error::Protocol(_) => Trouble::Away,
            // A password that must be encrypted cannot be sent.
            sqlx::Error::Configuration(_) => Trouble::Denied,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => {
                Trouble::Data
            }
            sqlx::Error::Database(error) => match error.try_downcast_ref::<MySqlDatabaseError>() {
                Some(error) => of_mysql(error.number(), error.code()),
                None => of_sqlite(error.try_downcast_ref::<SqliteError>().and_then(primary_code)),
            },
            _ => Trouble::Fault,
        }
    }

    /// Whether the same transaction may well succeed at once, on a new connection if need be.
    pub(crate) fn passes(self) -> bool {
        matches!(self, Trouble::Conflict | Trouble::Away)
    }

    /// In the words of the core. A disk of ours that is full is a limit; what an operator mends is for later.
    pub(crate) fn failure(self, error: &sqlx::Error) -> Failure {
        match self {
            Trouble::Space => Refusal::Limit(Budget::Space).into(),
            Trouble::Data | Trouble::Fault => Failure::broken(format!("database: {error}")),
            _ => Failure::Unavailable {
                retry_after_s: RETRY_AFTER_S,
            },
        }
    }

    /// What an operator does about it; `None`: nothing.
    pub(crate) fn remedy(self) -> Option<&'static str> {
        Some(match self {
            Trouble::Away => "see that the database server runs and that [database] says where",
            Trouble::Distrust => {
                "renew the database server's certificate, or correct [database] tls or ca_file"
            }
            Trouble::TooMany => "raise max_connections of the server, or lower [database] pool_size",
            Trouble::ReadOnly => "switch read_only off, or point [database] to the primary",
            Trouble::Full => "make room on the disk of the database server",
            Trouble::Strained => {
                "see the error log of the database server: it lacks memory or time, or its storage fails"
            }
            Trouble::Denied => {
                "see that the user of [database] has its password and all rights on the database, and that tls is not off if it must be encrypted"
            }
            _ => return None,
        })
    }
}

const RETRY_AFTER_S: u32 = 5;

/// Faults on purpose are `Other`; what else a socket tells means that it is of no use any more.
fn of_io(kind: io::ErrorKind) -> Trouble {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Trouble::Space,
        io::ErrorKind::Deadlock => Trouble::Conflict,
        io::ErrorKind::Other => Trouble::Fault,
        _ => Trouble::Away,
    }
}

/// Error numbers of MySQL and MariaDB.
fn of_mysql(number: u16, sql_state: Option<&str>) -> Trouble {
    match number {
        // Deadlock, lock wait timeout, "record has changed since last read", too many transactions.
        1213 | 1205 | 1020 | 1637 => Trouble::Conflict,
        _ if sql_state == Some("40001") => Trouble::Conflict,
        1040 | 1203 | 1226 => Trouble::TooMany,
        1290 | 1792 | 1836 => Trouble::ReadOnly,
        1021 | 1026 | 1114 => Trouble::Full,
        1044 | 1045 | 1049 | 1142 | 1227 | 1698 => Trouble::Denied,
        // Storage engine, memory for sorting, memory at all, statement given up for its time (MariaDB, MySQL), and what TiDB and
        // proxies call "unknown".
        1030 | 1037 | 1038 | 1041 | 1105 | 1969 | 3024 => Trouble::Strained,
        // A node of Galera that has lost the others, and network errors as the standard names them.
        1047 => Trouble::Away,
        _ if sql_state.is_some_and(|state| state.starts_with("08")) => Trouble::Away,
        // Shutdown, aborted, killed, idle for too long, host blocked, network errors as the server sees them.
        1053 | 1077..=1080 | 1129 | 1152..=1161 | 1184 | 1317 | 1927 | 3169 | 4031 => Trouble::Away,
        _ => Trouble::Data,
    }
}

/// Result codes of SQLite, `sqlite3.h`: the low octet of an extended code.
fn primary_code(error: &SqliteError) -> Option<u32> {
    let code = sqlx::error::DatabaseError::code(error)?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

fn of_sqlite(code: Option<u32>) -> Trouble {
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const FULL: u32 = 13;
    match code {
        Some(BUSY | LOCKED) => Trouble::Busy,
        Some(FULL) => Trouble::Space,
        _ => Trouble::Fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_again_and_what_an_operator_mends_has_a_remedy() {
        for number in [1213, 1205] {
            assert!(of_mysql(number, None).passes(), "{number}");
        }
        assert!(of_mysql(9999, Some("40001")).passes());
        assert!(of_mysql(1927, None).passes(), "a killed connection");
        assert_eq!(
            of_mysql(1047, Some("08S01")),
            Trouble::Away,
            "Galera without the others"
        );
        assert_eq!(of_mysql(9999, Some("08006")), Trouble::Away);
        for number in [
            1030, 1038, 1041, 1105, 1969, 3024, 1040, 1203, 1290, 1792, 1836, 1021, 1114, 1045,
        ] {
            let trouble = of_mysql(number, None);
            assert!(!trouble.passes() && trouble.remedy().is_some(), "{number}");
        }
        assert_eq!(of_mysql(1406, Some("22001")), Trouble::Data);
    }
}
