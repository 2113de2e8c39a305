//! How what the store tells of the outbound queue is written: each type's fields in order.

use super::text::{Expected, Reader, Recordable, Writer, enums, lists, structs};
use crate::store::QueueReply;
use crate::store::queue::{MailOptions, QueueEntry, QueueId, QueueLine, QueueState};

structs! {
    QueueId { 0 }
    QueueEntry {
        id, account, sender, recipient, domain, head, options, object, object_size, sha256, attempts, created_ms, expires_ms,
        told_delay, last_error,
    }
    QueueLine {
        id, state, account, sender, recipient, domain, object, size, priority, attempts, created_ms, next_ms, expires_ms,
        last_error,
    }
}

enums! {
    QueueReply {
        Claimed { 0: entries },
        Settled { lost: lost, reported: reported },
        Renewed { 0: ids },
        NextDue { 0: wait_ms },
        Lines { 0: lines },
        Changed { many: many, next: next },
    }
    QueueState { Waiting, Claimed, Held }
}

lists! { QueueId QueueEntry QueueLine }

impl Recordable for MailOptions {
    /// In their stored form.
    fn write(&self, out: &mut Writer) {
        bytes::Bytes::from(self.encode()).write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        MailOptions::decode(&from.quoted()?).ok_or("options of a mail")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::record::text::words;
    use crate::store::{AccountId, Delivered, ObjectId, Refusal, Uid};

    #[test]
    fn replies_about_the_queue_are_read_as_they_were_written() {
        let id = QueueId([7; 16]);
        let entry = QueueEntry {
            id,
            account: Some(AccountId(4)),
            sender: String::new(),
            recipient: "ä@example.net".into(),
            domain: "example.net".into(),
            head: "Received: by x\r\n".into(),
            options: MailOptions {
                utf8: true,
                priority: -9,
                envid: Some("a+3Db".into()),
                ..MailOptions::default()
            },
            object: ObjectId([1; 16]),
            object_size: 3,
            sha256: [2; 32],
            attempts: 2,
            created_ms: 5,
            expires_ms: 9,
            told_delay: true,
            last_error: "450 \"later\"".into(),
        };
        let line = QueueLine {
            id,
            state: QueueState::Claimed,
            account: None,
            sender: "a@example.com".into(),
            recipient: entry.recipient.clone(),
            domain: entry.domain.clone(),
            object: entry.object,
            size: 19,
            priority: -9,
            attempts: 2,
            created_ms: 5,
            next_ms: 7,
            expires_ms: 9,
            last_error: String::new(),
        };
        let delivered = Delivered {
            uid_validity: 1,
            uid: Uid(2),
            repeated: false,
        };
        for reply in [
            QueueReply::Claimed(vec![entry]),
            QueueReply::Settled {
                lost: vec![id],
                reported: vec![Ok(delivered), Err(Refusal::OverQuota)],
            },
            QueueReply::Renewed(vec![]),
            QueueReply::NextDue(Some(3)),
            QueueReply::Lines(vec![line]),
            QueueReply::Changed {
                many: 3,
                next: Some(id),
            },
        ] {
            let text = words(&reply);
            let mut reader = Reader::new(&text);
            assert_eq!(Recordable::read(&mut reader), Ok(reply), "{text}");
            assert_eq!(reader.end(), Ok(()));
        }
        let bad = words(&bytes::Bytes::from_static(b"\x02"));
        assert!(MailOptions::read(&mut Reader::new(&bad)).is_err());
    }
}
