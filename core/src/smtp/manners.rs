//! What one dialect of SMTP does otherwise than another, as a value: LMTP today; inbound SMTP and submission are two more values.

use super::words::Reply;

/// A dialect. The session asks this value and never which dialect it is.
#[derive(Debug)]
pub struct Manners {
    /// The name in the greeting and, by the rules of RFC 3848, in `Received … with`.
    pub protocol: &'static str,
    /// The hellos that are understood.
    pub hellos: &'static [Hello],
    /// The reply to every other hello.
    pub wrong_hello: Reply,
    /// The extensions that a hello is answered with; SIZE and STARTTLS are added from the settings.
    pub extensions: &'static [&'static str],
    /// The reply to DATA when no recipient was accepted.
    pub no_recipients: Reply,
}

/// A way to say hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hello {
    /// `HELO`: a greeting without extensions.
    Helo,
    /// `EHLO` (RFC 5321, 4.1.1.1).
    Ehlo,
    /// `LHLO` (RFC 2033, 4.1).
    Lhlo,
}
