//! What LIST and LSUB ask for (RFC 3501, 6.3.8; RFC 5258, 6; RFC 6154, 6; RFC 5819, 4).

use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};
use crate::imap::ast::StatusItem;

/// The arguments of LIST.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListArgs {
    /// Which mailboxes, beside the patterns.
    pub select: ListSelect,
    /// What stands in front of each pattern.
    pub reference: String,
    /// At least one, decoded from modified UTF-7. One of them may be empty.
    pub patterns: Vec<String>,
    /// What to tell of each.
    pub returns: ListReturn,
    /// Whether it is an extended LIST: one with options or with patterns in parentheses. To these `LIST "" ""` is no
    /// question for the separator (RFC 5258, 3).
    pub extended: bool,
}

/// `list-select-opts` (RFC 5258, 3.1; RFC 6154, 5.2)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListSelect {
    /// `SUBSCRIBED`
    pub subscribed: bool,
    /// `REMOTE`
    pub remote: bool,
    /// `RECURSIVEMATCH`
    pub recursive_match: bool,
    /// `SPECIAL-USE`
    pub special_use: bool,
}

/// `list-return-opts` (RFC 5258, 3.2; RFC 6154, 6; RFC 5819, 4)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListReturn {
    /// `SUBSCRIBED`
    pub subscribed: bool,
    /// `CHILDREN`
    pub children: bool,
    /// `SPECIAL-USE`
    pub special_use: bool,
    /// `STATUS`: what to count; empty if it is not asked for.
    pub status: Vec<StatusItem>,
}

impl Cursor<'_> {
    /// The most patterns of one LIST.
    pub const PATTERNS_MAX: usize = 20;

    /// `list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]` (RFC 5258, 6), from the
    /// first space to the end.
    pub fn list_args(&mut self) -> Result<ListArgs, Syntax> {
        let mut args = ListArgs::default();
        self.sp()?;
        if self.peek() == Some(b'(') {
            args.extended = true;
            args.select = self.select_options()?;
            self.sp()?;
        }
        args.reference = self.reference()?;
        self.sp()?;
        if self.peek() == Some(b'(') {
            args.extended = true;
            args.patterns = self.list(false, (Self::PATTERNS_MAX, "patterns"), Self::list_pattern)?;
        } else {
            args.patterns.push(self.list_pattern()?);
        }
        if self.skip(b' ') {
            args.extended = true;
            args.returns = self.return_options()?;
        }
        self.end()?;
        Ok(args)
    }

    /// `lsub = "LSUB" SP mailbox SP list-mailbox`, from the first space to the end: reference and pattern.
    pub fn lsub_args(&mut self) -> Result<(String, String), Syntax> {
        self.sp()?;
        let reference = self.reference()?;
        self.sp()?;
        let pattern = self.list_pattern()?;
        self.end()?;
        Ok((reference, pattern))
    }

    /// `list-select-opts = "(" [list-select-opt *(SP list-select-opt)] ")"`; RECURSIVEMATCH never without SUBSCRIBED,
    /// the only `list-select-base-opt` (RFC 5258, 3.1; SPECIAL-USE is an independent one: RFC 6154, 6).
    fn select_options(&mut self) -> Result<ListSelect, Syntax> {
        let start = self.position();
        let mut select = ListSelect::default();
        self.list(true, (usize::MAX, "options"), |args| {
            let start = args.position();
            *match args.word().to_ascii_uppercase().as_str() {
                "SUBSCRIBED" => &mut select.subscribed,
                "REMOTE" => &mut select.remote,
                "RECURSIVEMATCH" => &mut select.recursive_match,
                "SPECIAL-USE" => &mut select.special_use,
                _ => return Err(args.error_at(start, Expected::SelectOption)),
            } = true;
            Ok(())
        })?;
        if select.recursive_match && !select.subscribed {
            return Err(self.error_at(start, Expected::BaseOption));
        }
        Ok(select)
    }

    /// `list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"`
    fn return_options(&mut self) -> Result<ListReturn, Syntax> {
        let mut returns = ListReturn::default();
        if !self.skip_word("RETURN") {
            return Err(self.error(Expected::Return));
        }
        self.sp()?;
        self.list(true, (usize::MAX, "options"), |args| {
            let start = args.position();
            *match args.word().to_ascii_uppercase().as_str() {
                "SUBSCRIBED" => &mut returns.subscribed,
                "CHILDREN" => &mut returns.children,
                "SPECIAL-USE" => &mut returns.special_use,
                "STATUS" => {
                    args.sp()?;
                    returns.status = args.status_items()?;
                    return Ok(());
                }
                _ => return Err(args.error_at(start, Expected::ReturnOption)),
            } = true;
            Ok(())
        })?;
        Ok(returns)
    }
}
