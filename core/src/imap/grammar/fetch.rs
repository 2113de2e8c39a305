//! What FETCH asks for.

use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};
use crate::imap::ast::{BinarySection, BodySection, FetchItem, Partial, SectionText, Spelling};

impl Cursor<'_> {
    /// The most items of one FETCH.
    pub const FETCH_ITEMS_MAX: usize = 200;
    /// The most numbers of one part: no message index goes deeper.
    pub const PART_DEPTH_MAX: usize = 32;
    /// The most modifiers of one PREVIEW.
    pub const PREVIEW_MODIFIERS_MAX: usize = 16;
    /// The most names in one `HEADER.FIELDS`.
    pub const HEADER_FIELDS_MAX: usize = 200;

    /// `"ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")"` (RFC 3501, 9, `fetch`)
    ///
    /// In the order in which they were asked for; what is asked for twice is there twice. The macros stand alone only.
    pub fn fetch_items(&mut self) -> Result<Vec<FetchItem>, Syntax> {
        use FetchItem::*;
        let fast = [Flags, InternalDate, Size];
        if self.peek() == Some(b'(') {
            self.list(false, (Self::FETCH_ITEMS_MAX, "FETCH items"), Self::fetch_item)
        } else if self.skip_word("ALL") {
            Ok(fast.into_iter().chain([Envelope]).collect())
        } else if self.skip_word("FAST") {
            Ok(fast.into())
        } else if self.skip_word("FULL") {
            Ok(fast.into_iter().chain([Envelope, Body]).collect())
        } else {
            self.fetch_item().map(|item| vec![item])
        }
    }

    /// `fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822" [".HEADER" / ".SIZE" / ".TEXT"] /
    /// "BODY" ["STRUCTURE"] / "UID" / "BODY" section ["<" number "." nz-number ">"] /
    /// "BODY.PEEK" section ["<" number "." nz-number ">"]`, and those of RFC 7162, 7; RFC 3516, 7; RFC 8514, 5; RFC 8474, 7; RFC 8970, 6
    fn fetch_item(&mut self) -> Result<FetchItem, Syntax> {
        let start = self.position();
        Ok(match self.word().to_ascii_uppercase().as_str() {
            "ENVELOPE" => FetchItem::Envelope,
            "FLAGS" => FetchItem::Flags,
            "INTERNALDATE" => FetchItem::InternalDate,
            "UID" => FetchItem::Uid,
            "BODYSTRUCTURE" => FetchItem::BodyStructure,
            "RFC822.SIZE" => FetchItem::Size,
            "MODSEQ" => FetchItem::ModSeq,
            "RFC822" => whole_message(SectionText::Whole, false, Spelling::Rfc822),
            "RFC822.HEADER" => whole_message(SectionText::Header, true, Spelling::Rfc822Header),
            "RFC822.TEXT" => whole_message(SectionText::Text, false, Spelling::Rfc822Text),
            "BODY" if self.peek() != Some(b'[') => FetchItem::Body,
            "BODY" => FetchItem::Section(self.body_section(false)?),
            "BODY.PEEK" => FetchItem::Section(self.body_section(true)?),
            "BINARY" => FetchItem::Binary(self.binary_section(false)?),
            "BINARY.PEEK" => FetchItem::Binary(self.binary_section(true)?),
            "BINARY.SIZE" => FetchItem::BinarySize(self.bracketed_part()?),
            "SAVEDATE" => FetchItem::SaveDate,
            "EMAILID" => FetchItem::EmailId,
            "THREADID" => FetchItem::ThreadId,
            "PREVIEW" => {
                self.preview_modifiers()?;
                FetchItem::Preview
            }
            _ => return Err(self.error_at(start, Expected::FetchItem)),
        })
    }

    /// `section-binary [partial]` (RFC 3516, 7)
    fn binary_section(&mut self, peek: bool) -> Result<BinarySection, Syntax> {
        let part = self.bracketed_part()?;
        let partial = self.partial()?;
        Ok(BinarySection { part, partial, peek })
    }

    /// `section-binary = "[" [section-part] "]"` (RFC 3516, 7)
    fn bracketed_part(&mut self) -> Result<Vec<u32>, Syntax> {
        self.expect(b'[', Expected::Section)?;
        let start = self.position();
        match self.section_spec()? {
            (part, SectionText::Whole) => {
                self.expect(b']', Expected::SectionEnd)?;
                Ok(part)
            }
            _ => Err(self.error_at(start, Expected::SectionEnd)),
        }
    }

    /// `[SP "(" preview-mod *(SP preview-mod) ")"]`, `preview-mod = "LAZY"` (RFC 8970, 6). A preview is always at hand, so
    /// whether it may come later changes nothing.
    fn preview_modifiers(&mut self) -> Result<(), Syntax> {
        if !self.rest().starts_with(b" (") {
            return Ok(());
        }
        self.sp()?;
        self.list(false, (Self::PREVIEW_MODIFIERS_MAX, "modifiers"), |args| {
            let start = args.position();
            let lazy = args.word().eq_ignore_ascii_case("LAZY");
            lazy.then_some(())
                .ok_or_else(|| args.error_at(start, Expected::PreviewModifier))
        })
        .map(drop)
    }

    /// `section ["<" number "." nz-number ">"]`, `section = "[" [section-spec] "]"`
    fn body_section(&mut self, peek: bool) -> Result<BodySection, Syntax> {
        self.expect(b'[', Expected::Section)?;
        let (part, text) = self.section_spec()?;
        self.expect(b']', Expected::SectionEnd)?;
        let partial = self.partial()?;
        Ok(BodySection {
            part,
            text,
            partial,
            peek,
            spelling: Spelling::Body,
        })
    }

    /// `section-spec = section-msgtext / (section-part ["." section-text])`,
    /// `section-part = nz-number *("." nz-number)`
    fn section_spec(&mut self) -> Result<(Vec<u32>, SectionText), Syntax> {
        let mut part = Vec::new();
        loop {
            match self.peek() {
                Some(b'0'..=b'9') if part.len() == Self::PART_DEPTH_MAX => {
                    return Err(self.error(Expected::AtMost(Self::PART_DEPTH_MAX, "levels of parts")));
                }
                Some(b'0'..=b'9') => part.push(self.nz_number()?),
                Some(b']') if part.is_empty() => return Ok((part, SectionText::Whole)),
                _ => {
                    let text = self.section_text(!part.is_empty())?;
                    return Ok((part, text));
                }
            }
            if !self.skip(b'.') {
                return Ok((part, SectionText::Whole));
            }
        }
    }

    /// `section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"`,
    /// `section-text = section-msgtext / "MIME"`; MIME only `within` a part.
    fn section_text(&mut self, within: bool) -> Result<SectionText, Syntax> {
        let start = self.position();
        Ok(match self.word().to_ascii_uppercase().as_str() {
            "HEADER" => SectionText::Header,
            "HEADER.FIELDS" => SectionText::HeaderFields {
                names: self.header_list()?,
                not: false,
            },
            "HEADER.FIELDS.NOT" => SectionText::HeaderFields {
                names: self.header_list()?,
                not: true,
            },
            "TEXT" => SectionText::Text,
            "MIME" if within => SectionText::Mime,
            _ if within => return Err(self.error_at(start, Expected::SectionText)),
            _ => return Err(self.error_at(start, Expected::Section)),
        })
    }

    /// `SP header-list`, `header-list = "(" header-fld-name *(SP header-fld-name) ")"`
    fn header_list(&mut self) -> Result<Vec<String>, Syntax> {
        self.sp()?;
        self.list(
            false,
            (Self::HEADER_FIELDS_MAX, "header fields"),
            Self::field_name,
        )
    }

    /// `header-fld-name = astring`, of what a field's name is made of (`ftext`, RFC 5322, 3.6.8).
    pub fn field_name(&mut self) -> Result<String, Syntax> {
        let start = self.position();
        let name = self.astring_as(Expected::FieldName)?;
        let fits = !name.is_empty()
            && name
                .iter()
                .all(|octet| octet.is_ascii_graphic() && *octet != b':');
        let name = String::from_utf8(name.into_owned()).ok().filter(|_| fits);
        name.ok_or_else(|| self.error_at(start, Expected::FieldName))
    }

    /// `["<" number "." nz-number ">"]`
    fn partial(&mut self) -> Result<Option<Partial>, Syntax> {
        let start = self.position();
        if !self.skip(b'<') {
            return Ok(None);
        }
        let offset = self.number()?;
        self.expect(b'.', Expected::Partial)
            .map_err(|_| self.error_at(start, Expected::Partial))?;
        let length = self.nz_number()?;
        self.expect(b'>', Expected::Partial)
            .map_err(|_| self.error_at(start, Expected::Partial))?;
        Ok(Some(Partial { offset, length }))
    }
}

/// One of the three old names for sections of the whole message.
fn whole_message(text: SectionText, peek: bool, spelling: Spelling) -> FetchItem {
    FetchItem::Section(BodySection {
        part: Vec::new(),
        text,
        partial: None,
        peek,
        spelling,
    })
}
