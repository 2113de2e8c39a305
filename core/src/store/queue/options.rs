//! What a message asks of the servers on its way, by MAIL and RCPT.

/// The parameters of MAIL and RCPT that go with a recipient to the next server, as far as it takes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailOptions {
    /// What octets the message has.
    pub body: MailBody,
    /// SMTPUTF8: an address or a header field has UTF-8 (RFC 6531, 3.4).
    pub utf8: bool,
    /// REQUIRETLS: by TLS with a certificate that was verified, or not at all (RFC 8689, 2).
    pub require_tls: bool,
    /// MT-PRIORITY: from -9 to 9; the higher goes first (RFC 6710, 3).
    pub priority: i8,
    /// RET: what of the message a report has (RFC 3461, 4.3).
    pub ret: Option<Ret>,
    /// ENVID as it was given, in xtext (RFC 3461, 4.4); at most [`MailOptions::ENVID_MAX`] octets.
    pub envid: Option<String>,
    /// NOTIFY: which reports the sender wants (RFC 3461, 4.1); `None`: as if it were FAILURE, and DELAY where we like.
    pub notify: Option<Notify>,
    /// ORCPT as it was given: an address type, `;`, the address (RFC 3461, 4.2); at most [`MailOptions::ORCPT_MAX`] octets.
    pub orcpt: Option<String>,
    /// BY: until when it has to arrive (RFC 2852, 4).
    pub by: Option<DeliverBy>,
}

impl MailOptions {
    /// The most octets of an envelope id (RFC 3461, 4.4).
    pub const ENVID_MAX: usize = 100;
    /// The most octets of an original recipient (RFC 3461, 4.2).
    pub const ORCPT_MAX: usize = 500;
}

/// BODY: what octets a message has (RFC 6152, 3; RFC 3030, 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum MailBody {
    /// Lines of US-ASCII.
    #[default]
    SevenBit,
    /// Lines of any octets but CR, LF and NUL: `8BITMIME`.
    EightBit,
    /// Any octets: `BINARYMIME`.
    Binary,
}

/// What of the message is in a report of failure (RFC 3461, 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ret {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

/// Which reports a sender wants of a recipient (RFC 3461, 4.1); none of the three is `NEVER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notify {
    /// That it has arrived.
    pub success: bool,
    /// That it will not.
    pub failure: bool,
    /// That it takes long.
    pub delay: bool,
}

impl Notify {
    /// No report at all.
    pub const NEVER: Self = Self {
        success: false,
        failure: false,
        delay: false,
    };
}

/// Until when a message has to arrive (RFC 2852, 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliverBy {
    /// In milliseconds since 1970.
    pub until_ms: u64,
    /// What happens then.
    pub late: LateMail,
    /// Whether the sender wants to hear of a server on the way that does not know BY.
    pub trace: bool,
}

/// What happens to mail that is late (RFC 2852, 4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LateMail {
    /// It goes back.
    Return,
    /// It goes on, and the sender is told.
    Notify,
}
