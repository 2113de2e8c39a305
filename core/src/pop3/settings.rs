//! What an operator decides about POP3: names, policy, budgets, time-outs.

use crate::config::{Config, Plaintext};
use crate::sasl;

/// What a session is told by its operator. The same for all sessions of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The name that the greeting bears.
    pub hostname: String,
    /// What IMPLEMENTATION says (RFC 2449, 6.9); a word without spaces.
    pub implementation: String,
    /// Whether the shell can switch to TLS, so that STLS is offered.
    pub tls: bool,
    /// When passwords may pass unencrypted.
    pub plaintext: Plaintext,
    /// The SASL mechanisms that are offered, those that the operator wants and that can work.
    pub mechanisms: Vec<String>,
    /// The most octets of a command line, its end included; at least 255 (RFC 2449, 4).
    pub line_max: usize,
    /// From greeting to log-in, in milliseconds.
    pub login_time_ms: u64,
    /// Silence after which a client is logged out, in milliseconds; at least 10 minutes (RFC 1939, 3).
    pub idle_time_ms: u64,
    /// Bad commands behind which the next one is read without delay.
    pub bad_commands_free: u32,
    /// Bad commands after which the session ends.
    pub bad_commands: u32,
    /// The delay behind a bad command beyond the free ones, and the growth of the delay of each failed log-in, in milliseconds.
    pub delay_ms: u64,
    /// How many wrong passwords a network or a name may give in a minute, over all sessions.
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
            implementation: concat!("LightMail-", env!("CARGO_PKG_VERSION")).to_owned(),
            tls: false,
            plaintext: config.auth.plaintext,
            mechanisms: sasl::wanted(config),
            line_max: limits.login_line.max(LINE_MIN),
            login_time_ms: u64::from(limits.login_seconds) * 1000,
            idle_time_ms: 10 * 60_000,
            bad_commands_free: limits.bad_commands_soft,
            bad_commands: limits.bad_commands,
            delay_ms: u64::from(limits.bad_command_delay_seconds) * 1000,
            attempts_per_minute: config.auth.attempts_per_minute,
            failed_logins: 5,
        }
    }
}

/// What every client may count on (RFC 2449, 4).
const LINE_MIN: usize = 255;

impl Default for Settings {
    /// What an empty configuration says.
    fn default() -> Self {
        Self::from_config(&Config::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn a_configuration_is_heard() {
        let text = "[server]\nhostname = mail.example.com\n[auth]\nplaintext = never\nmechanisms = plain\n\
                    [limits]\nlogin_line = 100\nlogin_seconds = 5\nbad_commands = 3\nbad_commands_soft = 2\n\
                    bad_command_delay_seconds = 4\n";
        let settings = Settings::from_config(&config::parse("config.ini", text).unwrap());
        assert_eq!(
            settings,
            Settings {
                hostname: "mail.example.com".to_owned(),
                implementation: settings.implementation.clone(),
                tls: false,
                plaintext: Plaintext::Never,
                mechanisms: vec!["PLAIN".to_owned()],
                line_max: 255,
                login_time_ms: 5000,
                idle_time_ms: 600_000,
                bad_commands_free: 2,
                bad_commands: 3,
                delay_ms: 4000,
                attempts_per_minute: settings.attempts_per_minute,
                failed_logins: 5,
            }
        );
        assert!(!settings.implementation.contains(' '));
    }
}
