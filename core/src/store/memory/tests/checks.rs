//! The check finds what is wrong.

use super::bench::Bench;
use crate::store::calendar::*;
use crate::store::memory::{Collection, Receipt, Store, check};
use crate::store::*;

/// Damages a store: the account and the id of INBOX, which holds a message.
type Damage = fn(&mut Store, AccountId, MailboxId);

/// The calendar `home` with one object.
fn put(bench: &mut Bench) {
    let name = |of| ResourceName::new(of).unwrap();
    let create = CalendarRequest::Create(NewCalendar {
        id: CalendarId(7),
        name: name("home"),
        properties: Properties::default(),
    });
    let put = CalendarRequest::Put(Box::new(NewCalendarObject {
        calendar: name("home"),
        name: name("a"),
        uid: CalendarUid::new("a").unwrap(),
        component: Component::Event,
        span: Span::ALWAYS,
        stored: bench.stored(100),
        precondition: Precondition::None,
        at_ms: 1,
    }));
    for request in [create, put] {
        bench.user(Request::Calendar(request)).unwrap();
    }
}

fn home(store: &mut Store) -> &mut Collection {
    store.calendars.get_mut(&CalendarId(7)).unwrap()
}

#[test]
fn every_damage_is_found() {
    let damages: [(&str, Damage); 24] = [
        ("I1", |store, _, mailbox| {
            store
                .receipts
                .insert(DeliveryKey([0; 16]), Receipt { mailbox, uid: Uid(9) });
        }),
        ("I2", |store, _, _| store.objects.clear()),
        ("I2", |store, _, _| {
            store.objects.values_mut().for_each(|object| object.size += 1)
        }),
        ("I3", |store, _, _| {
            store.objects.values_mut().for_each(|object| object.refs += 1)
        }),
        ("I4", |store, _, id| {
            store.folders.get_mut(&id).unwrap().line.highest_modseq = ModSeq(1)
        }),
        ("I4", |store, _, id| {
            store.folders.get_mut(&id).unwrap().line.uid_next = Uid(1)
        }),
        ("I4", |store, _, id| {
            let messages = store.folders.get_mut(&id).unwrap().messages.values_mut();
            messages.for_each(|message| message.row.uid = Uid(7));
        }),
        ("I5", |store, _, id| {
            let mut twin = store.folders[&id].clone();
            (twin.line.id, twin.deleted_at_ms) = (MailboxId(9999), Some(1));
            store.folders.insert(MailboxId(9999), twin);
        }),
        ("I5", |store, me, _| {
            store.accounts.get_mut(&me).unwrap().last_uid_validity = 1
        }),
        ("I6", |store, _, id| {
            store.folders.get_mut(&id).unwrap().line.unseen += 1
        }),
        ("I6", |store, me, _| {
            store.accounts.get_mut(&me).unwrap().used_bytes += 1
        }),
        ("I7", |store, _, id| {
            store.folders.get_mut(&id).unwrap().messages.clear()
        }),
        ("INBOX: recent", |store, _, id| {
            store.folders.get_mut(&id).unwrap().line.recent_from = Uid(9)
        }),
        ("INBOX: deleted", |store, _, id| {
            store.folders.get_mut(&id).unwrap().deleted_at_ms = Some(1)
        }),
        ("INBOX Uid(1): Flags", |store, _, id| {
            store
                .folders
                .get_mut(&id)
                .unwrap()
                .set_flags(Uid(1), Flags::keyword(0), ModSeq(2));
        }),
        ("user@example.com: the tree", |store, me, _| {
            store.accounts.get_mut(&me).unwrap().names.clear()
        }),
        ("INBOX: lives without", |store, _, _| store.accounts.clear()),
        ("calendar \"home\": lives without", |store, _, _| {
            store.accounts.clear()
        }),
        ("calendar \"home\": its name", |store, _, _| {
            let twin = store.calendars[&CalendarId(7)].clone();
            store.calendars.insert(CalendarId(8), twin);
        }),
        ("calendar \"home\": deleted", |store, _, _| {
            home(store).deleted_at_ms = Some(1)
        }),
        ("calendar \"home\": a UID", |store, _, _| {
            let (_, entry) = home(store).objects.first_key_value().unwrap();
            let twin = entry.clone();
            let place = (ResourceName::new("b").unwrap(), ModSeq(0));
            home(store).objects.insert(place, twin);
        }),
        ("calendar \"home\" \"a\": is filed", |store, _, _| {
            home(store)
                .objects
                .values_mut()
                .for_each(|entry| entry.deleted_at_ms = Some(1))
        }),
        ("I4 calendar", |store, _, _| home(store).line.modseq = ModSeq(1)),
        ("I6 calendar", |store, _, _| home(store).line.objects += 1),
    ];
    for (finding, damage) in damages {
        let mut bench = Bench::new(0);
        bench.append("INBOX", &[&[]]).unwrap();
        put(&mut bench);
        let inbox = bench.line("INBOX").id;
        damage(&mut bench.store, bench.me, inbox);
        let findings = check(&bench.store);
        assert!(
            findings.iter().any(|found| found.starts_with(finding)),
            "{finding}: {findings:?}"
        );
    }
}
