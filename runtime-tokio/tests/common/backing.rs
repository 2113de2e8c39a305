//! What servers share: a database of their own on a MariaDB server, a prefix of their own in a bucket.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::run;

/// A database and a place in the bucket. The database is dropped at the end.
pub struct Backing {
    name: String,
    socket: String,
}

impl Backing {
    /// On the MariaDB server of the tests.
    pub fn new() -> Self {
        Self::at("mariadb")
    }

    /// On the MariaDB server with this home below `target/services`.
    pub fn at(service: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let backing = Self {
            name: format!("lm_{}_{count}", std::process::id()),
            socket: facts(service)["LIGHTMAIL_TEST_MYSQL_SOCKET"].clone(),
        };
        run(&mut backing.sql(&format!("CREATE DATABASE {}", backing.name)));
        backing
    }

    /// The sections of a configuration.
    pub fn sections(&self) -> String {
        format!(
            "[database]\nsocket = {}\nuser = root\ndatabase = {}\ntls = off\npool_size = 5\n{}",
            self.socket,
            self.name,
            bucket(None, &self.name)
        )
    }

    /// Runs statements in the database.
    pub fn run(&self, text: &str) {
        run(self.sql(text).arg(&self.name));
    }

    /// Whether a statement succeeds in the database.
    pub fn takes(&self, text: &str) -> bool {
        let output = self.sql(text).arg(&self.name).output();
        output.unwrap().status.success()
    }

    fn sql(&self, text: &str) -> Command {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "-uroot", "-S", &self.socket, "-e", text]);
        command
    }
}

impl Drop for Backing {
    fn drop(&mut self) {
        // Its server may be gone already.
        let _ = self.sql(&format!("DROP DATABASE {}", self.name)).output();
    }
}

/// A MariaDB server that is nobody's but one test's: to kill, or to fill.
pub struct Database(String);

impl Database {
    /// With variables of `scripts/services/mariadb`.
    pub fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let database = Self(format!("mariadb-{name}-{}", std::process::id()));
        run(database.command("up").envs(variables.iter().copied()));
        database
    }

    /// Its home below `target/services`.
    pub fn name(&self) -> &str {
        &self.0
    }

    pub fn kill_and_start_again(&self) {
        run(&mut self.command("kill"));
        run(&mut self.command("again"));
    }

    fn command(&self, what: &str) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/services/mariadb");
        let mut command = Command::new(script);
        command.arg(what).env("LIGHTMAIL_MARIADB_SERVICE", &self.0);
        command
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = self.command("down").output();
    }
}

/// The section for the tests' S3 server, or for another of its buckets.
pub fn bucket(name: Option<&str>, prefix: &str) -> String {
    let facts = facts("s3");
    let get = |name: &str| &facts[&format!("LIGHTMAIL_TEST_S3_{name}")];
    format!(
        "[s3]\nendpoint = {}\nbucket = {}\naccess_key = {}\nsecret_key = {}\nprefix = {prefix}/\n",
        get("ENDPOINT"),
        name.unwrap_or(get("BUCKET")),
        get("ACCESS_KEY"),
        get("SECRET_KEY"),
    )
}

/// What a service of the tests says of itself.
pub fn facts(service: &str) -> BTreeMap<String, String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/services/{service}/env"));
    let text = std::fs::read_to_string(file)
        .unwrap_or_else(|_| panic!("this test needs {service}: run scripts/services/{service} up"));
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(key, value)| (key.into(), value.into())).collect()
}
