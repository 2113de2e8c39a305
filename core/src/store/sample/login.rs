//! Requests about log-ins: who may, by which password, and who has to wait.

use std::net::{IpAddr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;

use super::Step;
use super::script::{LOGINS, Script, pick, script};
use crate::machine::Secret;
use crate::store::{
    AccountId, Actor, Attempt, Ground, NewAppPassword, PasswordHashes, Request, Scopes, ScramVerifiers,
};

/// One request, roughly.
#[derive(Clone, Debug)]
pub(super) enum Verb {
    Find(Try),
    Fail(Try),
    Keep { was: bool },
    AddAppPassword { label: u8, scopes: u8, until: bool },
    ListAppPasswords,
    RemoveAppPassword { label: u8 },
    ListThrottles,
    ClearThrottles { all: bool },
}

/// From where, how many tokens a bucket has, and how much later than the request before.
#[derive(Clone, Debug)]
pub(super) struct Try {
    from: u8,
    per_minute: u32,
    pause: u8,
}

/// `per_minute`: with few of them, what is answered depends on the time that has passed.
pub(super) fn verb(per_minute: impl Strategy<Value = u32> + Clone) -> impl Strategy<Value = Verb> {
    let one = (0u8..6, per_minute, 0u8..60).prop_map(|(from, per_minute, pause)| Try {
        from,
        per_minute,
        pause,
    });
    prop_oneof![
        5 => one.clone().prop_map(Verb::Find),
        6 => one.prop_map(Verb::Fail),
        2 => any::<bool>().prop_map(|was| Verb::Keep { was }),
        4 => (0u8..4, any::<u8>(), any::<bool>())
            .prop_map(|(label, scopes, until)| Verb::AddAppPassword { label, scopes, until }),
        2 => Just(Verb::ListAppPasswords),
        2 => (0u8..4).prop_map(|label| Verb::RemoveAppPassword { label }),
        2 => Just(Verb::ListThrottles),
        1 => any::<bool>().prop_map(|all| Verb::ClearThrottles { all }),
    ]
}

/// Sequences about log-ins, with buckets that are soon empty.
pub fn login_scripts(len: usize) -> impl Strategy<Value = Vec<(Actor, Request)>> {
    let verb = prop_oneof![
        30 => verb(1u32..4).prop_map(super::Verb::Login),
        1 => Just(super::Verb::SetPassword),
        1 => Just(super::Verb::DeleteAccount),
        1 => Just(super::Verb::CreateAccount),
    ];
    let step = (0u8..3, prop::bool::weighted(0.02), verb).prop_map(|(who, intruder, verb)| Step {
        who,
        intruder,
        verb,
    });
    vec(step, 1..=len).prop_map(|steps| script(&steps))
}

impl Script {
    pub(super) fn login(&mut self, who: u8, me: AccountId, verb: Verb) -> (Actor, Request) {
        let login = pick(&LOGINS, who).unwrap_or_default().to_owned();
        match verb {
            Verb::Find(one) => (Actor::Door, Request::FindLogin(self.attempt(login, &one))),
            Verb::Fail(one) => {
                let attempt = self.attempt(login, &one);
                (
                    Actor::Door,
                    Request::CountFailedLogin(attempt, Ground::WrongPassword),
                )
            }
            Verb::Keep { was } => {
                let request = Request::KeepPassword {
                    account: me,
                    was: Secret(if was { "plain:secret" } else { "plain:other" }.to_owned()),
                    password: self.hashes("secret"),
                };
                (Actor::Door, request)
            }
            verb => (Actor::Operator, self.operate(login, verb)),
        }
    }

    fn operate(&mut self, login: String, verb: Verb) -> Request {
        match verb {
            Verb::AddAppPassword { label, scopes, until } => Request::AddAppPassword(NewAppPassword {
                login,
                label: format!("label {label}"),
                hash: Secret(format!("{:064x}", self.draw())),
                scopes: Scopes(scopes),
                until_ms: until.then_some(self.now_ms()),
                at_ms: self.now_ms(),
            }),
            Verb::ListAppPasswords => Request::ListAppPasswords { login },
            Verb::RemoveAppPassword { label } => Request::RemoveAppPassword {
                login,
                label: format!("label {label}"),
            },
            Verb::ClearThrottles { all } => Request::ClearThrottles {
                bucket: (!all).then(|| format!("login {login}")),
            },
            _ => Request::ListThrottles { at_ms: self.now_ms() },
        }
    }

    fn attempt(&mut self, login: String, one: &Try) -> Attempt {
        for _ in 0..one.pause {
            self.draw();
        }
        let from = match one.from {
            0 => None,
            from @ 1..3 => Some(IpAddr::from([192, 0, 2, from])),
            from => {
                Some(Ipv6Addr::new(0x2001, 0xdb8, 0, u16::from(from) % 2, 0, 0, 0, u16::from(from)).into())
            }
        };
        Attempt {
            login,
            from,
            per_minute: one.per_minute,
            at_ms: self.now_ms(),
        }
    }

    /// What is stored of a password, sometimes without what SCRAM needs.
    pub(super) fn hashes(&mut self, password: &str) -> PasswordHashes {
        let drawn = self.draw();
        PasswordHashes {
            bcrypt: Secret(format!("plain:{password}")),
            scram: drawn.is_multiple_of(2).then(|| ScramVerifiers {
                sha256: Secret(format!("4096 {drawn} a b")),
                sha1: Secret(format!("4096 {drawn} c d")),
            }),
        }
    }
}
