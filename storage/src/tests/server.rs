//! Databases of their own on the MariaDB server of the tests.

use std::path::Path;

use futures_lite::future::block_on;
use lightmail_core::config::{self, Config, DatabaseTls};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

/// A database with a random name, dropped at the end.
#[derive(Debug)]
pub(crate) struct TestDatabase {
    name: String,
    socket: String,
}

impl TestDatabase {
    pub(crate) async fn new() -> Self {
        let mut octets = [0; 8];
        getrandom::fill(&mut octets).unwrap();
        let database = Self {
            name: format!("lm_{:016x}", u64::from_be_bytes(octets)),
            socket: fact("SOCKET"),
        };
        database
            .admin(&format!("CREATE DATABASE {}", database.name))
            .await;
        database
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A configuration with this database.
    pub(crate) fn config(&self, data_dir: &Path) -> Config {
        let mut config = Config::default();
        config.server.data_dir = data_dir.display().to_string();
        config.auth.bcrypt_cost = 4;
        config.database = Some(config::Database {
            socket: Some(self.socket.clone()),
            user: "root".to_owned(),
            database: self.name.clone(),
            tls: DatabaseTls::Off,
            pool_size: 5,
            ..config::Database::default()
        });
        config
    }

    /// A connection of nobody's but the test's.
    pub(crate) async fn connect(&self) -> MySqlConnection {
        options(&self.socket)
            .database(&self.name)
            .connect()
            .await
            .unwrap()
    }

    /// Runs statements as the server's administrator.
    pub(crate) async fn admin(&self, text: &str) {
        let mut conn = options(&self.socket).connect().await.unwrap();
        conn.execute(sqlx::raw_sql(AssertSqlSafe(text.to_owned())))
            .await
            .unwrap();
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (socket, text) = (
            self.socket.clone(),
            format!("DROP DATABASE IF EXISTS {}", self.name),
        );
        // On a thread of its own: this one may be in the middle of something asynchronous.
        let dropping = std::thread::spawn(move || {
            block_on(async {
                let mut conn = options(&socket).connect().await?;
                conn.execute(sqlx::raw_sql(AssertSqlSafe(text))).await
            })
        });
        let _ = dropping.join();
    }
}

fn options(socket: &str) -> MySqlConnectOptions {
    MySqlConnectOptions::new()
        .socket(socket)
        .username("root")
        .disable_statement_logging()
}

/// What `scripts/services/mariadb` says of its server, or the environment of the same name.
pub(crate) fn fact(name: &str) -> String {
    let name = format!("LIGHTMAIL_TEST_MYSQL_{name}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/services/mariadb/env");
    let told = std::fs::read_to_string(path).unwrap_or_default();
    let told = told
        .lines()
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| *key == name);
    std::env::var(&name)
        .ok()
        .or_else(|| told.map(|(_, value)| value.to_owned()))
        .unwrap_or_else(|| panic!("this test needs a MariaDB server: run scripts/services/mariadb up"))
}
