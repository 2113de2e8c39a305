//! The grammar of IMAP commands: framing in any cut, every parser on everything, what is printed is parsed back.

use bytes::{Bytes, BytesMut};
use lightmail_core::imap::grammar::{Cursor, Syntax, head, print, tag};
use lightmail_core::store::Keywords;
use lightmail_core::wire::command::{Assembler, BareLf, Budget, Event};

use crate::cut::Cut;

const BUDGET: Budget = Budget {
    line: 1_000,
    literal: 200,
    literals: 5,
    total: 2_000,
    skip: 500,
};

/// Octets of commands, literals and all.
pub fn imap_command(input: Cut<'_>) {
    let events = events(Cut::whole(input.octets));
    assert_eq!(self::events(input), events, "another cut, other commands");
    for event in &events {
        if let Event::Command(command) | Event::Rest(command) = event {
            assert!(
                command.octets().len() <= BUDGET.total,
                "{} octets held",
                command.octets().len()
            );
            command
                .literals()
                .iter()
                .for_each(|literal| assert!(command.octets().get(literal.clone()).is_some()));
            parse_all(command.octets());
        }
    }
    parse_all(input.octets);
}

/// What comes of octets. Pieces of a stream are joined: where they are cut is nobody's business.
fn events(input: Cut<'_>) -> Vec<Event> {
    let mut events = Vec::new();
    read(input, |event| match (event, events.last_mut()) {
        (Event::Stream(more), Some(Event::Stream(before))) => {
            *before = [&before[..], &more[..]].concat().into()
        }
        (event, _) => events.push(event),
    });
    events
}

/// Reads commands, where every third literal streams and what does not fit is refused.
pub fn read(input: Cut<'_>, mut each: impl FnMut(Event)) {
    let (mut assembler, mut literals) = (Assembler::new(BareLf::Report), 0);
    for piece in input.pieces() {
        let mut octets = Bytes::copy_from_slice(piece);
        while let Some(event) = assembler.next(&mut octets, &BUDGET) {
            let held = assembler.so_far().len();
            assert!(held <= BUDGET.total, "{held} octets held");
            if let Event::Literal(_) = event {
                literals += 1;
                if literals % 3 == 0 {
                    assembler.stream_literal();
                } else if assembler.accept_literal(&BUDGET).is_err() {
                    assembler.refuse_literal(&BUDGET);
                }
            }
            let is_fatal = event == Event::Fatal;
            each(event);
            if is_fatal {
                return;
            }
        }
        assert!(octets.is_empty(), "octets are left over");
    }
}

/// Runs every parser there is on a whole command and on its arguments.
fn parse_all(command: &[u8]) {
    if let Some(tag) = tag(command) {
        assert!(command.starts_with(tag.as_bytes()) && !tag.is_empty());
    }
    parsers(command);
    match head(command) {
        Ok(head) => {
            assert!(command.starts_with(head.tag.as_bytes()));
            parsers(head.args.rest());
            parsers(head.args.rest().strip_prefix(b" ").unwrap_or_default());
        }
        Err(error) => assert_error(&error, command),
    }
}

fn parsers(octets: &[u8]) {
    values(octets);
    run(octets, |args| args.fetch_items().map(drop));
    run(octets, |args| args.search().map(drop));
    run(octets, |args| args.search_return().map(drop));
    run(octets, |args| args.status_items().map(drop));
    run(octets, |args| args.list_args().map(drop));
    run(octets, |args| args.lsub_args().map(drop));
    run(octets, |args| args.append_args().map(drop));
    run(octets, |args| args.append_message().map(drop));
    run(octets, |args| args.object_id().map(drop));
    run(octets, |args| args.store_item().map(drop));
    run(octets, |args| args.select_params().map(drop));
    run(octets, |args| args.fetch_modifiers(true).map(drop));
    run(octets, |args| args.store_modifiers().map(drop));
    run(octets, |args| args.search_modseq().map(drop));
    run(octets, |args| args.login_args().map(drop));
    run(octets, |args| args.authenticate_args().map(drop));
    run(octets, |args| args.id_args().map(drop));
    run(octets, |args| args.date().map(drop));
    run(octets, |args| args.date_time().map(drop));
    run(octets, |args| args.list_pattern().map(drop));
}

/// Values that are printed, too: they are read as they were.
fn values(octets: &[u8]) {
    if let Some(name) = run(octets, Cursor::mailbox) {
        read_back(|out| print::mailbox(out, &name), |args| args.mailbox(), &name);
    }
    if let Some(value) = run(octets, |args| args.astring().map(|value| value.into_owned())) {
        read_back(
            |out| print::astring(out, &value),
            |args| args.astring().map(|value| value.into_owned()),
            &value,
        );
        read_back(
            |out| print::string(out, &value),
            |args| args.string().map(|value| value.into_owned()),
            &value,
        );
    }
    if let Some(set) = run(octets, Cursor::sequence_set) {
        read_back(
            |out| out.extend_from_slice(set.to_string().as_bytes()),
            |args| args.sequence_set(),
            &set,
        );
    }
    if let Some(list) = run(octets, Cursor::flags) {
        let mut keywords = Keywords::default();
        let bits = list.keywords.iter().filter_map(|name| keywords.find_or_add(name));
        let all = bits.fold(list.flags, |all, bit| all | bit);
        read_back(
            |out| print::flags(out, all, &keywords, false),
            |args| args.flags(),
            &list,
        );
    }
}

/// Runs one parser: it ends within the command, and its error points into it or right behind it.
fn run<'a, T>(octets: &'a [u8], parse: impl Fn(&mut Cursor<'a>) -> Result<T, Syntax>) -> Option<T> {
    let mut cursor = Cursor::new(octets);
    let parsed = parse(&mut cursor);
    assert!(cursor.position() <= octets.len());
    if let Err(error) = &parsed {
        assert_error(error, octets);
    }
    parsed.ok()
}

fn assert_error(error: &Syntax, octets: &[u8]) {
    assert!((1..=octets.len() + 1).contains(&error.at), "{error}");
    let text = error.to_string();
    assert!(
        text.len() < 300 && text.bytes().all(|octet| (b' '..=b'~').contains(&octet)),
        "{text}"
    );
}

fn read_back<T: PartialEq + std::fmt::Debug>(
    print: impl FnOnce(&mut BytesMut),
    parse: impl for<'a> Fn(&mut Cursor<'a>) -> Result<T, Syntax>,
    value: &T,
) {
    let mut out = BytesMut::new();
    print(&mut out);
    let mut cursor = Cursor::new(&out);
    let again = parse(&mut cursor);
    assert!(cursor.end().is_ok(), "{}", out.escape_ascii());
    assert_eq!(again.as_ref(), Ok(value), "{}", out.escape_ascii());
}
