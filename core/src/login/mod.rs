//! A log-in, whatever the protocol: from a name and a password, or from a SASL mechanism, to an account or none.
//!
//! IMAP, POP3 and SMTP wrap base64 and words around it. It asks one effect at a time, and the same ones in the same order for an unknown
//! user, a wrong password, a disabled account and a password for something else: who is refused learns nothing but that. What a
//! protocol does: [`Login::with_password`] or [`Login::with_mechanism`], then what [`Progress`] says until it is over.

mod patience;
#[cfg(test)]
mod tests;

use std::fmt;

pub use patience::{Patience, Pause};

use crate::config::Plaintext;
use crate::machine::{Done, Effect, Outcome, PasswordCheck, Peer, Secret, Time, Verdict};
use crate::sasl::{Answer, Mechanism, SaslError, SaslStep, scram};
use crate::store::{
    Access, AccountId, Actor, Attempt, Failure, Ground, LoginAccount, LoginAppPassword, LoginFound,
    PasswordHashes, Reply, Request, Service,
};

/// Who wants in, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// To what.
    pub service: Service,
    /// From where.
    pub peer: Peer,
    /// How many wrong passwords a network or a name may give in a minute.
    pub attempts_per_minute: u32,
}

/// Whether a password may be sent on such a connection: through TLS, or as the operator says.
pub fn may_begin(plaintext: Plaintext, peer: &Peer) -> bool {
    peer.is_encrypted()
        || match plaintext {
            Plaintext::Loopback => peer.is_local(),
            Plaintext::Never => false,
            Plaintext::Always => true,
        }
}

/// What is to be done next.
#[derive(Debug, PartialEq)]
pub enum Progress {
    /// Send this to the client, and give its response to [`Login::respond`].
    Challenge(Vec<u8>),
    /// Run this, and give the outcome to [`Login::on`].
    Ask(Effect),
    /// Nothing: it is over.
    Over(End),
}

/// How a log-in ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The client is this account's.
    Admitted(AccountId),
    /// An unknown user, a wrong password, a disabled account, a password for something else: nobody is told which.
    Refused,
    /// Too many wrong passwords have come from there, or for this name. Nothing was checked.
    Throttled {
        /// Until a try is taken again, in milliseconds.
        wait_ms: u64,
    },
    /// The client broke the rules of its mechanism.
    Malformed(SaslError),
    /// It could not be checked.
    Failed(Failure),
}

/// A log-in under way.
pub struct Login {
    visitor: Visitor,
    mechanism: Option<Box<dyn Mechanism>>,
    /// The account of the name, once it has been looked for; and whether it may log in here.
    found: Option<Found>,
    state: State,
}

/// What a name has led to.
struct Found {
    attempt: Attempt,
    account: Option<LoginAccount>,
}

impl Found {
    /// The account, if it may log in from there.
    fn admitted(&self, peer: &Peer) -> Option<&LoginAccount> {
        self.account
            .as_ref()
            .filter(|account| account.access.admits(peer))
    }

    /// Why it is refused, if its account does not say it already.
    fn ground(&self, peer: &Peer, otherwise: Ground) -> Ground {
        match self.account.as_ref().map(|account| account.access) {
            None => Ground::UnknownUser,
            Some(Access::Nowhere) => Ground::Disabled,
            Some(access) if !access.admits(peer) => Ground::LocalOnly,
            Some(_) => otherwise,
        }
    }
}

/// What is awaited.
enum State {
    Response,
    Found { attempt: Attempt, then: Then },
    Invented { stored: Option<Secret> },
    Verified(Secret),
    Signature,
    Owner,
    Hashed { account: AccountId, was: Secret },
    Kept(AccountId),
    Place(AccountId),
    Counted,
    Over,
}

/// What a name is looked for to do.
enum Then {
    /// Its password is checked.
    Check(Secret),
    /// Its verifier is given to the mechanism.
    Prove(scram::Hash),
    /// It has been proven: it is let in.
    Admit,
}

impl Login {
    /// Begins with a name and a password.
    pub fn with_password(visitor: Visitor, now: Time, login: &str, password: Secret) -> (Self, Progress) {
        let mut begun = Self::new(visitor, None);
        let progress = begun.find(now, login, Then::Check(password));
        (begun, progress)
    }

    /// Begins with a mechanism, and the initial response if the client has sent one.
    pub fn with_mechanism(
        visitor: Visitor,
        now: Time,
        mut mechanism: Box<dyn Mechanism>,
        initial: Option<&[u8]>,
    ) -> (Self, Progress) {
        let step = mechanism.begin(initial);
        let mut begun = Self::new(visitor, Some(mechanism));
        let progress = begun.follow(now, step);
        (begun, progress)
    }

    fn new(visitor: Visitor, mechanism: Option<Box<dyn Mechanism>>) -> Self {
        Self {
            visitor,
            mechanism,
            found: None,
            state: State::Over,
        }
    }

    /// Takes the response to the last challenge, decoded.
    pub fn respond(&mut self, now: Time, response: &[u8]) -> Progress {
        match (
            std::mem::replace(&mut self.state, State::Over),
            &mut self.mechanism,
        ) {
            (State::Response, Some(mechanism)) => {
                let step = mechanism.respond(response);
                self.follow(now, step)
            }
            _ => Progress::Over(End::Malformed(SaslError::Malformed)),
        }
    }

    /// Takes the outcome of the last effect.
    pub fn on(&mut self, now: Time, outcome: Outcome) -> Progress {
        let done = match outcome {
            Ok(done) => done,
            Err(failure) => return Progress::Over(End::Failed(failure)),
        };
        match (std::mem::replace(&mut self.state, State::Over), done) {
            (State::Found { attempt, then }, Done::Reply(Reply::LoginFound(found))) => {
                self.on_found(now, attempt, found, then)
            }
            (State::Invented { stored }, Done::VerifierInvented(invented)) => {
                self.answer(now, Answer::Verifier(stored.unwrap_or(invented)))
            }
            (State::Signature, Done::ScramVerified(signature)) => {
                self.answer(now, Answer::Signature(signature))
            }
            (State::Owner, Done::TokenVerified(owner)) => self.answer(now, Answer::Owner(owner)),
            (State::Verified(password), Done::Verified(verdict)) => self.on_verdict(password, verdict),
            (State::Hashed { account, was }, Done::Hashed(password)) => self.keep(account, was, password),
            (State::Kept(account), Done::Reply(Reply::PasswordKept)) => self.enter(account),
            (State::Place(account), Done::PlaceTaken) => Progress::Over(End::Admitted(account)),
            (State::Verified(_) | State::Signature, Done::Throttled { wait_ms }) => {
                Progress::Over(End::Throttled { wait_ms })
            }
            (State::Counted, Done::Reply(Reply::FailedLoginCounted)) => Progress::Over(End::Refused),
            _ => Progress::Over(End::Failed(Failure::broken(
                "a log-in was given an answer that fits no question",
            ))),
        }
    }

    fn answer(&mut self, now: Time, answer: Answer) -> Progress {
        match &mut self.mechanism {
            Some(mechanism) => {
                let step = mechanism.answer(answer);
                self.follow(now, step)
            }
            None => Progress::Over(End::Refused),
        }
    }

    /// Does what the mechanism says.
    fn follow(&mut self, now: Time, step: SaslStep) -> Progress {
        match step {
            SaslStep::Challenge(challenge) => {
                self.state = State::Response;
                Progress::Challenge(challenge)
            }
            SaslStep::FindVerifier { login, hash } => self.find(now, &login, Then::Prove(hash)),
            SaslStep::VerifyScram(proof) => match &self.found {
                Some(found) => {
                    let attempt = found.attempt.clone();
                    self.ask(State::Signature, Effect::VerifyScram { attempt, proof })
                }
                None => Progress::Over(End::Malformed(SaslError::Malformed)),
            },
            SaslStep::VerifyToken { login, token } => {
                self.ask(State::Owner, Effect::VerifyToken { login, token })
            }
            SaslStep::Credentials { login, password } => self.find(now, &login, Then::Check(password)),
            SaslStep::Proven { login } => match &self.found {
                Some(_) => self.admit(),
                None => self.find(now, &login, Then::Admit),
            },
            SaslStep::Rejected => self.refuse(self.unproven()),
            SaslStep::Failed(error) => Progress::Over(End::Malformed(error)),
        }
    }

    fn ask(&mut self, state: State, effect: Effect) -> Progress {
        self.state = state;
        Progress::Ask(effect)
    }

    fn ask_store(&mut self, state: State, request: Request) -> Progress {
        self.ask(state, Effect::Store(Actor::Door, request))
    }

    fn find(&mut self, now: Time, login: &str, then: Then) -> Progress {
        let Visitor {
            peer,
            attempts_per_minute,
            ..
        } = &self.visitor;
        let attempt = Attempt::new(login, peer, *attempts_per_minute, now);
        let request = Request::FindLogin(attempt.clone());
        self.ask_store(State::Found { attempt, then }, request)
    }

    fn on_found(&mut self, now: Time, attempt: Attempt, found: LoginFound, then: Then) -> Progress {
        let LoginFound { account, wait_ms } = found;
        if wait_ms > 0 {
            return Progress::Over(End::Throttled { wait_ms });
        }
        let found = self.found.insert(Found { attempt, account });
        match then {
            Then::Check(password) => {
                let check = check(found, &self.visitor, now, password.clone());
                self.ask(State::Verified(password), Effect::VerifyPassword(check))
            }
            Then::Prove(hash) => {
                let scram = found
                    .admitted(&self.visitor.peer)
                    .and_then(|account| account.password.scram.as_ref());
                let stored = scram.map(|scram| match hash {
                    scram::Hash::Sha256 => scram.sha256.clone(),
                    scram::Hash::Sha1 => scram.sha1.clone(),
                });
                let login = found.attempt.login.clone();
                // Asked for in any case, so that the work tells nothing.
                self.ask(State::Invented { stored }, Effect::InventVerifier { login, hash })
            }
            Then::Admit => self.admit(),
        }
    }

    /// Lets in whose name has been proven, if it is one.
    fn admit(&mut self) -> Progress {
        let found = self.found.as_ref();
        match found.and_then(|found| found.admitted(&self.visitor.peer)) {
            Some(account) => {
                let account = account.id;
                self.enter(account)
            }
            None => self.refuse(Ground::Disabled),
        }
    }

    /// Who it is, is clear; whether there is room for one more session of theirs, is not.
    fn enter(&mut self, account: AccountId) -> Progress {
        self.ask(State::Place(account), Effect::TakePlace(account))
    }

    fn on_verdict(&mut self, password: Secret, verdict: Verdict) -> Progress {
        let found = self.found.as_ref();
        let Some(account) = found.and_then(|found| found.admitted(&self.visitor.peer)) else {
            return self.refuse(Ground::WrongPassword);
        };
        match verdict {
            Verdict::Wrong => self.refuse(Ground::WrongPassword),
            Verdict::NotHere => self.refuse(Ground::Scope),
            // Known only now, and only once: from the next time on SCRAM works too.
            Verdict::Password if account.password.scram.is_none() => {
                let (account, was) = (account.id, account.password.bcrypt.clone());
                self.ask(State::Hashed { account, was }, Effect::HashPassword(password))
            }
            Verdict::Password | Verdict::AppPassword => {
                let account = account.id;
                self.enter(account)
            }
        }
    }

    fn keep(&mut self, account: AccountId, was: Secret, password: PasswordHashes) -> Progress {
        let request = Request::KeepPassword {
            account,
            was,
            password,
        };
        self.ask_store(State::Kept(account), request)
    }

    /// What a mechanism found wrong with what the client has sent.
    fn unproven(&self) -> Ground {
        let account = self.found.as_ref().and_then(|found| found.account.as_ref());
        match account {
            Some(account) if account.password.scram.is_none() => Ground::NoVerifier,
            _ => Ground::WrongPassword,
        }
    }

    /// `ground` is why, where there is such an account and it may log in here.
    fn refuse(&mut self, ground: Ground) -> Progress {
        match &self.found {
            Some(found) => {
                let ground = found.ground(&self.visitor.peer, ground);
                let request = Request::CountFailedLogin(found.attempt.clone(), ground);
                self.ask_store(State::Counted, request)
            }
            None => Progress::Over(End::Refused),
        }
    }
}

/// What is checked. For an account that may not log in here it is what is checked for an unknown user.
fn check(found: &Found, visitor: &Visitor, now: Time, password: Secret) -> PasswordCheck {
    let account = found.admitted(&visitor.peer);
    let app_passwords = account.into_iter().flat_map(|account| &account.app_passwords);
    let (usable, others): (Vec<_>, Vec<_>) = app_passwords.partition(|one| {
        one.scopes.hold(visitor.service) && one.until_ms.is_none_or(|until_ms| now.unix_ms < until_ms)
    });
    let hashes = |of: Vec<&LoginAppPassword>| of.into_iter().map(|one| one.hash.clone()).collect();
    PasswordCheck {
        attempt: found.attempt.clone(),
        password,
        app_passwords: hashes(usable),
        other_app_passwords: hashes(others),
        hash: account.map(|account| account.password.bcrypt.clone()),
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({:?}, {:?}, …)", self.visitor.service, self.mechanism)
    }
}
