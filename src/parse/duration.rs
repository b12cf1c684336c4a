//! Decimal numbers with a unit, read into durations without going through a float.

use std::str::FromStr;
use std::time::Duration;

/// The unit in which a format writes its durations. It cannot be guessed, so it must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `s`
    Seconds,
    /// `ms`
    Milliseconds,
    /// `us`
    Microseconds,
    /// `ns`
    Nanoseconds,
}

/// The text is not a unit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown unit `{0}`, expected `s`, `ms`, `us` or `ns`")]
pub struct UnitError(String);

impl FromStr for Unit {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        match text {
            "s" => Ok(Self::Seconds),
            "ms" => Ok(Self::Milliseconds),
            "us" => Ok(Self::Microseconds),
            "ns" => Ok(Self::Nanoseconds),
            _ => Err(UnitError(text.to_owned())),
        }
    }
}

impl Unit {
    /// Returns how many nanoseconds one unit has, as a power of ten.
    const fn exponent(self) -> i32 {
        match self {
            Self::Seconds => 9,
            Self::Milliseconds => 6,
            Self::Microseconds => 3,
            Self::Nanoseconds => 0,
        }
    }
}

/// No request lasts longer than a day; a larger number is a wrong unit or a wrong group.
const MAX: Duration = Duration::from_hours(24);

/// Reads a number such as `12`, `12.5`, `.5` or `1e-3`, rounded to the nearest nanosecond.
///
/// Returns `None` for all else: signs, `nan`, `inf`, more than 38 digits, more than a day.
pub(super) fn duration(text: &[u8], unit: Unit) -> Option<Duration> {
    let (mantissa, mut exponent) = number(text)?;
    exponent = exponent.checked_add(unit.exponent())?;
    let power = 10_u128.checked_pow(exponent.unsigned_abs());
    let nanoseconds = match power {
        _ if mantissa == 0 => 0,
        Some(power) if exponent >= 0 => mantissa.checked_mul(power)?,
        Some(power) => mantissa / power + u128::from(mantissa % power >= power.div_ceil(2)),
        None if exponent >= 0 => return None,
        None => 0,
    };
    let duration = Duration::from_nanos(u64::try_from(nanoseconds).ok()?);
    (duration <= MAX).then_some(duration)
}

/// Reads a duration as Go writes it (`time.Duration.String`): `959ns`, `68.693µs`, `2.5ms`,
/// `1.2s`, `1m2.5s`, `1h0m0s`, and `0`, as Go up to 1.6 writes zero.
///
/// Returns `None` for all else, for what is below zero and for more than a day.
pub(super) fn go_duration(text: &[u8]) -> Option<Duration> {
    if text == b"0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    loop {
        let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
        let (number, tail) = rest.split_at(rest.iter().position(|byte| !is_number(byte))?);
        let end = tail.iter().position(is_number).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let (unit, times) = match unit {
            b"h" => (Unit::Seconds, 3600),
            b"m" => (Unit::Seconds, 60),
            b"s" => (Unit::Seconds, 1),
            b"ms" => (Unit::Milliseconds, 1),
            // Go writes U+00B5; U+03BC and `us` are what it reads too.
            b"\xc2\xb5s" | b"\xce\xbcs" | b"us" => (Unit::Microseconds, 1),
            b"ns" => (Unit::Nanoseconds, 1),
            _ => return None,
        };
        let part = duration(number, unit)?.checked_mul(times)?;
        total = total.checked_add(part).filter(|&total| total <= MAX)?;
        if tail.is_empty() {
            return Some(total);
        }
        rest = tail;
    }
}

/// Reads a decimal number as `(mantissa, exponent)`, meaning mantissa × 10^exponent.
fn number(text: &[u8]) -> Option<(u128, i32)> {
    let text = std::str::from_utf8(text).ok()?;
    let (decimal, exponent) = match text.split_once(['e', 'E']) {
        Some((decimal, exponent)) => (decimal, exponent.parse().ok()?),
        None => (text, 0_i32),
    };
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut mantissa = 0_u128;
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = u128::from(digit.to_digit(10)?);
        mantissa = mantissa.checked_mul(10)?.checked_add(digit)?;
    }
    Some((
        mantissa,
        exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanoseconds(text: &str, unit: Unit) -> Option<u128> {
        duration(text.as_bytes(), unit).map(|duration| duration.as_nanos())
    }

    #[test]
    fn reads_decimals_exactly() {
        for (text, unit, expected) in [
            ("0.029", Unit::Seconds, 29_000_000),
            ("11.05", Unit::Milliseconds, 11_050_000),
            ("0.1", Unit::Microseconds, 100),
            ("959", Unit::Nanoseconds, 959),
            (".5", Unit::Seconds, 500_000_000),
            ("5.", Unit::Milliseconds, 5_000_000),
            ("1e-3", Unit::Seconds, 1_000_000),
            ("1.5E+2", Unit::Milliseconds, 150_000_000),
            ("0.00046825408935546875", Unit::Seconds, 468_254),
            ("0.4", Unit::Nanoseconds, 0),
            ("0.5", Unit::Nanoseconds, 1),
            ("0", Unit::Seconds, 0),
            ("0e2147483638", Unit::Seconds, 0),
            ("1e-2147483648", Unit::Seconds, 0),
            ("00086400.000", Unit::Seconds, 86_400_000_000_000),
        ] {
            assert_eq!(nanoseconds(text, unit), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_sensible_duration() {
        for text in [
            "",
            ".",
            "-",
            "-1",
            "+1",
            "-0",
            "nan",
            "NaN",
            "inf",
            "1e",
            "e3",
            "1e1.5",
            "1,5",
            "1 ",
            "0x10",
            "1.2.3",
            "1ms",
            "86400.000000001",
            "1e9",
            "1e300",
            "1e2147483647",
            "１",
            "1e99999999999",
            "9999999999999999999999999999999999999999",
        ] {
            assert_eq!(nanoseconds(text, Unit::Seconds), None, "{text}");
        }
        assert_eq!(duration(b"\xff", Unit::Seconds), None);
    }

    #[test]
    fn reads_what_go_writes() {
        for (text, expected) in [
            ("959ns", 959),
            ("68.693µs", 68_693),
            ("68.693\u{3bc}s", 68_693),
            ("7us", 7_000),
            ("2.337078ms", 2_337_078),
            ("1.227385313s", 1_227_385_313),
            ("1m2.5s", 62_500_000_000),
            ("2m0s", 120_000_000_000),
            ("1h0m0.25s", 3_600_250_000_000),
            ("24h0m0s", 86_400_000_000_000),
            ("0s", 0),
            ("0", 0),
        ] {
            let read = go_duration(text.as_bytes()).map(|duration| duration.as_nanos());
            assert_eq!(read, Some(expected), "{text}");
        }
        for text in [
            "",
            "1",
            "00",
            "s",
            ".s",
            "-1s",
            "-0",
            "+1s",
            "1e3s",
            "1.2.3s",
            "1 s",
            " 1s",
            "1s ",
            "1S",
            "1d",
            "1ms2",
            "1m s",
            "24h0m0.000000001s",
            "99999999999h",
            "86401s",
            "1µ",
            "1\u{b5}\u{b5}s",
        ] {
            assert_eq!(go_duration(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(go_duration(b"1\xb5s"), None);
    }

    #[test]
    fn unit_is_one_of_four() {
        assert_eq!("ms".parse(), Ok(Unit::Milliseconds));
        let error = "sec".parse::<Unit>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown unit `sec`, expected `s`, `ms`, `us` or `ns`"
        );
    }
}
