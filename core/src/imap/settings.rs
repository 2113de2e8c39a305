//! What an operator decides about IMAP: names, policy, budgets, time-outs.

use crate::config::{AntivirusMode, Config, Limits, Plaintext};
use crate::sasl;
use crate::wire::command::Budget;

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
    /// Whether the client may send literals of any size unasked (LITERAL+), or only small ones (LITERAL-); a server offers one
    /// of the two (RFC 7888, 5).
    pub literal_plus: bool,
    /// When passwords may pass unencrypted.
    pub plaintext: Plaintext,
    /// The SASL mechanisms that are offered, those of [`crate::sasl::NAMES`] that the operator wants.
    pub mechanisms: Vec<String>,
    /// Whether a client may log out and in again on its connection (RFC 8437, 8: not where a proxy trusts its backend).
    pub unauthenticate: bool,
    /// The most octets of a message (APPEND).
    pub message_size: u64,
    /// What becomes of an infected message (APPEND).
    pub antivirus: AntivirusMode,
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
    /// How many wrong passwords a network or a name may give in a minute.
    pub attempts_per_minute: u32,
    /// Failed log-ins after which the session ends.
    pub failed_logins: u32,
}

impl Settings {
    /// What a configuration says. TLS and the machine's own name are the shell's to know: [`Settings::tls`] is set where there is
    /// one that has it ([`crate::doors`]), and [`Settings::hostname`] where the configuration has none.
    pub fn from_config(config: &Config) -> Self {
        let limits = &config.limits;
        Self {
            hostname: config.hostname(),
            name: "LightMail".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            tls: false,
            literal_plus: config.imap.literal_plus,
            plaintext: config.auth.plaintext,
            mechanisms: sasl::wanted(config),
            unauthenticate: config.imap.unauthenticate,
            message_size: limits.message_size,
            antivirus: config.antivirus.mode,
            before_login: before_login(limits),
            after_login: after_login(limits),
            login_time_ms: u64::from(limits.login_seconds) * 1000,
            idle_time_ms: 30 * 60_000,
            literal_time_ms: 5 * 60_000,
            keepalive_ms: 2 * 60_000,
            bad_commands_free: limits.bad_commands_soft,
            bad_commands: limits.bad_commands,
            delay_ms: u64::from(limits.bad_command_delay_seconds) * 1000,
            attempts_per_minute: config.auth.attempts_per_minute,
            failed_logins: 5,
        }
    }
}

impl Settings {
    /// Octets of a literal that may come unasked where only small ones may (RFC 7888, 5).
    pub const LITERAL_MINUS_MAX: u64 = 4096;

    /// The most octets of a message, as far as a `number` can tell it (RFC 7889, 5).
    pub fn append_limit(&self) -> u32 {
        u32::try_from(self.message_size).unwrap_or(u32::MAX)
    }

    /// Whether a literal of `size` octets may be sent.
    pub(super) fn admits(&self, size: u64, sync: bool) -> bool {
        self.literal_plus || sync || size <= Self::LITERAL_MINUS_MAX
    }
}

impl Default for Settings {
    /// What an empty configuration says.
    fn default() -> Self {
        Self::from_config(&Config::default())
    }
}

fn before_login(limits: &Limits) -> Budget {
    Budget {
        line: limits.login_line,
        literal: limits.login_literal,
        literals: limits.login_literals,
        total: limits.login_command,
        skip: limits.login_literal,
    }
}

fn after_login(limits: &Limits) -> Budget {
    Budget {
        line: limits.imap_line,
        literal: limits.literal,
        literals: limits.literals,
        total: limits.imap_command,
        // Of a message that comes unasked and is refused, twice the size of one that would not be.
        skip: limits.message_size.saturating_mul(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn a_configuration_is_heard() {
        let text = "[server]\nhostname = mail.example.com\n[auth]\nplaintext = never\nmechanisms = plain\n[imap]\nliteral_plus = no\n[antivirus]\nmode = quarantine\n\
                    [limits]\nmessage_size = 1000\nliterals = 7\nlogin_seconds = 5\nbad_commands = 3\nbad_commands_soft = 2\n";
        let settings = Settings::from_config(&config::parse("config.ini", text).unwrap());
        assert_eq!(
            (settings.hostname.as_str(), settings.plaintext),
            ("mail.example.com", Plaintext::Never)
        );
        assert_eq!(settings.mechanisms, ["PLAIN"]);
        assert!(!settings.literal_plus && Settings::default().literal_plus);
        assert_eq!((settings.message_size, settings.after_login.skip), (1000, 2000));
        assert_eq!(settings.antivirus, AntivirusMode::Quarantine);
        assert_eq!(
            (settings.before_login.literals, settings.after_login.literals),
            (2, 7)
        );
        assert_eq!(
            (
                settings.login_time_ms,
                settings.bad_commands,
                settings.bad_commands_free
            ),
            (5000, 3, 2)
        );
    }

    /// RFC 3501, 5.4: no shorter.
    #[test]
    fn a_client_may_be_silent_for_thirty_minutes() {
        assert!(Settings::default().idle_time_ms >= 30 * 60_000);
    }
}
