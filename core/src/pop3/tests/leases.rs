use super::*;
use crate::machine::{Input, Machine, Step, Time};

/// RFC 1939, 4; RFC 2449, 8.1.2: a maildrop is one session's; behind its end, whichever, it is free at once.
#[test]
fn a_second_session_is_told() {
    for end in ["1C: QUIT\n1S: +OK Goodbye\n1 over", ""] {
        let mut stage = Stage::logged_in(1, "1");
        stage.play(
            "2C: USER user@example.com
             2S: +OK Say PASS
             2C: PASS secret
             2S: -ERR [IN-USE] Another session has the maildrop open; try again when it has ended",
        );
        stage.play(end);
        let talk = stage.talk('1');
        stage.world.close(talk);
        stage.log_in('2');
    }
}

#[test]
fn a_session_keeps_its_lease_while_it_lives() {
    let mut stage = Stage::logged_in(1, "1");
    for _ in 0..9 {
        stage.play(
            "time 9m
             1C: NOOP
             1S: +OK ...
             2C: USER user@example.com
             2S: +OK Say PASS
             2C: PASS secret
             2S: -ERR [IN-USE] ...",
        );
        stage.talks.remove(&'2');
    }
}

/// A server that was killed gives nothing back; the lease ends by itself, and who held it notices.
#[test]
fn a_lease_that_was_lost_ends_the_session() {
    let mut stage = Stage::logged_in(1, "1");
    stage.play("1C: DELE 1\n1S: +OK Deleted at QUIT");
    let at_ms = stage.world.now().unix_ms;
    let thief = crate::store::Request::TakeLease {
        work: crate::store::Work::Maildrop(stage.account),
        owner: [9; 16],
        for_ms: 1_000_000,
        at_ms: at_ms + 180_000,
    };
    let actor = crate::store::Actor::Account(stage.account);
    assert_eq!(
        stage.world.ask(actor, thief),
        Ok(crate::store::Reply::LeaseTaken(true))
    );
    stage.play(
        "time 60s
         1S: -ERR [SYS/TEMP] Another session has taken the maildrop over; nothing was deleted
         1 over",
    );
    assert!(!stage.effects().contains(&"store.DeleteMessages"));
}

/// Who goes while the lease is being taken gives it back behind that, not before.
#[test]
fn a_client_that_leaves_in_the_midst_of_it() {
    let settings = Arc::new(Settings::default());
    let peer = Peer {
        address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        tls: None,
    };
    let mut session = Session::new(peer, settings, Seed::new([1; 32]));
    let mut world = World::new();
    let account = world.create_account("user@example.com", "secret");
    let mut asked = Vec::new();
    let mut input = Some(Input::Bytes {
        octets: bytes::Bytes::from_static(b"USER user@example.com\r\nPASS secret\r\n"),
        waited: true,
    });
    while let Some(next) = input.take() {
        session.handle(Time::default(), next);
        while let Step::Act(action) = session.poll() {
            let crate::machine::Action::Do(token, effect) = action else {
                continue;
            };
            asked.push(effect.name());
            let lease = matches!(&effect, crate::machine::Effect::Store(_, request) if request.name() == "store.TakeLease");
            if lease && asked.len() == 4 {
                session.handle(Time::default(), Input::Eof);
                assert!(matches!(
                    session.poll(),
                    Step::Wait {
                        bytes: false,
                        until: None
                    }
                ));
            }
            input = Some(Input::Outcome(token, answer(&mut world, account, effect)));
        }
    }
    assert_eq!(
        asked,
        [
            "store.FindLogin",
            "VerifyPassword",
            "TakePlace",
            "store.TakeLease",
            "store.TakeLease"
        ]
    );
    assert!(matches!(session.poll(), Step::Over));
}

fn answer(world: &mut World, _: AccountId, effect: crate::machine::Effect) -> crate::machine::Outcome {
    use crate::machine::{Done, Effect, Verdict};
    match effect {
        Effect::Store(actor, request) => world.ask(actor, request).map(Done::Reply),
        Effect::TakePlace(_) => Ok(Done::PlaceTaken),
        _ => Ok(Done::Verified(Verdict::AppPassword)),
    }
}
