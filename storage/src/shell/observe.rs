//! What the log tells of effects: names, results, times, sizes. Never a secret, never mail content; what a peer chose is a
//! field.

use std::net::IpAddr;
use std::time::Instant;

use lightmail_core::machine::{Done, Effect, Outcome, Verdict};
use lightmail_core::store::{Attempt, Failure, Ground, Reply, Request};

/// An effect under way.
pub(super) struct Observed {
    name: &'static str,
    begun: Instant,
    /// Whose password is looked up, or whose mail this is: for the operator, who looks for one user's trouble.
    who: Option<String>,
    /// From which network a log-in is tried; none from the server's own machine.
    from: Option<IpAddr>,
    /// Why a log-in is refused.
    ground: Option<Ground>,
}

impl Observed {
    /// Looks at an effect before it runs.
    pub(super) fn new(effect: &Effect) -> Self {
        tracing::debug!(name = effect.name(), "effect.begun");
        let attempt = attempt(effect);
        let who = match effect {
            Effect::Store(_, Request::FindRecipient { address, .. }) => Some(address.clone()),
            Effect::VerifyToken { login, .. } => login.clone(),
            _ => attempt.map(|attempt| attempt.login.clone()),
        };
        Self {
            name: effect.name(),
            begun: Instant::now(),
            who,
            from: attempt.and_then(|attempt| attempt.from),
            ground: match effect {
                Effect::Store(_, Request::CountFailedLogin(_, ground)) => Some(*ground),
                _ => None,
            },
        }
    }

    /// Logs how it ended.
    pub(super) fn ended(self, outcome: &Outcome) {
        let elapsed_us = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let Self { name, who, .. } = &self;
        match outcome {
            Ok(done) => self.done(done, elapsed_us),
            Err(Failure::Refused(why)) => tracing::info!(name, who, %why, elapsed_us, "effect.refused"),
            Err(Failure::Unavailable { retry_after_s }) => {
                tracing::warn!(name, retry_after_s, elapsed_us, "effect.unavailable");
            }
            Err(Failure::Broken(fault)) => {
                tracing::error!(name, fault = %fault.0, elapsed_us, "effect.broken")
            }
        }
    }

    fn done(&self, done: &Done, elapsed_us: u64) {
        match done {
            Done::Reply(Reply::Delivered(answers)) => {
                let delivered = answers.iter().filter(|answer| answer.is_ok()).count();
                let refused = answers.len() - delivered;
                tracing::info!(delivered, refused, elapsed_us, "mail.delivered");
            }
            Done::Reply(Reply::Appended(appended)) => {
                tracing::info!(messages = appended.uids.len(), elapsed_us, "mail.appended");
            }
            Done::Stored(stored) => {
                tracing::debug!(object = %stored.object, size = stored.size, elapsed_us, "object.stored");
            }
            _ => self.logged_in(done, elapsed_us),
        }
    }

    /// Each log-in that is refused has one line for it, `login.refused` or `login.throttled`.
    fn logged_in(&self, done: &Done, elapsed_us: u64) {
        let login = &self.who;
        let from = self.from.map(tracing::field::display);
        match done {
            Done::Reply(Reply::LoginFound(found)) if found.wait_ms == 0 => {
                tracing::info!(
                    login,
                    from,
                    known = found.account.is_some(),
                    elapsed_us,
                    "login.tried"
                );
            }
            Done::Reply(Reply::LoginFound(found)) => self.throttled(found.wait_ms),
            Done::Throttled { wait_ms } => self.throttled(*wait_ms),
            Done::Reply(Reply::FailedLoginCounted) => {
                let reason = self.ground.map(tracing::field::display);
                tracing::warn!(login, from, reason, "login.refused");
            }
            Done::TokenVerified(None) => {
                tracing::warn!(login, reason = "token", elapsed_us, "login.refused");
            }
            Done::Verified(verdict @ (Verdict::Password | Verdict::AppPassword)) => {
                tracing::info!(login, from, ?verdict, elapsed_us, "login.accepted");
            }
            Done::ScramVerified(Some(_)) => tracing::info!(login, from, elapsed_us, "login.accepted"),
            Done::TokenVerified(Some(login)) => tracing::info!(login, elapsed_us, "login.accepted"),
            _ => tracing::debug!(name = self.name, elapsed_us, "effect.done"),
        }
    }

    fn throttled(&self, wait_ms: u64) {
        let from = self.from.map(tracing::field::display);
        let wait_s = wait_ms.div_ceil(1000);
        tracing::warn!(login = self.who, from, wait_s, "login.throttled");
    }
}

/// The try that an effect is about.
fn attempt(effect: &Effect) -> Option<&Attempt> {
    match effect {
        Effect::Store(_, Request::FindLogin(attempt) | Request::CountFailedLogin(attempt, _)) => {
            Some(attempt)
        }
        Effect::VerifyPassword(check) => Some(&check.attempt),
        Effect::VerifyScram { attempt, .. } => Some(attempt),
        _ => None,
    }
}
