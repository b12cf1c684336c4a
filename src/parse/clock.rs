//! The times that lines carry themselves, in the shapes that servers and loggers print.
//!
//! A time without a zone is taken as UTC, which containers have unless somebody sets `TZ`.

use memchr::{memchr, memchr_iter, memmem};

use crate::docker::Timestamp;

/// How many places of a line are looked at: a client may write part of it.
const MAX_PLACES: usize = 8;

/// Names of months as in `21/Nov/2026`.
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Returns the time that a line without colours carries: at its beginning, in brackets, in a JSON
/// field or after `time=`.
pub(crate) fn of_line(line: &[u8]) -> Option<Timestamp> {
    match line.first()? {
        b'0'..=b'9' => date_time(line).or_else(|| in_brackets(line)),
        b'{' => in_json(line),
        // By far the most frequent level.
        b'I' if line.starts_with(b"INFO:") => None,
        b'A'..=b'Z' if begins_with_level(line) => None,
        _ => in_brackets(line).or_else(|| after_key(line)),
    }
}

/// Tells whether a line begins as uvicorn's, with a level and a colon: such have no time.
fn begins_with_level(line: &[u8]) -> bool {
    let head = line.get(..10).unwrap_or(line);
    let level = head.iter().take_while(|byte| byte.is_ascii_uppercase());
    head.get(level.count()) == Some(&b':')
}

/// Reads `2026-11-21 19:21:28,431` and the like from the beginning of a text.
fn date_time(text: &[u8]) -> Option<Timestamp> {
    iso(text).map(|(time, _)| time)
}

/// Reads the first bracket that holds a time, such as `[21/Nov/2026:19:23:32 +0000]`. gin has its
/// own name in the first and the time behind it.
fn in_brackets(line: &[u8]) -> Option<Timestamp> {
    let gin = line.strip_prefix(b"[GIN] ").and_then(date_time);
    let mut brackets = memchr_iter(b'[', line).take(MAX_PLACES);
    gin.or_else(|| {
        brackets.find_map(|at| {
            let text = line.get(at + 1..)?;
            date_time(text).or_else(|| common(text))
        })
    })
}

/// Reads the first JSON field whose name ends or begins with `time` or is `ts`, and whose value is
/// a time. A client's text cannot hold a quote that is not escaped, so it is no field.
fn in_json(line: &[u8]) -> Option<Timestamp> {
    let named = memmem::find_iter(line, b"time").take(MAX_PLACES);
    let short = memmem::find(line, b"\"ts\":").map(|at| at + 1);
    named.chain(short).find_map(|at| {
        let rest = line.get(at..)?;
        let (name, value) = rest.split_at(memchr(b'"', rest).filter(|&end| end <= 16)?);
        if name.ends_with(b"\\") {
            return None;
        }
        let value = value.get(1..)?.trim_ascii_start();
        let value = value.strip_prefix(b":")?.trim_ascii_start();
        match value.strip_prefix(b"\"") {
            Some(text) => date_time(text).or_else(|| common(text)),
            None => since_epoch(value),
        }
    })
}

/// Reads the time after `time=` or `ts=`, as logfmt has it.
fn after_key(line: &[u8]) -> Option<Timestamp> {
    let value = line
        .strip_prefix(b"time=")
        .or_else(|| line.strip_prefix(b"ts="))?;
    date_time(value.strip_prefix(b"\"").unwrap_or(value))
}

/// Reads seconds, milliseconds, microseconds or nanoseconds since 1970: the number tells which.
fn since_epoch(text: &[u8]) -> Option<Timestamp> {
    let mut rest = Rest(text);
    let (whole, digits) = rest.run(19)?;
    // From 2001 to 2286.
    let scale = match digits {
        10 => 1_000_000_000,
        13 => 1_000_000,
        16 => 1_000,
        19 => 1,
        _ => return None,
    };
    let fraction = if digits == 10 { rest.fraction() } else { 0 };
    let nanos = whole.checked_mul(scale)?.checked_add(fraction)?;
    Some(Timestamp::of_nanos(nanos))
}

/// Reads `2026-11-21T19:21:28.431Z`: also with `/` in the date, a blank or ` - ` before the time,
/// a comma before the fraction, and any zone or none. Returns what follows, too.
pub(super) fn iso(text: &[u8]) -> Option<(Timestamp, &[u8])> {
    let mut rest = Rest(text);
    let year = rest.number(4)?;
    let sign = rest.any(b"-/")?;
    let month = rest.number(2)?;
    rest.any(&[sign])?;
    let day = rest.number(2)?;
    if rest.0.starts_with(b" - ") {
        rest.0 = rest.0.get(2..)?;
    }
    rest.any(b"T ")?;
    let time = rest.time_of_day()?;
    let nanos = rest.fraction();
    let offset = rest.zone();
    let time = Timestamp::of_date([year, month, day], time, offset)?;
    Some((
        Timestamp::of_nanos(time.nanos().checked_add(nanos)?),
        rest.0,
    ))
}

/// Reads `21/Nov/2026:19:23:32 +0000`, as the common log format has it.
fn common(text: &[u8]) -> Option<Timestamp> {
    let mut rest = Rest(text);
    let day = rest.number(2)?;
    rest.any(b"/")?;
    let (name, after) = rest.0.split_first_chunk::<3>()?;
    let month = (1..).zip(MONTHS).find(|(_, month)| *month == name)?.0;
    rest.0 = after;
    rest.any(b"/")?;
    let year = rest.number(4)?;
    rest.any(b": ")?;
    let time = rest.time_of_day()?;
    let nanos = rest.fraction();
    let time = Timestamp::of_date([year, month, day], time, rest.zone())?;
    Some(Timestamp::of_nanos(time.nanos().checked_add(nanos)?))
}

/// What is left of a text while it is read.
pub(super) struct Rest<'a>(pub(super) &'a [u8]);

impl Rest<'_> {
    /// Takes one of these bytes.
    pub(super) fn any(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        if !bytes.contains(first) {
            return None;
        }
        self.0 = rest;
        Some(*first)
    }

    /// Takes a number of exactly so many digits.
    pub(super) fn number(&mut self, digits: usize) -> Option<i64> {
        let (text, rest) = self.0.split_at_checked(digits)?;
        let number = text.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + i64::from(byte - b'0'))
        });
        self.0 = rest;
        number
    }

    /// Takes all digits that come, if they are at least one and at most so many: their number, and
    /// how many they are.
    pub(super) fn run(&mut self, most: usize) -> Option<(i64, usize)> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        if digits == 0 || digits > most {
            return None;
        }
        Some((self.number(digits)?, digits))
    }

    /// Takes `19:21:28`.
    pub(super) fn time_of_day(&mut self) -> Option<[i64; 3]> {
        let hour = self.number(2)?;
        self.any(b":")?;
        let minute = self.number(2)?;
        self.any(b":")?;
        Some([hour, minute, self.number(2)?])
    }

    /// Takes a fraction of a second, if there is one: nanoseconds.
    pub(super) fn fraction(&mut self) -> i64 {
        let mut fraction = Self(self.0);
        let nanos = fraction.any(b".,").and_then(|_| {
            let (number, digits) = fraction.run(9)?;
            Some(number * 10_i64.pow(u32::try_from(9 - digits).ok()?))
        });
        if nanos.is_some() {
            self.0 = fraction.0;
        }
        nanos.unwrap_or_default()
    }

    /// Takes a zone, if there is one: seconds east of UTC.
    fn zone(&mut self) -> i64 {
        let mut zone = Rest(self.0.strip_prefix(b" ").unwrap_or(self.0));
        let offset = zone.any(b"+-").and_then(|sign| {
            let hours = zone.number(2)?;
            zone.0 = zone.0.strip_prefix(b":").unwrap_or(zone.0);
            let seconds = hours * 3_600 + zone.number(2)? * 60;
            Some(if sign == b'-' { -seconds } else { seconds })
        });
        let offset = offset.or_else(|| {
            zone = Rest(self.0);
            zone.any(b"Z").map(|_| 0)
        });
        if offset.is_some() {
            self.0 = zone.0;
        }
        offset.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<String> {
        of_line(line.as_bytes()).map(Timestamp::since)
    }

    #[test]
    fn reads_what_servers_and_loggers_print() {
        const SECOND: &str = "1795288493";
        for (line, fraction) in [
            ("2026-11-21 19:14:53,431 - uvicorn.access - INFO - x", "431"),
            ("2026-11-21 19:14:53.431 | INFO     | x", "431"),
            ("2026-11-21T19:14:53Z ERR x", "0"),
            ("2026-11-21T20:14:53.5+0100\tinfo", "5"),
            ("2026-11-21T20:14:53.123456789+01:00  INFO", "123456789"),
            ("2026/11/21 19:14:53 [error] 370#370: x", "0"),
            ("[GIN] 2026/11/21 - 19:14:53 | 401 |", "0"),
            ("[2026-11-21 19:14:53 +0000] [13796] [INFO] x", "0"),
            ("[2026-11-21T19:14:53.431Z] \"GET / HTTP/1.1\" 200", "431"),
            ("10.0.0.1 - - [21/Nov/2026:20:14:53 +0100] \"GET /\"", "0"),
            ("10.0.0.1:80 [21/Nov/2026:19:14:53.431] front", "431"),
            ("127.0.0.1 - - [21/Nov/2026 19:14:53] \"GET /\"", "0"),
            ("[21/Nov/2026 19:14:53] \"GET / HTTP/1.1\" 401 42", "0"),
            ("x [y] [21/Nov/2026:19:14:53 +0000]", "0"),
            ("time=\"2026-11-21T19:14:53Z\" level=info", "0"),
            (r#"{"level":30,"time":1795288493431,"msg":"x"}"#, "431"),
            (r#"{"level":"info","ts":1795288493.431}"#, "431"),
            (r#"{"timestamp": "2026-11-21T19:14:53.431Z"}"#, "431"),
            (r#"{"asctime":"2026-11-21 19:14:53,431"}"#, "431"),
            (r#"{"time_local":"21/Nov/2026:19:14:53 +0000"}"#, "0"),
            (
                r#"{"request_time":0.002,"time_iso8601":"2026-11-21T19:14:53+00:00"}"#,
                "0",
            ),
            (
                r#"{"uri":"/?\"time\":1111111111","runtime":"4.7","time":"2026-11-21T19:14:53Z"}"#,
                "0",
            ),
        ] {
            let expected = format!("{SECOND}.{fraction:0<9}");
            assert_eq!(of(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn a_line_without_a_time_has_none() {
        for line in [
            "",
            "INFO:     127.0.0.1:37290 - \"GET / HTTP/1.1\" 401",
            "2026-11-21",
            "2026-11-21 19:14",
            "2026-13-21 19:14:53",
            "2026-11/21 19:14:53",
            "10.0.0.1 - - [x] \"GET /\"",
            "[21/Nob/2026:19:14:53]",
            r#"{"request_time":0.002,"runtime":"4.7","uptime":12}"#,
            r#"{"time":"soon"}"#,
            r#"{"time":99999999999999999999}"#,
            "time=",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
