//! What a mail costs from MAIL to its reply, in statements: the same over LMTP and over SMTP.

use std::sync::Arc;

use lightmail_core::lmtp;
use lightmail_core::machine::{Peer, Seed};
use lightmail_core::smtp::{Server, Settings, mx};

use super::sweep::Talk;
use super::town::{Kind, Town, on_each};
use crate::Storage;

pub(super) type Session = fn(Peer, Arc<Settings>, Seed) -> Server;

/// The greeting of a client, and who answers it.
pub(super) const DIALECTS: [(&str, Session); 2] = [("LHLO", lmtp::session), ("EHLO", mx::session)];

pub(super) const MAILS: u64 = 10;

/// Sends so many mails, each to all of these, in one conversation; the last reply is known to have arrived.
pub(super) async fn send(storage: &Storage, (hello, session): (&str, Session), mails: u64, to: &[&str]) {
    let mut talk = Talk::new(storage, session);
    talk.say(&format!("{hello} client.test\r\n")).await;
    for n in 0..mails {
        talk.say("MAIL FROM:<sender@example.org>\r\n").await;
        for login in to {
            talk.say(&format!("RCPT TO:<{login}>\r\n")).await;
        }
        talk.say("DATA\r\n").await;
        let replies = talk.say(&format!("Subject: {n} over {hello}\r\n\r\n.\r\n")).await;
        assert!(
            replies.lines().all(|reply| reply.starts_with("250 ")),
            "{replies}"
        );
    }
    talk.say("QUIT\r\n").await;
}

#[test]
fn a_mail_takes_as_many_statements_over_smtp_as_over_lmtp() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let logins = ["a@example.com", "b@example.com"];
        for login in logins {
            town.settle(login).await;
        }
        for dialect in DIALECTS {
            for to in [&logins[..1], &logins[..]] {
                let before = town.storage.statements();
                send(&town.storage, dialect, MAILS, to).await;
                let after = town.storage.statements();
                let spent = |name: &str| after.of(name) - before.of(name);
                let (told, copies) = ((dialect.0, to.len()), to.len() as u64);
                let asked = spent("store.FindRecipient");
                assert_eq!(asked, MAILS * copies, "{told:?}");
                let delivered = spent("store.Deliver");
                assert_eq!(delivered, MAILS * (1 + 6 * copies), "{told:?}");
                // What is known to have been told goes with the delivery after it; what is old, now and then.
                let tidied = spent("store.tidy");
                assert!(tidied <= MAILS * copies + 1, "{told:?}: {tidied}");
                // Where there are other nodes, a mailbox's row is locked before it is read.
                let locked = spent("store.lock");
                assert_eq!(locked, if kind == Kind::Sqlite { 0 } else { MAILS }, "{told:?}");
                let all = after.total() - before.total();
                assert_eq!(
                    all,
                    asked + delivered + tidied + locked,
                    "{told:?}: and nothing else"
                );
            }
        }
    });
}
