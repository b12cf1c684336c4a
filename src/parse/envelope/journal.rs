//! The header that `journalctl` and syslog put before a message.
//!
//! ```text
//! mar 27 16:21:15 host name[1037]: message
//! 2026-03-27T16:21:15+0100 host name[1037]: message
//! ```

use crate::docker::Timestamp;
use crate::parse::clock::{Rest, iso};

/// The first letters of each month where they differ from the English ones: `%b` is printed in the
/// language of the machine.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen"],
    &["feb", "fév", "fev"],
    &["mar", "mär", "mrt", "maa"],
    &["apr", "avr", "abr"],
    &["may", "mai", "maj", "mag", "mei"],
    &["jun", "juin", "giu"],
    &["jul", "juil", "lug"],
    &["aug", "aoû", "ago"],
    &["sep", "set"],
    &["oct", "okt", "ott", "out"],
    &["nov"],
    &["dec", "déc", "dez", "dic"],
];

/// What a header says, and what follows it.
pub(super) struct Header<'a> {
    pub(super) source: &'a [u8],
    pub(super) time: Option<Timestamp>,
    pub(super) line: &'a [u8],
}

/// Reads the header of a line that was written until `now`.
pub(super) fn header(line: &[u8], now: Option<Timestamp>) -> Option<Header<'_>> {
    let (time, rest) = match line.first()? {
        b'0'..=b'9' => {
            // An application may begin with a time, too, but not with a host and a process.
            let (time, rest) = iso(line)?;
            (Some(time), rest)
        }
        _ => short(line, now)?,
    };
    let (host, rest) = word(rest.strip_prefix(b" ")?)?;
    let (name, line) = process(rest)?;
    let is_plain = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_graphic);
    (is_plain(host) && is_plain(name)).then_some(Header {
        source: name,
        time,
        line,
    })
}

/// Reads `mar 27 16:21:15`; the year is the one that makes it the latest time until `now`.
fn short(line: &[u8], now: Option<Timestamp>) -> Option<(Option<Timestamp>, &[u8])> {
    let (month, rest) = word(line)?;
    let month = std::str::from_utf8(month).ok()?.to_lowercase();
    let is_name = |c: char| c.is_alphabetic() || c == '.';
    if !(3..=5).contains(&month.chars().count()) || !month.chars().all(is_name) {
        return None;
    }
    // `Mar  7` is padded.
    let mut rest = Rest(rest.strip_prefix(b" ").unwrap_or(rest));
    let (day, _) = rest.run(2)?;
    rest.any(b" ")?;
    let time = rest.time_of_day()?;
    let nanos = rest.fraction();
    let at = now.and_then(|now| {
        let begins = |names: &&[&str]| names.iter().any(|name| month.starts_with(name));
        let month = (1..).zip(MONTHS).find(|(_, names)| begins(names))?.0;
        let year = now.year();
        let of = |year| Timestamp::of_date([year, month, day], time, 0);
        // Clocks differ, and so do zones.
        let latest = now.later(std::time::Duration::from_hours(24));
        let time = of(year + 1)
            .filter(|time| *time <= latest)
            .or_else(|| of(year).filter(|time| *time <= latest))
            .or_else(|| of(year - 1))?;
        Some(Timestamp::of_nanos(time.nanos().checked_add(nanos)?))
    });
    Some((at, rest.0))
}

/// Splits off a word and the blank behind it.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (word, rest) = text.split_at(memchr::memchr(b' ', text)?);
    Some((word, rest.get(1..)?))
}

/// Reads `name[1037]: message`; the message may be empty.
fn process(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = text.split_at(memchr::memchr(b'[', text)?);
    let mut rest = Rest(rest.get(1..)?);
    rest.run(10)?;
    let line = rest.0.strip_prefix(b"]:")?;
    let line = match line.strip_prefix(b" ") {
        Some(line) => line,
        None if line.is_empty() => line,
        None => return None,
    };
    Some((name, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(String, Option<String>, String)> {
        let now = Timestamp::parse(b"2026-03-28T00:00:00Z");
        let header = header(line.as_bytes(), now)?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let time = header.time.map(|time| time.to_string());
        Some((text(header.source), time, text(header.line)))
    }

    #[test]
    fn reads_the_formats_of_journalctl() {
        for (line, time) in [
            ("mar 27 16:21:15 host auth[1037]: x", "2026-03-27T16:21:15Z"),
            ("Mar  7 16:21:15 host auth[1037]: x", "2026-03-07T16:21:15Z"),
            ("Mar 28 16:21:15 host auth[1037]: x", "2026-03-28T16:21:15Z"),
            ("Mär 27 16:21:15 host auth[1037]: x", "2026-03-27T16:21:15Z"),
            (
                "Nov 21 16:21:15.123456 host auth[1037]: x",
                "2025-11-21T16:21:15Z",
            ),
            (
                "déc. 31 16:21:15 host auth[1037]: x",
                "2025-12-31T16:21:15Z",
            ),
            (
                "2026-03-27T16:21:15+0100 host auth[1037]: x",
                "2026-03-27T15:21:15Z",
            ),
            (
                "2026-03-27T16:21:15.123456+01:00 host auth[1037]: x",
                "2026-03-27T15:21:15Z",
            ),
        ] {
            let expected = ("auth".to_owned(), Some(time.to_owned()), "x".to_owned());
            assert_eq!(read(line), Some(expected), "{line}");
        }
        let (_, time, _) = read("xyz 27 16:21:15 host auth[1037]: x").unwrap();
        assert_eq!(time, None, "no language that is known");
    }

    #[test]
    fn the_year_of_the_end_of_december_is_the_last_one() {
        let now = Timestamp::parse(b"2026-01-01T00:00:30Z");
        let (time, _) = short(b"Dec 31 23:59:59 x", now).unwrap();
        assert_eq!(time.unwrap().to_string(), "2025-12-31T23:59:59Z");
        let now = Timestamp::parse(b"2025-12-31T23:59:30Z");
        let (time, _) = short(b"Jan  1 00:59:59 x", now).unwrap();
        assert_eq!(time.unwrap().to_string(), "2026-01-01T00:59:59Z");
    }

    #[test]
    fn leaves_what_is_no_header() {
        for line in [
            "",
            "Mar 27 16:21:15",
            "Mar 27 16:21:15 INFO auth: x",
            "Mar 27 16:21:15 host auth[x]: y",
            "Mar 27 16:21:15 host auth[1037] y",
            "Mar 27 16:21:15 host [1037]: y",
            "Mar 27 16:21 host auth[1037]: x",
            "March27 16:21:15 host auth[1037]: x",
            "M1r 27 16:21:15 host auth[1037]: x",
            "2026-03-27 16:21:15,123 INFO auth[1037] x",
            "2026-03-27T16:21:15Z ERR auth: x",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
