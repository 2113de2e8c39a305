//! Where mail for an address goes, and so who may send as it.

use lightmail_core::store::{
    AccountId, MailboxName, RecipientPlace, Refusal, Reply, SENDERS_MAX, base_of, domain_of,
};

use super::db::{Answer, Columns, Stop, sql};
use super::folder::{Folder, columns};
use super::row::DbRow;
use super::tx::Tx;

/// What an address may be, the better `choice` first: a row for each account, with its INBOX. A domain of ours has a row in any case.
const PLACES: &str = concat!(
    "SELECT ",
    columns!(),
    ", p.choice, p.account_id FROM (SELECT 0 AS choice, account_id FROM addresses WHERE address = ? \
     UNION ALL SELECT 0, account_id FROM aliases WHERE address = ? \
     UNION ALL SELECT 1, account_id FROM addresses WHERE address = ? \
     UNION ALL SELECT 1, account_id FROM aliases WHERE address = ? \
     UNION ALL SELECT 2, catch_all FROM domains WHERE name = ?) p \
     LEFT JOIN mailboxes b ON b.account_id = p.account_id AND b.name_hash = ? \
     LEFT JOIN accounts a ON a.id = p.account_id ORDER BY p.choice, p.account_id"
);
/// `PLACES`: the columns behind those of a mailbox.
const CHOICE: usize = 17;
const ACCOUNT: usize = 18;

/// The addresses and the domains whose mail comes to an account, if nothing better is known of an address.
const RIGHTS: &str = "SELECT 0, address FROM addresses WHERE account_id = ? \
     UNION ALL SELECT 0, address FROM aliases WHERE account_id = ? \
     UNION ALL SELECT 1, name FROM domains WHERE catch_all = ?";

/// An account that gets mail for an address.
struct Led {
    account: AccountId,
    inbox: Option<RecipientPlace>,
}

pub(crate) async fn find_recipient(tx: &mut Tx<'_>, address: &str, base: Option<&str>) -> Answer {
    let led = led_to(tx, address, base).await?;
    let places: Vec<_> = led.into_iter().filter_map(|led| led.inbox).collect();
    match places.is_empty() {
        true => Err(Refusal::NoSuchMailbox.into()),
        false => Ok(Reply::RecipientFound(places)),
    }
}

/// One statement, and another for each address that comes to the account by its base or its domain alone: it may be another's.
pub(crate) async fn find_sender(tx: &mut Tx<'_>, me: AccountId, addresses: &[String]) -> Answer {
    if addresses.len() > SENDERS_MAX {
        return Err(Stop::broken("too many addresses were asked for at once"));
    }
    let mut claims: Vec<_> = addresses.iter().map(|address| Claim::new(address)).collect();
    let take = |row: DbRow| {
        let (is_domain, name) = (row.int(0)? == 1, row.text(1)?);
        claims.iter_mut().for_each(|claim| claim.meet(is_domain, &name));
        Ok(true)
    };
    let rights = (0..3).fold(sql(RIGHTS), |query, _| query.bind(me.0));
    tx.db.while_wanted(rights, take).await?;
    let mut may = Vec::with_capacity(claims.len());
    for claim in claims {
        may.push(claim.is_own || (claim.is_possible && claim.holds(tx, me).await?));
    }
    Ok(Reply::SenderFound(may))
}

/// An address that somebody wants to send as.
struct Claim<'a> {
    address: &'a str,
    base: Option<String>,
    is_own: bool,
    /// Its base or its domain leads to the account.
    is_possible: bool,
}

impl<'a> Claim<'a> {
    fn new(address: &'a str) -> Self {
        Self {
            address,
            base: base_of(address),
            is_own: false,
            is_possible: false,
        }
    }

    fn meet(&mut self, is_domain: bool, name: &str) {
        self.is_own |= !is_domain && name == self.address;
        self.is_possible |= match is_domain {
            true => domain_of(self.address) == name,
            false => self.base.as_deref() == Some(name),
        };
    }

    async fn holds(&self, tx: &mut Tx<'_>, me: AccountId) -> Answer<bool> {
        match led_to(tx, self.address, self.base.as_deref()).await {
            Ok(led) => Ok(led.iter().any(|led| led.account == me)),
            // It has been taken away since.
            Err(Stop::Failure(_)) => Ok(false),
            Err(stop) => Err(stop),
        }
    }
}

/// The accounts that get mail for an address: at least one. Errors: `NotOurs`, `NoSuchAccount`.
async fn led_to(tx: &mut Tx<'_>, address: &str, base: Option<&str>) -> Answer<Vec<Led>> {
    let base = base.unwrap_or(address);
    let query = [address, address, base, base, domain_of(address)]
        .into_iter()
        .fold(sql(PLACES), |query, name| query.bind(name.to_owned()))
        .bind(MailboxName::inbox().hash().to_vec());
    let (mut best, mut led) = (None, Vec::new());
    let take = |row: DbRow| {
        let choice = row.int(CHOICE)?;
        if *best.get_or_insert(choice) != choice {
            return Ok(false);
        }
        // A catch-all that is none is account 0.
        if row.int(ACCOUNT)? != 0 {
            led.push(one_of_them(&row)?);
        }
        Ok(true)
    };
    tx.db.while_wanted(query, take).await?;
    match best {
        None => Err(Refusal::NotOurs.into()),
        Some(_) if led.is_empty() => Err(Refusal::NoSuchAccount.into()),
        Some(_) => Ok(led),
    }
}

fn one_of_them(row: &DbRow) -> Answer<Led> {
    let account = AccountId(row.int(ACCOUNT)?);
    // Without an INBOX the mailbox's columns are NULL.
    let inbox = match row.maybe_int(0)? {
        None => None,
        Some(_) => {
            let folder = Folder::from_row(row)?;
            Some(RecipientPlace {
                account,
                mailbox: folder.line.id,
                room_bytes: folder.room_bytes(),
            })
        }
    };
    Ok(Led { account, inbox })
}
