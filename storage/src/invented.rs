//! Verifiers for login names that have none, so that SCRAM tells nobody which names there are (RFC 5802, 9).
//!
//! They are drawn from a key in the database (`meta`, `invented_key`), so that a name has the same salt on every node and after a
//! restart, as a stored one has.

use std::fmt;
use std::sync::Arc;

use async_lock::OnceCell;
use lightmail_core::machine::Secret;
use lightmail_core::sasl::scram::{Hash, Verifier};
use lightmail_core::store::Failure;
use lightmail_core::wire::base64;

use crate::sql::db::{Answer, Columns, sql};
use crate::sql::short::Short;
use crate::sql::tx::Tx;
use crate::storage::Inner;

const KEY: &str = "SELECT v FROM meta WHERE k = 'invented_key'";
const FIRST: &str = "INSERT INTO meta (v, k) VALUES (?, 'invented_key')";

/// The key, once it was asked for.
#[derive(Default)]
pub(crate) struct Invented(OnceCell<[u8; 32]>);

impl fmt::Debug for Invented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invented(…)")
    }
}

impl Inner {
    /// A verifier that no password fits, as it would be stored.
    pub(crate) async fn invent_verifier(self: Arc<Self>, login: &str, hash: Hash) -> Result<Secret, Failure> {
        let key = self.invented.0.get_or_try_init(|| key(&self)).await?;
        Ok(Verifier::invent(hash, login, key).to_secret())
    }
}

/// The key of this database; drawn if it has none.
async fn key(inner: &Inner) -> Result<[u8; 32], Failure> {
    if let Some(text) = inner.read("invented_key", read).await? {
        return decoded(&text);
    }
    let mut drawn = [0; 32];
    getrandom::fill(&mut drawn).map_err(|error| Failure::broken(format!("no random octets: {error}")))?;
    let text = base64::encode(&drawn);
    let mut short = Short::new(inner);
    let kept = short.run(async |tx| keep(tx, &text).await).await;
    short.close().await;
    decoded(&kept?)
}

async fn read(tx: &mut Tx<'_>) -> Answer<Option<String>> {
    let row = tx.db.first(sql(KEY)).await?;
    row.map(|row| row.text(0).map(|text| text.to_string()))
        .transpose()
}

/// The key that is there now: this one, unless another node was the first.
async fn keep(tx: &mut Tx<'_>, text: &str) -> Answer<String> {
    match tx.db.run(sql(FIRST).bind(text.to_owned())).await {
        Err(stop) if stop.is_taken() => Ok(read(tx).await?.unwrap_or_default()),
        done => done.map(|_| text.to_owned()),
    }
}

fn decoded(text: &str) -> Result<[u8; 32], Failure> {
    let octets = base64::decode(text.as_bytes()).ok();
    octets
        .and_then(|octets| octets.try_into().ok())
        .ok_or_else(|| Failure::broken("database: invented_key is no key"))
}
