//! How everything that goes into a machine is written: each type's fields in order.

use std::sync::Arc;

use super::text::{Expected, Reader, Recordable, Writer, enums, lists, structs};
use crate::antivirus::Virus;
use crate::config::{AntivirusMode, Plaintext};
use crate::machine::*;
use crate::mime::MessageIndex;
use crate::store::*;
use crate::wire::command;
use crate::wire::deflate::InflateFault;
use crate::{imap, pop3, smtp};

structs! {
    Token { 0 }
    AccountId { 0 }
    MailboxId { 0 }
    Uid { 0 }
    ModSeq { 0 }
    Flags { 0 }
    ObjectId { 0 }
    Fault { 0 }
    TlsInfo { summary, exporter, identities }
    TlsFailure { 0 }
    ConnectFailure { 0 }
    Peer { address, tls }
    Stored { object, size, sha256, received_sha256, index, durable_ms, virus }
    Account { id, login, pw_hash, access }
    LoginFound { account, wait_ms }
    LoginAccount { id, access, password, app_passwords }
    LoginAppPassword { hash, scopes, until_ms }
    PasswordHashes { bcrypt, scram }
    ScramVerifiers { sha256, sha1 }
    Scopes { 0 }
    AppPasswordLine { label, scopes, until_ms, created_at_ms }
    Throttle { bucket, full_in_ms }
    AccountLine { id, login, access, used_msgs, used_bytes, quota_bytes, created_at_ms }
    RecipientPlace { account, mailbox, room_bytes }
    DomainLine { name, catch_all, accounts, aliases, created_at_ms }
    AliasLine { address, login }
    Mailbox {
        id, name, uid_validity, uid_next, highest_modseq, msgs, unseen, bytes, recent_from, special_use, object_id,
    }
    Status { mailbox, recent }
    Opened { mailbox, view, recent_from }
    Refreshed { view, changed, vanished, recent_from }
    Page { rows, rest }
    PageRow { uid, object, object_size, head, index, email_id, save_date_s }
    FlagsChanged { applied, modified, refreshed }
    Copied { uid_validity, source, target, refreshed }
    Expunged { expunged, refreshed }
    Appended { mailbox, uid_validity, uids }
    Delivered { uid_validity, uid, repeated }
    DeletedMessage { mailbox, name, uid, deleted_at_ms, internal_date_s, size, fate }
    Undeleted { uid_validity, restored, target, lives, gone, over_quota }
    GarbageCounts { messages, mailboxes, calendar_objects, calendars, unnamed, claimed }
    Deleted { due, kept }
    Listed { object, size, modified_ms }
    command::Budget { line, literal, literals, total, skip }
    imap::Settings {
        hostname, name, version, tls, literal_plus, plaintext, mechanisms, unauthenticate, message_size, antivirus, before_login, after_login,
        login_time_ms,
        idle_time_ms, literal_time_ms, keepalive_ms, bad_commands_free, bad_commands, delay_ms, attempts_per_minute, failed_logins,
    }
    pop3::Settings {
        hostname, implementation, tls, plaintext, mechanisms, line_max, login_time_ms, idle_time_ms, bad_commands_free,
        bad_commands, delay_ms, attempts_per_minute, failed_logins,
    }
    smtp::Settings {
        hostname, tls, message_size_max, recipients_max, line_max, bad_commands_free, bad_commands, delay_ms, idle_commands,
        hops_max, data_rate, slow_ms, antivirus, plaintext, mechanisms, attempts_per_minute, failed_logins,
        sender_check,
    }
}

enums! {
    Input {
        Bytes { waited: waited, octets: octets },
        Eof,
        Outcome { 0: token, 1: outcome },
        Changed { mailbox: mailbox, modseq: modseq },
        Tls { 0: result },
        Inflate { 0: fault },
        Connected { 0: result },
        Tick,
        Shutdown,
    }
    Done {
        Reply { 0: reply },
        Stored { 0: stored },
        Scanned { 0: found },
        Verified { 0: verdict },
        Hashed { 0: hash },
        VerifierInvented { 0: verifier },
        ScramVerified { 0: signature },
        TokenVerified { 0: owner },
        Throttled { wait_ms: wait_ms },
        PlaceTaken,
        Sent,
        Confirmed,
        ObjectsListed { 0: objects },
        ObjectsDeleted { 0: objects },
        UploadsSwept { 0: uploads },
    }
    Reply {
        AccountFound { 0: account },
        LoginFound { 0: found },
        FailedLoginCounted,
        PasswordKept,
        RecipientFound { 0: places },
        SenderFound { 0: may },
        AccountCreated,
        PasswordSet,
        QuotaSet,
        AccountDeleted,
        Accounts { 0: accounts },
        Domain { 0: reply },
        AppPasswordAdded,
        AppPasswords { 0: lines },
        AppPasswordRemoved { 0: was },
        Throttles { 0: throttles },
        ThrottlesCleared,
        Mailboxes { 0: mailboxes },
        Subscriptions { 0: names },
        Status { 0: status },
        Created,
        Deleted,
        Renamed,
        Subscribed,
        Unsubscribed,
        Opened { 0: opened },
        Refreshed { 0: refreshed },
        Page { 0: page },
        FlagsChanged { 0: changed },
        Copied { 0: copied },
        Expunged { 0: expunged },
        MessagesDeleted { 0: uids },
        Appended { 0: appended },
        Delivered { 0: answers },
        DeletedFound { 0: messages },
        Undeleted { 0: undeleted },
        ImportedFound { 0: known },
        Imported { 0: answers },
        Calendar { 0: reply },
        LeaseTaken { 0: taken },
        MessagesCollected { 0: many },
        MailboxesCollected { 0: many },
        CalendarObjectsCollected { 0: many },
        CalendarsCollected { 0: many },
        ObjectsClaimed { objects: objects, next: next },
        ObjectsForgotten,
        GarbageCounted { 0: counts },
        ObjectsFound { 0: objects },
    }
    DomainReply {
        Added,
        Removed,
        Domains { 0: domains },
        CatchAllSet,
        AliasAdded,
        AliasRemoved { 0: many },
        Aliases { 0: aliases },
    }
    Verdict { Wrong, NotHere, Password, AppPassword }
    Virus { NotScanned, Clean, Infected { 0: name } }
    AntivirusMode { Reject, Quarantine, Tag }
    Fate { Restorable, Later, Lives }
    Access {
        Anywhere,
        Local,
        Nowhere,
    }
    Failure {
        Refused { 0: why },
        Unavailable { retry_after_s: retry_after_s },
        Broken { 0: fault },
    }
    Refusal {
        OverQuota,
        NoSuchMailbox,
        NoSuchAccount,
        NotOurs,
        AlreadyExists,
        HasChildren,
        NotPermitted,
        NoSuchCalendar,
        NoSuchObject,
        Changed,
        InvalidSyncToken,
        Gone,
        Limit { 0: budget },
    }
    Budget { Keywords, Mailboxes, Uids, Subscriptions, Calendars, CalendarObjects, AppPasswords, Aliases, Connections, MessageSize, Space }
    SpecialUse { Drafts, Sent, Junk, Trash, Archive }
    InflateFault { Early, Broken, Ended, Bomb }
    Plaintext { Never, Loopback, Always }
    ObjectKind { Email, Calendar }
}

lists! {
    (ObjectKind, ObjectId) bool u64 String MailboxName Status AccountLine PageRow Result<Delivered, Refusal> ObjectId Listed
    DeletedMessage LoginAppPassword AppPasswordLine Throttle RecipientPlace DomainLine AliasLine
}

impl<T: Recordable, E: Recordable> Recordable for Result<T, E> {
    fn write(&self, out: &mut Writer) {
        match self {
            Ok(value) => {
                out.word("Ok");
                value.write(out);
            }
            Err(error) => {
                out.word("Err");
                error.write(out);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        match from.word() {
            "Ok" => T::read(from).map(Ok),
            "Err" => E::read(from).map(Err),
            _ => Err("Ok or Err"),
        }
    }
}

impl<A: Recordable, B: Recordable> Recordable for (A, B) {
    fn write(&self, out: &mut Writer) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        Ok((A::read(from)?, B::read(from)?))
    }
}

impl Recordable for Exporter {
    /// Masked: zeros.
    fn write(&self, out: &mut Writer) {
        [0; 32].write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        Recordable::read(from).map(Exporter)
    }
}

impl Recordable for MailboxName {
    fn write(&self, out: &mut Writer) {
        out.word(super::text::Quoted(self.as_str().as_bytes()));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        MailboxName::new(&String::read(from)?).map_err(|_| "a mailbox name")
    }
}

impl Recordable for UidSet {
    /// How many ranges, then the two ends of each.
    fn write(&self, out: &mut Writer) {
        out.word(self.ranges().len());
        for range in self.ranges() {
            range.start().write(out);
            range.end().write(out);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        let mut set = UidSet::default();
        for _ in 0..usize::read(from)? {
            set.insert_range(u32::read(from)?..=u32::read(from)?);
        }
        Ok(set)
    }
}

impl Recordable for Arc<MessageIndex> {
    /// In its stored form.
    fn write(&self, out: &mut Writer) {
        self.encode().write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        MessageIndex::decode(&from.quoted()?)
            .map(Arc::new)
            .map_err(|_| "a message index")
    }
}
