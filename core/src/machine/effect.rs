//! Effects and their outcomes: plain values that can be printed, compared, counted, recorded and replayed.

use std::fmt;
use std::sync::Arc;

use super::{ObjectKind, Upload};
use crate::antivirus::Virus;
use crate::mime::MessageIndex;
use crate::sasl::{ScramProof, scram};
use crate::store::{
    AccountId, Actor, Attempt, DeliveryKey, Failure, ObjectId, PasswordHashes, Reply, Request,
};

/// A question to the world. Each is a verb; its [`Done`] is the participle.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Runs a store request for an actor; refused in one place ([`crate::store::authority`]) if the actor may not.
    Store(Actor, Request),
    /// Makes an upload durable: [`Done::Stored`]. `Unavailable` too if it could not be scanned and must be.
    FinishUpload(Upload),
    /// Looks for words in whole messages (SEARCH BODY and TEXT): [`Done::Scanned`].
    Scan(Scan),
    /// Checks a password: [`Done::Verified`], or [`Done::Throttled`].
    VerifyPassword(PasswordCheck),
    /// Makes of a password what is stored of it: [`Done::Hashed`].
    HashPassword(Secret),
    /// Makes up a verifier for a login name that has none: [`Done::VerifierInvented`]. The same for the same name on every node, as
    /// a stored one is; no password fits it.
    InventVerifier {
        /// The name that was asked for.
        login: String,
        /// For which mechanism.
        hash: scram::Hash,
    },
    /// Checks a SCRAM client's proof: [`Done::ScramVerified`], or [`Done::Throttled`].
    VerifyScram {
        /// Whose it should be, and from where.
        attempt: Attempt,
        /// The proof, and all that its check needs.
        proof: ScramProof,
    },
    /// Finds whose token this is: [`Done::TokenVerified`].
    VerifyToken {
        /// Whose it should be; `None`: anybody's.
        login: Option<String>,
        /// A bearer token (RFC 6750, 2.1).
        token: Secret,
    },
    /// Counts this session among those of an account: [`Done::PlaceTaken`], refused with `Limit(Connections)`. It leaves its place when it
    /// ends, or takes one of another account.
    TakePlace(AccountId),
    /// The peer has seen the replies to these deliveries: their keys are no longer needed. [`Done::Confirmed`].
    ConfirmDelivery(Vec<DeliveryKey>),
    /// The objects in the bucket or folder, by id: [`Done::ObjectsListed`].
    ListObjects {
        /// Of which kind.
        kind: ObjectKind,
        /// Only those with a greater id.
        after: Option<ObjectId>,
        /// At most so many.
        limit: u32,
    },
    /// Deletes objects that no row names any more: [`Done::ObjectsDeleted`]. One that is not there is deleted already.
    DeleteObjects(Vec<(ObjectKind, ObjectId)>),
    /// Gives up uploads that began before this, in milliseconds since 1970, and never ended: [`Done::UploadsSwept`].
    SweepUploads {
        /// Only those that began before this.
        before_ms: u64,
    },
}

impl Effect {
    /// Its name in rules for faults, logs and metrics: `store.Deliver`, `FinishUpload`.
    pub fn name(&self) -> &'static str {
        match self {
            Effect::Store(_, request) => request.name(),
            Effect::FinishUpload(_) => "FinishUpload",
            Effect::Scan(_) => "Scan",
            Effect::VerifyPassword(_) => "VerifyPassword",
            Effect::HashPassword(_) => "HashPassword",
            Effect::InventVerifier { .. } => "InventVerifier",
            Effect::VerifyScram { .. } => "VerifyScram",
            Effect::VerifyToken { .. } => "VerifyToken",
            Effect::TakePlace(_) => "TakePlace",
            Effect::ConfirmDelivery(_) => "ConfirmDelivery",
            Effect::ListObjects { .. } => "ListObjects",
            Effect::DeleteObjects(_) => "DeleteObjects",
            Effect::SweepUploads { .. } => "SweepUploads",
        }
    }
}

/// How an effect ended.
pub type Outcome = Result<Done, Failure>;

/// What an effect brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// Of [`Effect::Store`].
    Reply(Reply),
    /// Of [`Effect::FinishUpload`].
    Stored(Stored),
    /// Of [`Effect::Scan`]: for each target in order, the set of needles found, bit n for needle n. In an object that is gone
    /// nothing is found.
    Scanned(Vec<u64>),
    /// Of [`Effect::VerifyPassword`].
    Verified(Verdict),
    /// Of [`Effect::HashPassword`].
    Hashed(PasswordHashes),
    /// Of [`Effect::InventVerifier`], as [`scram::Verifier`] writes it.
    VerifierInvented(Secret),
    /// Of [`Effect::VerifyScram`]: the server's signature in base64; `None`: the proof is wrong.
    ScramVerified(Option<Secret>),
    /// Of [`Effect::VerifyToken`]: whose it is, in lower case; `None`: it is no good.
    TokenVerified(Option<String>),
    /// Of [`Effect::VerifyPassword`] and [`Effect::VerifyScram`]: too many have failed that the store had not counted yet when it was
    /// asked. Nothing was checked.
    Throttled {
        /// Until a try is taken again, in milliseconds; at least 1.
        wait_ms: u64,
    },
    /// Of [`Effect::TakePlace`].
    PlaceTaken,
    /// Of [`super::Action::SendObject`].
    Sent,
    /// Of [`Effect::ConfirmDelivery`].
    Confirmed,
    /// Of [`Effect::ListObjects`]; fewer than its limit: there are no more.
    ObjectsListed(Vec<Listed>),
    /// Of [`Effect::DeleteObjects`]: those that are gone now. The others could not be deleted.
    ObjectsDeleted(Vec<ObjectId>),
    /// Of [`Effect::SweepUploads`]: how many.
    UploadsSwept(u32),
}

/// A password to be checked.
#[derive(Clone, Debug, PartialEq)]
pub struct PasswordCheck {
    /// Whose it should be, and from where: failures that the store has not counted yet count too.
    pub attempt: Attempt,
    /// What the client gave.
    pub password: Secret,
    /// SHA-256 of the account's app passwords that may be used here, in hexadecimal digits. They are tried first.
    pub app_passwords: Vec<Secret>,
    /// SHA-256 of its other app passwords: for other services, or ended. They are no good, and known for the log alone.
    pub other_app_passwords: Vec<Secret>,
    /// The account's bcrypt hash; `None` for an unknown user: the same work is done, and the answer is no.
    pub hash: Option<Secret>,
}

/// What a password is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Wrong.
    Wrong,
    /// One of the app passwords, which is not good here or not any more. It costs what a wrong one does.
    NotHere,
    /// The account's.
    Password,
    /// One of the app passwords.
    AppPassword,
}

/// An object in the bucket or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub object: ObjectId,
    /// Its size in octets.
    pub size: u64,
    /// When it was written, in milliseconds since 1970.
    pub modified_ms: u64,
}

/// How long after an object became durable a row may still be made that names it, by a clock that never goes back. What is
/// later is refused as `Unavailable`, so that an object without a row is known to be an orphan.
pub const COMMIT_WITHIN_MS: u64 = 10 * 60_000;

/// An object that is durable.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its id.
    pub object: ObjectId,
    /// Its size in octets.
    pub size: u64,
    /// SHA-256 of what is stored.
    pub sha256: [u8; 32],
    /// SHA-256 of what was received; differs when a tap has dropped forged fields.
    pub received_sha256: [u8; 32],
    /// The message index, for an email.
    pub index: Arc<MessageIndex>,
    /// When it became durable, in milliseconds of a clock of the storage's own that never goes back; see [`COMMIT_WITHIN_MS`].
    pub durable_ms: u64,
    /// What a scanner says of it.
    pub virus: Virus,
}

/// A search in whole messages; at most [`Scan::TARGETS_MAX`] at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// The messages to look into.
    pub targets: Vec<ScanTarget>,
    /// What to look for; at most 64.
    pub needles: Vec<Needle>,
}

impl Scan {
    /// The most objects one effect looks into.
    pub const TARGETS_MAX: usize = 64;
}

/// One message to look into.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanTarget {
    /// The stored object.
    pub object: ObjectId,
    /// Its size in octets.
    pub size: u64,
    /// This recipient's trace headers, in front of the object.
    pub head: bytes::Bytes,
    /// Where its parts lie and how they are encoded.
    pub index: Arc<MessageIndex>,
}

/// One text to look for, already folded by [`crate::mime::text::fold`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needle {
    /// The folded text.
    pub text: String,
    /// Where it counts.
    pub scope: Scope,
}

/// Where a text counts as found (RFC 3501, 6.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// TEXT: in the header and the body.
    Text,
    /// BODY: in the body; headers of what is attached belong to it.
    Body,
    /// HEADER: in the fields of this name in the message's own header; the empty text is in each of them.
    Field(String),
}

/// A password on its way to the check, or its hash. Never printed; compared only for tests and replays.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Peer, Time};

    /// Effects and outcomes are printed by recorders and logs: neither a password nor its hash may be seen there.
    #[test]
    fn secrets_are_not_printed() {
        let secret = Secret("hunter2".to_owned());
        let peer = Peer {
            address: None,
            tls: None,
        };
        let effect = Effect::VerifyPassword(PasswordCheck {
            attempt: Attempt::new("a@b", &peer, 1, Time::default()),
            password: secret.clone(),
            app_passwords: vec![secret.clone()],
            other_app_passwords: vec![secret.clone()],
            hash: Some(secret.clone()),
        });
        let printed = format!(
            "{effect:?} {:?} {:?}",
            Effect::HashPassword(secret.clone()),
            Done::Hashed(secret.into())
        );
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}
