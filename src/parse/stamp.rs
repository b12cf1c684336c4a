//! The times that stand in access lines, told by their shape.
//!
//! A time is where a line can be taken hold of: its shape has blanks, brackets and colons in
//! places where most of what a client controls cannot have them.

use memchr::memchr_iter;

/// `[21/Nov/2026:19:26:37 +0000]`, as in the Common Log Format.
pub(super) const COMMON: &[u8] = b"[00/Aaa/0000:00:00:00 +0000]";

/// `[21/Nov/2026:19:37:41.035]`, as HAProxy writes it.
pub(super) const HAPROXY: &[u8] = b"[00/Aaa/0000:00:00:00.000]";

/// `[2026-11-21T19:38:37`, the beginning of a time of Envoy.
pub(super) const ENVOY: &[u8] = b"[0000-00-00T00:00:00";

/// `2026-11-21T19:38:37`, the beginning of a time in syslog's newer header (RFC 5424).
pub(super) const ISO: &[u8] = b"0000-00-00T00:00:00";

/// `Nov 22 03:41:03 `, the time in syslog's older header (RFC 3164); a day below ten has a blank.
pub(super) const SYSLOG: &[u8] = b"Aaa _0 00:00:00 ";

/// Returns what follows a time of this shape at the start of `text`.
///
/// In a shape `0` stands for a digit, `_` for a digit or a blank, `A` and `a` for letters, `+` for a
/// sign; all else for itself.
pub(super) fn skip<'a>(text: &'a [u8], shape: &[u8]) -> Option<&'a [u8]> {
    let (time, rest) = text.split_at_checked(shape.len())?;
    let is_like = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'_' => byte.is_ascii_digit() || *byte == b' ',
        b'A' => byte.is_ascii_uppercase(),
        b'a' => byte.is_ascii_lowercase(),
        b'+' => matches!(byte, b'+' | b'-'),
        shape => byte == shape,
    };
    time.iter().zip(shape).all(is_like).then_some(rest)
}

/// Finds the first time of this shape, and returns what stands before it and after it.
pub(super) fn find<'a>(text: &'a [u8], shape: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    memchr_iter(b'[', text).find_map(|at| {
        let (before, rest) = text.split_at_checked(at)?;
        Some((before, skip(rest, shape)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_shape_is_a_time() {
        for (text, shape) in [
            ("[21/Nov/2026:19:26:37 +0000]x", COMMON),
            ("[21/Nov/2026:19:26:37 -1130]x", COMMON),
            ("[21/Nov/2026:19:37:41.035]x", HAPROXY),
            ("[2026-11-21T19:38:37x", ENVOY),
            ("Nov 22 03:41:03 x", SYSLOG),
            ("Nov  2 03:41:03 x", SYSLOG),
        ] {
            assert_eq!(skip(text.as_bytes(), shape), Some(&b"x"[..]), "{text}");
        }
        for text in [
            "",
            "[",
            "[21/Nov/2026:19:26:37 +0000",
            "[21/Nov/2026:19:26:37+00000]",
            "[21/nov/2026:19:26:37 +0000]",
            "[21/11./2026:19:26:37 +0000]",
            "[21/Nov/2026 19:26:37 +0000]",
            "(21/Nov/2026:19:26:37 +0000]",
        ] {
            assert_eq!(skip(text.as_bytes(), COMMON), None, "{text}");
        }
    }

    #[test]
    fn finds_the_first_one() {
        let text = b"a [b] [21/Nov/2026:19:26:37 +0000] c [22/Nov/2026:19:26:37 +0000] d";
        let (before, after) = find(text, COMMON).unwrap();
        assert_eq!(before, b"a [b] ");
        assert_eq!(after, b" c [22/Nov/2026:19:26:37 +0000] d");
        assert_eq!(find(b"a [b] c", COMMON), None);
    }
}
