//! Store requests in SQL: one request is one function.
//!
//! Texts are fixed (prepared once, cached by the connection) and the same for SQLite and MySQL: sets of UIDs become one
//! statement a range, never `IN (?, ?, …)`. What a request may do is decided in Rust on rows that are locked, so every
//! refusal comes before the first write. SQLite's lock is the one writer; MySQL's are the rows of accounts ([`locks`]).
//!
//! Invariant: nothing outside of this module writes SQL, and no value ever becomes part of a text.

pub(crate) mod accounts;
pub(crate) mod append;
pub(crate) mod calendar;
mod calendar_garbage;
mod calendar_rows;
mod clock;
pub(crate) mod commit;
pub(crate) mod conn;
pub(crate) mod copy;
pub(crate) mod database;
pub(crate) mod db;
pub(crate) mod deliver;
pub(crate) mod domains;
pub(crate) mod expunge;
pub(crate) mod flags;
pub(crate) mod folder;
pub(crate) mod garbage;
mod graves;
mod group;
pub(crate) mod health;
pub(crate) mod import;
mod locks;
pub(crate) mod login;
pub(crate) mod messages;
pub(crate) mod mysql;
pub(crate) mod nodes;
pub(crate) mod page;
pub(crate) mod places;
pub(crate) mod poll;
pub(crate) mod query;
pub(crate) mod queue;
mod queue_lines;
mod queue_rows;
pub(crate) mod rename;
pub(crate) mod row;
pub(crate) mod schema;
pub(crate) mod schema_mysql;
pub(crate) mod settings;
pub(crate) mod short;
pub(crate) mod sqlite;
pub(crate) mod tree;
pub(crate) mod trouble;
pub(crate) mod tx;
pub(crate) mod undelete;
pub(crate) mod view;

use lightmail_core::store::{AccountId, Actor, Refusal, Reply, Request};

use db::{Answer, Stop};
use tx::Tx;

/// The account of an actor whose requests speak of mailboxes.
fn me(actor: Actor) -> Result<AccountId, Stop> {
    actor.account().ok_or_else(|| Refusal::NotPermitted.into())
}

/// Whether a request may be answered without writing.
pub(crate) fn may_only_read(request: &Request) -> bool {
    match request {
        Request::Calendar(request) => request.only_reads(),
        Request::Domain(request) => request.only_reads(),
        Request::Queue(request) => request.only_reads(),
        Request::FindAccount { .. }
        | Request::FindLogin(_)
        | Request::ListAppPasswords { .. }
        | Request::ListThrottles { .. }
        | Request::FindRecipient { .. }
        | Request::FindSender { .. }
        | Request::ListAccounts
        | Request::ListMailboxes { .. }
        | Request::ListSubscriptions
        | Request::StatusMailbox { .. }
        | Request::OpenMailbox { .. }
        | Request::Refresh { .. }
        | Request::FetchPage { .. }
        | Request::FindDeleted(_)
        | Request::FindImported { .. }
        | Request::CountGarbage { .. }
        | Request::FindObjects { .. } => true,
        Request::CreateAccount(_)
        | Request::SetPassword { .. }
        | Request::KeepPassword { .. }
        | Request::CountFailedLogin(..)
        | Request::ClearThrottles { .. }
        | Request::AddAppPassword(_)
        | Request::RemoveAppPassword { .. }
        | Request::SetQuota { .. }
        | Request::DeleteAccount { .. }
        | Request::CreateMailbox { .. }
        | Request::DeleteMailbox { .. }
        | Request::RenameMailbox { .. }
        | Request::Subscribe { .. }
        | Request::Unsubscribe { .. }
        | Request::ChangeFlags { .. }
        | Request::Copy { .. }
        | Request::Expunge { .. }
        | Request::DeleteMessages { .. }
        | Request::Append { .. }
        | Request::Deliver { .. }
        | Request::Undelete(_)
        | Request::Import(_)
        | Request::TakeLease { .. }
        | Request::CollectMessages { .. }
        | Request::CollectMailboxes { .. }
        | Request::CollectCalendarObjects { .. }
        | Request::CollectCalendars { .. }
        | Request::ClaimObjects { .. }
        | Request::ForgetObjects { .. } => false,
    }
}

/// The request that reads the same and claims nothing, of one that claims what is recent.
pub(crate) fn without_claim(request: &Request) -> Option<Request> {
    let mut unclaimed = match request {
        Request::OpenMailbox { .. } | Request::Refresh { .. } => request.clone(),
        _ => return None,
    };
    if let Request::OpenMailbox { claim_recent, .. } | Request::Refresh { claim_recent, .. } = &mut unclaimed
    {
        *claim_recent = false;
    }
    Some(unclaimed)
}

/// Answers a request that only reads; `None` if it may have to write.
pub(crate) async fn read(tx: &mut Tx<'_>, actor: Actor, request: &Request) -> Answer<Option<Reply>> {
    let reply = match request {
        Request::FindAccount { login } => accounts::find_account(tx, login).await?,
        Request::FindRecipient { address, base } => {
            places::find_recipient(tx, address, base.as_deref()).await?
        }
        Request::FindSender { addresses } => places::find_sender(tx, me(actor)?, addresses).await?,
        Request::Domain(request) => Reply::Domain(domains::read(tx, request).await?),
        Request::ListAccounts => accounts::list_accounts(tx).await?,
        Request::ListMailboxes { recent } => tree::list_mailboxes(tx, me(actor)?, *recent).await?,
        Request::ListSubscriptions => tree::list_subscriptions(tx, me(actor)?).await?,
        Request::StatusMailbox { name, recent } => {
            tree::status_mailbox(tx, me(actor)?, name, *recent).await?
        }
        Request::OpenMailbox { name, claim_recent } => {
            return view::open(tx, me(actor)?, name, *claim_recent).await;
        }
        Request::Refresh {
            mailbox,
            since,
            claim_recent,
        } => {
            return view::refresh(tx, me(actor)?, *mailbox, *since, *claim_recent).await;
        }
        Request::FetchPage { mailbox, uids } => page::fetch(tx, me(actor)?, *mailbox, uids).await?,
        Request::Calendar(request) => Reply::Calendar(calendar::read(tx, me(actor)?, request).await?),
        Request::Queue(request) => Reply::Queue(queue::read(tx, request).await?),
        Request::FindDeleted(wanted) => undelete::find(tx, wanted).await?,
        Request::FindImported { keys } => import::find(tx, keys).await?,
        Request::CountGarbage { before_ms } => garbage::count_garbage(tx, *before_ms).await?,
        Request::FindObjects { from, to } => garbage::find_objects(tx, *from, *to).await?,
        request => return login::read(tx, request).await,
    };
    Ok(Some(reply))
}

/// Answers a request inside a transaction that holds the writer's lock.
pub(crate) async fn write(tx: &mut Tx<'_>, actor: Actor, request: &Request) -> Answer {
    match request {
        Request::CreateAccount(new) => accounts::create_account(tx, new).await,
        Request::DeleteAccount { login, at_ms } => accounts::delete_account(tx, login, *at_ms).await,
        Request::CreateMailbox {
            mailbox,
            superiors,
            at_s,
        } => tree::create_mailbox(tx, me(actor)?, mailbox, superiors, *at_s).await,
        Request::DeleteMailbox { name, at_ms } => tree::delete_mailbox(tx, me(actor)?, name, *at_ms).await,
        Request::RenameMailbox {
            from,
            to,
            superiors,
            at_s,
        } => rename::rename_mailbox(tx, me(actor)?, from, to, superiors, *at_s).await,
        Request::Subscribe { name } => tree::subscribe(tx, me(actor)?, name).await,
        Request::OpenMailbox { name, .. } => view::open_and_claim(tx, me(actor)?, name).await,
        Request::Refresh { mailbox, since, .. } => {
            view::refresh_and_claim(tx, me(actor)?, *mailbox, *since).await
        }
        Request::ChangeFlags {
            mailbox,
            uids,
            change,
            flags,
            keywords,
            unchanged_since,
            since,
        } => {
            let wish = flags::Wish {
                change: *change,
                flags: *flags,
                keywords,
                unchanged_since: *unchanged_since,
            };
            flags::change_flags(tx, me(actor)?, *mailbox, uids, &wish, *since).await
        }
        Request::Copy {
            from,
            uids,
            whole,
            to,
            moving,
            key,
            at_ms,
            since,
        } => {
            let trip = copy::Trip {
                from: *from,
                whole: *whole,
                to,
                moving: *moving,
                key,
                at_ms: *at_ms,
                since: *since,
            };
            copy::copy(tx, me(actor)?, &trip, uids).await
        }
        Request::Append {
            name,
            instead,
            messages,
            at_ms,
        } => append::append(tx, me(actor)?, name, instead.as_ref(), messages, *at_ms).await,
        Request::Deliver {
            stored,
            recipients,
            outbound,
            at_ms,
        } => deliver::deliver(tx, stored, recipients, outbound, *at_ms).await,
        _ => write_other(tx, actor, request).await,
    }
}

/// What is not about mailboxes and mail in them, what removes messages, and what a maildrop asks; and what only reads, in a
/// transaction all the same.
async fn write_other(tx: &mut Tx<'_>, actor: Actor, request: &Request) -> Answer {
    match request {
        Request::Calendar(request) => {
            let done = calendar::write(tx, me(actor)?, request).await;
            return done.map(Reply::Calendar);
        }
        Request::Expunge {
            mailbox,
            within,
            at_ms,
            since,
        } => {
            return expunge::expunge(tx, me(actor)?, *mailbox, within.as_ref(), *at_ms, *since).await;
        }
        Request::Unsubscribe { name } => return tree::unsubscribe(tx, me(actor)?, name).await,
        Request::Queue(request) => return queue::write(tx, request).await.map(Reply::Queue),
        Request::DeleteMessages { mailbox, uids, at_ms } => {
            return expunge::delete_messages(tx, me(actor)?, *mailbox, uids, *at_ms).await;
        }
        Request::Domain(request) => return domains::write(tx, request).await.map(Reply::Domain),
        Request::Undelete(wanted) => return undelete::undelete(tx, wanted).await,
        Request::Import(wanted) => return import::import(tx, wanted).await,
        Request::SetPassword { login, password } => return accounts::set_password(tx, login, password).await,
        Request::SetQuota { login, quota_bytes } => {
            return accounts::set_quota(tx, login, *quota_bytes).await;
        }
        _ => {}
    }
    if let Some(reply) = login::write(tx, request).await? {
        return Ok(reply);
    }
    match garbage::work(tx, request).await? {
        Some(reply) => Ok(reply),
        None => read(tx, actor, request)
            .await?
            .ok_or_else(|| Stop::broken("a reading request was not answered")),
    }
}
