//! Texts in quotes, with the escapes of Go's `%q` and Python's `repr`.

use memchr::{memchr, memchr2, memrchr};

/// Splits off the quoted text at the start: what stands in it, still escaped, and what follows.
pub(super) fn first(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let mut end = 0;
    loop {
        end += memchr2(b'"', b'\\', text.get(end..)?)?;
        if text.get(end) == Some(&b'"') {
            return Some((text.get(..end)?, text.get(end + 1..)?));
        }
        end += 2;
    }
}

/// Splits off the quoted text at the end: what comes before it, and what stands in it, still
/// escaped. `quote` is the sign around it, which is escaped inside.
pub(super) fn last(text: &[u8], quote: u8) -> Option<(&[u8], &[u8])> {
    let text = text.strip_suffix(&[quote])?;
    let mut end = text.len();
    loop {
        end = memrchr(quote, text.get(..end)?)?;
        let (before, inside) = text.split_at_checked(end)?;
        let escapes = before
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        if escapes % 2 == 0 {
            return Some((before, inside.get(1..)?));
        }
    }
}

/// Tells whether a text has to be decoded.
pub(super) fn has_escapes(text: &[u8]) -> bool {
    memchr(b'\\', text).is_some()
}

/// Appends what an escaped text means. An escape that is none stays as it is.
pub(super) fn decode_into(text: &[u8], decoded: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((before, escape)) = memchr(b'\\', rest).and_then(|at| rest.split_at_checked(at))
    {
        decoded.extend_from_slice(before);
        let length = decode_escape(escape, decoded).unwrap_or_else(|| {
            decoded.push(b'\\');
            1
        });
        rest = escape.get(length..).unwrap_or_default();
    }
    decoded.extend_from_slice(rest);
}

/// Appends what the escape at the start of `text` means, and returns its length.
fn decode_escape(text: &[u8], decoded: &mut Vec<u8>) -> Option<usize> {
    let byte = match *text.get(1)? {
        b'a' => 7,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 11,
        b'f' => 12,
        b'r' => b'\r',
        sign @ (b'"' | b'\'' | b'\\') => sign,
        b'x' => {
            decoded.push(u8::try_from(hexadecimal(text.get(2..4)?)?).ok()?);
            return Some(4);
        }
        sign @ (b'u' | b'U') => {
            let length = if sign == b'u' { 6 } else { 10 };
            let meant = char::from_u32(hexadecimal(text.get(2..length)?)?)?;
            decoded.extend_from_slice(meant.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(length);
        }
        _ => return None,
    };
    decoded.push(byte);
    Some(2)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, &digit| {
        Some(number.checked_mul(16)? + char::from(digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> String {
        let mut decoded = Vec::new();
        decode_into(text.as_bytes(), &mut decoded);
        String::from_utf8_lossy(&decoded).into_owned()
    }

    #[test]
    fn finds_the_ends_of_a_quoted_text() {
        let found = (&br#"a\"b\\"#[..], &b" c"[..]);
        assert_eq!(first(br#""a\"b\\" c"#), Some(found));
        let found = (&b"c "[..], &br#"a\"b\\"#[..]);
        assert_eq!(last(br#"c "a\"b\\""#, b'"'), Some(found));
        assert_eq!(last(b"'x' 'it'", b'\''), Some((&b"'x' "[..], &b"it"[..])));
        for text in ["", "\"", "a", "\"a", "\"a\\\"", "\"\\"] {
            assert_eq!(first(text.as_bytes()), None, "{text}");
        }
        for text in ["", "\"", "a", "a\"", "\\\"a\""] {
            assert_eq!(last(text.as_bytes(), b'"'), None, "{text}");
        }
    }

    #[test]
    fn decodes_what_go_and_python_escape() {
        for (text, expected) in [
            (r#"\"\'\\\n\t\r"#, "\"'\\\n\t\r"),
            (r"\a\b\v\f", "\u{7}\u{8}\u{b}\u{c}"),
            (r"caf\xe9", "caf\u{fffd}"),
            (r"\u00e9\U0001f600", "\u{e9}\u{1f600}"),
            (r"\ud800\x4\q\", r"\ud800\x4\q\"),
            (r"\xzz\u12", r"\xzz\u12"),
        ] {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }
}
