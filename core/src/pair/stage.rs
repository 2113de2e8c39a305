//! What all conversations share: store, objects, clock, faults, and the log of effects.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::Talk;
use super::fault::Faults;
use super::uploads::Uploads;
use crate::antivirus::Virus;
use crate::machine::{Done, Effect, Listed, ObjectKind, Outcome, PasswordCheck, Scan, Secret, Time, Verdict};
use crate::mime::matcher::Matcher;
use crate::sasl::scram::{Hash, SALT_LEN, Verifier};
use crate::store::memory::Store;
use crate::store::{Failure, ObjectId, PasswordHashes, Refusal, ScramVerifiers};
use crate::wire::filter::{Filter, Filtering, Flow};

/// The world outside the machines.
pub struct Stage {
    /// The reference store.
    pub store: Store,
    /// The bodies, by id.
    pub objects: BTreeMap<ObjectId, Bytes>,
    /// Bodies that whoever keeps them refuses to delete.
    pub stuck: BTreeSet<ObjectId>,
    /// The clock.
    pub now: Time,
    /// The effects that have ended, in order.
    pub log: Vec<Effected>,
    /// Whose the tokens are that are good.
    pub tokens: BTreeMap<String, String>,
    /// What the scanner finds: a message that has these octets in it is infected by what has this name.
    pub virus: Option<String>,
    pub(super) faults: Faults,
    /// What the next password or proof is told instead of being checked: how long to wait, in milliseconds.
    pub(super) throttle: Option<u64>,
}

/// An effect that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Effected {
    /// Who asked for it.
    pub talk: Talk,
    /// What was asked for.
    pub effect: Effect,
    /// What was answered.
    pub outcome: Outcome,
}

impl Stage {
    pub(super) fn new() -> Self {
        let now = Time {
            mono_ms: 1_000_000,
            unix_ms: 1_772_000_000_000,
        };
        Self {
            store: Store::new(),
            objects: BTreeMap::new(),
            stuck: BTreeSet::new(),
            now,
            log: Vec::new(),
            tokens: BTreeMap::new(),
            virus: None,
            faults: Faults::default(),
            throttle: None,
        }
    }

    /// Runs an effect to its end, or to its fault, and logs it.
    pub(super) fn run(&mut self, talk: Talk, effect: Effect, uploads: &mut Uploads) -> Outcome {
        let fault = self.faults.strike(effect.name());
        let outcome = match fault {
            None => self.perform(&effect, uploads),
            Some(fault) => {
                if fault.when == super::When::After {
                    // Whatever came of it: the machine is told that it failed.
                    let _ = self.perform(&effect, uploads);
                }
                Err(fault.failure)
            }
        };
        self.log.push(Effected {
            talk,
            effect,
            outcome: outcome.clone(),
        });
        outcome
    }

    fn perform(&mut self, effect: &Effect, uploads: &mut Uploads) -> Outcome {
        match effect {
            Effect::Store(actor, request) => self.store.run(*actor, request.clone()).map(Done::Reply),
            Effect::FinishUpload(upload) => {
                let (mut stored, octets) = uploads.finish(*upload)?;
                stored.virus = self.virus_in(&octets);
                self.objects.insert(stored.object, octets);
                Ok(Done::Stored(stored))
            }
            Effect::Scan(scan) => self.scan(scan),
            Effect::VerifyPassword(_) | Effect::VerifyScram { .. } if self.throttle.is_some() => {
                let wait_ms = self.throttle.take().unwrap_or_default();
                Ok(Done::Throttled { wait_ms })
            }
            Effect::VerifyPassword(check) => Ok(Done::Verified(verdict(check))),
            Effect::HashPassword(password) => Ok(Done::Hashed(plain_hashes(&password.0))),
            Effect::InventVerifier { login, hash } => {
                let invented = Verifier::invent(*hash, login, &[0x1d; 32]);
                Ok(Done::VerifierInvented(invented.to_secret()))
            }
            Effect::VerifyScram { proof, .. } => Ok(Done::ScramVerified(proof.check())),
            Effect::VerifyToken { login, token } => {
                let owner = self.tokens.get(&token.0).filter(|owner| {
                    login
                        .as_ref()
                        .is_none_or(|login| login.eq_ignore_ascii_case(owner))
                });
                Ok(Done::TokenVerified(owner.cloned()))
            }
            Effect::TakePlace(_) => Ok(Done::PlaceTaken),
            Effect::ConfirmDelivery(keys) => {
                self.store.confirm(keys);
                Ok(Done::Confirmed)
            }
            Effect::ListObjects { kind, after, limit } => {
                Ok(Done::ObjectsListed(self.list(*kind, *after, *limit)))
            }
            Effect::DeleteObjects(objects) => {
                let gone = objects.iter().map(|(_, object)| *object);
                let gone: Vec<_> = gone.filter(|object| !self.stuck.contains(object)).collect();
                gone.iter().for_each(|object| drop(self.objects.remove(object)));
                Ok(Done::ObjectsDeleted(gone))
            }
            Effect::SweepUploads { .. } => Ok(Done::UploadsSwept(0)),
        }
    }

    fn virus_in(&self, octets: &[u8]) -> Virus {
        match &self.virus {
            None => Virus::NotScanned,
            Some(name) if memchr::memmem::find(octets, name.as_bytes()).is_some() => {
                Virus::Infected(name.clone())
            }
            Some(_) => Virus::Clean,
        }
    }

    /// A range of a stored object. Errors: `Gone` if it is not there, or shorter.
    pub fn read(&self, object: ObjectId, range: &Range<u64>) -> Result<Bytes, Failure> {
        let octets = self.objects.get(&object).ok_or(Refusal::Gone)?;
        let bounds = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok());
        let inside = bounds.filter(|(from, to)| from <= to && *to <= octets.len());
        Ok(inside
            .map(|(from, to)| octets.slice(from..to))
            .ok_or(Refusal::Gone)?)
    }

    /// Bodies in this world are emails, written when their id says.
    fn list(&self, kind: ObjectKind, after: Option<ObjectId>, limit: u32) -> Vec<Listed> {
        let listed = self.objects.iter().map(|(object, body)| Listed {
            object: *object,
            size: body.len() as u64,
            modified_ms: object.drawn_ms(),
        });
        listed
            .filter(|one| kind == ObjectKind::Email && after.is_none_or(|after| one.object > after))
            .take(limit as usize)
            .collect()
    }

    fn scan(&self, scan: &Scan) -> Outcome {
        assert!(
            scan.targets.len() <= Scan::TARGETS_MAX,
            "a scan of {} objects",
            scan.targets.len()
        );
        let found = scan.targets.iter().map(|target| {
            let Ok(octets) = self.read(target.object, &(0..target.size)) else {
                return 0;
            };
            let mut matcher = Matcher::new(target, &scan.needles);
            // Small pieces, so that needles lie across their borders.
            let _ = octets
                .chunks(100)
                .find(|piece| matcher.push(piece) == Flow::Enough);
            matcher.finish()
        });
        Ok(Done::Scanned(found.collect()))
    }
}

/// The cheap stand-in for bcrypt and what is beside it. App passwords are hashed alike.
pub(super) fn plain_hashes(password: &str) -> PasswordHashes {
    PasswordHashes {
        bcrypt: plain_hash(password),
        scram: MADE.with_borrow_mut(|made| {
            let made = made.entry(password.to_owned());
            made.or_insert_with(|| verifiers(&Secret(password.to_owned())))
                .clone()
        }),
    }
}

thread_local! {
    /// What was made before: it takes some milliseconds, and tests make the same accounts again and again.
    static MADE: RefCell<BTreeMap<String, Option<ScramVerifiers>>> = const { RefCell::new(BTreeMap::new()) };
}

fn verifiers(password: &Secret) -> Option<ScramVerifiers> {
    let make = |hash| Verifier::make(hash, password, [0x5a; SALT_LEN]).map(|made| made.to_secret());
    let (sha256, sha1) = make(Hash::Sha256).zip(make(Hash::Sha1))?;
    Some(ScramVerifiers { sha256, sha1 })
}

fn plain_hash(password: &str) -> Secret {
    Secret(format!("plain:{password}"))
}

fn verdict(check: &PasswordCheck) -> Verdict {
    let hash = plain_hash(&check.password.0);
    if check.app_passwords.contains(&hash) {
        Verdict::AppPassword
    } else if check.hash.as_ref() == Some(&hash) {
        Verdict::Password
    } else if check.other_app_passwords.contains(&hash) {
        Verdict::NotHere
    } else {
        Verdict::Wrong
    }
}

/// What a filter makes of octets that come in small pieces.
pub(super) fn filtered(filter: &Filter, octets: &[u8]) -> Bytes {
    let (mut filtering, mut out) = (Filtering::new(filter), BytesMut::new());
    for piece in octets.chunks(1000) {
        if filtering.push(piece, &mut out) == Flow::Enough {
            return out.freeze();
        }
    }
    filtering.finish(&mut out);
    out.freeze()
}
