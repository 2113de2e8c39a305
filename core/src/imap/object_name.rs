//! Ids of mailboxes and messages as they are told (RFC 8474).

use std::fmt;

/// An object's id, as it prints: a letter for its kind, then 32 hexadecimal digits (RFC 8474, 8.1).
///
/// The letter keeps the ids of different kinds apart, and an id from being taken for a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectName {
    /// MAILBOXID
    Mailbox([u8; 16]),
    /// EMAILID
    Email([u8; 16]),
}

impl ObjectName {
    /// Whether a client's text is this id; case counts (RFC 8474, 7).
    pub(super) fn is(self, text: &str) -> bool {
        text.len() == 33 && self.to_string() == text
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (letter, id) = match self {
            ObjectName::Mailbox(id) => ('F', id),
            ObjectName::Email(id) => ('M', id),
        };
        write!(f, "{letter}{:032x}", u128::from_be_bytes(*id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_two_kinds_differ_and_case_counts() {
        let id = [0xab; 16];
        let (email, mailbox) = (ObjectName::Email(id), ObjectName::Mailbox(id));
        assert_eq!(email.to_string(), format!("M{}", "ab".repeat(16)));
        assert!(email.is(&email.to_string()) && !email.is(&mailbox.to_string()));
        assert!(!email.is(&email.to_string().to_uppercase()) && !email.is(""));
        assert_eq!(ObjectName::Email([0; 16]).to_string().len(), 33);
    }
}
