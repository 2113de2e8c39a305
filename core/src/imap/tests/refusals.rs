use super::*;
use crate::pair::Fault;
use crate::store::{Budget, Refusal};

/// What no client can bring about by itself: the store says no, and the response code says why.
#[test]
fn each_refusal_has_its_code() {
    for (refusal, code) in [
        (Refusal::OverQuota, "OVERQUOTA"),
        (Refusal::NoSuchMailbox, "TRYCREATE"),
        (Refusal::NoSuchAccount, "AUTHORIZATIONFAILED"),
        (Refusal::NotPermitted, "NOPERM"),
        (Refusal::Gone, "EXPUNGEISSUED"),
        (Refusal::Limit(Budget::Uids), "LIMIT"),
        (Refusal::Limit(Budget::MessageSize), "TOOBIG"),
        (Refusal::Limit(Budget::Space), "UNAVAILABLE"),
    ] {
        let mut stage = Stage::selected(1, "1");
        stage.world.fail(Fault {
            failure: refusal.into(),
            ..Fault::before("store.Copy", 1)
        });
        stage.play(&format!(
            "1C: a COPY 1 Sent\n1S: a NO [{code}] ...\n1C: b NOOP\n1S: b OK NOOP completed"
        ));
    }
}
