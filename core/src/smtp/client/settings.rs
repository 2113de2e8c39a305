//! How long a client waits for what.

/// One value for all jobs. RFC 5321, 4.5.3.2 says which times a client needs, and the shortest that they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// For a connection, in milliseconds.
    pub connect_ms: u64,
    /// For the greeting (4.5.3.2.1), and for each reply until mail may be sent.
    pub greeting_ms: u64,
    /// For the handshake of TLS.
    pub tls_ms: u64,
    /// For the reply to MAIL, RCPT or RSET (4.5.3.2.2, 4.5.3.2.3).
    pub command_ms: u64,
    /// For the reply to DATA (4.5.3.2.4).
    pub data_ms: u64,
    /// For the reply to a whole message (4.5.3.2.6). The time that a block of it may take is the shell's to know.
    pub end_ms: u64,
    /// For the reply to QUIT: nothing depends on it.
    pub quit_ms: u64,
}

impl Default for Settings {
    /// The times of RFC 5321.
    fn default() -> Self {
        const MINUTE_MS: u64 = 60_000;
        Self {
            connect_ms: MINUTE_MS / 2,
            greeting_ms: 5 * MINUTE_MS,
            tls_ms: MINUTE_MS,
            command_ms: 5 * MINUTE_MS,
            data_ms: 2 * MINUTE_MS,
            end_ms: 10 * MINUTE_MS,
            quit_ms: 10_000,
        }
    }
}
