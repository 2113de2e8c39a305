//! Users and groups of this machine, by name.

use std::fs;

/// A file with a line for each: its name first, its number third, between colons.
struct Table {
    file: &'static str,
    kind: &'static str,
    make: &'static str,
}

const USERS: Table = Table {
    file: "/etc/passwd",
    kind: "user",
    make: "useradd --system",
};

const GROUPS: Table = Table {
    file: "/etc/group",
    kind: "group",
    make: "groupadd --system",
};

/// The number of a user, given by name or number. Errors: what to do about it.
pub(super) fn user(name: &str) -> Result<u32, String> {
    USERS.find(name)
}

/// The number of a group, given by name or number. Errors: what to do about it.
pub(super) fn group(name: &str) -> Result<u32, String> {
    GROUPS.find(name)
}

impl Table {
    fn find(&self, name: &str) -> Result<u32, String> {
        if let Ok(number) = name.parse() {
            return Ok(number);
        }
        let Self { file, kind, make } = self;
        let text = fs::read_to_string(file).unwrap_or_default();
        number(&text, name).ok_or_else(|| {
            format!(
                "there is no {kind} \"{name}\" in {file}; make it ({make} {name}), or give the number of one \
                 that a directory service knows"
            )
        })
    }
}

fn number(text: &str, name: &str) -> Option<u32> {
    let mut lines = text.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        let text = "root:x:0:0:root:/root:/bin/sh\n# no one\nmail:x:8:8::/:\nbroken\nodd:x:many:\n";
        for (name, expected) in [
            ("root", Some(0)),
            ("mail", Some(8)),
            ("mai", None),
            ("broken", None),
            ("odd", None),
            ("", None),
        ] {
            assert_eq!(number(text, name), expected, "{name}");
        }
        assert_eq!((user("root"), group("17")), (Ok(0), Ok(17)));
        let error = group("no-such-group").unwrap_err();
        assert!(error.contains("groupadd --system no-such-group"), "{error}");
    }
}
