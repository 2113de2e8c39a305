//! What requests cost at the bucket.

use futures_lite::future::block_on;
use lightmail_core::store::{Request, UidSet};

use super::super::mails::{DIALECTS, MAILS, send};
use super::super::town::read;
use super::service::{Coast, octets, patient};
use crate::ObjectRequests;

#[test]
fn requests_cost_what_they_should() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let objects = coast.storage().objects();
        let mut expected = ObjectRequests::default();
        let object = coast.body(&octets(200_000)).await;
        expected.puts += 1;
        assert_eq!(objects.requests(), expected, "a delivery is one PUT");
        let page = Request::FetchPage {
            mailbox: coast.home.inbox,
            uids: UidSet::from_iter([1]),
        };
        coast.storage().run(coast.home.actor(), page).await.unwrap();
        assert_eq!(
            objects.requests(),
            expected,
            "what ENVELOPE needs is in the database"
        );
        coast.proxy.asked("");
        read(coast.storage(), object, 0..200_000).await.unwrap();
        read(coast.storage(), object, 70_000..190_000).await.unwrap();
        expected.gets += 2;
        assert_eq!(objects.requests(), expected, "a read is one GET");
        let asked = coast.proxy.asked("GET");
        let ranges: Vec<_> = asked.iter().map(|asked| asked.field("range").unwrap()).collect();
        assert_eq!(ranges, ["bytes=0-199999", "bytes=70000-189999"]);
    });
}

#[test]
fn a_mail_is_one_put_over_smtp_as_over_lmtp() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let mut expected = coast.storage().objects().requests();
        for dialect in DIALECTS {
            send(coast.storage(), dialect, MAILS, &["a@example.com"]).await;
            expected.puts += MAILS;
            assert_eq!(coast.storage().objects().requests(), expected, "{}", dialect.0);
        }
    });
}
