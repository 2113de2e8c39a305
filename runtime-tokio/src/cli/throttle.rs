//! `lightmail throttle list|clear`.

use clap::Subcommand;
use lightmail_core::config::Config;
use lightmail_core::machine::{Peer, Time};
use lightmail_core::store::{Attempt, Reply, Request, Throttle};
use lightmail_storage::Storage;
use lightmail_storage::shell::{CliError, Clock, ask};

use super::open;

/// Commands about those who have given wrong passwords. They work beside a running server.
#[derive(Subcommand)]
pub enum ThrottleCommand {
    /// List the names and networks that have given wrong passwords within a minute, and how long each has to wait
    List,
    /// Let a name or network try again at once
    #[command(group(clap::ArgGroup::new("which").required(true).args(["bucket", "all"])))]
    Clear {
        /// A name or a network, as the list shows it: user@example.com, 192.0.2.1/32
        bucket: Option<String>,
        /// All of them
        #[arg(long)]
        all: bool,
    },
}

/// Runs `lightmail throttle …`.
pub async fn run(command: ThrottleCommand, config: &Config) -> Result<(), CliError> {
    let storage = open(config).await?;
    let result = match command {
        ThrottleCommand::List => list(&storage, config.auth.attempts_per_minute).await,
        ThrottleCommand::Clear { bucket, .. } => clear(&storage, bucket).await,
    };
    storage.close().await;
    result
}

async fn throttles(storage: &Storage) -> Result<Vec<Throttle>, CliError> {
    let at_ms = Clock::start().now().unix_ms;
    match ask(storage, "throttles", Request::ListThrottles { at_ms }).await? {
        Reply::Throttles(throttles) => Ok(throttles),
        _ => Err(CliError::failed(
            "the store gave another answer than was asked for",
        )),
    }
}

async fn list(storage: &Storage, per_minute: u32) -> Result<(), CliError> {
    let now = Clock::start().now();
    let throttles = throttles(storage).await?;
    let width = throttles
        .iter()
        .map(|one| one.bucket.chars().count())
        .max()
        .unwrap_or(0)
        .max(6);
    say!("{:width$}  {:>4}  {:>5}", "BUCKET", "LEFT", "WAIT");
    for Throttle { bucket, full_in_ms } in throttles {
        let (left, wait_ms) = measure(per_minute, full_in_ms, now);
        say!("{bucket:width$}  {left:>4}  {:>4}s", wait_ms.div_ceil(1000));
    }
    Ok(())
}

/// How many tries a bucket has left, and in how long it has one again.
fn measure(per_minute: u32, full_in_ms: u64, now: Time) -> (u64, u64) {
    let nobody = Peer {
        address: None,
        tls: None,
    };
    let attempt = Attempt::new("", &nobody, per_minute, now);
    let left = attempt.whole_ms().saturating_sub(full_in_ms) / attempt.token_ms();
    (left, attempt.wait_ms(full_in_ms, 0))
}

async fn clear(storage: &Storage, bucket: Option<String>) -> Result<(), CliError> {
    let bucket = match bucket {
        Some(wanted) => Some(find(&throttles(storage).await?, &wanted)?),
        None => None,
    };
    let what = bucket.clone().unwrap_or_else(|| "all throttles".to_owned());
    ask(storage, "throttles", Request::ClearThrottles { bucket }).await?;
    say!("{what} cleared");
    Ok(())
}

/// The bucket that is meant: its kind may be left out.
fn find(throttles: &[Throttle], wanted: &str) -> Result<String, CliError> {
    let is_meant = |bucket: &str| {
        let kinds = ["", "login ", "network "];
        kinds.iter().any(|kind| {
            bucket
                .strip_prefix(kind)
                .is_some_and(|rest| rest.eq_ignore_ascii_case(wanted))
        })
    };
    let found = throttles.iter().find(|one| is_meant(&one.bucket));
    found.map(|one| one.bucket.clone()).ok_or_else(|| {
        CliError::failed(format!(
            "nothing is known against {wanted}; `lightmail throttle list` shows who has to wait"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_found_by_its_name_and_no_other_is() {
        let bucket = |bucket: &str| Throttle {
            bucket: bucket.to_owned(),
            full_in_ms: 1,
        };
        let known = [bucket("login alice@example.com"), bucket("network 192.0.2.1/32")];
        let found = |wanted| find(&known, wanted).ok();
        for wanted in [
            "alice@example.com",
            "Alice@example.com",
            "login alice@example.com",
        ] {
            assert_eq!(found(wanted).as_deref(), Some("login alice@example.com"));
        }
        assert_eq!(found("192.0.2.1/32").as_deref(), Some("network 192.0.2.1/32"));
        assert_eq!((found("alcie@example.com"), found("alice")), (None, None));
    }

    #[test]
    fn a_bucket_is_shown_as_what_is_left() {
        let measured = |full_in_ms| measure(10, full_in_ms, Time::default());
        assert_eq!(measured(1), (9, 0));
        assert_eq!(measured(54_000), (1, 0));
        assert_eq!(measured(57_000), (0, 3000));
        assert_eq!(measured(60_000), (0, 6000));
    }
}
