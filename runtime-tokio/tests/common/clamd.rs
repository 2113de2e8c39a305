//! A clamd that knows one virus, the test file of EICAR.

use std::path::Path;
use std::process::Command;

use super::backing::facts;
use super::run;

/// What clamd calls the virus that it knows.
pub const NAME: &str = "Eicar-Test-Signature.UNOFFICIAL";

/// A message with the virus in it, inside a part that is encoded.
pub fn infected(subject: &str) -> Vec<u8> {
    // In halves, so that no scanner finds this file.
    let halves = [
        r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD",
        "-ANTIVIRUS-TEST-FILE!$H+H*",
    ];
    format!(
        "Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n\
         --b\r\nContent-Type: application/octet-stream\r\n\r\n{}\r\n--b--\r\n",
        halves.concat()
    )
    .into_bytes()
}

/// A clamd that is nobody's but one test's.
pub struct Clamd(String);

impl Clamd {
    /// With variables of `scripts/services/clamd`.
    pub fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let clamd = Self(format!(
            "clamd-{}-{name}-{}",
            env!("CARGO_PKG_NAME"),
            std::process::id()
        ));
        run(clamd.command("up").envs(variables.iter().copied()));
        clamd
    }

    /// The section of a configuration that reaches it over its UNIX socket, and more keys.
    pub fn over_socket(&self, more: &str) -> String {
        self.section(
            &format!("socket = {}", facts(&self.0)["LIGHTMAIL_TEST_CLAMD_SOCKET"]),
            more,
        )
    }

    /// The same over TCP.
    pub fn over_tcp(&self, more: &str) -> String {
        self.section(
            &format!("port = {}", facts(&self.0)["LIGHTMAIL_TEST_CLAMD_PORT"]),
            more,
        )
    }

    fn section(&self, place: &str, more: &str) -> String {
        format!("[antivirus]\nenabled = yes\n{place}\n{more}\n")
    }

    pub fn kill(&self) {
        run(&mut self.command("kill"));
    }

    pub fn start_again(&self) {
        run(&mut self.command("again"));
    }

    fn command(&self, what: &str) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/services/clamd");
        let mut command = Command::new(script);
        command.arg(what).env("LIGHTMAIL_CLAMD_SERVICE", &self.0);
        command
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        let _ = self.command("down").output();
    }
}
