//! RCPT: adds a recipient. One store request; the answer concerns this recipient alone.
//!
//! RFC 5321, 4.1.1.3; RFC 5233 (sub-addresses); RFC 1870, 6.4.

use super::super::context::Context;
use super::super::parameters;
use super::super::path::{self, Mailbox};
use super::super::session::State;
use super::super::transaction::Accepted;
use super::super::words::{self, Reply};
use super::mail::after_word;
use crate::machine::{Done, Effect, Outcome};
use crate::store::{self, Actor, RecipientPlace, Request};

/// `rcpt = "RCPT TO:" ( "<Postmaster>" / Forward-path ) [SP Rcpt-parameters]`
pub(super) fn start(cx: &mut Context, arguments: &str) -> State {
    match parse(cx, arguments) {
        Ok(mailbox) => {
            let request = Request::FindRecipient {
                address: mailbox.lookup(),
                base: mailbox.lookup_base(),
            };
            cx.out.ask(Effect::Store(Actor::Door, request));
            State::AwaitRecipient(AwaitRecipient { mailbox })
        }
        Err(why) => {
            cx.out.reply(why);
            State::AwaitCommand
        }
    }
}

fn parse(cx: &Context, arguments: &str) -> Result<Mailbox, Reply> {
    let path = after_word(arguments, "TO:").ok_or(words::RCPT_SYNTAX)?;
    let (mailbox, rest) = path::forward_path(path, &cx.settings.hostname)?;
    parameters::of_rcpt(rest)?;
    let transaction = cx.transaction.as_ref().ok_or(words::MAIL_FIRST)?;
    if !transaction.parameters.utf8 && !mailbox.is_ascii() {
        return Err(words::RECIPIENT_NOT_ASCII);
    }
    if transaction.places() >= cx.settings.recipients_max {
        return Err(words::TOO_MANY_RECIPIENTS);
    }
    Ok(mailbox)
}

/// The store looks up where mail for the address goes.
#[derive(Debug)]
pub(in super::super) struct AwaitRecipient {
    mailbox: Mailbox,
}

impl AwaitRecipient {
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        let reply = match outcome {
            Ok(Done::Reply(store::Reply::RecipientFound(places))) => self.accept(cx, places),
            Ok(_) => words::TRY_LATER,
            Err(failure) => words::failure(&failure),
        };
        cx.out.reply(reply);
        State::AwaitCommand
    }

    fn accept(self, cx: &mut Context, places: Vec<RecipientPlace>) -> Reply {
        let Some(transaction) = &mut cx.transaction else {
            return words::MAIL_FIRST;
        };
        // A message has at least one octet: without any room there is no use in sending it.
        let size = transaction.parameters.size.unwrap_or(0).max(1);
        if places
            .iter()
            .all(|place| place.room_bytes.is_some_and(|room| room < size))
        {
            return words::OVER_QUOTA;
        }
        transaction.recipients.push(Accepted {
            mailbox: self.mailbox,
            places,
        });
        words::RECIPIENT_OK
    }
}
