//! One message's items.

use std::ops::Range;

use super::response::Response;
use super::section::{self, Selection};
use super::stored::Stored;
use crate::imap::ast::{BodySection, FetchItem, SectionText, Spelling};
use crate::imap::grammar::print;
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
            (FetchItem::Uid, _) => out.item(format_args!("UID {}", self.row.uid.0)),
            (FetchItem::Size, _) => out.item(format_args!("RFC822.SIZE {}", self.row.size)),
            (FetchItem::InternalDate, _) => {
                out.item(format_args!(
                    "INTERNALDATE \"{}\"",
                    date::internal(self.row.internal_date_s)
                ));
            }
            (FetchItem::Envelope, Some(stored)) => out.finished("ENVELOPE", stored.envelope()),
            (FetchItem::Body, Some(stored)) => out.finished("BODY", &stored.body()),
            (FetchItem::BodyStructure, Some(stored)) => {
                out.finished("BODYSTRUCTURE", &stored.bodystructure())
            }
            (FetchItem::Section(section), Some(stored)) => tell_section(stored, section, out),
            (
                FetchItem::Envelope | FetchItem::Body | FetchItem::BodyStructure | FetchItem::Section(_),
                None,
            ) => {}
        }
    }

    fn tell_flags(&self, out: &mut Response) {
        out.item(format_args!("FLAGS "));
        print::flags(out.text(), self.row.flags, self.keywords, self.recent);
    }
}

/// Adds a section: its name, and its octets as a literal, `""` if it has none, or `NIL` if there is no such section.
fn tell_section(stored: &Stored, section: &BodySection, out: &mut Response) {
    name_section(section, out);
    match section::select(stored, section) {
        None => out.octets(b" NIL"),
        Some(selected) if selected.len() == 0 => out.octets(b" \"\""),
        Some(selected) => {
            out.print(format_args!(" {{{}}}\r\n", selected.len()));
            tell_octets(stored, &selected, out);
        }
    }
}

fn tell_octets(stored: &Stored, selected: &Selection<'_>, out: &mut Response) {
    selected.octets.iter().for_each(|octets| out.octets(octets));
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
    match section.spelling {
        Spelling::Rfc822 => out.item(format_args!("RFC822")),
        Spelling::Rfc822Header => out.item(format_args!("RFC822.HEADER")),
        Spelling::Rfc822Text => out.item(format_args!("RFC822.TEXT")),
        Spelling::Body => {
            out.item(format_args!("BODY["));
            let path: Vec<_> = section.part.iter().map(u32::to_string).collect();
            let dot = if path.is_empty() || section.text == SectionText::Whole {
                ""
            } else {
                "."
            };
            out.print(format_args!("{}{dot}", path.join(".")));
            name_text(&section.text, out);
            out.octets(b"]");
            if let Some(partial) = section.partial {
                out.print(format_args!("<{}>", partial.offset));
            }
        }
    }
}

fn name_text(text: &SectionText, out: &mut Response) {
    let (keyword, names) = match text {
        SectionText::Whole => return,
        SectionText::Header => return out.octets(b"HEADER"),
        SectionText::Text => return out.octets(b"TEXT"),
        SectionText::Mime => return out.octets(b"MIME"),
        SectionText::HeaderFields { names, not: false } => ("HEADER.FIELDS", names),
        SectionText::HeaderFields { names, not: true } => ("HEADER.FIELDS.NOT", names),
    };
    out.octets(keyword.as_bytes());
    for (at, name) in names.iter().enumerate() {
        out.octets(if at == 0 { b" (" } else { b" " });
        name_field(name, out);
    }
    out.octets(b")");
}

/// A field's name as `astring`: usually an atom. Quoted with a `]`, though that may stand in an atom: it would look like the
/// section's end.
fn name_field(name: &str, out: &mut Response) {
    let atom = |c: u8| c.is_ascii_graphic() && !br#"(){%*"\]"#.contains(&c);
    match !name.is_empty() && name.bytes().all(atom) {
        true => out.octets(name.as_bytes()),
        false => print::string(out.text(), name.as_bytes()),
    }
}

impl Response {
    /// Begins an item with this text.
    fn item(&mut self, text: std::fmt::Arguments<'_>) {
        self.next_item();
        self.print(text);
    }

    /// Adds an item whose value is finished text.
    fn finished(&mut self, name: &str, value: &[u8]) {
        self.item(format_args!("{name} "));
        self.octets(value);
    }
}
