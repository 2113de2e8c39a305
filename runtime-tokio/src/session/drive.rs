//! The loop.

use std::future::pending;
use std::time::Instant;

use lightmail_core::machine::{Input, Machine, Step};
use lightmail_storage::shell::{Peer, Socket, World};

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
        let input = tokio::select! {
            biased;
            input = world.happened() => input, // effects run as tasks: no select! ever cuts a transaction
            read = peer.read(bytes) => read, // a read goes whole into the machine: none stays here
            () = time(due) => Input::Tick,
        };
        machine.handle(world.now(), input);
    }
}

async fn time(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => pending().await,
    }
}
