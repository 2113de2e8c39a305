//! The daemon: opens the house, serves until it is told to stop, then drains.

use std::time::Duration;

use async_signal::{Signal, Signals};
use lightmail_core::doors::Door;
use lightmail_storage::shell::{CliError, Conversation, House, Loaded};
use smol::Timer;
use smol::future::FutureExt as _;
use smol::stream::StreamExt as _;
use tracing::Instrument as _;

use crate::listen::Listener;
use crate::session::drive;
use crate::tasks::spawn;

/// How long accepting rests after an error that passes (no more file descriptors).
const REST: Duration = Duration::from_millis(100);

/// Serves until SIGTERM or SIGINT; a second one ends the drain. At SIGHUP certificates are read anew.
pub async fn serve(loaded: Loaded) -> Result<(), CliError> {
    let mut signals = Signals::new([Signal::Term, Signal::Int, Signal::Hup])
        .map_err(|error| CliError::failed(format!("signals cannot be caught: {error}")))?;
    let opening = async { Some(House::open(loaded, |task| spawn(task).detach()).await) };
    let Some(opened) = opening.or(told_early(&mut signals)).await else {
        return Ok(());
    };
    let (house, doors) = opened?;
    let mut accepting = Vec::new();
    for (door, bound) in doors {
        let listener = Listener::new(bound).map_err(CliError::failed)?;
        accepting.push(spawn(accept(door, listener, house.clone())));
    }
    for worker in house.workers() {
        spawn(worker.run(drive, sleep)).detach();
    }
    told_to_end(&mut signals, &house).await;
    for task in accepting {
        task.cancel().await;
    }
    let at_once = async {
        told_to_end(&mut signals, &house).await;
        tracing::warn!("server.stopped.at_once");
    };
    house.clone().close(sleep).or(at_once).await;
    Ok(())
}

/// Ready at a signal that ends a server before it has served: nothing has to be drained, and what it was opening is safe to be
/// left.
async fn told_early<T>(signals: &mut Signals) -> Option<T> {
    while let Some(Ok(Signal::Hup)) = signals.next().await {}
    tracing::warn!("server.stopped.before_it_served");
    None
}

/// Ready at a signal that ends the server, or at an error: without signals nobody could stop it in good order.
async fn told_to_end(signals: &mut Signals, house: &House) {
    while let Some(Ok(Signal::Hup)) = signals.next().await {
        house.reload().await;
    }
}

/// Accepts until the task is cancelled.
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
                    spawn(conversation.instrument(span)).detach();
                }
            }
            Err(error) => {
                tracing::warn!(%error, "listener.accept.failed");
                sleep(REST).await;
            }
        }
    }
}

async fn sleep(time: Duration) {
    Timer::after(time).await;
}

#[cfg(test)]
#[path = "../../runtime-tokio/tests/common/one_door.rs"]
mod one_door;

#[cfg(test)]
mod tests {
    use lightmail_core::doors::Transport;
    use lightmail_core::greet::Greet;

    use super::*;

    /// Serves one door while a client does something there, then waits for the end of every session. What was recorded.
    fn serve_door(name: &'static str, transport: Transport, greet: Greet, client: fn(&str)) -> Vec<String> {
        crate::tasks::start_threads().unwrap();
        smol::block_on(async {
            let (house, door, bound) =
                one_door::house(name, transport, greet, |task| spawn(task).detach()).await;
            let place = bound.place();
            let task = spawn(accept(door, Listener::new(bound).unwrap(), house.clone()));
            smol::unblock(move || client(&place)).await;
            task.cancel().await;
            one_door::close(house, name, sleep).await
        })
    }

    #[test]
    fn a_panic_in_one_session_costs_that_session_only() {
        let records = serve_door(
            "smol-panics",
            Transport::Plain,
            one_door::echoes(),
            one_door::panics,
        );
        assert_eq!(records.len(), 8);
    }

    #[test]
    fn a_worker_that_panics_is_begun_anew_and_ends_with_the_server() {
        let name = "smol-worker";
        crate::tasks::start_threads().unwrap();
        smol::block_on(async {
            let spawn_it = |task| spawn(task).detach();
            let (house, ..) = one_door::house(name, Transport::Plain, one_door::echoes(), spawn_it).await;
            let (worker, begins) = one_door::clumsy(&house);
            spawn(worker.run(drive, sleep)).detach();
            smol::unblock(move || one_door::third(&begins)).await;
            assert_eq!(one_door::close(house, name, sleep).await, [""; 0]);
        });
    }

    #[test]
    fn a_panic_leaves_a_record_without_a_password() {
        let records = serve_door(
            "smol-doomed",
            Transport::Plain,
            one_door::doomed(),
            one_door::dooms,
        );
        one_door::assert_replays(&records);
    }

    #[test]
    fn an_end_is_noticed_while_no_octets_are_wanted() {
        let records = serve_door(
            "smol-leaves",
            Transport::Plain,
            one_door::echoes(),
            one_door::leaves,
        );
        assert_eq!(records, [""; 0], "what ends in good order is not recorded");
    }

    #[test]
    fn an_end_of_tls_is_noticed_while_no_octets_are_wanted() {
        let records = serve_door(
            "smol-leaves-tls",
            Transport::Tls,
            one_door::echoes(),
            one_door::leaves_tls,
        );
        assert_eq!(records, [""; 0]);
    }
}
