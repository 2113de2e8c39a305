//! The vocabulary of storage: what a machine may ask ([`Request`]), what it is told ([`Reply`]), and the values both speak of.
//!
//! [`memory`] is the specification: a plain in-memory value that answers every request. SQLite and MySQL must answer alike.
//! A request is a verb and its object, its reply the participle: `OpenMailbox` → `Opened`.
//! Every id, key and moment in a request comes from the machine; a store draws nothing.

mod app_password;
pub mod authority;
pub mod calendar;
mod domain;
mod failure;
mod flags;
mod ids;
mod import;
mod login;
pub mod memory;
mod name;
mod reply;
mod request;
#[cfg(any(test, feature = "sample"))]
pub mod sample;
pub mod set;
mod throttle;
mod undelete;
pub mod view;

pub use app_password::{APP_PASSWORDS_MAX, AppPasswordLine, LABEL_LEN_MAX, NewAppPassword, Scopes, Service};
pub use authority::Actor;
pub use calendar::{CalendarReply, CalendarRequest};
pub use domain::{
    ALIAS_ACCOUNTS_MAX, ALIASES_MAX, AliasLine, DomainLine, DomainReply, DomainRequest, SENDERS_MAX, base_of,
    domain_of,
};
pub use failure::{Budget, Failure, Fault, Refusal};
pub use flags::{Flag, Flags, Keyword, Keywords};
pub use ids::{AccountId, DeliveryKey, MailboxId, ModSeq, ObjectId, Uid};
pub use import::Import;
pub use login::{Ground, LoginAccount, LoginAppPassword, LoginFound, PasswordHashes, ScramVerifiers};
pub use name::{BadName, MailboxName, SEPARATOR, SpecialUse};
pub use reply::*;
pub use request::*;
pub use set::UidSet;
pub use throttle::{Attempt, Throttle};
pub use undelete::{DeletedMessage, Fate, FindDeleted, Undelete, Undeleted};
pub use view::{Row, View};
