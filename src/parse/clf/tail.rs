//! What stands behind the size of the answer: referer, user agent, and what the format adds.
//!
//! ```text
//! "-" "curl/8.5" 2021                                              gunicorn %(D)s, Apache %D
//! "-" "curl/8.5" - 2.964 ms                                        morgan :response-time ms
//! "-" "curl/8.5" "-" rt=0.002 uct="0.000" uht="0.001" urt="0.001"  nginx
//! T=0 F=26 D=26478 ms=26 us=26478                                  Tomcat
//! ```
//!
//! Texts of the client stand between quotes, and not all servers escape the backslash, so where
//! such a text ends cannot be told from its beginning. Fields are therefore read from the end of
//! the line back to the first text that has no name: what is behind it is not the client's. And
//! those in front of the first quote are not either.

use std::time::Duration;

use memchr::{memchr, memrchr};

use crate::parse::duration::{self, Unit};
use crate::parse::upstream::{self, Upstream};

/// What the fields say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail<'a> {
    /// How long the request took, if the line or the caller knows the unit.
    pub(super) duration: Option<Duration>,
    /// What nginx says about the server behind it.
    pub(super) upstream: Option<Upstream<'a>>,
}

/// Values that may be the duration; of several the first in the line counts.
#[derive(Default)]
struct Candidates<'a> {
    /// A number with its unit behind it, `2.964 ms`.
    stated: Option<Duration>,
    /// nginx's `$request_time`, where it has a name.
    request_time: Option<&'a [u8]>,
    /// A field with the name of the unit.
    unit: Option<&'a [u8]>,
    /// A field with a letter that means such a time to Apache, gunicorn or Tomcat.
    letter: Option<&'a [u8]>,
    /// A number without a name.
    bare: Option<&'a [u8]>,
    /// One with a point in it.
    fraction: Option<&'a [u8]>,
    /// A number with any other name.
    named: Option<&'a [u8]>,
}

impl<'a> Tail<'a> {
    /// Reads the fields.
    ///
    /// A unit that stands in the line counts before `unit`, and so does nginx's `rt=` or
    /// `request_time=`, in seconds, beside the times of its upstream. Otherwise the duration is
    /// the first of: the field named like the unit (`us=`), a letter of that unit (`D=`), `rt=`,
    /// the first number without a name, any other number. Lengths are no fractions, so a fraction
    /// is preferred where seconds are wanted: nginx's `$request_length $request_time`.
    pub(super) fn read(tail: &'a [u8], unit: Option<Unit>) -> Self {
        let mut found = Candidates::default();
        let mut upstream = Upstream::default();
        let mut stated_unit = None;
        for (name, value) in Fields::of(tail) {
            let unit_behind = stated_unit.take();
            let of_name = unit_of(name).filter(|of_name| unit == Some(*of_name));
            if name.is_empty() {
                stated_unit = unit_of(value);
                found.take_bare(value, unit_behind);
            } else if of_name.is_some() {
                found.unit = Some(value);
            } else if unit.is_some_and(|unit| is_letter(name, unit)) {
                found.letter = Some(value);
            } else if matches!(name, b"rt" | b"request_time") {
                found.request_time = Some(value);
            } else if !upstream.take(name, value) && is_number(value) {
                found.named = Some(value);
            }
        }
        let upstream = upstream.is_known().then_some(upstream);
        let of_nginx = found.request_time.filter(|_| upstream.is_some());
        let of_nginx = of_nginx.and_then(upstream::request_time);
        Self {
            duration: found.stated.or(of_nginx).or_else(|| found.in_unit(unit?)),
            upstream,
        }
    }
}

impl<'a> Candidates<'a> {
    /// Takes a word without a name.
    fn take_bare(&mut self, word: &'a [u8], unit_behind: Option<Unit>) {
        if !is_number(word) {
            return;
        }
        self.bare = Some(word);
        if word.contains(&b'.') {
            self.fraction = Some(word);
        }
        if let Some(unit) = unit_behind {
            self.stated = duration::duration(word, unit);
        }
    }

    fn in_unit(&self, unit: Unit) -> Option<Duration> {
        let fraction = self.fraction.filter(|_| unit == Unit::Seconds);
        let value = self
            .unit
            .or(self.letter)
            .or(self.request_time)
            .or(fraction)
            .or(self.bare)
            .or(self.named)?;
        duration::duration(value, unit)
    }
}

/// The fields that no client can write, the last one first: `(name, value)`, the name maybe empty.
struct Fields<'a> {
    rest: &'a [u8],
    /// What is in front of the first quote, once the fields behind the last text are done.
    front: &'a [u8],
}

impl<'a> Fields<'a> {
    fn of(tail: &'a [u8]) -> Self {
        let (front, _) = tail.split_at(memchr(b'"', tail).unwrap_or(0));
        Self { rest: tail, front }
    }

    /// Takes `name="value"` off the end; no client can put a quote behind `=` without a backslash.
    fn quoted(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let text = self.rest.strip_suffix(b"\"")?;
        let (before, value) = text.split_at(memrchr(b'"', text)?);
        let (before, name) = last_word(before.strip_suffix(b"=")?);
        self.rest = before;
        Some((name, value.get(1..)?))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.rest = self.rest.trim_ascii_end();
        if self.rest.ends_with(b"\"") {
            if let Some(field) = self.quoted() {
                return Some(field);
            }
            self.rest = std::mem::take(&mut self.front).trim_ascii_end();
        }
        if self.rest.is_empty() {
            return None;
        }
        let (before, field) = last_word(self.rest);
        self.rest = before;
        Some(match memchr(b'=', field) {
            Some(at) => (field.get(..at)?, field.get(at + 1..)?),
            None => (b"", field),
        })
    }
}

/// Splits off what stands behind the last blank or quote.
fn last_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().rposition(|byte| matches!(byte, b' ' | b'"'));
    text.split_at(end.map_or(0, |end| end + 1))
}

fn unit_of(text: &[u8]) -> Option<Unit> {
    // `Unit::from_str` would allocate an error for each word that is none.
    match text {
        b"s" => Some(Unit::Seconds),
        b"ms" => Some(Unit::Milliseconds),
        b"us" => Some(Unit::Microseconds),
        b"ns" => Some(Unit::Nanoseconds),
        _ => None,
    }
}

/// Tells whether a letter names a time in this unit: `%T`, `%D` and `%F` of Tomcat from 10 on,
/// `%(T)s`, `%(L)s`, `%(M)s` and `%(D)s` of gunicorn, `%T` and `%D` of Apache.
fn is_letter(name: &[u8], unit: Unit) -> bool {
    match unit {
        Unit::Seconds => matches!(name, b"T" | b"L"),
        Unit::Milliseconds => matches!(name, b"M" | b"F"),
        Unit::Microseconds => name == b"D",
        Unit::Nanoseconds => false,
    }
}

fn is_number(text: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    text.iter().all(is_part) && text.iter().any(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Option<Unit> = Some(Unit::Seconds);
    const MS: Option<Unit> = Some(Unit::Milliseconds);
    const US: Option<Unit> = Some(Unit::Microseconds);
    const NS: Option<Unit> = Some(Unit::Nanoseconds);

    fn nanoseconds(tail: &str, unit: Option<Unit>) -> Option<u128> {
        let duration = Tail::read(tail.as_bytes(), unit).duration;
        duration.map(|duration| duration.as_nanos())
    }

    #[test]
    fn reads_the_number_in_the_unit_that_was_named() {
        for (tail, unit, expected) in [
            (r#" "-" "x" 4174"#, US, 4_174_000),
            (r#" "-" "x" 8"#, MS, 8_000_000),
            (r#" "-" "x" 0.007927"#, S, 7_927_000),
            (r#" "-" "x" 959"#, NS, 959),
            (" 39027", US, 39_027_000),
            (r#" "-" "x" <18351> 960"#, US, 960_000),
            (r#" "-" "x" 960 <18351> http-nio-8080-exec-1"#, US, 960_000),
            (r#" "-" "x" 0.005 -"#, S, 5_000_000),
            (r#" "-" "x" 0.005 0.004 0.003"#, S, 5_000_000),
            (r#" "-" "x" 0.005 0.001, 0.004 : 0.001"#, S, 5_000_000),
            (r#" "-" "x" - 0"#, US, 0),
            (r#" "-" "x" 234 0.005"#, S, 5_000_000),
            (r#" "-" "x" 0 1234"#, S, 0),
            (r#" 234 0.005 "0.004" "-" "x""#, S, 5_000_000),
            (r#" 0.005 "-" "x" "-""#, S, 5_000_000),
            (r#" "-" "x" request_time=12 us=200"#, MS, 12_000_000),
            (r#" "-" "x" rt="0.005""#, S, 5_000_000),
            (r#" "-" "x" took=7"#, MS, 7_000_000),
        ] {
            assert_eq!(nanoseconds(tail, unit), Some(expected), "{tail}");
        }
        let tomcat = " T=1 F=26 D=26478 ms=27 us=26479";
        for (unit, expected) in [(S, 1_000_000_000), (MS, 27_000_000), (US, 26_479_000)] {
            assert_eq!(nanoseconds(tomcat, unit), Some(expected));
        }
        assert_eq!(nanoseconds(" T=1 F=26 D=26478", MS), Some(26_000_000));
        assert_eq!(nanoseconds(" T=1 F=26 D=26478", US), Some(26_478_000));
    }

    #[test]
    fn a_unit_that_stands_in_the_line_needs_no_name() {
        const NGINX: &str =
            r#" "-" "x" "-" rt=0.002 uct="0.000" uht="0.001" urt="0.001" ustatus=200"#;
        for unit in [None, S, US] {
            assert_eq!(nanoseconds(r#" "-" "x" - 2.964 ms"#, unit), Some(2_964_000));
            assert_eq!(nanoseconds(r#" "-" "x" 12 us 5"#, unit), Some(12_000));
            assert_eq!(nanoseconds(NGINX, unit), Some(2_000_000));
            assert_eq!(
                nanoseconds(r#" "-" "x"rt=0.001 urt="0.004""#, unit),
                Some(1_000_000)
            );
            let amplify = r#" "-" "x" "-" "h" sn="h" rt=0.003 ua="10.0.0.7:80" us="200" ut="0.001" ul="9" cs=-"#;
            assert_eq!(nanoseconds(amplify, unit), Some(3_000_000));
        }
        for tail in [
            r#" "-" "x" - - ms"#,
            r#" "-" "x" 4174"#,
            r#" "-" "x" 0.001 0.001"#,
            // morgan or anybody else could mean milliseconds.
            r#" "-" "x" rt=0.001"#,
            r#" "-" "x" 12ms"#,
            r#" "-" "x" [took 1234us]"#,
            r#" "-" "2.964 ms""#,
            "",
        ] {
            assert_eq!(nanoseconds(tail, None), None, "{tail}");
        }
    }

    #[test]
    fn a_client_cannot_send_a_duration() {
        for tail in [
            r#" "-" "5""#,
            r#" "-" "x rt=5 urt=5""#,
            r#" "-" "5" "6""#,
            r#" "-" "rt=\"5\" urt=\"5\"""#,
            r#" "-" "\" us=\"5\"""#,
            r#" "-" "us=\x225\x22""#,
            r#" "-" "x\""#,
            r#" "-" "x" -"#,
            "",
            " -",
        ] {
            assert_eq!(nanoseconds(tail, US), None, "{tail}");
        }
        // The quote that ends a user agent may look escaped: gunicorn leaves backslashes alone.
        assert_eq!(nanoseconds(r#" "-" "x\" 4174"#, US), Some(4_174_000));
        assert_eq!(nanoseconds(r#" "-" "x\" 5\" 4174"#, US), Some(4_174_000));
    }

    #[test]
    fn nginx_says_what_its_upstream_did() {
        let upstream = |tail: &'static str| Tail::read(tail.as_bytes(), None).upstream;
        let of = |status: &'static str, time: &'static str| {
            Some(Upstream {
                status: Some(status.as_bytes()),
                time: Some(time.as_bytes()),
            })
        };
        let tail = r#" "-" "x" "-" rt=0.002 uct="-" uht="-" urt="-" ustatus=-"#;
        assert_eq!(upstream(tail), of("-", "-"));
        let tail = r#" "-" "x" rt=0.002 urt="0.001, 0.002" us="502, 200""#;
        assert_eq!(upstream(tail), of("502, 200", "0.001, 0.002"));
        assert_eq!(upstream(r#" "-" "x urt=1""#), None);
        assert_eq!(upstream(r#" "-" "x" 0.002 0.001"#), None);
    }
}
