//! What an operator decides about IMAP: names, policy, budgets, time-outs.

use crate::sasl;
use crate::wire::command::Budget;

/// When a password may cross the network unencrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plaintext {
    /// Only from this machine: loopback or a UNIX socket.
    Local,
    /// Never, not even from this machine.
    Never,
    /// From anywhere.
    Always,
}

/// What a session is told by its operator. The same for all sessions of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The name that the greeting bears.
    pub hostname: String,
    /// `name` of the ID response (RFC 2971, 3.3).
    pub name: String,
    /// `version` of the ID response.
    pub version: String,
    /// Whether the shell can switch to TLS, so that STARTTLS is offered.
    pub tls: bool,
    /// When passwords may pass unencrypted.
    pub plaintext: Plaintext,
    /// The SASL mechanisms that are offered, those of [`crate::sasl::NAMES`] that the operator wants.
    pub mechanisms: Vec<String>,
    /// The most octets of a message (APPEND).
    pub message_size: u64,
    /// What one command may be before log-in.
    pub before_login: Budget,
    /// What one command may be after log-in; an APPEND's message does not count.
    pub after_login: Budget,
    /// From greeting to log-in, in milliseconds.
    pub login_time_ms: u64,
    /// Silence after which a client is logged out, in milliseconds; at least 30 minutes (RFC 3501, 5.4).
    pub idle_time_ms: u64,
    /// Silence within a message that APPEND sends, in milliseconds.
    pub literal_time_ms: u64,
    /// How often an IDLE hears that we are still here, in milliseconds.
    pub keepalive_ms: u64,
    /// Bad commands that are answered without delay.
    pub bad_commands_free: u32,
    /// Bad commands after which the session ends.
    pub bad_commands: u32,
    /// The delay of a bad command beyond the free ones, and the growth of the delay of each failed log-in, in milliseconds.
    pub delay_ms: u64,
    /// Failed log-ins after which the session ends.
    pub failed_logins: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            name: "LightMail".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            tls: false,
            plaintext: Plaintext::Local,
            mechanisms: sasl::NAMES.map(str::to_owned).to_vec(),
            message_size: 50 * 1024 * 1024,
            before_login: Budget {
                line: 8 * 1024,
                literal: 4 * 1024,
                literals: 2,
                total: 16 * 1024,
                skip: 4 * 1024,
            },
            after_login: Budget {
                line: 64 * 1024,
                literal: 128 * 1024,
                literals: 100,
                total: 1024 * 1024,
                skip: 128 * 1024 * 1024,
            },
            login_time_ms: 30_000,
            idle_time_ms: 30 * 60_000,
            literal_time_ms: 5 * 60_000,
            keepalive_ms: 2 * 60_000,
            bad_commands_free: 10,
            bad_commands: 20,
            delay_ms: 1_000,
            failed_logins: 5,
        }
    }
}
