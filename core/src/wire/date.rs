//! Dates as mail writes them, in arithmetic alone: nothing here knows what time it is.

use std::fmt;

/// A day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub i32);

/// The moment of a `Date` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Seconds since 1970-01-01 UTC.
    pub unix_s: i64,
    /// Minutes east of UTC.
    pub zone_min: i16,
}

impl Sent {
    /// What the writer's clock showed, as if its zone were UTC.
    pub fn local_s(self) -> i64 {
        self.unix_s.saturating_add(i64::from(self.zone_min) * 60)
    }
}

const DAY_S: i64 = 86_400;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

impl Day {
    /// The day of a moment, in UTC.
    pub fn of(unix_s: i64) -> Self {
        Self(i32::try_from(unix_s.div_euclid(DAY_S)).unwrap_or(i32::MAX))
    }

    /// A day of the Gregorian calendar; `None` if there is no such day. `month` and `day` count from 1.
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if !(1..=days).contains(&day) || !(0..=9999).contains(&year) {
            return None;
        }
        // Years begin in March, so that the leap day is their last.
        let (month, day) = (i32::try_from(month).ok()?, i32::try_from(day).ok()?);
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        Some(Self(
            era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468,
        ))
    }

    /// Year, month and day, the latter two from 1.
    pub fn civil(self) -> (i32, u32, u32) {
        let days = i64::from(self.0) + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        let small = |number: i64| u32::try_from(number).unwrap_or(0);
        (i32::try_from(year).unwrap_or(0), small(month), small(day))
    }
}

fn month(name: &[u8]) -> Option<u32> {
    (1..)
        .zip(MONTHS)
        .find(|(_, month)| month.as_bytes().eq_ignore_ascii_case(name))
        .map(|(number, _)| number)
}

fn number(digits: &[u8]) -> Option<u32> {
    let fits = (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    fits.then(|| {
        digits
            .iter()
            .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
    })
}

/// `date-text = date-day "-" date-month "-" date-year` (RFC 3501, 9): `1-Feb-1994`.
pub fn parse_day(text: &[u8]) -> Option<Day> {
    let mut parts = text.split(|&octet| octet == b'-');
    let (day, name, year) = (parts.next()?, parts.next()?, parts.next()?);
    let fits = day.len() <= 2 && year.len() == 4 && parts.next().is_none();
    fits.then(|| Day::new(i32::try_from(number(year)?).ok()?, month(name)?, number(day)?))
        .flatten()
}

/// `date-time` without its quotes (RFC 3501, 9): ` 1-Feb-1994 21:52:25 -0800`, in seconds since 1970. The day has two
/// characters: `date-day-fixed = (SP DIGIT) / 2DIGIT`.
pub fn parse_date_time(text: &[u8]) -> Option<i64> {
    let (text, digits) = text.strip_prefix(b" ").map_or((text, 2), |rest| (rest, 1));
    let mut parts = text.split(|&octet| octet == b' ');
    let (day, time, zone) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || day.get(digits) != Some(&b'-') || time.len() != 8 || zone.len() != 5 {
        return None;
    }
    moment(parse_day(day)?, clock(time)?, numeric_zone(zone)?).map(|sent| sent.unix_s)
}

/// `hour ":" minute [":" second]`, in seconds; a leap second counts as the next minute's first.
fn clock(text: &[u8]) -> Option<i64> {
    let mut parts = text
        .split(|&octet| octet == b':')
        .map(|part| number(part).filter(|_| part.len() <= 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    let fits = hour < 24 && minute < 60 && second <= 60 && parts.next().is_none();
    fits.then(|| i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second))
}

/// `("+" / "-") 4DIGIT`, in minutes.
fn numeric_zone(text: &[u8]) -> Option<i16> {
    let (sign, digits) = text.split_first()?;
    let zone = number(digits).filter(|_| digits.len() == 4)?;
    let minutes = i16::try_from(zone / 100 * 60 + zone % 100)
        .ok()
        .filter(|_| zone % 100 < 60)?;
    match sign {
        b'+' => Some(minutes),
        b'-' => Some(-minutes),
        _ => None,
    }
}

fn moment(day: Day, second: i64, zone_min: i16) -> Option<Sent> {
    Some(Sent {
        unix_s: i64::from(day.0) * DAY_S + second - i64::from(zone_min) * 60,
        zone_min,
    })
}

/// `date-time` of a message (RFC 5322, 3.3 and 4.3): comments, folding, a missing weekday, two-digit years and the zones'
/// obsolete names are taken. Linear in the text; `None` where there is no date.
pub fn rfc5322(text: &[u8]) -> Option<Sent> {
    let words = words(text);
    let mut words = words.iter().map(String::as_bytes).peekable();
    // The weekday is redundant: what it says is not checked.
    words.next_if(|word| word.first().is_some_and(u8::is_ascii_alphabetic));
    let (day, name, year) = (words.next()?, words.next()?, words.next()?);
    let day = Day::new(
        full_year(year)?,
        month(name.get(..3)?)?,
        number(day).filter(|_| day.len() <= 2)?,
    )?;
    let second = clock(words.next()?)?;
    moment(day, second, words.next().map_or(0, zone))
}

/// Two and three digits are obsolete years (RFC 5322, 4.3).
fn full_year(text: &[u8]) -> Option<i32> {
    let year = i32::try_from(number(text)?).ok()?;
    match text.len() {
        4 => Some(year),
        2 => Some(if year < 50 { 2000 + year } else { 1900 + year }),
        3 => Some(1900 + year),
        _ => None,
    }
}

/// Minutes east of UTC; an unknown zone counts as UTC (RFC 5322, 4.3).
fn zone(text: &[u8]) -> i16 {
    const NAMES: [(&[u8], i16); 8] = [
        (b"EDT", -4),
        (b"EST", -5),
        (b"CDT", -5),
        (b"CST", -6),
        (b"MDT", -6),
        (b"MST", -7),
        (b"PDT", -7),
        (b"PST", -8),
    ];
    let named = || {
        NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map(|(_, hours)| hours * 60)
    };
    numeric_zone(text).or_else(named).unwrap_or(0)
}

/// The first words of a date without comments, commas and white space; colons keep their neighbours together.
fn words(text: &[u8]) -> Vec<String> {
    const WORDS: usize = 6;
    const OCTETS: usize = 16;
    let (mut words, mut word, mut depth, mut escaped, mut joined) =
        (Vec::new(), String::new(), 0usize, false, false);
    for &octet in text {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if depth > 0 => escaped = true,
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            b' ' | b'\t' | b'\r' | b'\n' | b',' if joined || word.is_empty() => {}
            b' ' | b'\t' | b'\r' | b'\n' | b',' => words.push(std::mem::take(&mut word)),
            // `21 : 43 : 10` is one word (RFC 5322, 4.3).
            b':' => {
                if word.is_empty() {
                    word = words.pop().unwrap_or_default();
                }
                word.push(':');
            }
            // `+` and `-` begin a zone even without a space before.
            b'+' | b'-' if !word.is_empty() => {
                words.extend([std::mem::replace(&mut word, char::from(octet).into())])
            }
            octet if word.len() < OCTETS => word.push(char::from(octet)),
            _ => return words,
        }
        joined = word.ends_with(':');
        if words.len() == WORDS {
            return words;
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// INTERNALDATE as FETCH writes it, without quotes, in UTC: ` 1-Feb-1994 21:52:25 +0000`.
pub fn internal(unix_s: i64) -> impl fmt::Display {
    Written {
        unix_s,
        style: Style::Internal,
    }
}

/// A `Received` field's date, in UTC: `Tue, 24 Nov 2026 18:33:49 +0000`.
pub fn received(unix_s: i64) -> impl fmt::Display {
    Written {
        unix_s,
        style: Style::Message,
    }
}

/// A moment in the name of a file, in UTC, so that names sort by time: `20261124T183349.007Z`.
pub fn compact(unix_ms: u64) -> String {
    let unix_s = i64::try_from(unix_ms / 1000).unwrap_or(i64::MAX);
    let (year, month, day) = Day::of(unix_s).civil();
    let of_day = unix_s.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let ms = unix_ms % 1000;
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{ms:03}Z")
}

struct Written {
    unix_s: i64,
    style: Style,
}

enum Style {
    Internal,
    Message,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = Day::of(self.unix_s);
        let (year, month, date) = day.civil();
        let second = self.unix_s.rem_euclid(DAY_S);
        let name = |names: &[&'static str], at: Option<usize>| {
            at.and_then(|at| names.get(at).copied()).unwrap_or("")
        };
        let month = name(
            &MONTHS,
            usize::try_from(month).ok().and_then(|month| month.checked_sub(1)),
        );
        match self.style {
            Style::Internal => write!(f, "{date:>2}-{month}-{year:04}")?,
            Style::Message => {
                let weekday = name(
                    &WEEKDAYS,
                    usize::try_from((i64::from(day.0) + 4).rem_euclid(7)).ok(),
                );
                write!(f, "{weekday}, {date} {month} {year:04}")?;
            }
        }
        write!(
            f,
            " {:02}:{:02}:{:02} +0000",
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn compact_moments_sort_by_time() {
        assert_eq!(compact(0), "19700101T000000.000Z");
        assert_eq!(compact(1_795_545_229_007), "20261124T183349.007Z");
    }

    #[test]
    fn imap_dates() {
        assert_eq!(parse_day(b"1-Jan-1970"), Some(Day(0)));
        assert_eq!(parse_day(b"01-feb-1994"), Day::new(1994, 2, 1));
        for wrong in [
            "30-Feb-1994",
            "1-Fe-1994",
            "1-Feb-94",
            "0-Jan-1970",
            "1-Jan-1970-",
            "001-Jan-1970",
            "",
            "--",
        ] {
            assert_eq!(parse_day(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(parse_date_time(b"17-Jul-1996 02:44:25 -0700"), Some(837_596_665));
        assert_eq!(parse_date_time(b" 1-Jan-1970 00:00:00 +0000"), Some(0));
        for wrong in [
            "7-Jul-1996 02:44:25 -0700",
            "17-Jul-1996 02:44 -0700",
            "17-Jul-1996 24:00:00 +0000",
            "17-Jul-1996 02:44:25 PST",
            "17-Jul-1996  02:44:25 +0000",
            "17-Jul-1996 02:44:25 +0060",
        ] {
            assert_eq!(parse_date_time(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(internal(837_596_665).to_string(), "17-Jul-1996 09:44:25 +0000");
        assert_eq!(internal(0).to_string(), " 1-Jan-1970 00:00:00 +0000");
        assert_eq!(
            received(1_795_545_229).to_string(),
            "Tue, 24 Nov 2026 18:33:49 +0000"
        );
    }

    #[test]
    fn message_dates() {
        let at = |text: &str| rfc5322(text.as_bytes()).map(|sent| (sent.unix_s, sent.zone_min));
        let noon = 880_127_706;
        for text in [
            "Fri, 21 Nov 1997 09:55:06 -0600",
            "21 Nov 1997 09:55:06 -0600",
            "Fri, 21 Nov 97 09(comment):   55  :  06 CST",
            "Fri,\r\n 21 Nov 1997 (a (nested) \\) one) 09:55:06-0600",
        ] {
            assert_eq!(at(text), Some((noon, -360)), "{text}");
        }
        assert_eq!(at("Thu, 13 Feb 1969 23:32 -0330"), Some((-27_723_480, -210)));
        assert_eq!(at("1 Jan 1970 00:00:00 Z"), Some((0, 0)));
        assert_eq!(at("1 January 1970 00:00:00 GMT"), Some((0, 0)));
        for wrong in [
            "",
            "today",
            "Fri, 21 Nov 1997",
            "32 Jan 1997 00:00:00 +0000",
            "21 Nov 12345 00:00:00 +0000",
            "(((((((",
            "Fri, 21 Nov 1997 0955",
        ] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
        assert_eq!(rfc5322("(".repeat(100_000).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn days_come_back(days in -719_468i32..2_932_896) {
            let (year, month, day) = Day(days).civil();
            if year >= 0 {
                prop_assert_eq!(Day::new(year, month, day), Some(Day(days)));
            }
        }

        #[test]
        fn moments_come_back(unix_s in 0i64..4_102_444_800) {
            prop_assert_eq!(parse_date_time(internal(unix_s).to_string().as_bytes()), Some(unix_s));
            let sent = rfc5322(received(unix_s).to_string().as_bytes());
            prop_assert_eq!(sent, Some(Sent { unix_s, zone_min: 0 }));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[ -~]{0,60}") {
            let _ = (rfc5322(text.as_bytes()), parse_date_time(text.as_bytes()), parse_day(text.as_bytes()));
        }
    }
}
