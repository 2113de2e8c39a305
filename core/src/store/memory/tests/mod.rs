//! Random sequences, then the rules one by one.

mod bench;
mod calendar;
mod checks;
mod delivery;
mod flags;
mod moves;
mod places;
mod sessions;
mod tree;
mod undelete;

use proptest::prelude::*;

use super::*;
use crate::store::{CalendarReply, DomainReply, sample};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every invariant holds after every request; what fails has changed nothing.
    #[test]
    fn random_requests_keep_the_invariants(script in sample::scripts(60)) {
        keeps_the_invariants(script)?;
    }

    #[test]
    fn random_requests_about_addresses_keep_the_invariants(script in sample::place_scripts(60)) {
        keeps_the_invariants(script)?;
    }

    #[test]
    fn random_requests_about_calendars_keep_the_invariants(script in sample::calendar_scripts(60)) {
        keeps_the_invariants(script)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn random_requests_about_the_deleted_keep_the_invariants(script in sample::undelete_scripts(60)) {
        keeps_the_invariants(script)?;
    }
}

fn keeps_the_invariants(script: Vec<(Actor, Request)>) -> Result<(), TestCaseError> {
    let mut store = Store::new();
    for (actor, request) in script {
        let before = store.clone();
        let name = request.name();
        let answer = store.run(actor, request);
        prop_assert_eq!(check(&store), Vec::<String>::new(), "after {}", name);
        if answer.is_err() {
            prop_assert_eq!(
                format!("{:?}", store),
                format!("{:?}", before),
                "after a refused {}",
                name
            );
        }
    }
    Ok(())
}

/// What a request about calendars has come to.
fn in_a_word(reply: &CalendarReply) -> &'static str {
    match reply {
        CalendarReply::Put { created: true, .. } => "new",
        CalendarReply::Put { created: false, .. } => "replaced",
        CalendarReply::Objects { more, .. } => {
            if *more {
                "more"
            } else {
                "last"
            }
        }
        CalendarReply::Synced(page) if !page.removed.is_empty() => "removed",
        CalendarReply::Synced(page) => {
            if page.more {
                "more"
            } else {
                "last"
            }
        }
        _ => "ok",
    }
}

/// Answers that samples must reach.
const WANTED: &[&str] = &[
    "FindDeleted Restorable",
    "FindDeleted Later",
    "FindDeleted Lives",
    "FindDeleted NoSuchAccount",
    "Undelete restored",
    "Undelete lives",
    "Undelete gone",
    "Undelete over_quota",
    "Undelete NoSuchMailbox",
    "Undelete Limit(Keywords)",
    "Undelete NoSuchAccount",
    "Undelete NotPermitted",
    "Import new",
    "Import repeated",
    "Import OverQuota",
    "Import Limit(Keywords)",
    "Import NoSuchMailbox",
    "FindImported true",
    "FindImported false",
    "TakeLease true",
    "TakeLease false",
    "CollectMessages some",
    "CollectMessages none",
    "CollectMailboxes some",
    "CollectCalendarObjects some",
    "CollectCalendars some",
    "ClaimObjects some",
    "ForgetObjects ok",
    "CountGarbage messages due",
    "CountGarbage messages kept",
    "CountGarbage mailboxes due",
    "CountGarbage calendar objects due",
    "CountGarbage calendars kept",
    "CountGarbage unnamed",
    "FindObjects some",
    "FindObjects none",
    "TakeLease NotPermitted",
    "FindAccount ok",
    "FindLogin ok",
    "FindLogin unknown",
    "FindLogin waits",
    "CountFailedLogin ok",
    "KeepPassword ok",
    "AddAppPassword ok",
    "AddAppPassword AlreadyExists",
    "AddAppPassword NoSuchAccount",
    "ListAppPasswords ok",
    "RemoveAppPassword true",
    "RemoveAppPassword false",
    "ListThrottles some",
    "ClearThrottles ok",
    "FindRecipient ok",
    "FindRecipient several",
    "FindRecipient NoSuchAccount",
    "FindRecipient NotOurs",
    "FindSender true",
    "FindSender false",
    "FindSender NotPermitted",
    "AddDomain ok",
    "AddDomain AlreadyExists",
    "RemoveDomain ok",
    "RemoveDomain NotOurs",
    "RemoveDomain HasChildren",
    "ListDomains ok",
    "SetCatchAll ok",
    "SetCatchAll NotOurs",
    "SetCatchAll NoSuchAccount",
    "AddAlias ok",
    "AddAlias NotOurs",
    "AddAlias NoSuchAccount",
    "AddAlias AlreadyExists",
    "RemoveAlias some",
    "RemoveAlias none",
    "RemoveAlias NoSuchAccount",
    "ListAliases ok",
    "CreateAccount AlreadyExists",
    "DeleteAccount ok",
    "SetPassword ok",
    "SetQuota ok",
    "SetQuota NoSuchAccount",
    "CreateAccount NotPermitted",
    "ListMailboxes ok",
    "ListSubscriptions ok",
    "StatusMailbox ok",
    "CreateMailbox ok",
    "CreateMailbox AlreadyExists",
    "CreateMailbox NoSuchAccount",
    "DeleteMailbox ok",
    "DeleteMailbox NotPermitted",
    "DeleteMailbox NoSuchMailbox",
    "RenameMailbox ok",
    "RenameMailbox AlreadyExists",
    "RenameMailbox NotPermitted",
    "RenameMailbox NoSuchMailbox",
    "Subscribe ok",
    "Unsubscribe ok",
    "OpenMailbox ok",
    "Refresh ok",
    "Refresh NoSuchMailbox",
    "FetchPage ok",
    "ChangeFlags ok",
    "ChangeFlags Limit(Keywords)",
    "ChangeFlags NoSuchMailbox",
    "Copy ok",
    "Copy OverQuota",
    "Copy NoSuchMailbox",
    "Expunge ok",
    "DeleteMessages ok",
    "DeleteMessages NoSuchMailbox",
    "Expunge NoSuchMailbox",
    "Append ok",
    "Append OverQuota",
    "Append Limit(Keywords)",
    "Deliver new",
    "Deliver repeated",
    "Deliver OverQuota",
    "Deliver Limit(Keywords)",
    "Deliver NoSuchMailbox",
    "Deliver NotPermitted",
    "CreateCalendar ok",
    "CreateCalendar AlreadyExists",
    "CreateCalendar NoSuchAccount",
    "ListCalendars ok",
    "SetCalendarProperties ok",
    "DeleteCalendar ok",
    "DeleteCalendar NoSuchCalendar",
    "PutCalendarObject new",
    "PutCalendarObject replaced",
    "PutCalendarObject Changed",
    "PutCalendarObject AlreadyExists",
    "PutCalendarObject NotPermitted",
    "FindCalendarObject ok",
    "FindCalendarObject NoSuchObject",
    "ListCalendarObjects last",
    "ListCalendarObjects more",
    "SyncCalendar last",
    "SyncCalendar more",
    "SyncCalendar removed",
    "SyncCalendar InvalidSyncToken",
    "RemoveCalendarObject ok",
    "RemoveCalendarObject Changed",
    "RemoveCalendarObject NoSuchObject",
];

/// The sample sequences are worth something: each request succeeds and is refused in each way that small numbers can reach.
#[test]
fn samples_reach_every_answer() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    let mixed = (0..600).map(|_| sample::scripts(80).new_tree(&mut runner).unwrap().current());
    let mut scripts: Vec<_> = mixed.collect();
    scripts.extend((0..100).map(|_| {
        sample::calendar_scripts(80)
            .new_tree(&mut runner)
            .unwrap()
            .current()
    }));
    scripts.extend((0..300).map(|_| {
        sample::undelete_scripts(80)
            .new_tree(&mut runner)
            .unwrap()
            .current()
    }));
    scripts.extend((0..100).map(|_| sample::login_scripts(80).new_tree(&mut runner).unwrap().current()));
    scripts.extend((0..100).map(|_| sample::place_scripts(80).new_tree(&mut runner).unwrap().current()));
    for script in scripts {
        let mut store = Store::new();
        for (actor, request) in script {
            let name = request.name();
            match store.run(actor, request) {
                Ok(Reply::Delivered(answers) | Reply::Imported(answers)) => {
                    seen.extend(answers.into_iter().map(|answer| match answer {
                        Ok(delivered) => {
                            format!("{name} {}", if delivered.repeated { "repeated" } else { "new" })
                        }
                        Err(refusal) => format!("{name} {refusal:?}"),
                    }))
                }
                Ok(Reply::DeletedFound(messages)) => {
                    seen.extend(
                        messages
                            .iter()
                            .map(|message| format!("{name} {:?}", message.fate)),
                    );
                }
                Ok(Reply::Undeleted(done)) => {
                    let sets = [
                        (&done.restored, "restored"),
                        (&done.lives, "lives"),
                        (&done.gone, "gone"),
                        (&done.over_quota, "over_quota"),
                    ];
                    let some = sets.iter().filter(|(set, _)| !set.is_empty());
                    seen.extend(some.map(|(_, word)| format!("{name} {word}")));
                }
                Ok(Reply::ImportedFound(known)) => {
                    seen.extend(known.iter().map(|known| format!("{name} {known}")));
                }
                Ok(Reply::LoginFound(found)) => {
                    let waits = found.wait_ms > 0;
                    let word = if found.account.is_some() { "ok" } else { "unknown" };
                    seen.extend(
                        [word, if waits { "waits" } else { "at once" }].map(|word| format!("{name} {word}")),
                    );
                }
                Ok(Reply::Throttles(some)) if !some.is_empty() => drop(seen.insert(format!("{name} some"))),
                Ok(Reply::RecipientFound(places)) => {
                    let word = if places.len() > 1 { "several" } else { "ok" };
                    seen.insert(format!("{name} {word}"));
                }
                Ok(Reply::SenderFound(may)) => seen.extend(may.iter().map(|may| format!("{name} {may}"))),
                Ok(Reply::Domain(DomainReply::AliasRemoved(many))) => {
                    seen.insert(format!("{name} {}", if many > 0 { "some" } else { "none" }));
                }
                Ok(Reply::AppPasswordRemoved(was)) => drop(seen.insert(format!("{name} {was}"))),
                Ok(Reply::LeaseTaken(taken)) => drop(seen.insert(format!("{name} {taken}"))),
                Ok(Reply::Calendar(reply)) => drop(seen.insert(format!("{name} {}", in_a_word(&reply)))),
                Ok(
                    Reply::MessagesCollected(many)
                    | Reply::MailboxesCollected(many)
                    | Reply::CalendarObjectsCollected(many)
                    | Reply::CalendarsCollected(many),
                ) => {
                    seen.insert(format!("{name} {}", if many > 0 { "some" } else { "none" }));
                }
                Ok(Reply::ObjectsClaimed { objects, .. }) => drop(seen.insert(format!(
                    "{name} {}",
                    if objects.is_empty() { "none" } else { "some" }
                ))),
                Ok(Reply::GarbageCounted(counts)) => {
                    let words = [
                        ("messages due", counts.messages.due),
                        ("messages kept", counts.messages.kept),
                        ("mailboxes due", counts.mailboxes.due),
                        ("calendar objects due", counts.calendar_objects.due),
                        ("calendars kept", counts.calendars.kept),
                        ("unnamed", counts.unnamed),
                        ("claimed", counts.claimed),
                    ];
                    let some = words.into_iter().filter(|(_, many)| *many > 0);
                    seen.extend(some.map(|(what, _)| format!("{name} {what}")));
                }
                Ok(Reply::ObjectsFound(objects)) => drop(seen.insert(format!(
                    "{name} {}",
                    if objects.is_empty() { "none" } else { "some" }
                ))),
                Ok(_) => drop(seen.insert(format!("{name} ok"))),
                Err(Failure::Refused(refusal)) => drop(seen.insert(format!("{name} {refusal:?}"))),
                Err(failure) => drop(seen.insert(format!("{name} {failure:?}"))),
            }
        }
    }
    for wanted in WANTED {
        assert!(
            seen.contains(&format!("store.{wanted}")),
            "{wanted} is not among {seen:?}"
        );
    }
    let is_odd = |answer: &&String| answer.contains("Broken") && !answer.contains("is being deleted");
    assert_eq!(seen.iter().find(is_odd), None);
}
