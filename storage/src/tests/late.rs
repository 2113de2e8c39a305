//! A body that is old is given no row: the sweep of orphans may have taken it.

use lightmail_core::machine::COMMIT_WITHIN_MS;
use lightmail_core::store::{CalendarRequest, Failure, Flags, MailboxName, NewMessage, Reply, Request};

use super::calendars;
use super::town::{NOW, Town, exists, on_each, upload};

fn is_late(answer: Result<Reply, Failure>) -> bool {
    matches!(answer, Err(Failure::Unavailable { .. }))
}

#[test]
fn a_body_that_waited_too_long_is_given_no_row() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        calendars::ask(&town, home, calendars::create("home"))
            .await
            .unwrap();
        let append = |stored| Request::Append {
            name: MailboxName::inbox(),
            instead: None,
            messages: vec![NewMessage {
                stored,
                flags: Flags::NONE,
                keywords: vec![],
                internal_date_s: 0,
                email_id: [0; 16],
            }],
            at_ms: NOW.unix_ms,
        };
        let mut desk = town.storage.desk();
        let steady = &town.storage.inner().steady;
        let (first, second) = (
            upload(&mut desk, b"1").await.unwrap(),
            upload(&mut desk, b"2").await.unwrap(),
        );
        let event = calendars::new(&town, "a.ics", "BEGIN:VCALENDAR").await;
        // Young enough: a transaction that takes as long as it may ends in time.
        steady.skip(COMMIT_WITHIN_MS / 2);
        town.storage
            .run(home.actor(), append(first.clone()))
            .await
            .unwrap();
        steady.skip(COMMIT_WITHIN_MS / 2);
        let put = Request::Calendar(CalendarRequest::Put(Box::new(event)));
        for (actor, request) in [
            (home.actor(), append(second.clone())),
            (home.actor(), put),
            (
                lightmail_core::store::Actor::Door,
                super::town::delivery(second, &[home]),
            ),
        ] {
            let name = request.name();
            assert!(is_late(town.storage.run(actor, request).await), "{name}");
        }
        // The same mail sent again is another body, and comes in.
        assert!(town.deliver("2", &[home]).await.unwrap()[0].is_ok());
        assert_eq!(exists(&town.storage, home).await, 2);
        assert_eq!(town.check().await, [""; 0]);
        assert_eq!(town.check_bodies(2).await, [""; 0]);
    });
}
