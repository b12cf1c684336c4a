//! Takes a line apart from either end, without looking at more of it than is needed.

use memchr::{memchr, memrchr};

use super::is_version;

/// Splits off the first word: what stands before the first blank, and what comes after it.
pub(super) fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (word, rest) = text.split_at(memchr(b' ', text)?);
    Some((word, rest.get(1..)?)).filter(|(word, _)| !word.is_empty())
}

/// Splits off the last word: what comes before the last blank, and what stands after it.
pub(super) fn last_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, word) = text.split_at(memrchr(b' ', text)?);
    Some((rest, word.get(1..)?)).filter(|(_, word)| !word.is_empty())
}

/// Splits at the first place where `sign` stands, which is left out.
pub(super) fn cut(text: &[u8], sign: u8) -> Option<(&[u8], &[u8])> {
    let (before, after) = text.split_at(memchr(sign, text)?);
    Some((before, after.get(1..)?))
}

/// Splits at the last place where `sign` stands, which is left out.
pub(super) fn rcut(text: &[u8], sign: u8) -> Option<(&[u8], &[u8])> {
    let (before, after) = text.split_at(memrchr(sign, text)?);
    Some((before, after.get(1..)?))
}

/// Returns what follows a text of this shape: `0` stands for a digit, `x` for a letter, all else
/// for itself.
pub(super) fn after_shape<'a>(text: &'a [u8], shape: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(shape.len())?;
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'x' => byte.is_ascii_alphabetic(),
        _ => byte == shape,
    };
    start.iter().zip(shape).all(fits).then_some(rest)
}

/// Returns the longest start of digits, if there is one, and what follows it.
pub(super) fn digits(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    (!digits.is_empty()).then_some((digits, rest))
}

/// Tells whether a text is a number without sign, or `-`, as servers write sizes.
pub(super) fn is_size(text: &[u8]) -> bool {
    text == b"-" || !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Tells whether a text can be the name of a method. Servers pass on what clients make up, but
/// letters are all that one needs to be worth counting.
pub(super) fn is_method(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_alphabetic)
}

/// Reads `METHOD target HTTP/version`, with a target that holds no blank.
pub(super) fn request_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (method, rest) = word(text)?;
    let target = versioned(rest)?;
    is_method(method).then_some((method, target))
}

/// Reads the target of `target HTTP/version`, which holds no blank.
pub(super) fn versioned(text: &[u8]) -> Option<&[u8]> {
    let (target, protocol) = word(text)?;
    let version = protocol.strip_prefix(b"HTTP/")?;
    let is_whole = !version.is_empty() && version.iter().copied().all(is_version);
    is_whole.then_some(target)
}

/// Splits off the quoted text at the end: what stands before it and its blank, and what it holds.
///
/// The text begins at the last quote that has a blank before it. So it may hold quotes that are
/// escaped as `\"`, whatever happens to backslashes, which some servers do not escape.
pub(super) fn last_quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_suffix(b"\"")?;
    let mut end = text.len();
    loop {
        end = memrchr(b'"', text.get(..end)?)?;
        let (rest, quoted) = text.split_at(end);
        if let Some(rest) = rest.strip_suffix(b" ") {
            return Some((rest, quoted.get(1..)?));
        }
    }
}

/// Returns the last element of a list such as `X-Forwarded-For`: the one that the nearest proxy
/// has added, which a client cannot choose.
pub(super) fn last_of_list(list: &[u8]) -> &[u8] {
    let start = memrchr(b',', list).map_or(0, |comma| comma + 1);
    list.get(start..).unwrap_or_default().trim_ascii()
}

/// Returns a host without the port and the brackets of an address: `a.example:80`,
/// `[2001:db8::1]:80`.
pub(super) fn without_port(host: &[u8]) -> &[u8] {
    if let Some(address) = host.strip_prefix(b"[") {
        let end = memchr(b']', address).unwrap_or(address.len());
        return address.get(..end).unwrap_or_default();
    }
    match memchr(b':', host).map(|colon| host.split_at(colon)) {
        Some((name, port)) if memrchr(b':', port) == Some(0) => name,
        // Several colons: an address without brackets.
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(cut: Option<(&[u8], &[u8])>) -> Option<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        cut.map(|(one, other)| (text(one), text(other)))
    }

    fn pair(one: &str, other: &str) -> (String, String) {
        (one.to_owned(), other.to_owned())
    }

    #[test]
    fn words_are_split_at_single_blanks() {
        assert_eq!(word(b"a b c"), Some((&b"a"[..], &b"b c"[..])));
        assert_eq!(last_word(b"a b c"), Some((&b"a b"[..], &b"c"[..])));
        for text in [" a", "a", ""] {
            assert_eq!(word(text.as_bytes()), None, "{text:?}");
        }
        for text in ["a ", "a", ""] {
            assert_eq!(last_word(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn shapes_have_digits_letters_and_signs() {
        assert_eq!(
            after_shape(b"[21/Nov/2026] x", b"[00/xxx/0000] "),
            Some(&b"x"[..])
        );
        for text in ["[21/Nov/202] x", "[21/11/2026] x", "[21/Nov/2026]", ""] {
            assert_eq!(after_shape(text.as_bytes(), b"[00/xxx/0000] "), None);
        }
    }

    #[test]
    fn a_request_line_has_three_words() {
        let expected = (&b"GET"[..], &b"/a?b=\"c\""[..]);
        assert_eq!(request_line(b"GET /a?b=\"c\" HTTP/1.1"), Some(expected));
        for text in [
            "GET /a",
            "GET /a b HTTP/1.1",
            "GET  HTTP/1.1",
            "GET /a HTTP/",
            "GET /a HTTP/1.1 ",
            "GET /a http/1.1",
            " /a HTTP/1.1",
            "\\x16 / HTTP/1.1",
        ] {
            assert_eq!(request_line(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn quoted_texts_may_hold_escaped_quotes_and_end_in_anything() {
        assert_eq!(show(last_quoted(br#"1 "x""#)), Some(pair("1", "x")));
        assert_eq!(show(last_quoted(br#"1 """#)), Some(pair("1", "")));
        assert_eq!(show(last_quoted(br#"1 "x ""#)), Some(pair("1", "x ")));
        assert_eq!(
            show(last_quoted(br#"1 "x \"y\" \""#)),
            Some(pair("1", r#"x \"y\" \"#))
        );
        assert_eq!(show(last_quoted(br#""0" "-""#)), Some(pair(r#""0""#, "-")));
        for text in ["", "\"", "x\"", " \"", "1 \"x\" "] {
            assert_eq!(last_quoted(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_last_of_a_list_is_what_follows_the_last_comma() {
        for (list, expected) in [
            ("10.0.0.1", "10.0.0.1"),
            ("1.2.3.4, 10.0.0.1", "10.0.0.1"),
            ("1.2.3.4,10.0.0.1 ", "10.0.0.1"),
            ("1.2.3.4,", ""),
            ("", ""),
        ] {
            assert_eq!(last_of_list(list.as_bytes()), expected.as_bytes(), "{list}");
        }
    }

    #[test]
    fn a_host_is_left_without_port_and_brackets() {
        for (host, expected) in [
            ("a.example", "a.example"),
            ("a.example:8080", "a.example"),
            ("a.example:", "a.example"),
            ("[2001:db8::1]:8080", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[", ""),
            ("", ""),
        ] {
            assert_eq!(without_port(host.as_bytes()), expected.as_bytes(), "{host}");
        }
    }
}
