//! Engine timestamps: RFC 3339 text to nanoseconds, and the form that `since` takes.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

const NANOS: i64 = 1_000_000_000;

/// A point on the engine's clock, in nanoseconds since the Unix epoch.
///
/// Used to resume and to date, never to measure durations.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) struct Timestamp(i64);

impl Timestamp {
    /// Reads RFC 3339 with zero to nine fractional digits, in UTC or with an offset.
    ///
    /// Docker always prints UTC and nine digits; Podman 4 prints whole seconds, with an offset
    /// where the host has one.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (date, rest) = text.split_at_checked(19)?;
        let [
            y0,
            y1,
            y2,
            y3,
            b'-',
            mo0,
            mo1,
            b'-',
            d0,
            d1,
            b'T',
            h0,
            h1,
            b':',
            mi0,
            mi1,
            b':',
            s0,
            s1,
        ] = *date
        else {
            return None;
        };
        let (nanos, zone) = fraction(rest)?;
        let date = [
            number(&[y0, y1, y2, y3])?,
            number(&[mo0, mo1])?,
            number(&[d0, d1])?,
        ];
        let time = [number(&[h0, h1])?, number(&[mi0, mi1])?, number(&[s0, s1])?];
        let shift = Duration::from_nanos(nanos.unsigned_abs());
        Some(Self::of_date(date, time, offset(zone)?)?.later(shift))
    }

    /// The time of a date (year, month, day) and a time of day (hour, minute, second) in a zone so
    /// many seconds east of UTC.
    pub(crate) fn of_date(date: [i64; 3], time: [i64; 3], offset: i64) -> Option<Self> {
        let ([year, month, day], [hour, minute, second]) = (date, time);
        // 60 is a leap second.
        let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
        if !is_date || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let days = days_since_epoch(year, month, day);
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset;
        seconds.checked_mul(NANOS).map(Self)
    }

    /// The value of the `since` parameter. Nine digits always, because the engine pads a shorter
    /// fraction on the right; times before 1970 become `0`, which means everything.
    pub(crate) fn since(self) -> String {
        let nanos = self.0.max(0);
        format!("{}.{:09}", nanos / NANOS, nanos % NANOS)
    }

    /// This time moved back by `by`.
    #[must_use]
    pub(crate) fn earlier(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)),
        )
    }

    /// This time moved on by `by`.
    #[must_use]
    pub(crate) fn later(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(by))
    }

    /// The time of the local clock; `None` beyond the year 2262.
    pub(crate) fn of(time: SystemTime) -> Option<Self> {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_nanos()).ok().map(Self)
    }

    /// The time so many nanoseconds after the epoch.
    pub(crate) const fn of_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The year in UTC.
    pub(crate) fn year(self) -> i64 {
        let [year, _, _] = civil(self.0.div_euclid(NANOS).div_euclid(86_400));
        year
    }

    /// Nanoseconds since the epoch.
    pub(crate) fn nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch, as Prometheus wants them.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a double holds today's times to 0.3 µs"
    )]
    pub(crate) fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// The second in UTC, for people: `2026-11-21T19:14:53Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(NANOS);
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let [year, month, day] = civil(days);
        let (hour, minute) = (second / 3_600, second / 60 % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z",
            second % 60
        )
    }
}

/// The year, month and day of a day: the reverse of [`days_since_epoch`], over eras of 400 years.
fn civil(days: i64) -> [i64; 3] {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year + i64::from(month >= 10);
    [year, (month + 2) % 12 + 1, day]
}

/// Reads `.digits` if there is one: nanoseconds, and what follows.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let count = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, zone) = digits.split_at_checked(count)?;
    if !(1..=9).contains(&count) {
        return None;
    }
    let missing = u32::try_from(9 - count).ok()?;
    Some((number(digits)? * 10_i64.pow(missing), zone))
}

/// Seconds east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    match *zone {
        [b'Z'] => Some(0),
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            let seconds = number(&[h0, h1])? * 3_600 + number(&[m0, m1])? * 60;
            Some(if sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// Reads at most nine decimal digits.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + i64::from(byte - b'0'))
    })
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that a
/// leap day comes last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(text: &str) -> Option<String> {
        Timestamp::parse(text.as_bytes()).map(Timestamp::since)
    }

    #[test]
    fn reads_what_engines_print() {
        for (text, expected) in [
            ("2026-11-21T19:14:53.991859727Z", "1795288493.991859727"),
            ("2026-11-21T19:14:53Z", "1795288493.000000000"),
            ("2026-11-21T20:14:53.5+01:00", "1795288493.500000000"),
            ("2026-11-21T17:44:53-01:30", "1795288493.000000000"),
            ("2024-02-29T00:00:00.000000001Z", "1709164800.000000001"),
            ("1970-01-01T00:00:00Z", "0.000000000"),
            ("1969-12-31T23:59:59Z", "0.000000000"),
        ] {
            assert_eq!(since(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "hello",
            "2026-11-21",
            "2026-11-21T19:14:53",
            "2026-11-21T19:14:53.Z",
            "2026-11-21T19:14:53.1234567890Z",
            "2026-13-21T19:14:53Z",
            "2026-11-21T24:14:53Z",
            "2026-11-21T19:14:53+1:00",
            "9999-11-21T19:14:53Z",
            "0000-01-01T00:00:00Z",
            "20x6-11-21T19:14:53Z",
        ] {
            assert_eq!(since(text), None, "{text}");
        }
    }

    #[test]
    fn prints_what_it_reads() {
        for text in [
            "2026-11-21T19:14:53Z",
            "2024-02-29T23:59:59Z",
            "2000-03-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text.as_bytes()).unwrap().to_string(), text);
        }
        for day in -100_000..100_000 {
            let time = Timestamp(day * 86_400 * NANOS);
            assert_eq!(Timestamp::parse(time.to_string().as_bytes()), Some(time));
        }
    }

    #[test]
    fn moves_back_without_overflow() {
        let time = Timestamp::parse(b"2026-11-21T19:14:53.5Z").unwrap();
        assert_eq!(
            time.earlier(Duration::from_secs(1)).since(),
            "1795288492.500000000"
        );
        assert_eq!(time.earlier(Duration::MAX).since(), "0.000000000");
        assert!((time.seconds() - 1_795_288_493.5).abs() < 1e-6);
    }
}
