//! IMAP: a client that takes turns as it should, a store that fails as it should not.

use arbitrary::Arbitrary;
use lightmail_core::imap::Settings;
use lightmail_core::pair::Fault;

use crate::client::Client;
use crate::imap_session::opening;
use crate::stage;

/// Lines that become commands, and one effect that fails. As raw octets: where the session begins, what fails, how, and
/// which one of its kind; then the lines.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Dialogue<'a> {
    start: u8,
    fault: u8,
    when: u8,
    nth: u8,
    lines: &'a [u8],
}

/// Every command is answered with its tag, once, and before the next one is, whatever fails; the store is sound.
pub fn imap_client(input: Dialogue<'_>) {
    let settings = Settings {
        tls: true,
        ..Settings::default()
    };
    let mut world = stage::world();
    let talk = world.join(stage::imap(1, settings));
    world.feed(talk, opening((input.start & 3).min(2)));
    world.take(talk);
    let fault = input.fault();
    let may_be_cut = fault.as_ref().is_some_and(|fault| fault.effect == "SendObject");
    fault.into_iter().for_each(|fault| world.fail(fault));
    let mut client = Client::new(world, talk, input.lines, may_be_cut);
    while client.goes_on() {
        client.command();
    }
    stage::sound(&mut client.world, talk);
}

impl Dialogue<'_> {
    fn fault(&self) -> Option<Fault> {
        let effect = EFFECTS.get(usize::from(self.fault.checked_sub(b'A')?))?;
        let nth = 1 + usize::from(self.nth & 7);
        Some(match self.when & 3 {
            0 => Fault::before(effect, nth),
            1 => Fault::after(effect, nth),
            _ => Fault::timeout(effect, nth),
        })
    }
}

/// What can fail, from `A` on.
const EFFECTS: [&str; 22] = [
    "store.FindLogin",
    "store.ListMailboxes",
    "store.ListSubscriptions",
    "store.StatusMailbox",
    "store.CreateMailbox",
    "store.DeleteMailbox",
    "store.RenameMailbox",
    "store.Subscribe",
    "store.Unsubscribe",
    "store.OpenMailbox",
    "store.Refresh",
    "store.FetchPage",
    "store.ChangeFlags",
    "store.Copy",
    "store.Expunge",
    "store.Append",
    "FinishUpload",
    "Scan",
    "VerifyPassword",
    "TakePlace",
    "SendObject",
    "StartTls",
];
