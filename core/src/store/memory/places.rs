//! Where mail for an address goes, and so who may send as it.

use std::collections::BTreeSet;

use crate::store::{
    AccountId, Failure, MailboxName, RecipientPlace, Refusal, Reply, SENDERS_MAX, base_of, domain_of,
};

use super::{Answer, Store};

impl Store {
    pub(super) fn find_recipient(&self, address: &str, base: Option<&str>) -> Answer {
        let accounts = self.led_to(address, base)?;
        let places: Vec<_> = accounts.into_iter().filter_map(|id| self.place(id)).collect();
        match places.is_empty() {
            true => Err(Refusal::NoSuchMailbox.into()),
            false => Ok(Reply::RecipientFound(places)),
        }
    }

    pub(super) fn find_sender(&self, me: AccountId, addresses: &[String]) -> Answer {
        if addresses.len() > SENDERS_MAX {
            return Err(Failure::broken("too many addresses were asked for at once"));
        }
        let comes_to_me = |address: &String| {
            self.led_to(address, base_of(address).as_deref())
                .is_ok_and(|accounts| accounts.contains(&me))
        };
        Ok(Reply::SenderFound(addresses.iter().map(comes_to_me).collect()))
    }

    /// The accounts that get mail for an address: at least one.
    fn led_to(&self, address: &str, base: Option<&str>) -> Result<BTreeSet<AccountId>, Refusal> {
        let known = |address: &str| {
            let own = self.addresses.get(address).map(|account| [*account].into());
            own.or_else(|| self.aliases.get(address).cloned())
        };
        if let Some(accounts) = known(address).or_else(|| known(base?)) {
            return Ok(accounts);
        }
        let domain = self.domains.get(domain_of(address)).ok_or(Refusal::NotOurs)?;
        domain
            .catch_all
            .map(|account| [account].into())
            .ok_or(Refusal::NoSuchAccount)
    }

    fn place(&self, id: AccountId) -> Option<RecipientPlace> {
        let account = self.accounts.get(&id)?;
        let room = account.quota_bytes.saturating_sub(account.used_bytes);
        Some(RecipientPlace {
            account: id,
            mailbox: self.find(id, &MailboxName::inbox()).ok()?,
            room_bytes: (account.quota_bytes > 0).then_some(room),
        })
    }
}
