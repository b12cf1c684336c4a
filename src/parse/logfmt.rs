//! `key=value` pairs, as the text loggers of Go write them: a value that holds a blank, a quote
//! or a control character stands in quotes, so no value can look like another pair.

use super::quoted;

/// A value as it stands in the line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Value<'a> {
    /// Without its quotes, still escaped if it had some.
    pub(super) raw: &'a [u8],
    is_quoted: bool,
}

impl Value<'_> {
    /// Tells whether the value has to be decoded.
    pub(super) fn has_escapes(&self) -> bool {
        self.is_quoted && quoted::has_escapes(self.raw)
    }
}

/// Reads the pairs at the start of a text and returns the values of the wanted keys.
///
/// `want` says which place in the result a key has. Returns `None` if the text is anything but
/// pairs, or if a wanted key comes twice.
pub(super) fn pick<const N: usize>(
    text: &[u8],
    want: impl Fn(&[u8]) -> Option<usize>,
) -> Option<[Option<Value<'_>>; N]> {
    let mut picked = [None; N];
    let mut rest = text.trim_ascii();
    while !rest.is_empty() {
        let (key, value, after) = pair(rest)?;
        if let Some(place) = want(key).and_then(|place| picked.get_mut(place)) {
            if place.is_some() {
                return None;
            }
            *place = Some(value);
        }
        rest = after;
    }
    Some(picked)
}

/// Splits off the pair at the start.
fn pair(text: &[u8]) -> Option<(&[u8], Value<'_>, &[u8])> {
    let end = text.iter().position(|byte| b"= \"".contains(byte))?;
    let (key, rest) = text.split_at(end);
    let rest = rest.strip_prefix(b"=").filter(|_| !key.is_empty())?;
    let (raw, rest, is_quoted) = if rest.starts_with(b"\"") {
        let (raw, rest) = quoted::first(rest)?;
        (raw, rest, true)
    } else {
        let end = rest.iter().position(|&byte| byte == b' ');
        let (raw, rest) = rest.split_at(end.unwrap_or(rest.len()));
        (raw, rest, false)
    };
    // Behind a quoted value only a blank may come.
    let is_whole = rest.is_empty() || rest.starts_with(b" ");
    is_whole.then(|| (key, Value { raw, is_quoted }, rest.trim_ascii_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<[Option<String>; 2]> {
        let picked: [_; 2] = pick(text.as_bytes(), |key| match key {
            b"a" => Some(0),
            b"b" => Some(1),
            _ => None,
        })?;
        Some(picked.map(|value| Some(String::from_utf8_lossy(value?.raw).into_owned())))
    }

    #[test]
    fn reads_bare_and_quoted_values() {
        let value = |text: &str| Some(text.to_owned());
        for (text, expected) in [
            ("a=1 x=y b=\"c d\"", [value("1"), value("c d")]),
            (
                "b=\"a=2 \\\" a=3\" a=1 ",
                [value("1"), value(r#"a=2 \" a=3"#)],
            ),
            ("a= b=c=d", [value(""), value("c=d")]),
            ("", [None, None]),
        ] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for text in [
            "a",
            "a=1 b",
            "=1",
            "a=1 a=1",
            "a=\"1\"b=2",
            "a=\"1",
            "a b=1",
            "\"a\"=1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
