//! Mailbox names and the patterns that LIST takes.

use std::borrow::Cow;

use super::chars;
use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};
use crate::store::{MailboxName, SEPARATOR};
use crate::wire::mutf7;

impl Cursor<'_> {
    /// `mailbox = "INBOX" / astring` (RFC 3501, 9), in modified UTF-7 (RFC 3501, 5.1.3).
    pub fn mailbox(&mut self) -> Result<MailboxName, Syntax> {
        let start = self.position();
        let name = self.utf7(chars::is_astring, Expected::Mailbox)?;
        self.named(start, &name)
    }

    /// The mailbox of a CREATE: a separator at its end only says that inferiors will follow, and is no part of the name
    /// (RFC 3501, 6.3.3).
    pub fn new_mailbox(&mut self) -> Result<MailboxName, Syntax> {
        let start = self.position();
        let name = self.utf7(chars::is_astring, Expected::Mailbox)?;
        self.named(start, name.strip_suffix(SEPARATOR).unwrap_or(&name))
    }

    /// The reference of LIST and LSUB: a `mailbox` in the grammar, but any beginning of a name, or empty.
    pub fn reference(&mut self) -> Result<String, Syntax> {
        let most = Expected::AtMost(MailboxName::LEN_MAX, "octets in a reference");
        self.bounded(chars::is_astring, Expected::Mailbox, most)
    }

    /// `list-mailbox = 1*list-char / string`, decoded from modified UTF-7, wildcards in place.
    pub fn list_pattern(&mut self) -> Result<String, Syntax> {
        let most = Expected::AtMost(MailboxName::LEN_MAX, "octets in a pattern");
        self.bounded(chars::is_list, Expected::ListPattern, most)
    }

    /// What is longer than a name may be begins no name; comparing it with all names would cost time all the same.
    fn bounded(
        &mut self,
        class: impl Fn(u8) -> bool,
        expected: Expected,
        most: Expected,
    ) -> Result<String, Syntax> {
        let start = self.position();
        let text = self.utf7(class, expected)?;
        if text.len() > MailboxName::LEN_MAX {
            return Err(self.error_at(start, most));
        }
        Ok(text)
    }

    fn named(&self, start: usize, name: &str) -> Result<MailboxName, Syntax> {
        MailboxName::new(name).map_err(|bad| self.error_at(start, Expected::Name(bad)))
    }

    fn utf7(&mut self, class: impl Fn(u8) -> bool, expected: Expected) -> Result<String, Syntax> {
        let start = self.position();
        let octets: Cow<'_, [u8]> = self.chars_or_string(class, expected)?;
        mutf7::decode(&octets).map_err(|_| self.error_at(start, Expected::Utf7))
    }
}
