//! Each machine and parser alone, without what the targets assert: what the heap's bound is measured on.

use arbitrary::{Arbitrary, Unstructured};
use lightmail_core::imap::Settings;
use lightmail_core::mime::matcher::Matcher;
use lightmail_core::mime::{encoded_word, parameter};
use lightmail_core::store::set::SequenceSet;
use lightmail_core::wire::deflate::Inflater;
use lightmail_core::wire::{date, mutf7};
use lightmail_core::{imap, machine};

use crate::cut::{Cut, Pace};
use crate::record::replay;
use crate::{
    address, clamd_reply, deflate, imap_command, imap_session, matcher, mime_index, pop3_session, sasl,
    smtp_client, smtp_session, stage,
};

/// Measures what a closure holds at most.
pub type Meter<'a> = &'a dyn Fn(&mut dyn FnMut()) -> usize;

/// The most octets of the heap that a target's subject holds while it takes an input, and the octets of that input.
/// `None`: the octets make no input, or nobody but the operator gives the target any (the configuration).
pub fn held(target: &str, octets: &[u8], meter: Meter<'_>) -> Option<(usize, usize)> {
    if target.ends_with("_session") {
        return held_by_session(target, octets, meter);
    }
    let cut = || Cut::arbitrary_take_rest(Unstructured::new(octets)).ok();
    let held = match target {
        "imap_command" => {
            let cut = cut()?;
            meter(&mut || imap_command::read(cut, drop))
        }
        "mime_index" => {
            let cut = cut()?;
            meter(&mut || drop(mime_index::scan(cut)))
        }
        "clamd_reply" => {
            let cut = cut()?;
            meter(&mut || drop(clamd_reply::answer(cut)))
        }
        "smtp_client" => {
            let pace = Pace::arbitrary_take_rest(Unstructured::new(octets)).ok()?;
            meter(&mut || smtp_client::run(pace))
        }
        "matcher" => {
            let (cut, needles) = (cut()?, matcher::needles("word"));
            let target = matcher::target(cut.octets);
            meter(&mut || {
                let mut matcher = Matcher::new(&target, &needles);
                for piece in cut.pieces() {
                    matcher.push(piece);
                }
                matcher.finish();
            })
        }
        "deflate" => {
            let cut = cut()?;
            // What is asked for at once is the asker's to hold.
            meter(&mut || {
                deflate::run(&mut Inflater::new(), cut, 4 * 1024, |_| true);
            })
        }
        "address" => meter(&mut || drop(address::shown(octets, 1_000))),
        "encoded_word" => meter(&mut || drop(encoded_word::decode(octets))).max(meter(&mut || {
            let (_, params) = parameter::parse(octets);
            drop(parameter::parameter(&params, "name"));
        })),
        "date" => meter(&mut || _ = date::rfc5322(octets)),
        "names" => meter(&mut || {
            let _ = mutf7::decode(octets);
            // Patterns reach it as text.
            let text = std::str::from_utf8(octets).unwrap_or_default();
            imap::grammar::glob::Glob::new("", text).matches(text);
        }),
        "sasl" => meter(&mut || sasl::exchanges(octets)),
        "sequence_set" => meter(&mut || {
            if let Ok(set) = SequenceSet::parse(octets) {
                drop(set.resolve(u32::MAX));
            }
        }),
        _ => return None,
    };
    Some((held, octets.len()))
}

fn held_by_session(target: &str, octets: &[u8], meter: Meter<'_>) -> Option<(usize, usize)> {
    let imap = || stage::imap(1, Settings::default());
    match target {
        "imap_session" => session(octets, meter, imap_session::record, imap),
        "lmtp_session" => session(octets, meter, smtp_session::record_of_lmtp, stage::lmtp),
        "pop3_session" => session(octets, meter, pop3_session::record, stage::pop3),
        "smtp_session" => session(octets, meter, smtp_session::record_of_smtp, stage::smtp),
        "submission_session" => {
            let record = smtp_session::record_of_submission;
            session(octets, meter, record, stage::submission)
        }
        _ => None,
    }
}

/// A session is recorded in its world, then runs alone on its record: store, objects and peer are not counted.
fn session<M: machine::Machine>(
    octets: &[u8],
    meter: Meter<'_>,
    record: impl Fn(Pace<'_>) -> crate::Record,
    machine: impl Fn() -> M,
) -> Option<(usize, usize)> {
    let pace = Pace::arbitrary_take_rest(Unstructured::new(octets)).ok()?;
    let record = record(pace);
    let held = meter(&mut || replay(&mut machine(), &record, drop));
    Some((held, record.octets()))
}
