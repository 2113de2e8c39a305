//! Flags of messages outside of a store.

use lightmail_core::store::{Flag, Flags, Keyword};

/// The keyword of a message that was passed on: `P` in a Maildir.
pub const FORWARDED: &str = "$Forwarded";

/// A message's flags and keywords.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// System flags.
    pub flags: Flags,
    /// Keywords, each once.
    pub keywords: Vec<Keyword>,
}

impl Labels {
    /// Sets a system flag.
    pub fn set(&mut self, flag: Flag) {
        self.flags = self.flags | flag.into();
    }

    /// Sets a keyword; what is none is passed over, as a file of somebody else's may say anything.
    pub fn set_keyword(&mut self, name: &str) {
        if let Some(keyword) = Keyword::new(name)
            && !self.keywords.contains(&keyword)
        {
            self.keywords.push(keyword);
        }
    }

    /// Whether a system flag is set.
    pub fn has(&self, flag: Flag) -> bool {
        self.flags.has(flag)
    }
}
