//! The invariants of a database (the rules of [`crate::fsck`]) and, past all code of ours, of its bodies.

use std::collections::BTreeMap;
use std::path::Path;

use lightmail_core::machine::ObjectKind;
use lightmail_core::store::ObjectId;
use sha2::{Digest, Sha256};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::Faults;
use crate::fsck::check_rows;
use crate::sql::conn::Conn;
use crate::sql::db::{Columns, Db, sql};
use crate::sql::row::DbRow;
use crate::sql::tx::{Caches, Tx};

/// What is wrong with a database, one line a finding.
pub(super) async fn check(conn: &mut Conn) -> Vec<String> {
    let (faults, caches) = (Faults::default(), Caches::default());
    check_rows(&mut Tx::new(Db::new(conn, &faults), &caches)).await
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
