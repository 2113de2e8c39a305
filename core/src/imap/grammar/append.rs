//! What APPEND says before the message comes.

use super::cursor::Cursor;
use super::flags::FlagList;
use super::string::Announced;
use super::syntax::Syntax;
use crate::store::MailboxName;

/// What stands in front of a message that is appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendMessage {
    /// Its flags; none if none are given.
    pub list: FlagList,
    /// Its INTERNALDATE in seconds since 1970; `None`: now.
    pub internal_date_s: Option<i64>,
    /// Its octets, which are still to come.
    pub literal: Announced,
}

impl Cursor<'_> {
    /// `append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal` (RFC 3501, 9), from the first space up to
    /// the announcement of the literal, which ends the octets that are there.
    pub fn append_args(&mut self) -> Result<(MailboxName, AppendMessage), Syntax> {
        self.sp()?;
        let mailbox = self.mailbox()?;
        Ok((mailbox, self.append_message()?))
    }

    /// `append-message = [SP flag-list] [SP date-time] SP literal` (RFC 3502, 6.3.11)
    pub fn append_message(&mut self) -> Result<AppendMessage, Syntax> {
        self.sp()?;
        let mut list = FlagList::default();
        if self.peek() == Some(b'(') {
            list = self.flags()?;
            self.sp()?;
        }
        let mut internal_date_s = None;
        if self.peek() == Some(b'"') {
            internal_date_s = Some(self.date_time()?);
            self.sp()?;
        }
        Ok(AppendMessage {
            list,
            internal_date_s,
            literal: self.literal_announcement()?,
        })
    }
}
