//! The daemon: opens the house, serves until it is told to stop, then drains.

use std::time::Duration;

use lightmail_core::doors::Door;
use lightmail_storage::shell::{CliError, Conversation, House, Loaded};
use tokio::signal::unix::{SignalKind, signal};
use tracing::Instrument as _;

use crate::listen::Listener;
use crate::session::drive;

/// How long accepting rests after an error that passes (no more file descriptors).
const REST: Duration = Duration::from_millis(100);

/// Serves until SIGTERM or SIGINT; a second one ends the drain. At SIGHUP certificates are read anew.
pub async fn serve(loaded: Loaded) -> Result<(), CliError> {
    let catch =
        |kind| signal(kind).map_err(|error| CliError::failed(format!("signals cannot be caught: {error}")));
    let (mut terminate, mut interrupt) = (catch(SignalKind::terminate())?, catch(SignalKind::interrupt())?);
    let mut hangup = catch(SignalKind::hangup())?;
    let (house, doors) = tokio::select! {
        opened = House::open(loaded, |task| drop(tokio::spawn(task))) => opened?,
        _ = terminate.recv() => return told_early(),
        _ = interrupt.recv() => return told_early(),
    };
    let mut accepting = tokio::task::JoinSet::new();
    for (door, bound) in doors {
        let listener = Listener::new(bound).map_err(CliError::failed)?;
        accepting.spawn(accept(door, listener, house.clone()));
    }
    for worker in house.workers() {
        tokio::spawn(worker.run(drive, tokio::time::sleep));
    }
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => house.reload().await,
        }
    }
    accepting.shutdown().await;
    tokio::select! {
        () = house.close(tokio::time::sleep) => {}
        _ = terminate.recv() => tracing::warn!("server.stopped.at_once"),
        _ = interrupt.recv() => tracing::warn!("server.stopped.at_once"),
    }
    Ok(())
}

/// The end of a server that has not served: nothing has to be drained, and what it was opening is safe to be left.
fn told_early() -> Result<(), CliError> {
    tracing::warn!("server.stopped.before_it_served");
    Ok(())
}

/// Accepts until the task is aborted.
async fn accept(door: Door, listener: Listener, house: House) {
    loop {
        match listener.accept().await {
            Ok((socket, address)) => {
                if let Some(visit) = house.admit(&door, &socket, address) {
                    let span = visit.span.clone();
                    // Boxed: a conversation is not as large as what came before it.
                    let begun = Box::pin(visit.begin(socket));
                    let conversation = async move {
                        if let Some(Conversation {
                            machine,
                            peer,
                            world,
                            guest: _guest,
                        }) = begun.await
                        {
                            drive(machine, peer, world).await;
                        }
                    };
                    tokio::spawn(conversation.instrument(span));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "listener.accept.failed");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

#[cfg(test)]
#[path = "../tests/common/one_door.rs"]
mod one_door;

#[cfg(test)]
mod tests {
    use lightmail_core::doors::Transport;
    use lightmail_core::greet::Greet;

    use super::*;

    /// Serves one door while a client does something there, then waits for the end of every session. What was recorded.
    async fn serve_door(
        name: &'static str,
        transport: Transport,
        greet: Greet,
        client: fn(&str),
    ) -> Vec<String> {
        let (house, door, bound) =
            one_door::house(name, transport, greet, |task| drop(tokio::spawn(task))).await;
        let place = bound.place();
        let task = tokio::spawn(accept(door, Listener::new(bound).unwrap(), house.clone()));
        tokio::task::spawn_blocking(move || client(&place)).await.unwrap();
        task.abort();
        one_door::close(house, name, tokio::time::sleep).await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_in_one_session_costs_that_session_only() {
        let records = serve_door(
            "tokio-panics",
            Transport::Plain,
            one_door::echoes(),
            one_door::panics,
        )
        .await;
        assert_eq!(records.len(), 8);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_worker_that_panics_is_begun_anew_and_ends_with_the_server() {
        let name = "tokio-worker";
        let spawn = |task| drop(tokio::spawn(task));
        let (house, ..) = one_door::house(name, Transport::Plain, one_door::echoes(), spawn).await;
        let (worker, begins) = one_door::clumsy(&house);
        tokio::spawn(worker.run(drive, tokio::time::sleep));
        tokio::task::spawn_blocking(move || one_door::third(&begins))
            .await
            .unwrap();
        assert_eq!(one_door::close(house, name, tokio::time::sleep).await, [""; 0]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_leaves_a_record_without_a_password() {
        let records = serve_door(
            "tokio-doomed",
            Transport::Plain,
            one_door::doomed(),
            one_door::dooms,
        )
        .await;
        one_door::assert_replays(&records);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_end_is_noticed_while_no_octets_are_wanted() {
        let records = serve_door(
            "tokio-leaves",
            Transport::Plain,
            one_door::echoes(),
            one_door::leaves,
        )
        .await;
        assert_eq!(records, [""; 0], "what ends in good order is not recorded");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_end_of_tls_is_noticed_while_no_octets_are_wanted() {
        let records = serve_door(
            "tokio-leaves-tls",
            Transport::Tls,
            one_door::echoes(),
            one_door::leaves_tls,
        )
        .await;
        assert_eq!(records, [""; 0]);
    }
}
