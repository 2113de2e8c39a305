//! The transcripts that run in the pure core, over TCP and over TLS: a shell changes nothing of what is said.

use std::time::Duration;

use super::sasl::MECHANISMS;
use crate::common::backing::Backing;
use crate::common::relay::Relay;
use crate::common::{Server, USER};
use lightmail_conformance::player::Logins;
use lightmail_conformance::report::{self, Played, Score};
use lightmail_conformance::run::{Strictness, run};
use lightmail_conformance::{library, tcp::Tcp, tls::Tls};

/// Transcripts give wrong passwords on purpose, more in a minute than an operator would bear.
const MANY_LOGINS: &str = "[auth]\nattempts_per_minute = 10000\n";

#[test]
fn every_transcript_passes_over_tcp() {
    let server = Server::start_with(
        "transcripts",
        &format!("attempts_per_minute = 10000\n{MECHANISMS}"),
    );
    let score = play(&server, server.imap, "");
    // What is not offered here needs virtual time or injected faults.
    assert!(score.passed > score.not_offered);
}

/// The RFC that all of IMAP rests on; what TLS could spoil are octets, and those are in it.
#[test]
fn transcripts_pass_through_tls() {
    let server = Server::start_with("transcripts-tls", MANY_LOGINS);
    let relay = Relay::start(&server);
    let score = play(&server, relay.port, "rfc3501/");
    assert!(score.passed > score.not_offered);
}

/// The same words, whichever database and whichever place for bodies is behind them.
#[test]
fn transcripts_pass_on_mariadb_and_a_bucket() {
    let backing = Backing::new();
    let server = Server::start_with(
        "transcripts-backed",
        &format!("{MANY_LOGINS}{}", backing.sections()),
    );
    let score = play(&server, server.imap, "rfc3501/");
    assert!(score.passed > score.not_offered);
}

/// Plays those whose names begin so; none may fail.
fn play(server: &Server, imap: u16, names: &str) -> Score {
    let other = "other@example.com";
    server.add_account(other);
    let logins = Logins {
        user: USER.into(),
        password: server.password.clone(),
        other: other.into(),
    };
    let transcripts = library::read(&library::folder(), names).unwrap_or_else(|error| panic!("{error}"));
    let played: Vec<_> = transcripts
        .iter()
        .map(|transcript| {
            let (imap, lmtp) = (format!("127.0.0.1:{imap}"), format!("127.0.0.1:{}", server.lmtp));
            let mut player = Tcp::new(imap, Some(lmtp), logins.clone(), Duration::from_secs(20))
                .with_pop3(Some(format!("127.0.0.1:{}", server.pop3)))
                .with_smtp(
                    Some(format!("127.0.0.1:{}", server.smtp)),
                    Some(format!("127.0.0.1:{}", server.submission)),
                )
                .with_starttls(Tls::trusting_anybody().unwrap());
            Played {
                transcript,
                verdict: run(transcript, &mut player, Strictness::EveryLine),
            }
        })
        .collect();
    let score = Score::of(played.iter().map(|played| &played.verdict));
    assert!(score.failed == 0, "{}", report::terminal(&played));
    score
}
