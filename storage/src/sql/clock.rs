//! What time it is: by the clock of the database where several nodes share it, so that none of them is early or late.

use super::db::{Answer, Columns, sql};
use super::tx::Tx;

const NOW: &str = "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)";

/// Now, in milliseconds since 1970. `at_ms` is this node's clock, which is the one of a database that has no other node.
pub(super) async fn now_ms(tx: &mut Tx<'_>, at_ms: u64) -> Answer<u64> {
    if !tx.db.is_shared() {
        return Ok(at_ms);
    }
    let row = tx.db.first(sql(NOW)).await?;
    row.map_or(Ok(at_ms), |row| row.count(0))
}
