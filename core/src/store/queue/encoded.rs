//! The stored form of [`MailOptions`]: a version, flags, then what there is of the texts and the time.
//!
//! Options have one form, and a form is of one version: what is read is written again as it was.

use super::{DeliverBy, LateMail, MailBody, MailOptions, Notify, Ret};

/// The version that is written, and the only one that is read.
const VERSION: u8 = 1;

const UTF8: u8 = 1 << 2;
const REQUIRE_TLS: u8 = 1 << 3;
const HAS_ENVID: u8 = 1 << 4;
const HAS_ORCPT: u8 = 1 << 5;
const HAS_BY: u8 = 1 << 6;

const HAS_NOTIFY: u8 = 1 << 2;
const SUCCESS: u8 = 1 << 3;
const FAILURE: u8 = 1 << 4;
const DELAY: u8 = 1 << 5;

const LATE_NOTIFIES: u8 = 1;
const TRACE: u8 = 1 << 1;

impl MailOptions {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let body = match self.body {
            MailBody::SevenBit => 0,
            MailBody::EightBit => 1,
            MailBody::Binary => 2,
        };
        let ret = match self.ret {
            None => 0,
            Some(Ret::Full) => 1,
            Some(Ret::Headers) => 2,
        };
        let first = body
            | flag(self.utf8, UTF8)
            | flag(self.require_tls, REQUIRE_TLS)
            | flag(self.envid.is_some(), HAS_ENVID)
            | flag(self.orcpt.is_some(), HAS_ORCPT)
            | flag(self.by.is_some(), HAS_BY);
        let second = ret | self.notify.map_or(0, notify_flags);
        let [priority] = self.priority.to_be_bytes();
        let mut out = vec![VERSION, first, second, priority];
        for text in [&self.envid, &self.orcpt].into_iter().flatten() {
            out.extend((text.len() as u64).to_be_bytes());
            out.extend(text.as_bytes());
        }
        if let Some(by) = self.by {
            out.extend(by.until_ms.to_be_bytes());
            out.push(flag(by.late == LateMail::Notify, LATE_NOTIFIES) | flag(by.trace, TRACE));
        }
        out
    }

    /// Reads the stored form. `None`: it is damaged, or of a later version.
    pub fn decode(octets: &[u8]) -> Option<Self> {
        let (&[VERSION, first, second, priority], rest) = octets.split_first_chunk::<4>()? else {
            return None;
        };
        let mut rest = Rest(rest);
        let options = Self {
            body: match first & 3 {
                0 => MailBody::SevenBit,
                1 => MailBody::EightBit,
                2 => MailBody::Binary,
                _ => return None,
            },
            utf8: first & UTF8 != 0,
            require_tls: first & REQUIRE_TLS != 0,
            priority: i8::from_be_bytes([priority]),
            ret: match second & 3 {
                0 => None,
                1 => Some(Ret::Full),
                2 => Some(Ret::Headers),
                _ => return None,
            },
            envid: rest.text_if(first & HAS_ENVID != 0)?,
            notify: notify(second)?,
            orcpt: rest.text_if(first & HAS_ORCPT != 0)?,
            by: rest.by_if(first & HAS_BY != 0)?,
        };
        let known = first <= HAS_BY | (HAS_BY - 1) && rest.0.is_empty();
        known.then_some(options)
    }
}

fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

fn notify_flags(notify: Notify) -> u8 {
    HAS_NOTIFY | flag(notify.success, SUCCESS) | flag(notify.failure, FAILURE) | flag(notify.delay, DELAY)
}

/// `None` if a flag is set that means nothing.
fn notify(flags: u8) -> Option<Option<Notify>> {
    if flags & HAS_NOTIFY == 0 {
        return (flags < HAS_NOTIFY).then_some(None);
    }
    let notify = Notify {
        success: flags & SUCCESS != 0,
        failure: flags & FAILURE != 0,
        delay: flags & DELAY != 0,
    };
    (flags < DELAY << 1).then_some(Some(notify))
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*number))
    }

    fn text_if(&mut self, there: bool) -> Option<Option<String>> {
        if !there {
            return Some(None);
        }
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Some(std::str::from_utf8(text).ok()?.to_owned()))
    }

    fn by_if(&mut self, there: bool) -> Option<Option<DeliverBy>> {
        if !there {
            return Some(None);
        }
        let until_ms = self.number()?;
        let (&flags, rest) = self.0.split_first()?;
        self.0 = rest;
        let late = match flags & LATE_NOTIFIES {
            0 => LateMail::Return,
            _ => LateMail::Notify,
        };
        let by = DeliverBy {
            until_ms,
            late,
            trace: flags & TRACE != 0,
        };
        (flags < TRACE << 1).then_some(Some(by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn options() -> impl Strategy<Value = MailOptions> {
        let body = prop_oneof![
            Just(MailBody::SevenBit),
            Just(MailBody::EightBit),
            Just(MailBody::Binary)
        ];
        let ret = prop::option::of(prop_oneof![Just(Ret::Full), Just(Ret::Headers)]);
        let text = || prop::option::of(".{0,20}");
        let notify = prop::option::of(any::<[bool; 3]>().prop_map(|[success, failure, delay]| Notify {
            success,
            failure,
            delay,
        }));
        let by = prop::option::of((any::<u64>(), any::<[bool; 2]>()).prop_map(
            |(until_ms, [returns, trace])| {
                let late = if returns {
                    LateMail::Return
                } else {
                    LateMail::Notify
                };
                DeliverBy {
                    until_ms,
                    late,
                    trace,
                }
            },
        ));
        let plain = (body, any::<bool>(), any::<bool>(), any::<i8>(), ret);
        (plain, text(), notify, text(), by).prop_map(|(plain, envid, notify, orcpt, by)| {
            let (body, utf8, require_tls, priority, ret) = plain;
            MailOptions {
                body,
                utf8,
                require_tls,
                priority,
                ret,
                envid,
                notify,
                orcpt,
                by,
            }
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(options in options()) {
            prop_assert_eq!(MailOptions::decode(&options.encode()), Some(options));
        }

        #[test]
        fn what_is_damaged_is_no_trap(options in options(), at in any::<prop::sample::Index>(), with in any::<u8>(), cut in 0usize..8) {
            let mut octets = options.encode();
            let at = at.index(octets.len());
            octets[at] = with;
            octets.truncate(octets.len().saturating_sub(cut));
            if let Some(read) = MailOptions::decode(&octets) {
                prop_assert_eq!(read.encode(), octets);
            }
        }
    }

    #[test]
    fn the_longest_that_are_allowed_fit_their_column() {
        let longest = MailOptions {
            envid: Some("e".repeat(MailOptions::ENVID_MAX)),
            orcpt: Some("o".repeat(MailOptions::ORCPT_MAX)),
            by: Some(DeliverBy {
                until_ms: u64::MAX,
                late: LateMail::Notify,
                trace: true,
            }),
            ..MailOptions::default()
        };
        assert!(longest.encode().len() <= 1000);
    }
}
