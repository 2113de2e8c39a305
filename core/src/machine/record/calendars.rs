//! How calendars are written: each type's fields in order.

use super::text::{Expected, Quoted, Reader, Recordable, Writer, enums, lists, structs};
use crate::store::CalendarReply;
use crate::store::calendar::{
    Calendar, CalendarId, CalendarObject, CalendarSynced, CalendarUid, Component, Etag, Properties,
    ResourceName, Span, SyncToken,
};

structs! {
    CalendarId { 0 }
    Etag { 0 }
    Span { from_s, to_s }
    SyncToken { calendar, changed, removed }
    Calendar { id, name, properties, modseq, objects }
    CalendarObject { name, uid, component, span, etag, object, size, modseq }
    CalendarSynced { changed, removed, token, more }
}

enums! {
    CalendarReply {
        Created,
        Listed { 0: calendars },
        PropertiesSet,
        Deleted,
        Put { etag: etag, created: created },
        Found { 0: object },
        Objects { objects: objects, more: more },
        Synced { 0: page },
        Removed,
    }
    Component { Event, Todo, Journal, FreeBusy }
}

lists! { Calendar CalendarObject ResourceName }

impl Recordable for ResourceName {
    fn write(&self, out: &mut Writer) {
        out.word(Quoted(self.as_str().as_bytes()));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        ResourceName::new(&String::read(from)?).ok_or("a resource's name")
    }
}

impl Recordable for CalendarUid {
    fn write(&self, out: &mut Writer) {
        out.word(Quoted(self.as_str().as_bytes()));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        CalendarUid::new(&String::read(from)?).ok_or("a calendar object's UID")
    }
}

impl Recordable for Properties {
    fn write(&self, out: &mut Writer) {
        self.octets().write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        Properties::new(Recordable::read(from)?).ok_or("properties of a calendar")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::record::text::words;
    use crate::store::{ModSeq, ObjectId};

    #[test]
    fn replies_about_calendars_are_read_as_they_were_written() {
        let object = CalendarObject {
            name: ResourceName::new("ä b\".ics").unwrap(),
            uid: CalendarUid::new("a@example.com").unwrap(),
            component: Component::Todo,
            span: Span {
                from_s: -1,
                to_s: Span::END,
            },
            etag: Etag([7; 16]),
            object: ObjectId([1; 16]),
            size: 3,
            modseq: ModSeq(9),
        };
        let calendar = Calendar {
            id: CalendarId(4),
            name: ResourceName::new("home").unwrap(),
            properties: Properties::new("red\r\n".into()).unwrap(),
            modseq: ModSeq(9),
            objects: 1,
        };
        let page = CalendarSynced {
            changed: vec![object.clone()],
            removed: vec![object.name.clone()],
            token: calendar.sync_token(),
            more: true,
        };
        for reply in [
            CalendarReply::Created,
            CalendarReply::Listed(vec![calendar]),
            CalendarReply::PropertiesSet,
            CalendarReply::Deleted,
            CalendarReply::Put {
                etag: object.etag,
                created: true,
            },
            CalendarReply::Found(object.clone()),
            CalendarReply::Objects {
                objects: vec![object],
                more: false,
            },
            CalendarReply::Synced(page),
            CalendarReply::Removed,
        ] {
            let text = words(&reply);
            let mut reader = Reader::new(&text);
            assert_eq!(Recordable::read(&mut reader), Ok(reply), "{text}");
            assert_eq!(reader.end(), Ok(()));
        }
        let bad = words(&"a/b".to_owned());
        assert!(ResourceName::read(&mut Reader::new(&bad)).is_err());
    }
}
