//! Cuts words and quoted texts off the ends of a line.

use memchr::{memchr, memrchr};

/// Cuts the first word off: what stands before the first blank, and what follows that blank.
pub(super) fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (word, rest) = text.split_at(memchr(b' ', text)?);
    Some((word, rest.get(1..)?)).filter(|(word, _)| !word.is_empty())
}

/// Cuts the last word off: what stands before the last blank, and what follows it.
pub(super) fn last_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, word) = text.split_at(memrchr(b' ', text)?);
    Some((rest, word.get(1..)?)).filter(|(_, word)| !word.is_empty())
}

/// Cuts a quoted text off the end: what stands before it and its blank, and what it holds.
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

    type Cut<'a> = Option<(&'a [u8], &'a [u8])>;

    fn show(cut: Cut<'_>) -> Option<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        cut.map(|(one, other)| (text(one), text(other)))
    }

    fn pair(one: &str, other: &str) -> (String, String) {
        (one.to_owned(), other.to_owned())
    }

    #[test]
    fn words_end_at_one_blank() {
        assert_eq!(show(word(b"a b c")), Some(pair("a", "b c")));
        assert_eq!(show(word(b"a ")), Some(pair("a", "")));
        assert_eq!(show(last_word(b"a b c")), Some(pair("a b", "c")));
        assert_eq!(show(last_word(b" c")), Some(pair("", "c")));
        for text in ["", "a", " a"] {
            assert_eq!(word(text.as_bytes()), None, "{text:?}");
        }
        for text in ["", "a", "a "] {
            assert_eq!(last_word(text.as_bytes()), None, "{text:?}");
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
