//! Dates on the wire: IMAP's `date` and `date-time` (RFC 3501, 9), the message date (RFC 5322, 3.3 and 4.3).
//!
//! Civil arithmetic in the proleptic Gregorian calendar. Never reads a clock. Instants are seconds since 1970-01-01
//! 00:00:00 UTC; days count from the same day.

const DAY_S: i64 = 86_400;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// An instant, and the zone in which its writer lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub unix_s: i64,
    /// Minutes that the zone is ahead of UTC.
    pub zone_min: i16,
}

impl Sent {
    /// The day since 1970-01-01 that the writer's calendar showed: what SENTON compares, "disregarding time and
    /// timezone" (RFC 3501, 6.4.4).
    pub fn local_day(self) -> i64 {
        (self.unix_s + i64::from(self.zone_min) * 60).div_euclid(DAY_S)
    }
}

/// The day since 1970-01-01 on which an instant falls in UTC.
pub fn utc_day(unix_s: i64) -> i64 {
    unix_s.div_euclid(DAY_S)
}

/// `date-time` without its quotes, as in APPEND: `24-Nov-2026 18:33:49 +0000` (RFC 3501, 9).
pub fn imap_date_time(text: &[u8]) -> Option<Sent> {
    let mut scan = Scan {
        rest: text.strip_prefix(b" ").unwrap_or(text),
    };
    let digits = if text.starts_with(b" ") { 1 } else { 2 };
    let day = scan.fixed(digits)?;
    let days = scan.month_and_year(day)?;
    let time = scan.then(b' ')?.clock(true)?;
    let zone_min = scan.then(b' ')?.offset()?;
    scan.rest.is_empty().then(|| sent(days, time, zone_min))
}

/// `date` without quotes, as in SEARCH: `1-Feb-1994`, as days since 1970-01-01 (RFC 3501, 9).
pub fn imap_date(text: &[u8]) -> Option<i64> {
    let mut scan = Scan { rest: text };
    let day = scan.number(1..=2)?.0;
    let days = scan.month_and_year(day)?;
    scan.rest.is_empty().then_some(days)
}

/// A message's date (RFC 5322, 3.3), with what RFC 5322, 4.3 still wants read: comments, years of two and three digits,
/// zones by name. Text in folded lines is fine.
///
/// A missing zone, and a name that says nothing, count as UTC. `None` for anything that is no date; comments nest at most
/// [`COMMENT_DEPTH_MAX`] deep.
pub fn rfc5322(text: &[u8]) -> Option<Sent> {
    let mut scan = Scan { rest: text };
    if scan.blank()?.word().is_some() {
        scan.blank()?.skip(b',');
    }
    let day = scan.blank()?.number(1..=2)?.0;
    let month = month(scan.blank()?.word()?)?;
    let (year, digits) = scan.blank()?.number(2..=4)?;
    let year = match (digits, year) {
        (2, 0..=49) => year + 2000,
        (2 | 3, _) => year + 1900,
        _ => year,
    };
    let days = days(year, month, day)?;
    let time = scan.blank()?.clock(false)?;
    let zone_min = scan.blank()?.zone()?;
    scan.blank()?.rest.is_empty().then(|| sent(days, time, zone_min))
}

/// An instant as `date-time` in UTC, without quotes: ` 4-Nov-2026 18:33:49 +0000`.
///
/// The year has four digits on the wire; an instant outside of them becomes the nearest one inside.
pub fn format_imap(unix_s: i64) -> String {
    let Civil {
        year,
        month,
        day,
        clock,
        ..
    } = civil(unix_s);
    format!("{day:>2}-{month}-{year:04} {clock} +0000")
}

/// An instant as the date of a message or of a `Received` field, in UTC: `Tue, 24 Nov 2026 18:33:49 +0000`.
pub fn format_rfc5322(unix_s: i64) -> String {
    let Civil {
        year,
        month,
        day,
        weekday,
        clock,
    } = civil(unix_s);
    format!("{weekday}, {day} {month} {year:04} {clock} +0000")
}

/// How deep comments may nest before a date is no date.
pub const COMMENT_DEPTH_MAX: u32 = 100;

struct Civil {
    year: i64,
    month: &'static str,
    day: i64,
    weekday: &'static str,
    clock: String,
}

fn civil(unix_s: i64) -> Civil {
    let first = days_before_year(0) * DAY_S;
    let last = days_before_year(10_000) * DAY_S - 1;
    let unix_s = unix_s.clamp(first, last);
    let (days, second) = (unix_s.div_euclid(DAY_S), unix_s.rem_euclid(DAY_S));
    // The estimate is at most one year off, since a year has 365.2425 days on average.
    let estimate = 1970 + (days * 400).div_euclid(146_097);
    let year = (estimate - 1..=estimate + 1)
        .rev()
        .find(|year| days_before_year(*year) <= days)
        .unwrap_or(estimate);
    let mut day = days - days_before_year(year);
    let mut month = "Jan";
    for (name, length) in MONTHS.into_iter().zip(month_lengths(year)) {
        month = name;
        if day < length {
            break;
        }
        day -= length;
    }
    let weekday = usize::try_from(days.rem_euclid(7))
        .ok()
        .and_then(|day| WEEKDAYS.get(day))
        .unwrap_or(&"Thu");
    let clock = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    Civil {
        year,
        month,
        day: day + 1,
        weekday,
        clock,
    }
}

/// Days from 1970-01-01 to the first of January of `year`.
fn days_before_year(year: i64) -> i64 {
    let past = year - 1;
    past * 365 + past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400) - 719_162
}

fn month_lengths(year: i64) -> [i64; 12] {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    [
        31,
        if leap { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ]
}

/// The day since 1970-01-01 of a date; `month` counts from 0. `None` if the month has no such day.
fn days(year: i64, month: usize, day: i64) -> Option<i64> {
    let lengths = month_lengths(year);
    let before: i64 = lengths.iter().take(month).sum();
    (1..=*lengths.get(month)?)
        .contains(&day)
        .then(|| days_before_year(year) + before + day - 1)
}

fn month(name: &[u8]) -> Option<usize> {
    let short = name.get(..3)?;
    MONTHS
        .iter()
        .position(|month| month.as_bytes().eq_ignore_ascii_case(short))
}

fn sent(days: i64, time_s: i64, zone_min: i16) -> Sent {
    Sent {
        unix_s: days * DAY_S + time_s - i64::from(zone_min) * 60,
        zone_min,
    }
}

/// Reads a date from the left. Each method takes its piece or, giving `None`, ends the parse.
struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    fn skip(&mut self, octet: u8) -> bool {
        let behind = self.rest.strip_prefix(&[octet]);
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }

    fn then(&mut self, octet: u8) -> Option<&mut Self> {
        self.skip(octet).then_some(self)
    }

    fn run(&mut self, wanted: impl Fn(&u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().take_while(|octet| wanted(octet)).count();
        let (run, behind) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = behind;
        run
    }

    /// A number, with its count of digits.
    fn number(&mut self, digits: std::ops::RangeInclusive<usize>) -> Option<(i64, usize)> {
        let run = self.run(u8::is_ascii_digit);
        let value = run
            .iter()
            .take(18)
            .fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        digits.contains(&run.len()).then_some((value, run.len()))
    }

    fn fixed(&mut self, digits: usize) -> Option<i64> {
        self.number(digits..=digits).map(|(value, _)| value)
    }

    fn word(&mut self) -> Option<&'a [u8]> {
        Some(self.run(u8::is_ascii_alphabetic)).filter(|word| !word.is_empty())
    }

    /// `-Nov-2026` behind a day.
    fn month_and_year(&mut self, day: i64) -> Option<i64> {
        let name = self.then(b'-')?.word().filter(|name| name.len() == 3)?;
        let year = self.then(b'-')?.fixed(4)?;
        days(year, month(name)?, day)
    }

    /// A time of day in seconds. `strict`: just as IMAP writes it; else blanks around the colons and no seconds are fine.
    fn clock(&mut self, strict: bool) -> Option<i64> {
        if strict {
            let hour = self.fixed(2)?;
            let minute = self.then(b':')?.fixed(2)?;
            return time(hour, minute, self.then(b':')?.fixed(2)?);
        }
        let hour = self.number(1..=2)?.0;
        let minute = self.blank()?.then(b':')?.blank()?.number(1..=2)?.0;
        let second = if self.blank()?.skip(b':') {
            self.blank()?.number(1..=2)?.0
        } else {
            0
        };
        time(hour, minute, second)
    }

    /// `+hhmm` or `-hhmm`, in minutes.
    fn offset(&mut self) -> Option<i16> {
        let ahead = self.skip(b'+');
        if !ahead && !self.skip(b'-') {
            return None;
        }
        let zone = i16::try_from(self.fixed(4)?).ok()?;
        let minutes = zone / 100 * 60 + zone % 100;
        (zone % 100 < 60).then_some(if ahead { minutes } else { -minutes })
    }

    /// An offset, or a zone by name, or none (RFC 5322, 4.3).
    fn zone(&mut self) -> Option<i16> {
        let Some(name) = self.word() else {
            return if self.rest.is_empty() {
                Some(0)
            } else {
                self.offset()
            };
        };
        let hours = match name.to_ascii_uppercase().as_slice() {
            b"EDT" => -4,
            b"EST" | b"CDT" => -5,
            b"CST" | b"MDT" => -6,
            b"MST" | b"PDT" => -7,
            b"PST" => -8,
            _ => 0,
        };
        Some(hours * 60)
    }

    /// Passes over blanks, line breaks and comments (RFC 5322, 3.2.2); a comment may be cut off by the end of the text.
    fn blank(&mut self) -> Option<&mut Self> {
        let mut depth = 0;
        while let Some((&octet, behind)) = self.rest.split_first() {
            match octet {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b'\\' if depth > 0 => {
                    self.rest = behind.get(1..).unwrap_or_default();
                    continue;
                }
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ if depth > 0 => {}
                _ => break,
            }
            if depth > COMMENT_DEPTH_MAX {
                return None;
            }
            self.rest = behind;
        }
        Some(self)
    }
}

/// A leap second is the first second of the next minute.
fn time(hour: i64, minute: i64, second: i64) -> Option<i64> {
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(unix_s: i64, zone_min: i16) -> Option<Sent> {
        Some(Sent { unix_s, zone_min })
    }

    #[test]
    fn imap_dates() {
        for (text, value) in [
            ("24-Nov-2026 18:33:49 +0000", at(1_795_545_229, 0)),
            (" 1-Jan-1970 00:00:00 +0000", at(0, 0)),
            ("01-jan-1970 00:00:00 +0000", at(0, 0)),
            ("17-Jul-1996 02:44:25 -0700", at(837_596_665, -420)),
            ("29-Feb-2000 23:59:59 +0100", at(951_865_199, 60)),
        ] {
            assert_eq!(imap_date_time(text.as_bytes()), value, "{text}");
        }
        for bad in [
            "",
            "1-Jan-1970 00:00:00 +0000",
            " 11-Jan-1970 00:00:00 +0000",
            "29-Feb-1900 00:00:00 +0000",
            "00-Jan-1970 00:00:00 +0000",
            "01-Jan-1970 24:00:00 +0000",
            "01-Jan-1970 00:00:00 0000",
            "01-Jan-1970 00:00:00 +0060",
            "01-Jan-1970 00:00:00 +00000",
            "01-Jan-1970 00:00:00 +0000 ",
            "01-January-1970 00:00:00 +0000",
            "01-Jan-99999999999999999999 00:00:00 +0000",
        ] {
            assert_eq!(imap_date_time(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(imap_date(b"1-Feb-1994"), Some(8797));
        assert_eq!(imap_date(b"01-FEB-1994"), Some(8797));
        assert_eq!(imap_date(b"31-Dec-1969"), Some(-1));
        for bad in [
            "",
            "1-Feb-94",
            "30-Feb-1994",
            "1 Feb 1994",
            "1-Feb-1994 ",
            "001-Feb-1994",
        ] {
            assert_eq!(imap_date(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn message_dates() {
        for (text, value) in [
            ("Tue, 24 Nov 2026 18:33:49 +0000", at(1_795_545_229, 0)),
            ("Fri, 21 Nov 1997 09:55:06 -0600", at(880_127_706, -360)),
            ("21 Nov 97 09:55:06 GMT", at(880_106_106, 0)),
            (
                "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600",
                at(880_127_706, -360),
            ),
            (
                "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)",
                at(-27_723_480, -210),
            ),
            ("Mon, 1 Jan 01 00:00 EST", at(978_325_200, -300)),
            ("1 Jan 101 00:00:00 z", at(978_307_200, 0)),
            ("Tue 24 November 2026 18:33:49", at(1_795_545_229, 0)),
            ("Sat, 31 Dec 2016 23:59:60 +0000", at(1_483_228_800, 0)),
            (
                "(a (nested \\) one)) 1 Jan 1970 00:00:00 +0000 (unfinished \\",
                at(0, 0),
            ),
        ] {
            assert_eq!(rfc5322(text.as_bytes()), value, "{text}");
        }
        for bad in [
            "",
            "yesterday",
            "Tue, 24 Nov",
            "32 Jan 2000 00:00 GMT",
            "1 Foo 2000 00:00 GMT",
            "1 Jan 2000 00:00 GMT x",
        ] {
            assert_eq!(rfc5322(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(rfc5322("(".repeat(1_000_000).as_bytes()), None);
        assert_eq!(
            rfc5322(format!("{}1 Jan 1970 00:00 Z", "()".repeat(1_000_000)).as_bytes()),
            at(0, 0)
        );
        assert_eq!(
            rfc5322(b"1 Jan 1970 23:30:00 -0100").map(Sent::local_day),
            Some(0)
        );
        assert_eq!(utc_day(-1), -1);
    }

    #[test]
    fn formats() {
        assert_eq!(format_imap(1_793_817_229), " 4-Nov-2026 18:33:49 +0000");
        assert_eq!(format_rfc5322(1_795_545_229), "Tue, 24 Nov 2026 18:33:49 +0000");
        assert_eq!(format_rfc5322(0), "Thu, 1 Jan 1970 00:00:00 +0000");
        assert_eq!(format_imap(i64::MAX), "31-Dec-9999 23:59:59 +0000");
        assert_eq!(format_imap(i64::MIN), " 1-Jan-0000 00:00:00 +0000");
    }

    proptest! {
        #[test]
        fn round_trip(unix_s in -62_167_219_200i64..=253_402_300_799) {
            prop_assert_eq!(imap_date_time(format_imap(unix_s).as_bytes()), at(unix_s, 0));
            if unix_s >= -30_610_224_000 {
                prop_assert_eq!(rfc5322(format_rfc5322(unix_s).as_bytes()), at(unix_s, 0));
            }
        }
    }
}
