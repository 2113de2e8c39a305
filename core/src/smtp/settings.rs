//! What an operator may set for a mail server.

use crate::config::Config;

/// One value for all conversations of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Our name in greeting, hello and `Received`; `<Postmaster>` is at this domain.
    pub hostname: String,
    /// The most octets of a message; SIZE says this number (RFC 1870).
    pub message_size_max: u64,
    /// The most recipients of one message.
    pub recipients_max: usize,
}

impl Settings {
    /// What a configuration says of LMTP. The machine's own name is the shell's to know: where the configuration has none,
    /// it sets [`Settings::hostname`].
    pub fn lmtp(config: &Config) -> Self {
        Self {
            hostname: config.hostname(),
            message_size_max: config.lmtp_message_size(),
            recipients_max: usize::try_from(config.limits.recipients).unwrap_or(usize::MAX),
        }
    }
}

impl Default for Settings {
    /// What an empty configuration says of LMTP.
    fn default() -> Self {
        Self::lmtp(&Config::default())
    }
}
