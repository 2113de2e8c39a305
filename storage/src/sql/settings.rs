//! What a MySQL server must be, and how durable it is set up.

use sqlx::Row;
use sqlx::mysql::MySqlConnection;

/// The oldest servers that know all that is asked of them (window functions, above all).
const MARIADB_MIN: (u32, u32) = (10, 5);
const MYSQL_MIN: (u32, u32) = (8, 0);
/// One statement holds a message index of up to 256 KiB, a packet a whole group of them.
const PACKET_MIN: i64 = 16 * 1024 * 1024;

const SETTINGS: &str = "SELECT CONVERT(VERSION() USING utf8mb4), CAST(@@innodb_flush_log_at_trx_commit AS SIGNED), \
     CAST(@@log_bin AS SIGNED), CAST(@@sync_binlog AS SIGNED), CAST(@@max_allowed_packet AS SIGNED), \
     CAST(@@innodb_doublewrite AS CHAR)";

/// A server that is too old: its version, and what is needed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooOld(pub(crate) String);

/// A setting with which acknowledged mail can be lost, or a client be misled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unsafe {
    pub(crate) setting: &'static str,
    pub(crate) value: String,
    pub(crate) wanted: &'static str,
    pub(crate) risk: &'static str,
}

/// What of a server's settings is unsafe.
pub(crate) async fn check(conn: &mut MySqlConnection) -> Result<Result<Vec<Unsafe>, TooOld>, sqlx::Error> {
    let row = sqlx::query(SETTINGS).fetch_one(conn).await?;
    let version: String = row.try_get(0)?;
    if let Some(needed) = too_old(&version) {
        return Ok(Err(TooOld(format!(
            "it is {version}; {needed} or later is needed"
        ))));
    }
    let mut found = Vec::new();
    let mut want = |fine: bool, setting, value: String, wanted, risk| {
        if !fine {
            found.push(Unsafe {
                setting,
                value,
                wanted,
                risk,
            });
        }
    };
    let numbers = [row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?];
    let [flush, log_bin, sync, packet]: [i64; 4] = numbers;
    want(
        flush == 1,
        "innodb_flush_log_at_trx_commit",
        flush.to_string(),
        "1",
        LOSS,
    );
    want(log_bin == 1, "log_bin", log_bin.to_string(), "ON", UIDS);
    want(
        log_bin == 0 || sync == 1,
        "sync_binlog",
        sync.to_string(),
        "1",
        LOSS,
    );
    want(
        packet >= PACKET_MIN,
        "max_allowed_packet",
        packet.to_string(),
        "16M or more",
        REFUSED,
    );
    let doublewrite: String = row.try_get(5)?;
    want(
        is_written_twice(&doublewrite),
        "innodb_doublewrite",
        doublewrite,
        "ON",
        TORN,
    );
    Ok(Ok(found))
}

const LOSS: &str = "mail that was acknowledged is lost when the server's machine loses power";
const UIDS: &str =
    "a client may see a message before it is on the disk, and its UID be given again after a power loss";
const REFUSED: &str = "large messages are refused";
const TORN: &str = "a power loss can leave half-written pages";

/// Whether pages are written twice, so that torn ones are made whole. MySQL 8.0.30's DETECT_ONLY tells of them, and no more.
fn is_written_twice(doublewrite: &str) -> bool {
    matches!(doublewrite, "1" | "ON" | "DETECT_AND_RECOVER")
}

/// What is needed, if a version is too old.
fn too_old(version: &str) -> Option<&'static str> {
    let mut numbers = version
        .split(['.', '-'])
        .map_while(|part| part.parse::<u32>().ok());
    let found = (numbers.next()?, numbers.next()?);
    match version.contains("MariaDB") {
        true => (found < MARIADB_MIN).then_some("MariaDB 10.5"),
        false => (found < MYSQL_MIN).then_some("MySQL 8.0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_are_only_known_to_be_torn_are_not_safe() {
        for safe in ["1", "ON", "DETECT_AND_RECOVER"] {
            assert!(is_written_twice(safe), "{safe}");
        }
        for torn in ["0", "OFF", "DETECT_ONLY"] {
            assert!(!is_written_twice(torn), "{torn}");
        }
    }

    #[test]
    fn old_servers_are_told_apart() {
        assert_eq!(too_old("10.11.6-MariaDB-log"), None);
        assert_eq!(too_old("10.3.39-MariaDB"), Some("MariaDB 10.5"));
        assert_eq!(too_old("8.0.36"), None);
        assert_eq!(too_old("5.7.44-log"), Some("MySQL 8.0"));
        assert_eq!(too_old("8.0.11-TiDB-v7.5.0"), None);
    }
}
