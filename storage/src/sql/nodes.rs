//! The nodes on one database: each says where it is and that it lives, by the database's time. MySQL alone has many.

use super::db::{Answer, Columns, sql};
use super::tx::Tx;

const BEAT: &str = "INSERT INTO nodes (id, addr, beat_at) VALUES (?, ?, UNIX_TIMESTAMP() * 1000) \
     ON DUPLICATE KEY UPDATE addr = VALUES(addr), beat_at = VALUES(beat_at)";
/// Those that have said something within half a minute.
const OTHERS: &str = "SELECT addr FROM nodes WHERE id <> ? AND beat_at > (UNIX_TIMESTAMP() - 30) * 1000";
const FORGET: &str = "DELETE FROM nodes WHERE id = ?";
/// Those that died an hour ago.
const FORGET_OLD: &str = "DELETE FROM nodes WHERE beat_at < (UNIX_TIMESTAMP() - 3600) * 1000";

/// Says that a node lives at this address; the addresses of the others.
pub(crate) async fn beat(tx: &mut Tx<'_>, node: [u8; 16], address: &str) -> Answer<Vec<String>> {
    let beat = sql(BEAT).bind(node.to_vec()).bind(address.to_owned());
    tx.db.run(beat).await?;
    tx.db.run(sql(FORGET_OLD)).await?;
    tx.db
        .each(sql(OTHERS).bind(node.to_vec()), |row| row.text(0))
        .await
}

/// Takes a node from the list.
pub(crate) async fn leave(tx: &mut Tx<'_>, node: [u8; 16]) -> Answer<()> {
    tx.db.run(sql(FORGET).bind(node.to_vec())).await.map(drop)
}
