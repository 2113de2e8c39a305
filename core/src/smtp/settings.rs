//! What an operator may set for a mail server.

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

impl Default for Settings {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            message_size_max: 50 * 1024 * 1024,
            recipients_max: 1000,
        }
    }
}
