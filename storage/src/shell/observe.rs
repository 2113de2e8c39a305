//! What the log tells of effects: names, results, times, sizes. Never a secret, never mail content; what a peer chose is a
//! field.

use std::time::Instant;

use lightmail_core::machine::{Done, Effect, Outcome, Verdict};
use lightmail_core::store::{Failure, Reply, Request};

/// An effect under way.
pub(super) struct Observed {
    name: &'static str,
    begun: Instant,
    /// Whose password is looked up, or whose mail this is: for the operator, who looks for one user's trouble.
    who: Option<String>,
}

impl Observed {
    /// Looks at an effect before it runs.
    pub(super) fn new(effect: &Effect) -> Self {
        let who = match effect {
            Effect::Store(_, Request::FindLogin(attempt)) => Some(attempt.login.clone()),
            Effect::Store(_, Request::FindRecipient { address, .. }) => Some(address.clone()),
            _ => None,
        };
        tracing::debug!(name = effect.name(), "effect.begun");
        Self {
            name: effect.name(),
            begun: Instant::now(),
            who,
        }
    }

    /// Logs how it ended.
    pub(super) fn ended(self, outcome: &Outcome) {
        let elapsed_us = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let Self { name, who, .. } = self;
        match outcome {
            Ok(Done::Verified(Verdict::Wrong) | Done::ScramVerified(None) | Done::TokenVerified(None)) => {
                tracing::warn!(elapsed_us, "login.refused");
            }
            Ok(Done::Verified(verdict)) => tracing::info!(?verdict, elapsed_us, "login.accepted"),
            Ok(Done::ScramVerified(_) | Done::TokenVerified(_)) => {
                tracing::info!(elapsed_us, "login.accepted")
            }
            Ok(Done::Reply(Reply::LoginFound(found))) => {
                let (known, wait_ms) = (found.account.is_some(), found.wait_ms);
                tracing::info!(login = who, known, wait_ms, elapsed_us, "login.tried");
            }
            Ok(Done::Reply(Reply::Delivered(answers))) => {
                let delivered = answers.iter().filter(|answer| answer.is_ok()).count();
                let refused = answers.len() - delivered;
                tracing::info!(delivered, refused, elapsed_us, "mail.delivered");
            }
            Ok(Done::Reply(Reply::Appended(appended))) => {
                tracing::info!(messages = appended.uids.len(), elapsed_us, "mail.appended");
            }
            Ok(Done::Stored(stored)) => {
                tracing::debug!(object = %stored.object, size = stored.size, elapsed_us, "object.stored");
            }
            Ok(_) => tracing::debug!(name, elapsed_us, "effect.done"),
            Err(Failure::Refused(why)) => tracing::info!(name, who, %why, elapsed_us, "effect.refused"),
            Err(Failure::Unavailable { retry_after_s }) => {
                tracing::warn!(name, retry_after_s, elapsed_us, "effect.unavailable");
            }
            Err(Failure::Broken(fault)) => {
                tracing::error!(name, fault = %fault.0, elapsed_us, "effect.broken")
            }
        }
    }
}
