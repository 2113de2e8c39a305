//! Mail on a connection that takes it: envelope, content, and what is told of them.
//!
//! RFC 5321, 3.3, 4.1.1 and 4.5.3; RFC 2920, 3.1; RFC 3030, 2. A message is sent once: what was lost before its content goes to the next
//! host, what was lost in it is for another day, and what was lost behind it may have arrived.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::envelope::Envelope;
use super::job::{Fate, Reason};
use super::machine::{Client, SHUTTING_DOWN, State, Then, later, time_of};
use super::reply::{Class, Reply, Status};
use super::transaction::{Transaction, Turn, Waiting, unfit};
use crate::machine::Action;
use crate::wire::dot::END;
use crate::wire::filter::{Filter, Filtering};

impl Client {
    /// Begins the next message that this server can be sent; without one, goes on to where the others can be.
    pub(super) fn next_mail(&mut self) {
        while !self.draining
            && let Some(mut waiting) = self.waiting.pop_front()
        {
            match Envelope::of(&waiting.mail, &self.link, self.job.tls, self.now) {
                Ok(envelope) => {
                    let reset = self.link.reset;
                    match Transaction::new(waiting.mail, envelope, reset, &mut self.ledger) {
                        Ok(transaction) => return self.open(transaction),
                        Err(mail) => self.again(Some(mail)),
                    }
                }
                Err(why) => {
                    waiting.fail(Fate::Refused(why));
                    self.elsewhere.push(waiting);
                }
            }
        }
        if self.draining {
            self.settle_waiting(&Reason::found(Status(4, 3, 2), SHUTTING_DOWN));
        }
        let then = if self.elsewhere.is_empty() {
            Then::End
        } else {
            Then::NextHost
        };
        self.leave(then);
    }

    fn open(&mut self, transaction: Transaction) {
        self.link.reset = false;
        self.transaction = Some(transaction);
        self.go_on_with_envelope();
    }

    /// The next command, the next reply, or what follows the last one.
    fn go_on_with_envelope(&mut self) {
        let Some(transaction) = &mut self.transaction else {
            return self.next_mail();
        };
        if let Some(octets) = transaction.say(self.link.offers.pipelining) {
            self.out.push_back(Action::Send(octets));
        }
        let awaited = transaction.awaited();
        match awaited {
            Some(_) => self.await_for(time_of(awaited, &self.settings), State::Envelope),
            None if transaction.envelope.chunked && transaction.is_wanted() => self.send_content(),
            None => self.conclude(),
        }
    }

    pub(super) fn answered(&mut self, reply: Reply) {
        // Here TLS is needed and was tried in vain: that may be better tomorrow (RFC 3207, 4).
        if reply.code == 530 && self.in_the_clear {
            let why = Reason::Replied(reply);
            self.abort(&why);
            return self.part(Fate::Later(why));
        }
        let turn = match &mut self.transaction {
            Some(transaction) => transaction.on(reply, &mut self.ledger),
            None => Turn::Next,
        };
        match turn {
            Turn::Next => self.go_on_with_envelope(),
            Turn::Content => self.send_content(),
            Turn::Lost(why) => self.lost(why),
        }
    }

    /// Head and body. Where nobody wants them, since the server asks for content though it has taken no recipient: an empty message.
    fn send_content(&mut self) {
        let Some(transaction) = &mut self.transaction else {
            return self.next_mail();
        };
        if !transaction.is_wanted() {
            self.out.push_back(Action::Send(Bytes::from_static(END)));
            return self.await_for(self.settings.end_ms, State::End);
        }
        let chunked = transaction.envelope.chunked;
        let (object, size, head) = (
            transaction.mail.object,
            transaction.mail.size,
            transaction.mail.head.clone(),
        );
        // What is counted is at its end with its last octet; what is not, with the dot behind it.
        transaction.sent = chunked;
        let (head, filter) = match chunked {
            true => (chunk(&head, size), Filter::None),
            false => (stuffed(&head), Filter::DotStuff),
        };
        let token = self.draw();
        if size == 0 {
            self.out.push_back(Action::Send(head));
            return self.body_sent();
        }
        self.out.push_back(Action::SendObject {
            token,
            head,
            object,
            range: 0..size,
            filter,
        });
        self.await_content(token);
    }

    pub(super) fn body_sent(&mut self) {
        let gone = || Reason::found(Status(4, 4, 2), "The server has closed the connection");
        if self.link.gone {
            return self.lost(gone());
        }
        if let Some(transaction) = &mut self.transaction
            && !std::mem::replace(&mut transaction.sent, true)
        {
            self.out.push_back(Action::Send(Bytes::from_static(END)));
        }
        self.await_for(self.settings.end_ms, State::End);
    }

    /// The body cannot be read here. Half a message is ended by nothing but the end of the connection.
    pub(super) fn unreadable(&mut self) {
        let fate = later(Status(4, 3, 0), "The message cannot be read here");
        if let Some(mut transaction) = self.transaction.take() {
            transaction.settle(&fate, &mut self.ledger);
            self.again(transaction.rest());
        }
        self.out.push_back(Action::Disconnect);
        self.connect();
    }

    pub(super) fn finished(&mut self, reply: Reply) {
        let end = match (reply.closes(), reply.class()) {
            (true, _) => Some(Reason::Replied(reply.clone())),
            (false, Class::More) => Some(unfit()),
            (false, _) => None,
        };
        if let Some(transaction) = &mut self.transaction {
            // Behind chunks that were refused nothing is certain but RSET (RFC 3030, 2).
            transaction.opened &= transaction.envelope.chunked && reply.class() != Class::Done;
            transaction.finish(reply, &mut self.ledger);
        }
        self.link.settled = true;
        match end {
            None => self.conclude(),
            Some(why) => self.lost(why),
        }
    }

    /// Everybody who was asked for has an answer.
    fn conclude(&mut self) {
        self.link.settled = true;
        if let Some(transaction) = self.transaction.take() {
            self.link.reset = transaction.opened;
            self.again(transaction.rest());
        }
        self.next_mail();
    }

    /// Those recipients of a message who have had no turn are next.
    fn again(&mut self, mail: Option<super::JobMail>) {
        if let Some(mail) = mail.filter(|mail| !mail.recipients.is_empty()) {
            self.waiting.push_front(Waiting { mail, why: None });
        }
    }

    /// The connection is of no more use. What was not begun goes to the next host; to the same one where mail came to an end on this
    /// connection: many servers take only so many messages at a time.
    pub(super) fn lost(&mut self, why: Reason) {
        self.abort(&why);
        self.out.push_back(Action::Disconnect);
        match self.link.settled {
            true => self.connect(),
            false => self.failed(Fate::Later(why)),
        }
    }

    /// Ends the open transaction as a broken connection does.
    fn abort(&mut self, why: &Reason) {
        let in_content = matches!(self.state, State::Content(_) | State::End);
        let Some(mut transaction) = self.transaction.take() else {
            return;
        };
        match (transaction.sent, in_content) {
            (true, _) => transaction.settle(&Fate::Unknown(why.clone()), &mut self.ledger),
            (false, true) => transaction.settle(&Fate::Later(why.clone()), &mut self.ledger),
            (false, false) => {}
        }
        self.again(transaction.rest());
    }

    /// The end: whatever is left is told this, or what is known already.
    pub(super) fn give_up(&mut self, why: &Reason) {
        self.abort(why);
        self.settle_waiting(why);
        self.state = State::Over;
    }

    fn settle_waiting(&mut self, why: &Reason) {
        for Waiting { mail, why: known } in self.waiting.drain(..).chain(self.elsewhere.drain(..)) {
            let fate = known.unwrap_or_else(|| Fate::Later(why.clone()));
            for recipient in &mail.recipients {
                self.ledger.tell(recipient, fate.clone());
            }
        }
    }
}

/// What stands in front of a body, its dots doubled. It ends with a line end, so body and head are stuffed apart.
fn stuffed(head: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    let mut filtering = Filtering::new(&Filter::DotStuff);
    filtering.push(head, &mut out);
    filtering.finish(&mut out);
    out.freeze()
}

/// `BDAT SP chunk-size SP "LAST"`, and of the one chunk what stands in front of the body (RFC 3030, 2).
fn chunk(head: &[u8], size: u64) -> Bytes {
    let mut out = BytesMut::new();
    out.put_slice(format!("BDAT {} LAST\r\n", size.saturating_add(head.len() as u64)).as_bytes());
    out.put_slice(head);
    out.freeze()
}
