//! The key from which verifiers are made up for names that have none (`meta`, `login_key`): drawn once for a database, so that each node
//! answers such a name alike, today and tomorrow.

use lightmail_core::store::Failure;

use crate::sql::db::{Answer, Columns, Stop, sql};
use crate::sql::short::Short;
use crate::sql::tx::Tx;
use crate::storage::Inner;

const FIND: &str = "SELECT v FROM meta WHERE k = 'login_key'";
const FIRST: &str = "INSERT INTO meta (k, v) VALUES ('login_key', ?)";

impl Inner {
    /// The key; the first who asks draws it.
    pub(crate) async fn login_key(&self) -> Result<[u8; 32], Failure> {
        self.login_key.get_or_try_init(|| find_or_draw(self)).await.copied()
    }
}

async fn find_or_draw(inner: &Inner) -> Result<[u8; 32], Failure> {
    let find = async |tx: &mut Tx<'_>| find(tx).await;
    if let Some(key) = inner.read("login_key", find).await? {
        return Ok(key);
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| Failure::broken(format!("no randomness: {error}")))?;
    let text = key.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    let mut short = Short::new(inner);
    let first = short.run(async |tx| tx.db.run(sql(FIRST).bind(text.clone())).await).await;
    short.close().await;
    match first {
        Ok(_) => Ok(key),
        // Another node was the first.
        Err(stop) if stop.is_taken() => {
            let key = inner.read("login_key", find).await?;
            key.ok_or_else(|| Failure::broken("database: the login_key is taken and not there"))
        }
        Err(stop) => Err(stop.into_failure()),
    }
}

async fn find(tx: &mut Tx<'_>) -> Answer<Option<[u8; 32]>> {
    let row = tx.db.first(sql(FIND)).await?;
    row.map(|row| {
        let text = row.text(0)?;
        read(&text).ok_or_else(|| Stop::broken("database: the login_key is no 64 hexadecimal digits"))
    })
    .transpose()
}

fn read(text: &str) -> Option<[u8; 32]> {
    let pairs = text.as_bytes().chunks_exact(2).map(|pair| {
        let digits = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(digits, 16).ok()
    });
    pairs.collect::<Option<Vec<_>>>()?.try_into().ok()
}
