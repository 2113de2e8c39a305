//! Moments as an operator writes them.

use lightmail_core::wire::date::Day;

/// What [`parse`] takes.
pub const EXPECTED: &str =
    "a time is 2026-11-24, 2026-11-24T18:30, 2026-11-24T18:30:00 (all in UTC), or how long ago: 30m, 12h, 7d";

/// A moment in milliseconds since 1970: a day, a day and a time of day, in UTC, or how long before `now_ms`.
pub fn parse(text: &str, now_ms: u64) -> Option<u64> {
    ago(text, now_ms).or_else(|| date_time(text.strip_suffix('Z').unwrap_or(text)))
}

fn ago(text: &str, now_ms: u64) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_ms = match unit {
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let ms = number.parse::<u64>().ok()?.checked_mul(unit_ms)?;
    Some(now_ms.saturating_sub(ms))
}

fn date_time(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
    let mut date = date.splitn(3, '-');
    let year = digits(date.next()?, 4)?;
    let (month, day) = (digits(date.next()?, 2)?, digits(date.next()?, 2)?);
    let day = Day::new(i32::try_from(year).ok()?, month, day)?;
    let mut time = time.splitn(3, ':');
    let (hour, minute) = (digits(time.next()?, 2)?, digits(time.next()?, 2)?);
    let second = time.next().map_or(Some(0), |second| digits(second, 2))?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let unix_s = i64::from(day.0) * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    u64::try_from(unix_s).ok()?.checked_mul(1000)
}

fn digits(text: &str, count: usize) -> Option<u32> {
    let plain = text.len() == count && text.bytes().all(|octet| octet.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A moment for people, in UTC: `2026-11-24 18:30:00`.
pub fn show(unix_s: i64) -> String {
    let (year, month, day) = Day::of(unix_s).civil();
    let of_day = unix_s.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        let now = 1_800_000_000_000;
        for (text, wanted) in [
            ("1970-01-02", Some(86_400_000)),
            ("2026-11-24T18:30", Some(1_795_545_000_000)),
            ("2026-11-24 18:30:01Z", Some(1_795_545_001_000)),
            ("30m", Some(now - 1_800_000)),
            ("2h", Some(now - 7_200_000)),
            ("7d", Some(now - 604_800_000)),
            ("99999999999999999999d", None),
            ("2026-02-30", None),
            ("2026-1-2", None),
            ("2026-11-24T24:00", None),
            ("1969-12-31", None),
            ("yesterday", None),
            ("", None),
            ("é", None),
        ] {
            assert_eq!(parse(text, now), wanted, "{text}");
        }
        assert_eq!(show(1_795_545_001), "2026-11-24 18:30:01");
    }
}
