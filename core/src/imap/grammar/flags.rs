//! Flags and keywords, and what STORE does with them.

use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};
use crate::store::{Flag, FlagChange, Flags, Keyword, Keywords};

/// Flags as a client writes them: the bits of keywords are the store's business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagList {
    /// System flags.
    pub flags: Flags,
    /// Keywords, each once, at most [`Keywords::MAX`].
    pub keywords: Vec<Keyword>,
}

/// What STORE is to do (`store-att-flags`, RFC 3501, 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreItem {
    /// `+FLAGS`, `-FLAGS` or `FLAGS`.
    pub change: FlagChange,
    /// `.SILENT`
    pub silent: bool,
    /// With which flags.
    pub list: FlagList,
}

impl Cursor<'_> {
    /// `flag-list = "(" [flag *(SP flag)] ")"`
    pub fn flags(&mut self) -> Result<FlagList, Syntax> {
        let mut list = FlagList::default();
        self.list(true, (usize::MAX, "flags"), |args| args.flag_into(&mut list))?;
        Ok(list)
    }

    /// `flag-list / (flag *(SP flag))`: the parentheses of STORE may be missing, and then there is at least one.
    pub fn store_flags(&mut self) -> Result<FlagList, Syntax> {
        if self.peek() == Some(b'(') {
            return self.flags();
        }
        let mut list = FlagList::default();
        self.flag_into(&mut list)?;
        while self.skip(b' ') {
            self.flag_into(&mut list)?;
        }
        Ok(list)
    }

    /// `store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))`
    pub fn store_item(&mut self) -> Result<StoreItem, Syntax> {
        let start = self.position();
        let change = match self.peek() {
            Some(b'+') if self.skip(b'+') => FlagChange::Add,
            Some(b'-') if self.skip(b'-') => FlagChange::Remove,
            _ => FlagChange::Replace,
        };
        let silent = match self.word() {
            word if word.eq_ignore_ascii_case("FLAGS") => false,
            word if word.eq_ignore_ascii_case("FLAGS.SILENT") => true,
            _ => return Err(self.error_at(start, Expected::StoreItem)),
        };
        self.sp()?;
        Ok(StoreItem {
            change,
            silent,
            list: self.store_flags()?,
        })
    }

    /// `flag-keyword = atom`, of a length that is kept.
    pub fn keyword(&mut self) -> Result<Keyword, Syntax> {
        let start = self.position();
        let keyword = self.atom().ok().and_then(Keyword::new);
        keyword.ok_or_else(|| self.error_at(start, Expected::Keyword))
    }

    /// `flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension`
    ///
    /// `\Recent` is none of them (RFC 3501, 2.3.2), and no flag-extension has been defined that this server could keep.
    fn flag_into(&mut self, list: &mut FlagList) -> Result<(), Syntax> {
        let start = self.position();
        if self.skip(b'\\') {
            let name = self.atom().unwrap_or_default();
            let flag = Flag::ALL
                .into_iter()
                .find(|flag| flag.name().trim_start_matches('\\').eq_ignore_ascii_case(name));
            list.flags = list.flags
                | flag
                    .ok_or_else(|| self.error_at(start, Expected::SystemFlag))?
                    .into();
            return Ok(());
        }
        if self.atom_is_absent() {
            return Err(self.error(Expected::Flag));
        }
        let keyword = self.keyword()?;
        if list.keywords.contains(&keyword) {
            return Ok(());
        }
        if list.keywords.len() == Keywords::MAX {
            return Err(self.error_at(start, Expected::AtMost(Keywords::MAX, "keywords")));
        }
        list.keywords.push(keyword);
        Ok(())
    }

    fn atom_is_absent(&self) -> bool {
        self.clone().atom().is_err()
    }
}
