//! Ids of objects (RFC 8474).

use super::chars;
use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};

impl<'a> Cursor<'a> {
    /// The most octets of an object's id.
    pub const OBJECT_ID_MAX: usize = 255;

    /// `objectid = 1*255(ALPHA / DIGIT / "_" / "-")` (RFC 8474, 7)
    pub fn object_id(&mut self) -> Result<&'a str, Syntax> {
        let start = self.position();
        let id = self.text_while(chars::is_object_id);
        let fits = (1..=Self::OBJECT_ID_MAX).contains(&id.len());
        fits.then_some(id)
            .ok_or_else(|| self.error_at(start, Expected::ObjectId))
    }
}
