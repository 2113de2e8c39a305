//! Dates of SEARCH and APPEND.

use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};
use crate::wire::date::{self, Day};

impl Cursor<'_> {
    /// `date = date-text / DQUOTE date-text DQUOTE`, `date-text = date-day "-" date-month "-" date-year` (RFC 3501, 9)
    pub fn date(&mut self) -> Result<Day, Syntax> {
        let start = self.position();
        let quoted = self.skip(b'"');
        let day = date::parse_day(self.word().as_bytes());
        let closed = !quoted || self.skip(b'"');
        day.filter(|_| closed)
            .ok_or_else(|| self.error_at(start, Expected::Date))
    }

    /// `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE` (RFC 3501, 9), in seconds
    /// since 1970.
    pub fn date_time(&mut self) -> Result<i64, Syntax> {
        let start = self.position();
        let text = self.skip(b'"').then(|| self.take_while(|octet| octet != b'"'));
        let seconds = text.and_then(date::parse_date_time).filter(|_| self.skip(b'"'));
        seconds.ok_or_else(|| self.error_at(start, Expected::DateTime))
    }
}
