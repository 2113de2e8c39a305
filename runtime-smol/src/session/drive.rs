//! The loop.

use std::future::pending;
use std::time::Instant;

use lightmail_core::machine::{Input, Machine, Step};
use lightmail_storage::shell::{Peer, Socket, World};
use smol::Timer;
use smol::future::{FutureExt as _, yield_now};

/// Drives one conversation to its end. A peer that is gone gives `Eof`, and the machine ends it.
pub async fn drive(mut machine: impl Machine, mut peer: Peer<impl Socket>, mut world: World) {
    loop {
        let (bytes, until) = loop {
            match machine.poll() {
                Step::Act(action) => world.act(action, &mut peer).await,
                Step::Wait { bytes, until } => break (bytes, until),
                Step::Over => return peer.close().await,
            }
        };
        peer.flush().await; // once per drain, not once per line
        let due = until.map(|due| world.instant(due));
        let input = world
            .happened() // effects run as tasks: no `or` ever cuts a transaction
            .or(peer.read(bytes)) // a read goes whole into the machine: none stays here
            .or(tick(due))
            .await;
        if matches!(input, Input::Bytes { .. }) {
            yield_now().await; // smol takes no thread away from a peer that never lets us wait
        }
        machine.handle(world.now(), input);
    }
}

async fn tick(due: Option<Instant>) -> Input {
    match due {
        Some(due) => drop(Timer::at(due).await),
        None => pending().await,
    }
    Input::Tick
}
