//! Log-ins against the reference store, effect by effect.

use super::*;
use crate::machine::{Seed, TlsInfo};
use crate::sasl::{self, Channel, Kind};
use crate::store::{Access, NewAppPassword, Scopes, ScramVerifiers, memory::Store};

const START: Time = Time {
    mono_ms: 0,
    unix_ms: 1_772_000_000_000,
};

/// A store with one account, a clock, and what checks passwords: an account's is its hash.
struct Door {
    store: Store,
    now: Time,
    peer: Peer,
    service: Service,
    asked: Vec<&'static str>,
    checked: Vec<PasswordCheck>,
    grounds: Vec<Ground>,
}

impl Door {
    fn new() -> Self {
        let mut store = Store::new();
        let mut seed = Seed::new([1; 32]);
        let account = crate::admin::new_account(&mut seed, START, "tim@example.com".into(), hashes("right"));
        store
            .run(Actor::Operator, Request::CreateAccount(account))
            .unwrap();
        Self {
            store,
            now: START,
            peer: peer("192.0.2.1"),
            service: Service::Imap,
            asked: Vec::new(),
            checked: Vec::new(),
            grounds: Vec::new(),
        }
    }

    fn visitor(&self) -> Visitor {
        Visitor {
            service: self.service,
            peer: self.peer.clone(),
            attempts_per_minute: 10,
        }
    }

    fn log_in(&mut self, login: &str, password: &str) -> End {
        self.asked.clear();
        let begun = Login::with_password(self.visitor(), self.now, login, Secret(password.into()));
        match self.run(begun) {
            Ok(end) => end,
            Err(challenge) => panic!("{challenge:?}"),
        }
    }

    /// To the next challenge, or to the end.
    fn run(&mut self, (mut login, mut progress): (Login, Progress)) -> Result<End, Box<(Login, Vec<u8>)>> {
        loop {
            match progress {
                Progress::Over(end) => return Ok(end),
                Progress::Challenge(challenge) => return Err(Box::new((login, challenge))),
                Progress::Ask(effect) => {
                    self.asked.push(effect.name());
                    let outcome = self.perform(effect);
                    progress = login.on(self.now, outcome);
                }
            }
        }
    }

    fn perform(&mut self, effect: Effect) -> Outcome {
        match effect {
            Effect::Store(actor, request) => {
                if let Request::CountFailedLogin(_, ground) = &request {
                    self.grounds.push(*ground);
                }
                self.store.run(actor, request).map(Done::Reply)
            }
            Effect::HashPassword(password) => Ok(Done::Hashed(hashes(&password.0))),
            Effect::InventVerifier { login, hash } => Ok(Done::VerifierInvented(
                scram::Verifier::invent(hash, &login, &[3; 32]).to_secret(),
            )),
            Effect::VerifyScram { proof, .. } => Ok(Done::ScramVerified(proof.check())),
            Effect::VerifyToken { .. } => Ok(Done::TokenVerified(Some("tim@example.com".into()))),
            Effect::VerifyPassword(check) => {
                let verdict = match &check {
                    check if check.app_passwords.contains(&check.password) => Verdict::AppPassword,
                    check if check.hash.as_ref() == Some(&check.password) => Verdict::Password,
                    check if check.other_app_passwords.contains(&check.password) => Verdict::NotHere,
                    _ => Verdict::Wrong,
                };
                self.checked.push(check);
                Ok(Done::Verified(verdict))
            }
            Effect::TakePlace(_) => Ok(Done::PlaceTaken),
            other => panic!("{other:?}"),
        }
    }

    fn operate(&mut self, request: Request) {
        self.store.run(Actor::Operator, request).unwrap();
    }
}

fn peer(address: &str) -> Peer {
    Peer {
        address: address.parse().ok(),
        tls: Some(TlsInfo::default()),
    }
}

/// The bcrypt hash is the password itself.
fn hashes(password: &str) -> PasswordHashes {
    let secret = Secret(password.to_owned());
    PasswordHashes {
        bcrypt: secret.clone(),
        scram: Some(ScramVerifiers {
            sha256: scram::Verifier::make(scram::Hash::Sha256, &secret, [1; 16])
                .unwrap()
                .to_secret(),
            sha1: Secret(String::new()),
        }),
    }
}

fn app_password(scopes: &str, until_ms: Option<u64>) -> NewAppPassword {
    NewAppPassword {
        login: "tim@example.com".into(),
        label: "phone".into(),
        hash: Secret("of the phone".into()),
        scopes: Scopes::parse(scopes).unwrap(),
        until_ms,
        at_ms: START.unix_ms,
    }
}

#[test]
fn a_right_password_costs_no_write() {
    let mut door = Door::new();
    assert!(matches!(
        door.log_in("Tim@Example.COM", "right"),
        End::Admitted(_)
    ));
    assert_eq!(door.asked, ["store.FindLogin", "VerifyPassword", "TakePlace"]);
}

/// C02: the same questions, in the same order, and checks that differ in the hash alone.
#[test]
fn who_is_refused_learns_nothing() {
    let (mut door, each) = (
        Door::new(),
        ["store.FindLogin", "VerifyPassword", "store.CountFailedLogin"],
    );
    for (login, password) in [("nobody@example.com", "right"), ("tim@example.com", "wrong")] {
        assert_eq!(door.log_in(login, password), End::Refused);
        assert_eq!(door.asked, each, "{login}");
    }
    // Disabled: even with the right password, and app passwords that it has.
    door.operate(Request::AddAppPassword(app_password("all", None)));
    for access in [Access::Nowhere, Access::Local] {
        let begun = Login::with_password(
            door.visitor(),
            door.now,
            "tim@example.com",
            Secret("right".into()),
        );
        assert_eq!(disabled(&mut door, begun, access), End::Refused);
        assert_eq!(door.asked, each, "{access:?}");
        let check = door.checked.last().unwrap();
        assert_eq!((&check.hash, check.app_passwords.len()), (&None, 0));
        assert_eq!(check.other_app_passwords.len(), 0);
    }
    use Ground::{Disabled, LocalOnly, UnknownUser, WrongPassword};
    assert_eq!(
        door.grounds,
        [UnknownUser, WrongPassword, Disabled, LocalOnly],
        "for the log alone"
    );
}

/// Runs a log-in for whose account the store says another access.
fn disabled(door: &mut Door, (mut login, progress): (Login, Progress), access: Access) -> End {
    let Progress::Ask(effect) = progress else {
        panic!("{progress:?}")
    };
    door.asked = vec![effect.name()];
    let mut outcome = door.perform(effect);
    if let Ok(Done::Reply(Reply::LoginFound(found))) = &mut outcome {
        found.account.as_mut().unwrap().access = access;
    }
    let progress = login.on(door.now, outcome);
    door.run((login, progress))
        .unwrap_or_else(|_| panic!("a challenge"))
}

/// C15: from one /64, whatever the address in it and whatever the name.
#[test]
fn ten_thousand_tries_from_one_network_are_not_checked() {
    let mut door = Door::new();
    let mut throttled = 0;
    for nth in 0..10_000u32 {
        door.peer = peer(&format!("2001:db8:0:1::{:x}", nth % 0xffff));
        door.now.unix_ms += 60;
        match door.log_in(&format!("user{nth}@example.com"), "guess") {
            End::Refused => {}
            End::Throttled { wait_ms } => {
                assert!((1..=6000).contains(&wait_ms), "{wait_ms}");
                assert_eq!(door.asked, ["store.FindLogin"]);
                throttled += 1;
            }
            end => panic!("{end:?}"),
        }
    }
    // Ten minutes: what the bucket held, and what came back.
    assert!(
        (100..=110).contains(&door.checked.len()),
        "{}",
        door.checked.len()
    );
    assert_eq!(throttled + door.checked.len(), 10_000);
    door.peer = peer("2001:db8:0:2::1");
    assert!(
        matches!(door.log_in("tim@example.com", "right"), End::Admitted(_)),
        "the network beside it"
    );
}

#[test]
fn a_name_is_throttled_whoever_asks_and_only_for_a_while() {
    let mut door = Door::new();
    for nth in 0..10 {
        door.peer = peer(&format!("192.0.2.{nth}"));
        assert_eq!(door.log_in("tim@example.com", "guess"), End::Refused);
    }
    door.peer = peer("192.0.2.99");
    assert_eq!(
        door.log_in("TIM@example.com", "right"),
        End::Throttled { wait_ms: 6000 }
    );
    door.now.unix_ms += 6000;
    assert!(matches!(
        door.log_in("tim@example.com", "right"),
        End::Admitted(_)
    ));
}

/// A webmail has many users behind one address.
#[test]
fn loopback_is_no_network() {
    let mut door = Door::new();
    door.peer = peer("127.0.0.1");
    for nth in 0..100 {
        assert_eq!(
            door.log_in(&format!("user{nth}@example.com"), "guess"),
            End::Refused
        );
    }
    assert!(matches!(
        door.log_in("tim@example.com", "right"),
        End::Admitted(_)
    ));
}

#[test]
fn an_app_password_is_for_its_services_and_its_time() {
    let until_ms = START.unix_ms + 1000;
    let mut door = Door::new();
    door.operate(Request::AddAppPassword(app_password("imap,smtp", Some(until_ms))));
    assert!(matches!(
        door.log_in("tim@example.com", "of the phone"),
        End::Admitted(_)
    ));
    assert_eq!(door.asked, ["store.FindLogin", "VerifyPassword", "TakePlace"]);
    door.service = Service::Pop3;
    assert_eq!(door.log_in("tim@example.com", "of the phone"), End::Refused);
    assert!(matches!(
        door.log_in("tim@example.com", "right"),
        End::Admitted(_)
    ));
    (door.service, door.now.unix_ms) = (Service::Imap, until_ms);
    assert_eq!(door.log_in("tim@example.com", "of the phone"), End::Refused);
    assert_eq!(door.grounds, [Ground::Scope; 2]);
    // It is nobody else's.
    assert_eq!(door.log_in("tom@example.com", "of the phone"), End::Refused);
}

#[test]
fn what_scram_needs_is_made_at_the_first_password_and_once() {
    let mut door = Door::new();
    let bare = PasswordHashes::from(Secret("right".into()));
    let login = "tim@example.com".to_owned();
    door.operate(Request::SetPassword {
        login,
        password: bare,
    });
    assert!(matches!(
        door.log_in("tim@example.com", "right"),
        End::Admitted(_)
    ));
    assert_eq!(
        door.asked,
        [
            "store.FindLogin",
            "VerifyPassword",
            "HashPassword",
            "store.KeepPassword",
            "TakePlace"
        ]
    );
    assert!(matches!(
        door.log_in("tim@example.com", "right"),
        End::Admitted(_)
    ));
    assert_eq!(door.asked, ["store.FindLogin", "VerifyPassword", "TakePlace"]);
}

/// Both are asked the same, a salt is there for both, and it stays.
#[test]
fn scram_hides_who_there_is() {
    let mut door = Door::new();
    let mut salts = Vec::new();
    for login in ["tim@example.com", "nobody@example.com", "nobody@example.com"] {
        door.asked.clear();
        let channel = Channel {
            tls: None,
            seed: &mut Seed::new([2; 32]),
            binds: false,
        };
        let mechanism = sasl::mechanism(Kind::ScramSha256, channel);
        let first = format!("n,,n={login},r=abc");
        let begun = Login::with_mechanism(door.visitor(), door.now, mechanism, Some(first.as_bytes()));
        let Err(open) = door.run(begun) else {
            panic!("no challenge")
        };
        let (mut exchange, challenge) = *open;
        let challenge = String::from_utf8(challenge).unwrap();
        let last = format!(
            "c=biws,{},p={}=",
            challenge.split(',').next().unwrap(),
            "A".repeat(43)
        );
        let progress = exchange.respond(door.now, last.as_bytes());
        assert_eq!(door.run((exchange, progress)).ok(), Some(End::Refused));
        let each = [
            "store.FindLogin",
            "InventVerifier",
            "VerifyScram",
            "store.CountFailedLogin",
        ];
        assert_eq!(door.asked, each, "{login}");
        salts.push(challenge);
    }
    assert_ne!(salts[0], salts[1]);
    assert_eq!(salts[1], salts[2]);
}

#[test]
fn a_token_admits_whose_it_is() {
    let mut door = Door::new();
    let channel = Channel {
        tls: None,
        seed: &mut Seed::new([2; 32]),
        binds: false,
    };
    let mechanism = sasl::mechanism(Kind::XOAuth2, channel);
    let first = b"user=tim@example.com\x01auth=Bearer abc\x01\x01";
    let begun = Login::with_mechanism(door.visitor(), door.now, mechanism, Some(first));
    let end = door.run(begun).unwrap_or_else(|_| panic!("a challenge"));
    assert!(matches!(end, End::Admitted(_)), "{end:?}");
    assert_eq!(door.asked, ["VerifyToken", "store.FindLogin", "TakePlace"]);
}

#[test]
fn a_store_that_is_away_is_no_wrong_password() {
    let door = Door::new();
    let (mut login, _) = Login::with_password(door.visitor(), door.now, "a@b", Secret("x".into()));
    let away = Failure::Unavailable { retry_after_s: 5 };
    assert_eq!(
        login.on(door.now, Err(away.clone())),
        Progress::Over(End::Failed(away))
    );
}
