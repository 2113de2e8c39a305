//! Group commit: those who wait together are committed together, and none hurts another.

use futures_lite::future::poll_once;
use lightmail_core::machine::Stored;
use lightmail_core::store::{Actor, Failure, MailboxName, NewMessage, Reply, Request, Uid};

use super::town::{Home, Kind, NOW, Town, delivery, exists, on_each, upload};

fn append(stored: &[&Stored]) -> Request {
    let messages = stored.iter().map(|stored| NewMessage {
        stored: (*stored).clone(),
        flags: Default::default(),
        keywords: vec![],
        internal_date_s: NOW.unix_s(),
        email_id: stored.object.0,
    });
    Request::Append {
        name: MailboxName::inbox(),
        instead: None,
        messages: messages.collect(),
        at_ms: NOW.unix_ms,
    }
}

/// Runs requests so that all but the first wait while the first is committed.
pub(super) async fn together(town: &Town, requests: Vec<(Actor, Request)>) -> Vec<Result<Reply, Failure>> {
    let mut running: Vec<_> = requests
        .into_iter()
        .map(|(actor, request)| Box::pin(town.storage.run(actor, request)))
        .collect();
    let mut answers = Vec::new();
    for request in &mut running {
        answers.push(poll_once(request).await);
    }
    let mut all = Vec::new();
    for (request, answer) in running.into_iter().zip(answers) {
        all.push(match answer {
            Some(answer) => answer,
            None => request.await,
        });
    }
    all
}

async fn settled(kind: Kind) -> (Town, Home) {
    let town = Town::new(kind).await;
    let home = town.settle("a@example.com").await;
    (town, home)
}

#[test]
fn uids_of_a_group_are_given_in_its_order() {
    on_each(async |kind| {
        let (town, home) = settled(kind).await;
        let mut requests = Vec::new();
        for n in 0..150 {
            let stored = upload(
                &mut town.storage.desk(),
                format!("Subject: {n}\r\n\r\n").as_bytes(),
            )
            .await
            .unwrap();
            requests.push((Actor::Door, delivery(stored, &[home])));
        }
        let answers = together(&town, requests).await;
        let uids = answers.into_iter().map(|answer| match answer {
            Ok(Reply::Delivered(answers)) => answers[0].unwrap().uid,
            other => panic!("{other:?}"),
        });
        assert!(uids.eq((1..=150).map(Uid)));
    });
}

/// An APPEND whose second object is taken fails after it has written its first: the group is run again without it.
#[test]
fn a_request_that_fails_half_way_hurts_no_other() {
    on_each(async |kind| {
        let (town, home) = settled(kind).await;
        let mut desk = town.storage.desk();
        let taken = upload(&mut desk, b"Subject: taken\r\n\r\n").await.unwrap();
        town.deliver_stored(taken.clone(), &[home]).await.unwrap();
        let mut requests = Vec::new();
        for n in 0..40 {
            let stored = upload(&mut desk, format!("Subject: {n}\r\n\r\n").as_bytes())
                .await
                .unwrap();
            requests.push(match n % 4 {
                0 => (home.actor(), append(&[&stored, &taken])),
                1 => (home.actor(), append(&[&stored])),
                _ => (Actor::Door, delivery(stored, &[home])),
            });
        }
        for (n, answer) in together(&town, requests).await.into_iter().enumerate() {
            match n % 4 {
                0 => assert!(matches!(answer, Err(Failure::Broken(_))), "{n}: {answer:?}"),
                _ => assert!(answer.is_ok(), "{n}: {answer:?}"),
            }
        }
        assert_eq!(exists(&town.storage, home).await, 31);
        let findings = town.check().await;
        assert!(findings.is_empty(), "{findings:#?}");
    });
}
