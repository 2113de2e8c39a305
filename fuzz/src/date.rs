//! Dates: anything is a date or none, and a date that we write is read as it was.

use lightmail_core::wire::date::{Day, internal, parse_date_time, parse_day, received, rfc5322};

/// The years that all forms of a date can tell.
const YEARS: std::ops::Range<i64> = -62_135_596_800..253_402_300_800;

/// Any moment written, any text read.
pub fn date((unix_s, text): (i64, &[u8])) {
    written(unix_s);
    written(unix_s.rem_euclid(YEARS.end));
    if let Some(sent) = rfc5322(text) {
        assert!(sent.zone_min.abs() < 100 * 60);
        written(sent.unix_s);
        written(sent.local_s());
    }
    parse_date_time(text).into_iter().for_each(written);
    if let Some(day) = parse_day(text) {
        let (year, month, date) = day.civil();
        assert_eq!(Day::new(year, month, date), Some(day));
        assert!((0..=9999).contains(&year) && Day::of(i64::from(day.0) * 86_400) == day);
    }
}

fn written(unix_s: i64) {
    let (internal, received) = (internal(unix_s).to_string(), received(unix_s).to_string());
    assert!(internal.is_ascii() && received.is_ascii());
    if YEARS.contains(&unix_s) {
        assert_eq!(parse_date_time(internal.as_bytes()), Some(unix_s), "{internal}");
        assert_eq!(
            rfc5322(received.as_bytes()).map(|sent| sent.unix_s),
            Some(unix_s),
            "{received}"
        );
        let (year, month, date) = Day::of(unix_s).civil();
        assert_eq!(Day::new(year, month, date), Some(Day::of(unix_s)));
    }
}
