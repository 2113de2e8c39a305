//! The outbound queue: mail on its way to other servers, one entry for each recipient.
//!
//! An entry comes with the message's local deliveries, in one transaction ([`super::Request::Deliver`]). A worker claims entries
//! that are due for a while, tries them, and settles what became of them; what it claimed and never settled is due again when the
//! while is over, so that any number of nodes run one queue and none has to outlive its work. An entry has the message's body
//! as object, and counts as a row that names it.

mod encoded;
mod entry;
mod options;
mod outbound;
mod request;

pub use entry::{QueueEntry, QueueFilter, QueueLine, QueuePage, QueueState};
pub use options::{DeliverBy, LateMail, MailBody, MailOptions, Notify, Ret};
pub use outbound::{Outbound, QueueId};
pub use request::{
    NewReport, QueueChange, QueueFate, QueueReply, QueueRequest, QueueSelection, Settled, clipped,
};
