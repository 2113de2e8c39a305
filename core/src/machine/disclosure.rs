//! What a machine says of its peer's octets: which may be read by an operator, and in which form.
//!
//! The safe way round: what a machine has not disclosed is secret. So no word is shown of a line that is not whole.

use super::Peer;
use crate::sasl::{Kind, auth};
use crate::wire::base64;

/// How octets of the peer may be shown. Every form has as many octets as came, so that counts stay true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As they came.
    Plain,
    /// The frame of a line: spaces, quotation marks, announcements of literals; no word.
    Frame,
    /// Base64 of a SASL mechanism's messages, masked within, so that the mechanism still finds what it looks for
    /// ([`crate::sasl::mask`]).
    Sasl(Kind),
    /// The frame of a message: line ends and punctuation; no letter, no digit.
    Content,
    /// Nothing but control characters.
    Hidden,
}

impl Form {
    /// That of a SASL mechanism's message, in base64. A name that the client's certificate bears is in the record already, and a
    /// replay has to find it again.
    pub fn of_message(kind: Kind, peer: &Peer, message: &[u8]) -> Self {
        let identities = peer.tls.iter().flat_map(|tls| &tls.identities);
        let named = base64::decode(message)
            .ok()
            .and_then(|message| String::from_utf8(message).ok())
            .map(|name| name.to_lowercase());
        match named {
            Some(name) if kind == Kind::External && identities.into_iter().any(|one| *one == name) => {
                Form::Plain
            }
            _ => Form::Sasl(kind),
        }
    }

    /// That of the arguments of AUTH, as POP3 and SMTP write them: how many octets at the front name the mechanism, which is plain,
    /// and the form of the rest.
    pub fn of_auth(peer: &Peer, arguments: &[u8]) -> (usize, Self) {
        let (mechanism, kind) = auth::named(arguments);
        let message = arguments.get(mechanism..).unwrap_or_default();
        let form = kind.map_or(Form::Frame, |kind| Form::of_message(kind, peer, message));
        (mechanism, form)
    }
}

/// What has been disclosed since it was last asked for: up to which offset of the peer's stream, in which form.
///
/// Bounded: if nobody asks, the oldest stay and all that follows is hidden.
#[derive(Debug, Default)]
pub struct Disclosures(Vec<(u64, Form)>);

impl Disclosures {
    /// The most entries between two questions.
    const MAX: usize = 64;

    /// Everything from the last disclosure up to `until`, an offset counted from the peer's first octet, is of this form.
    pub fn tell(&mut self, until: u64, form: Form) {
        let full = self.0.len() >= Self::MAX;
        match self.0.last_mut() {
            Some(last) if last.0 >= until => {}
            Some(last) if last.1 == form => last.0 = until,
            Some(last) if full => *last = (until, Form::Hidden),
            _ => self.0.push((until, form)),
        }
    }

    /// A line of `len` octets, its CRLF not counted, that ends at `end`: so many octets at its front are plain, the rest has this form.
    /// What came in front of it is the rest of a line that was none, and keeps its frame.
    pub fn tell_line(&mut self, end: u64, len: usize, plain: usize, rest: Form) {
        let start = end.saturating_sub(len as u64 + 2);
        self.tell(start, Form::Frame);
        self.tell(start + plain as u64, Form::Plain);
        self.tell(end, rest);
    }

    /// What was told, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u64, Form)> {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_form_are_one() {
        let mut told = Disclosures::default();
        for (until, form) in [
            (3, Form::Plain),
            (5, Form::Plain),
            (5, Form::Hidden),
            (9, Form::Frame),
        ] {
            told.tell(until, form);
        }
        assert_eq!(
            told.iter().collect::<Vec<_>>(),
            [(5, Form::Plain), (9, Form::Frame)]
        );
    }

    #[test]
    fn without_a_reader_it_stays_small_and_says_nothing_more() {
        let mut told = Disclosures::default();
        for until in 1..10_000 {
            told.tell(until, if until % 2 == 0 { Form::Plain } else { Form::Frame });
        }
        assert_eq!(told.iter().count(), Disclosures::MAX);
        assert_eq!(told.iter().last(), Some((9_999, Form::Hidden)));
    }
}
