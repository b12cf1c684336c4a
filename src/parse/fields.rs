//! The fields that every format has: the path of a request target, the status code.

use memchr::memchr;

use super::Request;

/// What stands for the path where a server could not read the request, or does not say it.
pub(super) const NO_PATH: &[u8] = b"-";

/// A request with what every format has.
pub(super) fn request<'a>(method: &'a [u8], target: &'a [u8], code: Option<u16>) -> Request<'a> {
    Request {
        method: Some(method),
        path: path(target),
        code,
        duration: None,
        client: None,
        auth_call: None,
    }
}

/// A request that the server itself could not read.
pub(super) const fn unreadable<'a>(code: Option<u16>) -> Request<'a> {
    Request {
        method: None,
        path: NO_PATH,
        code,
        duration: None,
        client: None,
        auth_call: None,
    }
}

/// Returns the path of a request target: without query, and without `scheme://host` if the
/// client sent the absolute form (RFC 9112, 3.2.2). All else stays as logged.
pub(super) fn path(target: &[u8]) -> &[u8] {
    let end = memchr(b'?', target).unwrap_or(target.len());
    let (target, _query) = target.split_at(end);
    if target.starts_with(b"/") {
        return target;
    }
    let Some(rest) = after_scheme(target) else {
        return target;
    };
    let host_end = memchr(b'/', rest).unwrap_or(rest.len());
    let (_host, path) = rest.split_at(host_end);
    // RFC 9110, 4.2.3: an empty path means `/`.
    if path.is_empty() { b"/" } else { path }
}

fn after_scheme(target: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = target.split_at(memchr(b':', target)?);
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    rest.strip_prefix(b"://").filter(|_| is_scheme)
}

/// Reads a status code: one to three digits.
pub(super) fn code(text: &[u8]) -> Option<u16> {
    if text.is_empty() || text.len() > 3 {
        return None;
    }
    text.iter().try_fold(0, |code, &byte| {
        byte.is_ascii_digit()
            .then(|| code * 10 + u16::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_what_is_left_without_query_and_host() {
        for (target, expected) in [
            ("/a/b", "/a/b"),
            ("/a?x=/b?c", "/a"),
            ("/?", "/"),
            ("//a/../b/", "//a/../b/"),
            ("/a?next=http://h/b", "/a"),
            ("http://host/a/b?c", "/a/b"),
            ("https://[2001:db8::1]:8443/a", "/a"),
            ("http://host", "/"),
            ("http://host?x", "/"),
            ("a+b.c-d://h/x", "/x"),
            ("1a://h/x", "1a://h/x"),
            ("host:443", "host:443"),
            ("*", "*"),
            ("/x://h/y", "/x://h/y"),
            ("?", ""),
            ("", ""),
        ] {
            assert_eq!(path(target.as_bytes()), expected.as_bytes(), "{target}");
        }
    }

    #[test]
    fn code_has_one_to_three_digits() {
        for (text, expected) in [("0", Some(0)), ("401", Some(401)), ("999", Some(999))] {
            assert_eq!(code(text.as_bytes()), expected);
        }
        for text in ["", "-", "4o1", "1000", "+40", "40 ", "-40"] {
            assert_eq!(code(text.as_bytes()), None, "{text}");
        }
    }
}
