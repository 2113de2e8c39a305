//! What an operator may set for a mail server.

use crate::config::{AntivirusMode, Config, Plaintext};
use crate::sasl;

/// One value for all conversations of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Our name in greeting, hello and `Received`; `<Postmaster>` is at this domain.
    pub hostname: String,
    /// Whether the transport can switch to TLS: STARTTLS is offered then (RFC 3207).
    pub tls: bool,
    /// The most octets of a message; SIZE says this number (RFC 1870).
    pub message_size_max: u64,
    /// The most recipients of one message.
    pub recipients_max: usize,
    /// The most octets of a command line, its end included (RFC 5321, 4.5.3.1.4).
    pub line_max: usize,
    /// Bad commands that are answered at once.
    pub bad_commands_free: u32,
    /// The bad command that ends the session.
    pub bad_commands: u32,
    /// How much later the command behind a bad one is read, once the free ones are used up; in milliseconds.
    pub delay_ms: u64,
    /// Commands that bring no mail on (NOOP, RSET, VRFY, HELP, hello); each one more is a bad one.
    pub idle_commands: u32,
    /// `Received` fields of a message that has not gone in circles yet (RFC 5321, 6.3).
    pub hops_max: usize,
    /// Octets a second that a message must come at, once [`Settings::slow_ms`] are used up; 0: none.
    pub data_rate: u32,
    /// How long a message may take beyond what its octets take at [`Settings::data_rate`], in milliseconds.
    pub slow_ms: u64,
    /// What becomes of an infected message.
    pub antivirus: AntivirusMode,
    /// Where users send: when passwords may pass unencrypted.
    pub plaintext: Plaintext,
    /// The SASL mechanisms that users are offered, those that the operator wants and that can work.
    pub mechanisms: Vec<String>,
    /// How many wrong passwords a network or a name may give in a minute, over all sessions.
    pub attempts_per_minute: u32,
    /// Failed log-ins after which the session ends.
    pub failed_logins: u32,
    /// Whether a user sends under addresses of their own only.
    pub sender_check: bool,
}

impl Settings {
    /// What a configuration says of mail from other servers; see [`Settings::lmtp`].
    pub fn mx(config: &Config) -> Self {
        let recipients = config.limits.inbound_recipients;
        Self {
            message_size_max: config.smtp_message_size(),
            recipients_max: usize::try_from(recipients).unwrap_or(usize::MAX),
            ..Self::lmtp(config)
        }
    }

    /// What a configuration says of submission; see [`Settings::lmtp`].
    pub fn submission(config: &Config) -> Self {
        Self {
            message_size_max: config.smtp_message_size(),
            ..Self::lmtp(config)
        }
    }

    /// What a configuration says of LMTP. The machine's own name is the shell's to know: where the configuration has none,
    /// it sets [`Settings::hostname`]; whether there is TLS is the door's to know: it sets [`Settings::tls`].
    pub fn lmtp(config: &Config) -> Self {
        let limits = &config.limits;
        Self {
            hostname: config.hostname(),
            tls: false,
            message_size_max: config.lmtp_message_size(),
            recipients_max: usize::try_from(limits.recipients).unwrap_or(usize::MAX),
            line_max: limits.smtp_line,
            bad_commands_free: limits.bad_commands_soft,
            bad_commands: limits.bad_commands,
            delay_ms: u64::from(limits.bad_command_delay_seconds) * 1000,
            idle_commands: limits.idle_commands,
            hops_max: usize::try_from(limits.hops).unwrap_or(usize::MAX),
            data_rate: limits.data_rate,
            slow_ms: u64::from(limits.data_rate_after_seconds) * 1000,
            antivirus: config.antivirus.mode,
            plaintext: config.auth.plaintext,
            mechanisms: sasl::wanted(config),
            attempts_per_minute: config.auth.attempts_per_minute,
            failed_logins: 5,
            sender_check: config.smtp_server.sender_check,
        }
    }
}

impl Default for Settings {
    /// What an empty configuration says of LMTP.
    fn default() -> Self {
        Self::lmtp(&Config::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn a_configuration_is_heard() {
        let text = "[server]\nhostname = mail.example.com\n[lmtp]\nmax_message_size = 900\n[smtp_server]\nmax_message_size = 800\nsender_check = no\n\
                    [auth]\nplaintext = never\nmechanisms = plain\nattempts_per_minute = 10\n\
                    [limits]\nmessage_size = 1000\nrecipients = 3\ninbound_recipients = 2\nsmtp_line = 512\n\
                    bad_commands_soft = 2\nbad_commands = 4\nbad_command_delay_seconds = 5\nidle_commands = 6\nhops = 7\n\
                    data_rate = 8\ndata_rate_after_seconds = 9\n[antivirus]\nmode = tag\n";
        let config = config::parse("config.ini", text).unwrap();
        let lmtp = Settings {
            hostname: "mail.example.com".to_owned(),
            tls: false,
            message_size_max: 900,
            recipients_max: 3,
            line_max: 512,
            bad_commands_free: 2,
            bad_commands: 4,
            delay_ms: 5000,
            idle_commands: 6,
            hops_max: 7,
            data_rate: 8,
            slow_ms: 9000,
            antivirus: AntivirusMode::Tag,
            plaintext: Plaintext::Never,
            mechanisms: vec!["PLAIN".to_owned()],
            attempts_per_minute: 10,
            failed_logins: 5,
            sender_check: false,
        };
        assert_eq!(Settings::lmtp(&config), lmtp);
        let submission = Settings {
            message_size_max: 800,
            ..lmtp
        };
        assert_eq!(Settings::submission(&config), submission);
        let mx = Settings {
            recipients_max: 2,
            ..submission
        };
        assert_eq!(Settings::mx(&config), mx);
    }
}
