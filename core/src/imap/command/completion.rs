//! How a command ends: its tagged response, and what follows it.

use std::borrow::Cow;

use crate::imap::words::Code;
use crate::store::Failure;

/// A tagged response (RFC 3501, 7.1), and what follows it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::imap) struct Completion {
    pub(in crate::imap) condition: Condition,
    pub(in crate::imap) code: Option<Code>,
    /// `None`: "<name> completed".
    pub(in crate::imap) text: Option<Cow<'static, str>>,
    pub(in crate::imap) then: Then,
    /// Whether expunges may be told before it, if the command's row allows it.
    pub(in crate::imap) expunges: bool,
    /// Whether messages left the selected mailbox, so that a client of QRESYNC hears its HIGHESTMODSEQ.
    pub(in crate::imap) removed: bool,
}

/// The three tagged responses.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::imap) enum Condition {
    Ok,
    No,
    Bad,
    /// A `NO` whose words come from [`crate::imap::words`].
    Failed(Failure),
}

/// What follows a tagged response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imap) enum Then {
    /// The next command.
    Go,
    /// The next command, with the budgets of a client that has logged in.
    LoggedIn,
    /// The next command, with the budgets of a client that has not logged in.
    LoggedOut,
    /// TLS.
    StartTls,
    /// DEFLATE.
    StartDeflate,
    /// The end.
    Close,
}

impl Completion {
    /// `OK <name> completed`
    pub(in crate::imap) fn ok() -> Self {
        Self {
            condition: Condition::Ok,
            code: None,
            text: None,
            then: Then::Go,
            expunges: true,
            removed: false,
        }
    }

    /// `NO`
    pub(in crate::imap) fn no(code: Code, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            condition: Condition::No,
            code: Some(code),
            text: Some(text.into()),
            ..Self::ok()
        }
    }

    /// `BAD` for a literal that comes unasked though it is not small enough for that (RFC 7888, 5).
    pub(in crate::imap) fn too_big_unasked() -> Self {
        Self::bad("Literals of more than 4096 octets are to be announced").code(Code::TOO_BIG)
    }

    /// `BAD`
    pub(in crate::imap) fn bad(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            condition: Condition::Bad,
            text: Some(text.into()),
            ..Self::ok()
        }
    }

    /// With a response code.
    pub(in crate::imap) fn code(self, code: Code) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }

    /// With another text.
    pub(in crate::imap) fn text(self, text: &'static str) -> Self {
        Self {
            text: Some(text.into()),
            ..self
        }
    }

    /// Without expunges before it.
    pub(in crate::imap) fn without_expunges(self) -> Self {
        Self {
            expunges: false,
            ..self
        }
    }

    /// After messages have left the selected mailbox, or not.
    pub(in crate::imap) fn removed(self, removed: bool) -> Self {
        Self { removed, ..self }
    }

    /// With something that follows.
    pub(in crate::imap) fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

impl From<Failure> for Completion {
    /// `NO`, in the words of [`crate::imap::words::failure`]
    fn from(failure: Failure) -> Self {
        Self {
            condition: Condition::Failed(failure),
            ..Self::ok()
        }
    }
}
