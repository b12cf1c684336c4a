//! The mark in the query of a probe, by which its line is known in the log of the service. Pure.
//!
//! ```text
//! authtail_mark= time:10 nonce:16 tag:64        lower-case hexadecimal digits
//! ```
//!
//! The tag is an HMAC under a key that only authtail has, so nobody can make a line look like a
//! probe's. It names no probe: `check`, the exporter and the exporter after a restart know each
//! other's marks by the key alone. A mark is good for some minutes around its time, so that one
//! that somebody has read in a log is of no use for long.

use std::fmt;
use std::str;
use std::time::{Duration, SystemTime};

use memchr::memmem;
use ring::hmac;

use crate::docker::Timestamp;

/// Before the mark in the query.
const NAME: &str = "authtail_mark=";
const TIME_DIGITS: usize = 10;
const NONCE_DIGITS: usize = 16;
const TAG_DIGITS: usize = 64;
/// How long after its time a mark is good: the longest timeout of a probe, the way of the line
/// through the log, and a difference of the clocks of the engine and of this host.
const LIFE: Duration = Duration::from_mins(5);
/// How long before its time, for clocks that differ the other way.
const SKEW: Duration = Duration::from_mins(2);
/// How many texts of one line are looked at: a client can send as many as a line holds.
const MAX_TEXTS: usize = 4;

/// What tells the mark of one probe from that of another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Nonce(u64);

/// Makes marks and knows them again.
pub(crate) struct Marker {
    key: hmac::Key,
}

impl Marker {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// A mark that has never been there, and the query parameter that carries it.
    pub(crate) fn mark(&self, now: SystemTime) -> (Nonce, String) {
        let now = now.duration_since(SystemTime::UNIX_EPOCH);
        let seconds = now.unwrap_or_default().as_secs();
        let nonce = fastrand::u64(..);
        let signed = format!("{seconds:010x}{nonce:016x}");
        let tag = hmac::sign(&self.key, signed.as_bytes());
        (Nonce(nonce), format!("{NAME}{signed}{}", Hex(tag.as_ref())))
    }

    /// The mark in a line that was logged at a time, if there is one of ours that was good then.
    pub(crate) fn find(&self, line: &[u8], time: Timestamp) -> Option<Nonce> {
        memmem::find_iter(line, NAME)
            .take(MAX_TEXTS)
            .find_map(|at| self.read(line.get(at + NAME.len()..)?, time))
    }

    /// Reads the mark at the beginning of a text.
    fn read(&self, text: &[u8], logged: Timestamp) -> Option<Nonce> {
        let (signed, rest) = text.split_at_checked(TIME_DIGITS + NONCE_DIGITS)?;
        let (tag, _) = rest.split_at_checked(TAG_DIGITS)?;
        let (time, nonce) = signed.split_at_checked(TIME_DIGITS)?;
        let (time, nonce) = (number(time)?, number(nonce)?);
        let made = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(time))?;
        let made = Timestamp::of(made)?;
        let is_good = logged.later(SKEW) >= made && logged <= made.later(LIFE);
        let tag = bytes(tag)?;
        let is_ours = hmac::verify(&self.key, signed, &tag).is_ok();
        (is_good && is_ours).then_some(Nonce(nonce))
    }
}

/// The key stays where it is.
impl fmt::Debug for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Marker").finish_non_exhaustive()
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let digits = str::from_utf8(digits)
        .ok()
        .filter(|_| digits.iter().all(is_digit))?;
    u64::from_str_radix(digits, 16).ok()
}

fn bytes(digits: &[u8]) -> Option<Vec<u8>> {
    let pairs = digits.chunks(2);
    pairs.map(|pair| u8::try_from(number(pair)?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn line(parameter: &str) -> String {
        format!(r#"INFO: 1.2.3.4:5 - "GET /validate?x=1&{parameter} HTTP/1.1" 401 Unauthorized"#)
    }

    fn find(marker: &Marker, line: &str, seconds: u64) -> Option<Nonce> {
        marker.find(line.as_bytes(), Timestamp::of(at(seconds)).unwrap())
    }

    #[test]
    fn another_process_with_the_same_key_knows_a_mark_and_one_with_another_does_not() {
        let (nonce, parameter) = Marker::new(&KEY).mark(at(1_000));
        let line = line(&parameter);
        assert_eq!(find(&Marker::new(&KEY), &line, 1_001), Some(nonce));
        assert_eq!(find(&Marker::new(&[8; 32]), &line, 1_001), None);
    }

    #[test]
    fn marks_differ() {
        let marker = Marker::new(&KEY);
        assert_ne!(marker.mark(at(1_000)), marker.mark(at(1_000)));
    }

    #[test]
    fn a_mark_is_good_around_its_time() {
        let marker = Marker::new(&KEY);
        let (nonce, parameter) = marker.mark(at(10_000));
        let line = line(&parameter);
        for (seconds, is_good) in [
            (9_879, false),
            (9_880, true),
            (10_000, true),
            (10_300, true),
            (10_301, false),
        ] {
            let found = find(&marker, &line, seconds);
            assert_eq!(found, is_good.then_some(nonce), "{seconds}");
        }
    }

    #[test]
    fn a_changed_cut_or_made_up_mark_is_none() {
        let marker = Marker::new(&KEY);
        let (_, parameter) = marker.mark(at(1_000));
        for at in NAME.len()..parameter.len() {
            let mut changed = parameter.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(find(&marker, &line(&changed), 1_000), None, "{at}");
        }
        for text in [
            parameter.strip_suffix(|_| true).unwrap(),
            &parameter.to_uppercase(),
            NAME,
            "",
        ] {
            assert_eq!(find(&marker, text, 1_000), None, "{text}");
        }
    }

    #[test]
    fn it_is_found_behind_a_few_texts_that_look_like_one() {
        let marker = Marker::new(&KEY);
        let (nonce, parameter) = marker.mark(at(1_000));
        let behind = |texts| format!("{}{parameter}", NAME.repeat(texts));
        assert_eq!(find(&marker, &behind(3), 1_000), Some(nonce));
        assert_eq!(find(&marker, &behind(4), 1_000), None);
    }
}
