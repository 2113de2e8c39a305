//! What STATUS asks for.

use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};
use crate::imap::ast::StatusItem;

impl Cursor<'_> {
    /// The most items of one STATUS.
    pub const STATUS_ITEMS_MAX: usize = 50;

    /// `"(" status-att *(SP status-att) ")"`,
    /// `status-att = "MESSAGES" / "RECENT" / "UIDNEXT" / "UIDVALIDITY" / "UNSEEN"` (RFC 3501, 9)
    /// `/ "HIGHESTMODSEQ"` (RFC 7162, 7) `/ "MAILBOXID"` (RFC 8474, 7) `/ "APPENDLIMIT"` (RFC 7889, 5)
    /// `/ "SIZE"` (RFC 8438, 4)
    pub fn status_items(&mut self) -> Result<Vec<StatusItem>, Syntax> {
        self.list(false, (Self::STATUS_ITEMS_MAX, "STATUS items"), |args| {
            let start = args.position();
            Ok(match args.word().to_ascii_uppercase().as_str() {
                "MESSAGES" => StatusItem::Messages,
                "RECENT" => StatusItem::Recent,
                "UIDNEXT" => StatusItem::UidNext,
                "UIDVALIDITY" => StatusItem::UidValidity,
                "UNSEEN" => StatusItem::Unseen,
                "HIGHESTMODSEQ" => StatusItem::HighestModSeq,
                "MAILBOXID" => StatusItem::MailboxId,
                "APPENDLIMIT" => StatusItem::AppendLimit,
                "SIZE" => StatusItem::Size,
                _ => return Err(args.error_at(start, Expected::StatusItem)),
            })
        })
    }
}
