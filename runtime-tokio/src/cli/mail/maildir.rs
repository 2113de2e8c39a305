//! Names in a Maildir, and in a Maildir++ of several folders: flags behind `:2,`, levels of mailboxes behind dots.

use lightmail_core::store::{Flag, MailboxName};
use lightmail_core::wire::mutf7;

use super::labels::{FORWARDED, Labels};

/// The file of a folder that says which keyword each of the letters `a` to `z` means, as Dovecot writes it.
pub const KEYWORDS_FILE: &str = "dovecot-keywords";

/// The letters of the system flags.
const LETTERS: [(u8, Flag); 5] = [
    (b'D', Flag::Draft),
    (b'F', Flag::Flagged),
    (b'R', Flag::Answered),
    (b'S', Flag::Seen),
    (b'T', Flag::Deleted),
];

/// The part of a file's name that stays when flags change.
pub fn base(file: &str) -> &str {
    file.split_once(":2,").map_or(file, |(base, _)| base)
}

/// The flags of a file's name. `keywords`: the names of the letters from `a` on.
pub fn labels(file: &str, keywords: &[String]) -> Labels {
    let mut labels = Labels::default();
    let letters = file.split_once(":2,").map_or("", |(_, letters)| letters);
    for letter in letters.bytes() {
        if let Some((_, flag)) = LETTERS.iter().find(|(its, _)| *its == letter) {
            labels.set(*flag);
        } else if letter == b'P' {
            labels.set_keyword(FORWARDED);
        } else if letter.is_ascii_lowercase()
            && let Some(name) = keywords.get(usize::from(letter - b'a'))
        {
            labels.set_keyword(name);
        }
    }
    labels
}

/// What stands behind `:2,`, in the order of the alphabet; keywords that have no letter are left out.
pub fn letters(labels: &Labels, keywords: &[String]) -> String {
    let system = LETTERS.iter().filter(|(_, flag)| labels.has(*flag));
    let mut letters: Vec<u8> = system.map(|(letter, _)| *letter).collect();
    for keyword in &labels.keywords {
        if keyword.as_str().eq_ignore_ascii_case(FORWARDED) {
            letters.push(b'P');
        } else if let Some(at) = keywords
            .iter()
            .position(|name| name.eq_ignore_ascii_case(keyword.as_str()))
            && let Ok(at) = u8::try_from(at)
            && at < 26
        {
            letters.push(b'a' + at);
        }
    }
    letters.sort_unstable();
    String::from_utf8_lossy(&letters).into_owned()
}

/// The names of the letters from `a` on, of a [`KEYWORDS_FILE`]: a number and a name in each line.
pub fn read_keywords(text: &str) -> Vec<String> {
    let mut names = vec![String::new(); 26];
    for line in text.lines() {
        if let Some((number, name)) = line.split_once(' ')
            && let Some(slot) = number.parse().ok().and_then(|at: usize| names.get_mut(at))
        {
            name.trim().clone_into(slot);
        }
    }
    names
}

/// The text of a [`KEYWORDS_FILE`].
pub fn write_keywords(keywords: &[String]) -> String {
    let lines = keywords.iter().take(26).enumerate();
    lines.map(|(at, name)| format!("{at} {name}\n")).collect()
}

/// The mailbox of a folder `.Level.Level`; `None` if that is no name of one. Modified UTF-7 is decoded, as is `\2e` for a dot
/// within a level; a text that is no modified UTF-7 is taken as it stands.
pub fn mailbox(folder: &str) -> Option<MailboxName> {
    let levels = folder.strip_prefix('.')?.split('.').map(|level| {
        let level = level
            .replace("\\2e", ".")
            .replace("\\2f", "/")
            .replace("\\5c", "\\");
        mutf7::decode(level.as_bytes()).unwrap_or(level)
    });
    let levels: Vec<String> = levels.collect();
    // A slash within a level would be a level more.
    let name = levels
        .iter()
        .all(|level| !level.contains('/'))
        .then(|| levels.join("/"))?;
    MailboxName::new(&name).ok()
}

/// The folder of a mailbox, with a dot in front of each level.
pub fn folder(mailbox: &MailboxName) -> String {
    let level = |level: &str| {
        let level = mutf7::encode(level);
        format!(".{}", level.replace('\\', "\\5c").replace('.', "\\2e"))
    };
    mailbox.as_str().split('/').map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn flags_are_letters() {
        let names = read_keywords("0 Work\n2 $Label1\nnonsense\n99 x\n");
        let read = labels("1.host,S=1:2,FSacP", &names);
        assert!(read.has(Flag::Flagged) && read.has(Flag::Seen) && !read.has(Flag::Deleted));
        let keywords: Vec<_> = read.keywords.iter().map(|keyword| keyword.as_str()).collect();
        assert_eq!(keywords, ["Work", "$Label1", FORWARDED]);
        assert_eq!(letters(&read, &names), "FPSac");
        assert_eq!(labels("new", &names), Labels::default());
        assert_eq!((base("1.host:2,S"), base("1.host")), ("1.host", "1.host"));
        assert_eq!(write_keywords(&names[..1]), "0 Work\n");
    }

    #[test]
    fn folders_are_mailboxes() {
        for (of, name) in [
            (".Work", "Work"),
            (".Work.2026", "Work/2026"),
            (".Entw&APw-rfe", "Entwürfe"),
            (".a\\2eb", "a.b"),
            (".R&D", "R&D"),
        ] {
            assert_eq!(mailbox(of).unwrap().as_str(), name);
        }
        for none in ["cur", ".", "..", ".a..b", ".a\\2fb"] {
            assert_eq!(mailbox(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn a_mailbox_has_a_folder_of_its_own(name in "[ab.&\\\\ü-]{1,6}(/[ab.2e\\\\]{1,4})?") {
            let name = MailboxName::new(&name).unwrap();
            let folder = folder(&name);
            prop_assert!(!folder.contains('/'));
            prop_assert_eq!(mailbox(&folder), Some(name));
        }
    }
}
