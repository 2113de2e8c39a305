//! MODSEQs, and the modifiers of SELECT, FETCH and STORE that have them (RFC 7162, 7; RFC 4466, 2).

use std::fmt;

use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};
use crate::imap::ast::{FetchModifiers, Resync, SelectParams, SequenceMatch};
use crate::store::ModSeq;
use crate::store::set::{SequenceSet, UidSet};

/// What would have been right where MODSEQs are spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResyncExpected {
    /// `mod-sequence-value`
    ModSeq,
    /// `mod-sequence-valzer`
    ModSeqOrZero,
    /// `select-param`
    SelectParameter,
    /// A sequence set without `*`, ascending where it says which UID has which number.
    Ascending,
    /// As many UIDs as numbers.
    AsManyUids,
    /// `fetch-modifier`
    FetchModifier,
    /// What VANISHED needs beside it.
    ChangedSince,
    /// `store-modifier`
    StoreModifier,
    /// `entry-name`
    EntryName,
    /// `entry-type-req`
    EntryType,
}

impl From<ResyncExpected> for Expected {
    fn from(expected: ResyncExpected) -> Self {
        Expected::Resync(expected)
    }
}

impl fmt::Display for ResyncExpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ModSeq => "a MODSEQ from 1 to 9223372036854775807",
            Self::ModSeqOrZero => "a MODSEQ from 0 to 9223372036854775807",
            Self::SelectParameter => "CONDSTORE or QRESYNC, each once,",
            Self::Ascending => "an ascending sequence set without \"*\"",
            Self::AsManyUids => "as many UIDs as sequence numbers",
            Self::FetchModifier => "CHANGEDSINCE, or in UID FETCH also VANISHED, each once,",
            Self::ChangedSince => "CHANGEDSINCE beside VANISHED",
            Self::StoreModifier => "UNCHANGEDSINCE",
            Self::EntryName => "an entry like \"/flags/\\\\Seen\"",
            Self::EntryType => "priv, shared or all",
        })
    }
}

/// The prefix of every `entry-flag-name`.
const FLAGS_ENTRY: &[u8] = b"/flags/";

impl Cursor<'_> {
    /// `mod-sequence-value = 1*DIGIT`: from 1 to 2⁶³ - 1.
    pub fn modseq(&mut self) -> Result<ModSeq, Syntax> {
        let start = self.position();
        let modseq = self.modseq_or_zero();
        let some = modseq.ok().filter(|modseq| modseq.0 > 0);
        some.ok_or_else(|| self.error_at(start, ResyncExpected::ModSeq.into()))
    }

    /// `mod-sequence-valzer = "0" / mod-sequence-value`
    pub fn modseq_or_zero(&mut self) -> Result<ModSeq, Syntax> {
        let start = self.position();
        let digits = self.text_while(|octet| octet.is_ascii_digit());
        let modseq = digits.parse::<i64>().ok().map(i64::unsigned_abs);
        modseq
            .map(ModSeq)
            .ok_or_else(|| self.error_at(start, ResyncExpected::ModSeqOrZero.into()))
    }

    /// `[SP "(" select-param *(SP select-param) ")"]` (RFC 4466, 2.1): CONDSTORE and QRESYNC, each once.
    pub fn select_params(&mut self) -> Result<SelectParams, Syntax> {
        let mut params = SelectParams::default();
        if !self.skip(b' ') {
            return Ok(params);
        }
        self.list(false, (2, "SELECT parameters"), |args| {
            let start = args.position();
            match args.word().to_ascii_uppercase().as_str() {
                "CONDSTORE" if !params.condstore => params.condstore = true,
                "QRESYNC" if params.resync.is_none() => {
                    args.sp()?;
                    params.resync = Some(args.resync()?);
                }
                _ => return Err(args.error_at(start, ResyncExpected::SelectParameter.into())),
            }
            Ok(())
        })?;
        Ok(params)
    }

    /// `"(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"`
    fn resync(&mut self) -> Result<Resync, Syntax> {
        self.open()?;
        let uid_validity = self.nz_number()?;
        self.sp()?;
        let mut resync = Resync {
            uid_validity,
            modseq: self.modseq()?,
            known: None,
            matches: None,
        };
        if self.peek() == Some(b' ') && !self.rest().starts_with(b" (") {
            self.sp()?;
            let known = self.numbers(|set| !set.names_last())?;
            resync.known = Some(known);
        }
        if self.skip(b' ') {
            resync.matches = Some(self.sequence_match()?);
        }
        self.close()?;
        Ok(resync)
    }

    /// `seq-match-data = "(" known-sequence-set SP known-uid-set ")"`: as many numbers as UIDs, both ascending.
    fn sequence_match(&mut self) -> Result<SequenceMatch, Syntax> {
        self.open()?;
        let numbers = self.numbers(SequenceSet::is_ascending)?;
        self.sp()?;
        let start = self.position();
        let uids = self.numbers(SequenceSet::is_ascending)?;
        if numbers.len() != uids.len() {
            return Err(self.error_at(start, ResyncExpected::AsManyUids.into()));
        }
        self.close()?;
        Ok(SequenceMatch { numbers, uids })
    }

    /// A `sequence-set` that `fits`; none that do has `*` in it.
    fn numbers(&mut self, fits: impl Fn(&SequenceSet) -> bool) -> Result<UidSet, Syntax> {
        let start = self.position();
        let set = self.sequence_set()?;
        match fits(&set) {
            true => Ok(set.resolve(0)),
            false => Err(self.error_at(start, ResyncExpected::Ascending.into())),
        }
    }

    /// `[SP "(" fetch-modifier *(SP fetch-modifier) ")"]` (RFC 4466, 2.4): CHANGEDSINCE, and with it VANISHED if `uid`.
    pub fn fetch_modifiers(&mut self, uid: bool) -> Result<FetchModifiers, Syntax> {
        let mut modifiers = FetchModifiers::default();
        if !self.skip(b' ') {
            return Ok(modifiers);
        }
        let start = self.position();
        self.list(false, (2, "FETCH modifiers"), |args| {
            let start = args.position();
            match args.word().to_ascii_uppercase().as_str() {
                "CHANGEDSINCE" if modifiers.changed_since.is_none() => {
                    args.sp()?;
                    modifiers.changed_since = Some(args.modseq()?);
                }
                "VANISHED" if uid && !modifiers.vanished => modifiers.vanished = true,
                _ => return Err(args.error_at(start, ResyncExpected::FetchModifier.into())),
            }
            Ok(())
        })?;
        if modifiers.vanished && modifiers.changed_since.is_none() {
            return Err(self.error_at(start, ResyncExpected::ChangedSince.into()));
        }
        Ok(modifiers)
    }

    /// `["(" store-modifier ")" SP]` (RFC 4466, 2.5): UNCHANGEDSINCE, once.
    pub fn store_modifiers(&mut self) -> Result<Option<ModSeq>, Syntax> {
        if self.peek() != Some(b'(') {
            return Ok(None);
        }
        let modseqs = self.list(false, (1, "STORE modifiers"), |args| {
            let start = args.position();
            if !args.skip_word("UNCHANGEDSINCE") {
                return Err(args.error_at(start, ResyncExpected::StoreModifier.into()));
            }
            args.sp()?;
            args.modseq_or_zero()
        })?;
        self.sp()?;
        Ok(modseqs.first().copied())
    }

    /// `search-modsequence = "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer`, behind its name.
    ///
    /// A message has one MODSEQ for all of its metadata, so name and type of an entry mean nothing (RFC 7162, 3.1.5).
    pub fn search_modseq(&mut self) -> Result<ModSeq, Syntax> {
        self.sp()?;
        if self.peek() == Some(b'"') {
            self.entry_name()?;
            self.sp()?;
            let start = self.position();
            if !["PRIV", "SHARED", "ALL"].iter().any(|kind| self.skip_word(kind)) {
                return Err(self.error_at(start, ResyncExpected::EntryType.into()));
            }
            self.sp()?;
        }
        self.modseq_or_zero()
    }

    /// `entry-flag-name = DQUOTE "/flags/" attr-flag DQUOTE`
    fn entry_name(&mut self) -> Result<(), Syntax> {
        let start = self.position();
        let name = self.string()?;
        let split = name.split_at_checked(FLAGS_ENTRY.len());
        let flag =
            split.filter(|(prefix, flag)| prefix.eq_ignore_ascii_case(FLAGS_ENTRY) && !flag.is_empty());
        match flag {
            Some(_) => Ok(()),
            None => Err(self.error_at(start, ResyncExpected::EntryName.into())),
        }
    }
}
