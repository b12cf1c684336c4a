//! Numbers, shares, times and durations, as people read them.

use std::time::Duration;

use super::band::share;
use crate::docker::Timestamp;

/// A number with a comma between thousands.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and what is counted, in the singular or the plural.
pub(crate) fn count(how_many: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        number(how_many),
        if how_many == 1 { one } else { many }
    )
}

/// A share in percent. Only all is 100 % and only nothing is 0 %.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let percent = 100.0 * share(part, whole);
    match percent {
        _ if part == 0 => "0 %".to_owned(),
        _ if part == whole => "100 %".to_owned(),
        percent if percent < 0.1 => "< 0.1 %".to_owned(),
        percent if percent > 99.9 => "> 99.9 %".to_owned(),
        percent if !(10.0..=99.0).contains(&percent) => format!("{percent:.1} %"),
        percent => format!("{percent:.0} %"),
    }
}

/// A duration with three digits.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (value, unit) = match seconds {
        seconds if seconds >= 1.0 => (seconds, "s"),
        seconds if seconds >= 0.001 => (seconds * 1e3, "ms"),
        seconds => (seconds * 1e6, "µs"),
    };
    let digits = match value {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {unit}")
}

/// The date and the minute of a time in UTC.
pub(crate) fn minute(time: Timestamp) -> String {
    let text = time.to_string();
    let minute = text.get(..16).unwrap_or(&text);
    minute.replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_well() {
        for (value, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345_678, "12,345,678"),
        ] {
            assert_eq!(number(value), expected);
        }
        assert_eq!(count(1, "line", "lines"), "1 line");
        assert_eq!(count(2_000, "line", "lines"), "2,000 lines");
        for (part, whole, expected) in [
            (0, 0, "0 %"),
            (0, 5, "0 %"),
            (1, 3, "33 %"),
            (1, 30, "3.3 %"),
            (1, 100_000, "< 0.1 %"),
            (9_999, 10_000, "> 99.9 %"),
            (995, 1_000, "99.5 %"),
            (7, 7, "100 %"),
        ] {
            assert_eq!(percent(part, whole), expected, "{part} of {whole}");
        }
        for (micros, expected) in [
            (12, "12.0 µs"),
            (1_234, "1.23 ms"),
            (123_456, "123 ms"),
            (1_500_000, "1.50 s"),
            (86_400_000_000, "86400 s"),
        ] {
            assert_eq!(duration(Duration::from_micros(micros)), expected);
        }
        let time = Timestamp::parse(b"2026-11-21T19:14:53.5Z").unwrap();
        assert_eq!(minute(time), "2026-11-21 19:14");
    }
}
