//! The SMTP client: the mail of one [`Job`], sent to the first of its hosts that takes it, as a machine (RFC 5321).
//!
//! To follow a mail: `opening` goes from a host's address to a connection that takes mail (greeting, EHLO or HELO, TLS, the log-in),
//! `envelope` says what a server has to offer for a message and writes MAIL and RCPT, `transaction` counts replies and says what they
//! mean to each recipient, `sending` is the order of it all; [`reply`] reads what the server says. A shell drives a [`Client`] as it
//! drives a session, with no peer until [`crate::machine::Action::Connect`]; at its end, [`Client::report`] says what has become of
//! every recipient.
//!
//! Invariants: whatever a server says, every recipient is told of once. A message is given away once in a job: what was lost before its
//! content goes to the next host, what was lost in it is [`Fate::Later`], and what was lost behind its last octet is [`Fate::Unknown`],
//! since it may have arrived (RFC 5321, 4.5.3.2.6). No octet of a body is held here. No bare CR or LF leaves in DATA; as BDAT sends
//! octets as they are, it is said for binary mail only (RFC 3030, 3). Nothing is re-encoded, as that would break signatures: what a
//! server does not take as it is goes to the next host, or back (RFC 6152, 3).

mod envelope;
mod job;
mod login;
mod machine;
mod offers;
mod opening;
pub mod reply;
mod sending;
mod settings;
mod transaction;

#[cfg(test)]
mod tests;

pub use job::{Fate, Host, Job, JobMail, JobRecipient, JobReport, Login, Reason, TlsPolicy, Told};
pub use machine::Client;
pub use reply::{Reply, Status};
pub use settings::Settings;
