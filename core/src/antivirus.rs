//! What a scanner says of a message, and what becomes of the message then: one decision for all doors by which mail comes in.

use crate::config::AntivirusMode;
use crate::machine::Seed;
use crate::store::{Keyword, MailboxName, NewMailbox};

/// The mailbox that infected messages go into, if the operator wants them apart. It is made when the first of them comes.
pub const QUARANTINE: &str = "Quarantine";

/// The keyword of infected messages, if the operator wants them tagged.
pub const KEYWORD: &str = "$Virus";

/// What a scanner says of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Virus {
    /// Nobody was asked, or nobody could tell and the operator lets such messages pass.
    #[default]
    NotScanned,
    /// Nothing was found.
    Clean,
    /// This was found: the name of the signature, at most [`crate::clamd::NAME_MAX`] visible characters of ASCII.
    Infected(String),
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment<'a> {
    /// It goes where it was sent.
    Deliver,
    /// It is refused for good, for what was found in it.
    Refuse(&'a str),
    /// It goes into [`QUARANTINE`] of the same account, in place of where it was sent.
    Quarantine,
    /// It goes where it was sent, with the keyword [`KEYWORD`].
    Tag,
}

/// Decides what becomes of a message of which the scanner says this.
pub fn treat(mode: AntivirusMode, virus: &Virus) -> Treatment<'_> {
    match (virus, mode) {
        (Virus::NotScanned | Virus::Clean, _) => Treatment::Deliver,
        (Virus::Infected(name), AntivirusMode::Reject) => Treatment::Refuse(name),
        (Virus::Infected(_), AntivirusMode::Quarantine) => Treatment::Quarantine,
        (Virus::Infected(_), AntivirusMode::Tag) => Treatment::Tag,
    }
}

impl Treatment<'_> {
    /// The keywords that the message gets.
    pub fn keywords(self) -> Vec<Keyword> {
        let tagged = self == Treatment::Tag;
        Keyword::new(KEYWORD).filter(|_| tagged).into_iter().collect()
    }

    /// The mailbox that the message goes into in place of another, as it is made if the account has none.
    pub fn instead(self, seed: &mut Seed) -> Option<NewMailbox> {
        let quarantined = self == Treatment::Quarantine;
        let name = MailboxName::new(QUARANTINE).ok().filter(|_| quarantined)?;
        Some(NewMailbox {
            id: seed.mailbox(),
            name,
            special_use: None,
            object_id: seed.half(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_infected_is_treated_otherwise() {
        use AntivirusMode::{Quarantine, Reject, Tag};
        let infected = Virus::Infected("Eicar".to_owned());
        for mode in [Reject, Quarantine, Tag] {
            assert_eq!(treat(mode, &Virus::Clean), Treatment::Deliver);
            assert_eq!(treat(mode, &Virus::NotScanned), Treatment::Deliver);
        }
        assert_eq!(treat(Reject, &infected), Treatment::Refuse("Eicar"));
        assert_eq!(treat(Quarantine, &infected), Treatment::Quarantine);
        assert_eq!(treat(Tag, &infected), Treatment::Tag);
    }

    #[test]
    fn a_treatment_says_what_the_store_is_asked_for() {
        let mut seed = Seed::new([1; 32]);
        for treatment in [Treatment::Deliver, Treatment::Refuse("Eicar"), Treatment::Tag] {
            assert_eq!(treatment.instead(&mut seed), None);
        }
        let (first, second) = (
            Treatment::Quarantine.instead(&mut seed).unwrap(),
            Treatment::Quarantine.instead(&mut seed).unwrap(),
        );
        assert_eq!(first.name.as_str(), QUARANTINE);
        assert!(first.id != second.id && first.object_id != second.object_id);
        assert_eq!(Treatment::Tag.keywords()[0].as_str(), KEYWORD);
        assert!(Treatment::Quarantine.keywords().is_empty() && Treatment::Deliver.keywords().is_empty());
    }
}
