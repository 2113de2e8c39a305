//! Mailbox names: modified UTF-7 there and back, the rules of names, the patterns of LIST.

use lightmail_core::imap::grammar::glob::Glob;
use lightmail_core::store::MailboxName;
use lightmail_core::wire::mutf7;

use crate::cut::Cut;
use crate::glob;

/// Three lines: a name, a reference, a pattern.
pub fn names(input: Cut<'_>) {
    if let Ok(name) = mutf7::decode(input.octets) {
        assert_eq!(
            mutf7::encode(&name).as_bytes(),
            input.octets,
            "a second spelling of {name:?}"
        );
    }
    let lines: Vec<_> = input.lines().take(3).map(String::from_utf8_lossy).collect();
    for line in &lines {
        let encoded = mutf7::encode(line);
        assert!(
            encoded.bytes().all(|octet| (b' '..=b'~').contains(&octet)),
            "{encoded}"
        );
        assert_eq!(mutf7::decode(encoded.as_bytes()).as_deref(), Ok(line.as_ref()));
        if let Ok(name) = MailboxName::new(line) {
            assert_name(&name);
        }
    }
    if let [name, reference, pattern] = lines.as_slice() {
        assert_matches(name, reference, pattern);
    }
}

fn assert_name(name: &MailboxName) {
    assert_eq!(
        MailboxName::new(name.as_str()).as_ref(),
        Ok(name),
        "a name has one form"
    );
    assert!(Glob::new("", name.as_str()).matches(name.as_str()));
    assert!(Glob::new("", "*").matches(name.as_str()));
    assert_eq!(
        Glob::new("", "%").matches(name.as_str()),
        !name.as_str().contains('/')
    );
    for superior in name.superiors() {
        assert!(
            name.is_below(&superior) && !superior.is_below(name),
            "{superior} above {name}"
        );
        assert_eq!(MailboxName::new(superior.as_str()), Ok(superior.clone()));
    }
}

fn assert_matches(name: &str, reference: &str, pattern: &str) {
    // The table takes a step for each pair of octets.
    if name.len() * (reference.len() + pattern.len()) > 1 << 20 {
        return;
    }
    let mut whole = format!("{reference}{pattern}");
    let level = whole.find('/').unwrap_or(whole.len());
    if whole[..level].eq_ignore_ascii_case("INBOX") {
        whole[..level].make_ascii_uppercase();
    }
    let expected = glob::matches(whole.as_bytes(), name.as_bytes());
    assert_eq!(
        Glob::new(reference, pattern).matches(name),
        expected,
        "{whole:?} on {name:?}"
    );
}
