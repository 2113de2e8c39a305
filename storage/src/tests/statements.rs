//! What requests cost in statements: the same whatever the number of messages.

use lightmail_core::antivirus::Treatment;
use lightmail_core::machine::Seed;
use lightmail_core::store::{
    Actor, Attempt, DeliveryKey, DomainRequest, Flag, FlagChange, Ground, MailboxName, ModSeq, NewMailbox,
    Page, Reply, Request, UidSet, base_of,
};

use super::town::{Home, Kind, NOW, Town, delivery, on_each, seed, upload};

/// A town in which someone has so many messages.
async fn with_mail(kind: Kind, count: usize) -> (Town, Home) {
    let town = Town::new(kind).await;
    let home = town.settle("a@example.com").await;
    let archive = create("Archive", &mut seed());
    town.storage.run(home.actor(), archive).await.unwrap();
    for n in 0..count {
        town.deliver(&format!("Subject: {n}\r\n\r\n"), &[home])
            .await
            .unwrap();
    }
    (town, home)
}

fn create(name: &str, seed: &mut Seed) -> Request {
    Request::CreateMailbox {
        mailbox: NewMailbox {
            id: seed.mailbox(),
            name: MailboxName::new(name).unwrap(),
            special_use: None,
            object_id: seed.half(),
        },
        superiors: vec![],
        at_s: NOW.unix_s(),
    }
}

/// Statements that a request takes.
async fn cost(town: &Town, actor: Actor, request: Request) -> u64 {
    let name = request.name();
    let before = town.storage.statements().of(name);
    town.storage.run(actor, request).await.unwrap();
    town.storage.statements().of(name) - before
}

fn open(claim_recent: bool) -> Request {
    Request::OpenMailbox {
        name: MailboxName::inbox(),
        claim_recent,
    }
}

fn all() -> UidSet {
    UidSet::range(1..=u32::MAX)
}

async fn newest(town: &Town, home: Home) -> ModSeq {
    match town.storage.run(home.actor(), open(false)).await.unwrap() {
        Reply::Opened(opened) => opened.view.highest_modseq,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_delivery_takes_seven_and_a_repeated_one_two() {
    on_each(async |kind| {
        let (town, home) = with_mail(kind, 3).await;
        let stored = upload(&mut town.storage.desk(), b"Subject: x\r\n\r\n")
            .await
            .unwrap();
        let request = delivery(stored, &[home]);
        assert_eq!(cost(&town, Actor::Door, request.clone()).await, 7);
        assert_eq!(cost(&town, Actor::Door, request).await, 2);
    });
}

/// A mailbox in place of INBOX is looked up; the first time it is made.
#[test]
fn mail_that_is_set_apart_takes_one_more_once_its_mailbox_is_there() {
    on_each(async |kind| {
        let (town, home) = with_mail(kind, 3).await;
        let mut seed = seed();
        let mut costs = Vec::new();
        for n in 0..3 {
            let text = format!("Subject: infected {n}\r\n\r\n");
            let stored = upload(&mut town.storage.desk(), text.as_bytes()).await.unwrap();
            let mut request = delivery(stored, &[home]);
            if let Request::Deliver { recipients, .. } = &mut request {
                recipients[0].instead = Treatment::Quarantine.instead(&mut seed);
            }
            costs.push(cost(&town, Actor::Door, request).await);
        }
        assert_eq!(costs[1..], [8, 8]);
        assert!(costs[0] <= 16, "{costs:?}");
        assert_eq!(town.check().await, [""; 0]);
    });
}

#[test]
fn reading_takes_as_few_as_the_table_says() {
    on_each(async |kind| {
        for count in [1, 40] {
            let (town, home) = with_mail(kind, count).await;
            let me = home.actor();
            assert_eq!(cost(&town, me, open(false)).await, 2, "SELECT, cold");
            assert_eq!(cost(&town, me, open(false)).await, 1, "SELECT, known");
            let since = newest(&town, home).await;
            let refresh = Request::Refresh {
                mailbox: home.inbox,
                since,
                claim_recent: false,
            };
            assert_eq!(cost(&town, me, refresh.clone()).await, 1, "NOOP, nothing new");
            town.deliver("Subject: new\r\n\r\n", &[home]).await.unwrap();
            assert_eq!(cost(&town, me, refresh).await, 2, "NOOP, something new");
            let page = Request::FetchPage {
                mailbox: home.inbox,
                uids: all(),
            };
            assert_eq!(cost(&town, me, page).await, 1, "FETCH ENVELOPE");
            assert_eq!(
                cost(
                    &town,
                    me,
                    Request::StatusMailbox {
                        name: MailboxName::inbox(),
                        recent: true,
                    }
                )
                .await,
                1,
                "STATUS"
            );
            let recent = async |recent| {
                let name = MailboxName::inbox();
                match town
                    .storage
                    .run(me, Request::StatusMailbox { name, recent })
                    .await
                {
                    Ok(Reply::Status(status)) => status.recent,
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(recent(true).await, count as u64 + 1);
            assert_eq!(
                recent(false).await,
                0,
                "those that nobody asks for are not counted"
            );
            assert_eq!(
                cost(&town, me, Request::ListMailboxes { recent: false }).await,
                1,
                "LIST"
            );
            let login = "a@example.com".to_owned();
            assert_eq!(
                cost(&town, Actor::Door, Request::FindLogin(attempt(&login))).await,
                1,
                "LOGIN"
            );
            let failed = cost(
                &town,
                Actor::Door,
                Request::CountFailedLogin(attempt(&login), Ground::WrongPassword),
            )
            .await;
            assert_eq!(failed, if kind == Kind::MySql { 4 } else { 3 }, "LOGIN, wrong");
            let recipient = Request::FindRecipient {
                address: login,
                base: None,
            };
            assert_eq!(cost(&town, Actor::Door, recipient).await, 1, "RCPT");
        }
    });
}

/// Whatever an address is; what an account has by its base or its domain alone is looked up once more.
#[test]
fn where_mail_goes_takes_one_statement() {
    on_each(async |kind| {
        let (town, home) = with_mail(kind, 0).await;
        town.settle("b@example.com").await;
        let logins = ["a@example.com", "b@example.com"].map(str::to_owned);
        let alias = DomainRequest::AddAlias {
            address: "info@example.com".to_owned(),
            logins: logins.to_vec(),
        };
        let catch_all = DomainRequest::SetCatchAll {
            domain: "example.com".to_owned(),
            login: Some("a@example.com".to_owned()),
        };
        for request in [alias, catch_all] {
            let operator = Actor::Operator;
            town.storage
                .run(operator, Request::Domain(request))
                .await
                .unwrap();
        }
        for (address, places) in [
            ("a+x@example.com", 1),
            ("info+x@example.com", 2),
            ("nobody@example.com", 1),
            ("nobody@example.net", 0),
        ] {
            let request = Request::FindRecipient {
                address: address.to_owned(),
                base: base_of(address),
            };
            let before = town.storage.statements();
            let found = town.storage.run(Actor::Door, request).await;
            let after = town.storage.statements();
            let found = found.map_or(0, |reply| match reply {
                Reply::RecipientFound(places) => places.len(),
                other => panic!("{other:?}"),
            });
            let name = "store.FindRecipient";
            assert_eq!(
                (found, after.of(name) - before.of(name)),
                (places, 1),
                "{address}"
            );
        }
        let senders = async |addresses: &[&str]| {
            let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
            cost(&town, home.actor(), Request::FindSender { addresses }).await
        };
        let mine = ["a@example.com", "info@example.com", "x@example.net"];
        assert_eq!(senders(&mine).await, 1);
        assert_eq!(senders(&["a@example.com"; 100]).await, 1);
        assert_eq!(
            senders(&["a+x@example.com", "b@example.com", "c@example.com"]).await,
            4
        );
    });
}

/// LIST with STATUS of each mailbox (RFC 5819).
#[test]
fn counts_of_a_hundred_mailboxes_take_one_statement() {
    on_each(async |kind| {
        let (town, home) = with_mail(kind, 3).await;
        let (me, mut seed) = (home.actor(), Seed::new([40; 32]));
        for n in 0..100 {
            let folder = create(&format!("folder {n}"), &mut seed);
            town.storage.run(me, folder).await.unwrap();
        }
        for (claimed, recent, expected) in [(false, false, 0), (false, true, 3), (true, true, 0)] {
            town.storage.run(me, open(claimed)).await.unwrap();
            let list = Request::ListMailboxes { recent };
            let (name, before) = (list.name(), town.storage.statements());
            let Ok(Reply::Mailboxes(all)) = town.storage.run(me, list).await else {
                panic!("no mailboxes")
            };
            let after = town.storage.statements();
            assert_eq!(after.of(name) - before.of(name), 1);
            assert_eq!(after.rows_of(name) - before.rows_of(name), all.len() as u64);
            let told = all.iter().find(|status| status.mailbox.name.is_inbox()).unwrap();
            assert_eq!((all.len(), told.mailbox.msgs, told.recent), (102, 3, expected));
        }
    });
}

#[test]
fn changing_many_takes_as_few_as_changing_one() {
    on_each(async |kind| {
        let mut costs = Vec::new();
        for count in [1, 40] {
            let (town, home) = with_mail(kind, count).await;
            let (me, since) = (home.actor(), newest(&town, home).await);
            let store = Request::ChangeFlags {
                mailbox: home.inbox,
                uids: all(),
                change: FlagChange::Add,
                flags: Flag::Deleted.into(),
                keywords: vec![],
                unchanged_since: None,
                since,
            };
            let copy = |moving, key| Request::Copy {
                from: home.inbox,
                uids: all(),
                whole: false,
                to: MailboxName::new("Archive").unwrap(),
                moving,
                key: DeliveryKey([key; 16]),
                at_ms: NOW.unix_ms,
                since,
            };
            let expunge = Request::Expunge {
                mailbox: home.inbox,
                within: None,
                at_ms: NOW.unix_ms,
                since,
            };
            let page = Request::FetchPage {
                mailbox: home.inbox,
                uids: all(),
            };
            let mut each = Vec::new();
            for request in [store, copy(false, 1), expunge, page] {
                each.push((request.name(), cost(&town, me, request).await));
            }
            town.deliver("Subject: one more\r\n\r\n", &[home]).await.unwrap();
            newest(&town, home).await;
            each.push(("MOVE", cost(&town, me, copy(true, 2)).await));
            costs.push(each);
        }
        assert_eq!(costs[0], costs[1]);
        let expected = [
            ("store.ChangeFlags", 4),
            ("store.Copy", 9),
            ("store.Expunge", 5),
            ("store.FetchPage", 1),
            ("MOVE", 11),
        ];
        assert_eq!(costs[0], expected);
    });
}

#[test]
fn a_page_ends_where_it_is_full() {
    on_each(async |kind| {
        let (town, home) = with_mail(kind, Page::ROWS_MAX + 3).await;
        let page = Request::FetchPage {
            mailbox: home.inbox,
            uids: all(),
        };
        match town.storage.run(home.actor(), page).await.unwrap() {
            Reply::Page(page) => {
                assert_eq!(page.rows.len(), Page::ROWS_MAX);
                assert_eq!(page.rest, UidSet::range(Page::ROWS_MAX as u32 + 1..=u32::MAX));
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_body_that_was_listed_is_read_without_a_question() {
    on_each(async |kind| {
        let (town, home) = with_mail(kind, 1).await;
        let page = Request::FetchPage {
            mailbox: home.inbox,
            uids: all(),
        };
        let Reply::Page(page) = town.storage.run(home.actor(), page).await.unwrap() else {
            panic!()
        };
        let before = town.storage.statements().total();
        super::town::read(&town.storage, page.rows[0].object, 0..page.rows[0].object_size)
            .await
            .unwrap();
        assert_eq!(town.storage.statements().total(), before);
    });
}

#[test]
fn confirmed_keys_go_with_the_next_commit_and_old_ones_by_age() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        let stored = upload(&mut town.storage.desk(), b"Subject: x\r\n\r\n")
            .await
            .unwrap();
        let Request::Deliver { recipients, .. } = delivery(stored.clone(), &[home]) else {
            panic!()
        };
        let again = async |at_ms| {
            let request = Request::Deliver {
                stored: stored.clone(),
                recipients: recipients.clone(),
                at_ms,
            };
            match town.storage.run(Actor::Door, request).await.unwrap() {
                Reply::Delivered(answers) => answers[0].unwrap().repeated,
                other => panic!("{other:?}"),
            }
        };
        let day = 24 * 3600 * 1000;
        assert!(!again(NOW.unix_ms).await);
        assert!(again(NOW.unix_ms + 6 * day).await);
        let confirm = lightmail_core::machine::Effect::ConfirmDelivery(vec![recipients[0].key]);
        // It counts from the moment it is asked for: the peer may be sending again already.
        drop(town.storage.desk().run(confirm));
        assert!(
            !again(NOW.unix_ms + 6 * day).await,
            "confirmed: a second send of the same octets is a second mail"
        );
        assert!(again(NOW.unix_ms + 13 * day).await);
        assert!(!again(NOW.unix_ms + 14 * day).await, "forgotten after 7 days");
        assert_eq!(super::town::exists(&town.storage, home).await, 3);
    });
}

fn attempt(login: &str) -> Attempt {
    Attempt {
        login: login.to_owned(),
        from: Some([192, 0, 2, 1].into()),
        per_minute: 10,
        at_ms: NOW.unix_ms,
    }
}
