//! One message's items.

use std::ops::Range;

use super::binary;
use super::response::Response;
use super::section::{self, Selection};
use super::stored::Stored;
use crate::imap::ast::{BodySection, FetchItem, SectionText, Spelling};
use crate::imap::grammar::print;
use crate::imap::object_name::ObjectName;
use crate::store::{Keywords, Row};
use crate::wire::date;
use crate::wire::filter::Filter;

/// A message as FETCH tells of it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its sequence number.
    pub seq: u32,
    /// Its row of the view.
    pub row: &'a Row,
    /// Whether it is `\Recent` in this session.
    pub recent: bool,
    /// What its keyword bits mean.
    pub keywords: &'a Keywords,
    /// Its stored columns, if the plan needs them.
    pub stored: Option<&'a Stored>,
}

impl Message<'_> {
    /// Adds one item and its value (`msg-att`, RFC 3501, 9).
    pub(super) fn tell(&self, item: &FetchItem, out: &mut Response) {
        match (item, self.stored) {
            (FetchItem::Flags, _) => self.tell_flags(out),
            (FetchItem::Uid, _) => {
                out.item("UID ").number(self.row.uid.0);
            }
            (FetchItem::Size, _) => {
                out.item("RFC822.SIZE ").number(self.row.size);
            }
            (FetchItem::ModSeq, _) => {
                out.item("MODSEQ (").number(self.row.modseq.0).octets(b")");
            }
            (FetchItem::InternalDate, _) => {
                let date = date::internal(self.row.internal_date_s);
                out.item("INTERNALDATE ").print(format_args!("\"{date}\""));
            }
            (FetchItem::Envelope, Some(stored)) => {
                out.item("ENVELOPE ").octets(stored.envelope());
            }
            (FetchItem::Body, Some(stored)) => {
                out.item("BODY ").octets(&stored.body());
            }
            (FetchItem::BodyStructure, Some(stored)) => {
                out.item("BODYSTRUCTURE ").octets(&stored.bodystructure());
            }
            (FetchItem::Section(section), Some(stored)) => tell_section(stored, section, out),
            (FetchItem::Binary(section), Some(stored)) => binary::tell(stored, section, out),
            (FetchItem::BinarySize(part), Some(stored)) => binary::tell_size(stored, part, out),
            (FetchItem::SaveDate, Some(stored)) => {
                let date = date::internal(stored.row().save_date_s);
                out.item("SAVEDATE ").print(format_args!("\"{date}\""));
            }
            (FetchItem::EmailId, Some(stored)) => {
                let id = ObjectName::Email(stored.row().email_id);
                out.item("EMAILID ").print(format_args!("({id})"));
            }
            // Messages are not grouped into threads (RFC 8474, 5.2).
            (FetchItem::ThreadId, _) => {
                out.item("THREADID NIL");
            }
            (FetchItem::Preview, Some(stored)) => {
                out.item("PREVIEW ");
                print::string(out.text(), stored.preview().as_bytes());
            }
            // Without the stored columns that they need.
            (
                FetchItem::Envelope
                | FetchItem::Body
                | FetchItem::BodyStructure
                | FetchItem::Section(_)
                | FetchItem::Binary(_)
                | FetchItem::BinarySize(_)
                | FetchItem::SaveDate
                | FetchItem::EmailId
                | FetchItem::Preview,
                None,
            ) => {}
        }
    }

    fn tell_flags(&self, out: &mut Response) {
        out.item("FLAGS ");
        print::flags(out.text(), self.row.flags, self.keywords, self.recent);
    }
}

/// Adds a section: its name, and its octets as a literal, `""` if it has none, or `NIL` if there is no such section.
fn tell_section(stored: &Stored, section: &BodySection, out: &mut Response) {
    name_section(section, out);
    match section::select(stored, section) {
        None => {
            out.octets(b" NIL");
        }
        Some(selected) if selected.len() == 0 => {
            out.octets(b" \"\"");
        }
        Some(selected) => {
            out.octets(b" {").number(selected.len()).octets(b"}\r\n");
            tell_octets(stored, &selected, out);
        }
    }
}

pub(super) fn tell_octets(stored: &Stored, selected: &Selection<'_>, out: &mut Response) {
    for octets in &selected.octets {
        out.octets(octets);
    }
    let Some(hull) = selected.hull() else { return };
    let filter = match selected.ranges.as_slice() {
        [_] => Filter::None,
        ranges => {
            let within = |range: &Range<u64>| range.start - hull.start..range.end - hull.start;
            Filter::Pick(ranges.iter().map(within).collect())
        }
    };
    out.object(stored.row().object, hull, filter);
}

/// Adds the name of a section as the client spelled its kind: `BODY[1.2.HEADER.FIELDS (DATE)]<0>`, `RFC822.TEXT`.
fn name_section(section: &BodySection, out: &mut Response) {
    out.item(match section.spelling {
        Spelling::Rfc822 => "RFC822",
        Spelling::Rfc822Header => "RFC822.HEADER",
        Spelling::Rfc822Text => "RFC822.TEXT",
        Spelling::Body => "BODY[",
    });
    if !matches!(section.spelling, Spelling::Body) {
        return;
    }
    name_part(&section.part, &section.text, out);
    name_text(&section.text, out);
    out.octets(b"]");
    if let Some(partial) = section.partial {
        out.octets(b"<").number(partial.offset).octets(b">");
    }
}

/// Adds the numbers of a part.
pub(super) fn name_path(path: &[u32], out: &mut Response) {
    for (at, &number) in path.iter().enumerate() {
        out.octets(if at == 0 { b"" } else { b"." }).number(number);
    }
}

/// Adds the part number, with a dot behind it if more follows.
fn name_part(path: &[u32], text: &SectionText, out: &mut Response) {
    name_path(path, out);
    if !path.is_empty() && *text != SectionText::Whole {
        out.octets(b".");
    }
}

fn name_text(text: &SectionText, out: &mut Response) {
    let (keyword, names): (&[u8], &[String]) = match text {
        SectionText::Whole => return,
        SectionText::Header => (b"HEADER", &[]),
        SectionText::Text => (b"TEXT", &[]),
        SectionText::Mime => (b"MIME", &[]),
        SectionText::HeaderFields { names, not: false } => (b"HEADER.FIELDS", names),
        SectionText::HeaderFields { names, not: true } => (b"HEADER.FIELDS.NOT", names),
    };
    out.octets(keyword);
    for (at, name) in names.iter().enumerate() {
        out.octets(if at == 0 { b" (" } else { b" " });
        name_field(name, out);
    }
    if !names.is_empty() {
        out.octets(b")");
    }
}

/// A field's name as `astring`: usually an atom. Quoted with a `]`, though that may stand in an atom: it would look like the
/// section's end.
fn name_field(name: &str, out: &mut Response) {
    let atom = |c: u8| c.is_ascii_graphic() && !br#"(){%*"\]"#.contains(&c);
    if !name.is_empty() && name.bytes().all(atom) {
        out.octets(name.as_bytes());
    } else {
        print::string(out.text(), name.as_bytes());
    }
}

impl Response {
    /// Begins an item with this text.
    pub(super) fn item(&mut self, text: &str) -> &mut Self {
        self.next_item();
        self.octets(text.as_bytes())
    }
}
