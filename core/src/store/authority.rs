//! Who may what: one function, asked by the one door that runs store requests.

use super::{AccountId, QueueRequest, Request, Work};

/// On whose behalf a request runs. Identity is a value in each effect, never the state of a connection to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A server before anybody has logged in: it looks up accounts and recipients, and delivers.
    Door,
    /// A logged-in user. Names and ids in a request are looked up in this account only.
    Account(AccountId),
    /// The operator, by the command line or the Admin API.
    Operator,
    /// A background worker of the server itself.
    Worker,
}

impl Actor {
    /// The account whose mailboxes a request speaks of.
    pub fn account(self) -> Option<AccountId> {
        match self {
            Actor::Account(account) => Some(account),
            Actor::Door | Actor::Operator | Actor::Worker => None,
        }
    }
}

/// Whether `actor` may make this request at all. What a user may touch is narrowed further by the account in every lookup.
pub fn permits(actor: Actor, request: &Request) -> bool {
    match request {
        Request::FindLogin(_)
        | Request::CountFailedLogin(..)
        | Request::KeepPassword { .. }
        | Request::FindRecipient { .. }
        | Request::Deliver { .. } => matches!(actor, Actor::Door),
        Request::FindAccount { .. }
        | Request::Domain(_)
        | Request::CreateAccount(_)
        | Request::SetPassword { .. }
        | Request::SetQuota { .. }
        | Request::DeleteAccount { .. }
        | Request::ListAccounts
        | Request::AddAppPassword(_)
        | Request::ListAppPasswords { .. }
        | Request::RemoveAppPassword { .. }
        | Request::ListThrottles { .. }
        | Request::ClearThrottles { .. }
        | Request::FindDeleted(_)
        | Request::Undelete(_)
        | Request::FindImported { .. }
        | Request::Import(_)
        | Request::CountGarbage { .. } => matches!(actor, Actor::Operator),
        Request::FindSender { .. }
        | Request::ListMailboxes { .. }
        | Request::ListSubscriptions
        | Request::StatusMailbox { .. }
        | Request::CreateMailbox { .. }
        | Request::DeleteMailbox { .. }
        | Request::RenameMailbox { .. }
        | Request::Subscribe { .. }
        | Request::Unsubscribe { .. }
        | Request::OpenMailbox { .. }
        | Request::Refresh { .. }
        | Request::FetchPage { .. }
        | Request::ChangeFlags { .. }
        | Request::Copy { .. }
        | Request::Expunge { .. }
        | Request::DeleteMessages { .. }
        | Request::Append { .. }
        | Request::Calendar(_) => matches!(actor, Actor::Account(_)),
        Request::TakeLease {
            work: Work::Maildrop(account),
            ..
        } => actor == Actor::Account(*account),
        Request::TakeLease {
            work: Work::Garbage, ..
        }
        | Request::CollectMessages { .. }
        | Request::CollectMailboxes { .. }
        | Request::CollectCalendarObjects { .. }
        | Request::CollectCalendars { .. }
        | Request::ClaimObjects { .. }
        | Request::ForgetObjects { .. }
        | Request::FindObjects { .. } => matches!(actor, Actor::Worker),
        Request::Queue(request) => actor == tends(request),
    }
}

/// Who may make this request about the queue: the one that sends what is in it, or who watches it.
fn tends(request: &QueueRequest) -> Actor {
    match request {
        QueueRequest::List(_) | QueueRequest::Change { .. } => Actor::Operator,
        QueueRequest::Claim { .. }
        | QueueRequest::Settle { .. }
        | QueueRequest::Renew { .. }
        | QueueRequest::NextDue { .. } => Actor::Worker,
    }
}
