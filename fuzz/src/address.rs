//! Address lists: anything has entries, few enough of them, and what we write is read as it was.

use lightmail_core::mime::address::{Address, each};

/// The value of an address field, and the most entries that are wanted.
pub fn address((most, value): (u8, &[u8])) {
    let all = parse(value, 1_000);
    assert!(all.len() <= 1_001, "{} entries", all.len());
    assert!(all.len() <= 2 * value.len() + 1, "entries of nothing");
    assert_groups(&all);
    let few = parse(value, most.into());
    assert!(few.len() <= usize::from(most) + 1);
    assert_groups(&few);
    let octets: usize = all.iter().map(octets).sum();
    assert!(octets <= value.len(), "{octets} octets of {}", value.len());
    all.iter().for_each(|address| address.display(&mut String::new()));
    all.iter().for_each(assert_read_back);
}

/// All entries together.
fn parse(value: &[u8], most: usize) -> Vec<Address> {
    let mut all = Vec::new();
    assert_eq!(each(value, most, |address| all.push(address)), all.len());
    all
}

/// Shows entries in one line, holding none of them.
pub fn shown(value: &[u8], most: usize) -> String {
    let mut out = String::new();
    each(value, most, |address| address.display(&mut out));
    out
}

/// Groups close as they open, and none is in another.
fn assert_groups(all: &[Address]) {
    let mut open = false;
    for address in all {
        match address {
            Address::Group(_) => assert!(!std::mem::replace(&mut open, true), "a group in a group: {all:?}"),
            Address::GroupEnd => assert!(
                std::mem::replace(&mut open, false),
                "the end of no group: {all:?}"
            ),
            Address::Mailbox { .. } => {}
        }
    }
    assert!(!open, "an open group: {all:?}");
}

fn octets(address: &Address) -> usize {
    match address {
        Address::Mailbox {
            name,
            route,
            mailbox,
            host,
        } => [name, route].into_iter().flatten().map(Vec::len).sum::<usize>() + mailbox.len() + host.len(),
        Address::Group(name) => name.len(),
        Address::GroupEnd => 0,
    }
}

/// A mailbox at a plain host, written with quotes around name and local part, is itself.
fn assert_read_back(address: &Address) {
    let Address::Mailbox {
        name, mailbox, host, ..
    } = address
    else {
        return;
    };
    let plain_host = !host.is_empty()
        && host
            .iter()
            .all(|octet| octet.is_ascii_alphanumeric() || b"-".contains(octet));
    let texts = [name.as_deref().unwrap_or(b"x"), mailbox];
    let printable = |text: &&[u8]| !text.is_empty() && text.iter().all(|octet| (b'!'..=b'~').contains(octet));
    if !plain_host || !texts.iter().all(printable) {
        return;
    }
    let [name, local] = texts.map(quoted);
    let written = [&name[..], b" <", &local, b"@", host, b">"].concat();
    let expected = Address::Mailbox {
        name: Some(texts[0].to_vec()),
        route: None,
        mailbox: mailbox.clone(),
        host: host.clone(),
    };
    assert_eq!(parse(&written, 10), [expected], "{}", written.escape_ascii());
}

/// `quoted-string` (RFC 5322, 3.2.4).
fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for &octet in text {
        out.extend(matches!(octet, b'"' | b'\\').then_some(b'\\'));
        out.push(octet);
    }
    out.push(b'"');
    out
}
