//! What an operator may set for a mail server.

use crate::config::{AntivirusMode, Config};

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
}

impl Settings {
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
        let text = "[server]\nhostname = mail.example.com\n[lmtp]\nmax_message_size = 900\n\
                    [limits]\nmessage_size = 1000\nrecipients = 3\nsmtp_line = 512\nbad_commands_soft = 2\n\
                    bad_commands = 4\nbad_command_delay_seconds = 5\nidle_commands = 6\nhops = 7\n\
                    data_rate = 8\ndata_rate_after_seconds = 9\n[antivirus]\nmode = tag\n";
        assert_eq!(
            Settings::lmtp(&config::parse("config.ini", text).unwrap()),
            Settings {
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
            }
        );
    }
}
