//! One JSON log line in, the values of the fields that a format wants out.
//!
//! Reads bytes, not text: `escape=json` of nginx lets bytes through that are no UTF-8. An object
//! that has a key twice is refused: some loggers build JSON by concatenation, and then a client's
//! text can add keys (labstack/echo 2846); which of two values counts is anyone's guess.

use std::borrow::Cow;

use memchr::memchr2;

/// How deep objects and lists may lie in each other.
const MAX_DEPTH: usize = 32;

/// How deep a field may lie: its path has at most so many keys.
pub(super) const MAX_PATH: usize = 4;

/// How many keys one object may have. Each is compared with those before it.
const MAX_KEYS: usize = 256;

/// The text is no JSON object, has a key twice, or is larger than any log line should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Broken;

/// A value that is neither object nor list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Value<'a> {
    Text(Text<'a>),
    Number(&'a [u8]),
    Bool(bool),
    Null,
}

/// A text as it stands between its quotes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Text<'a> {
    raw: &'a [u8],
    has_escapes: bool,
}

/// Reads an object and returns the first value at each wanted path.
///
/// `want` says which place in the result a path has; a path is the keys from the outside in, such
/// as `request` and `uri`. Values inside of lists have no path.
pub(super) fn pick<const N: usize>(
    text: &[u8],
    want: impl Fn(&[&[u8]]) -> Option<usize>,
) -> Result<[Option<Value<'_>>; N], Broken> {
    let mut picked = [None; N];
    walk(text, &mut |path, value| {
        if let Some(place) = want(path).and_then(|place| picked.get_mut(place)) {
            *place = Some(value);
        }
    })?;
    Ok(picked)
}

/// Reads an object to its end and shows each value that has a path.
pub(super) fn walk<'a>(
    text: &'a [u8],
    show: &mut impl FnMut(&[&[u8]], Value<'a>),
) -> Result<(), Broken> {
    let mut reader = Reader {
        rest: text,
        keys: Vec::with_capacity(32),
        starts: Vec::with_capacity(8),
        lists: 0,
    };
    reader.blank();
    if reader.rest.first() != Some(&b'{') {
        return Err(Broken);
    }
    reader.value(show)?;
    reader.blank();
    reader.rest.is_empty().then_some(()).ok_or(Broken)
}

struct Reader<'a> {
    rest: &'a [u8],
    /// The keys of the open objects, from the outermost in.
    keys: Vec<Cow<'a, [u8]>>,
    /// Where the keys of each open object begin.
    starts: Vec<usize>,
    /// How many lists are open.
    lists: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, show: &mut impl FnMut(&[&[u8]], Value<'a>)) -> Result<(), Broken> {
        let value = match self.rest.first().ok_or(Broken)? {
            b'{' => return self.object(show),
            b'[' => return self.list(show),
            b'"' => Value::Text(self.text()?),
            b't' => self.word(b"true", Value::Bool(true))?,
            b'f' => self.word(b"false", Value::Bool(false))?,
            b'n' => self.word(b"null", Value::Null)?,
            _ => Value::Number(self.number()?),
        };
        if self.lists == 0 && self.starts.len() <= MAX_PATH {
            let mut path: [&[u8]; MAX_PATH] = [b""; MAX_PATH];
            let ends = self.starts.iter().skip(1).copied().chain([self.keys.len()]);
            for (key, end) in path.iter_mut().zip(ends) {
                *key = end
                    .checked_sub(1)
                    .and_then(|at| self.keys.get(at))
                    .ok_or(Broken)?;
            }
            show(path.get(..self.starts.len()).ok_or(Broken)?, value);
        }
        Ok(())
    }

    fn object(&mut self, show: &mut impl FnMut(&[&[u8]], Value<'a>)) -> Result<(), Broken> {
        let start = self.keys.len();
        self.open()?;
        self.starts.push(start);
        if !self.take(b'}') {
            loop {
                let key = self.text()?.decoded();
                let keys = self.keys.get(start..).ok_or(Broken)?;
                if keys.len() == MAX_KEYS || keys.contains(&key) {
                    return Err(Broken);
                }
                self.keys.push(key);
                self.expect(b':')?;
                self.value(show)?;
                if !self.take(b',') {
                    break;
                }
            }
            self.expect(b'}')?;
        }
        self.keys.truncate(start);
        self.starts.pop();
        Ok(())
    }

    fn list(&mut self, show: &mut impl FnMut(&[&[u8]], Value<'a>)) -> Result<(), Broken> {
        self.open()?;
        self.lists += 1;
        if !self.take(b']') {
            loop {
                self.value(show)?;
                if !self.take(b',') {
                    break;
                }
            }
            self.expect(b']')?;
        }
        self.lists -= 1;
        Ok(())
    }

    /// Takes the bracket of an object or a list and what is blank behind it.
    fn open(&mut self) -> Result<(), Broken> {
        if self.starts.len() + self.lists == MAX_DEPTH {
            return Err(Broken);
        }
        self.rest = self.rest.get(1..).ok_or(Broken)?;
        self.blank();
        Ok(())
    }

    fn text(&mut self) -> Result<Text<'a>, Broken> {
        let text = self.rest.strip_prefix(b"\"").ok_or(Broken)?;
        let (mut end, mut has_escapes) = (0, false);
        loop {
            let rest = text.get(end..).ok_or(Broken)?;
            end += memchr2(b'"', b'\\', rest).ok_or(Broken)?;
            let (raw, rest) = text.split_at_checked(end).ok_or(Broken)?;
            if let Some(rest) = rest.strip_prefix(b"\"") {
                self.rest = rest;
                return Ok(Text { raw, has_escapes });
            }
            has_escapes = true;
            end += escape(rest)?.1;
        }
    }

    fn number(&mut self) -> Result<&'a [u8], Broken> {
        let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let end = self.rest.iter().position(|byte| !is_part(byte));
        let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let is_number = number.last().is_some_and(u8::is_ascii_digit);
        is_number.then_some(number).ok_or(Broken)
    }

    fn word(&mut self, word: &[u8], value: Value<'a>) -> Result<Value<'a>, Broken> {
        self.rest = self.rest.strip_prefix(word).ok_or(Broken)?;
        Ok(value)
    }

    /// Takes a sign if it comes next, with what is blank around it.
    fn take(&mut self, sign: u8) -> bool {
        self.blank();
        let Some((_, rest)) = self.rest.split_first().filter(|(first, _)| **first == sign) else {
            return false;
        };
        self.rest = rest;
        self.blank();
        true
    }

    fn expect(&mut self, sign: u8) -> Result<(), Broken> {
        self.take(sign).then_some(()).ok_or(Broken)
    }

    fn blank(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }
}

impl<'a> Value<'a> {
    /// The number as it stands in the object, if it is one.
    pub(super) const fn number(self) -> Option<&'a [u8]> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }
}

impl<'a> Text<'a> {
    /// The text where nothing in it has to be decoded.
    pub(super) const fn plain(self) -> Option<&'a [u8]> {
        if self.has_escapes {
            None
        } else {
            Some(self.raw)
        }
    }

    /// The text as it stands in the line.
    pub(super) const fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// The text that is meant.
    pub(super) fn decoded(self) -> Cow<'a, [u8]> {
        if let Some(plain) = self.plain() {
            return Cow::Borrowed(plain);
        }
        let mut text = Vec::with_capacity(self.raw.len());
        self.decode_into(&mut text);
        Cow::Owned(text)
    }

    /// Appends the text that is meant.
    pub(super) fn decode_into(self, text: &mut Vec<u8>) {
        let mut rest = self.raw;
        while let Some(at) = memchr::memchr(b'\\', rest) {
            let (before, escaped) = rest.split_at(at);
            text.extend_from_slice(before);
            // Every escape was checked when the text was read.
            let (meant, length) = escape(escaped).unwrap_or((char::REPLACEMENT_CHARACTER, 1));
            text.extend_from_slice(meant.encode_utf8(&mut [0; 4]).as_bytes());
            rest = escaped.get(length..).unwrap_or_default();
        }
        text.extend_from_slice(rest);
    }
}

/// The character that the escape at the start of `text` means, and the escape's length.
///
/// Half of a pair of surrogates means U+FFFD.
fn escape(text: &[u8]) -> Result<(char, usize), Broken> {
    let meant = match *text.get(1).ok_or(Broken)? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        sign @ (b'"' | b'\\' | b'/') => char::from(sign),
        b'u' => {
            let high = unit(text)?;
            let low = text.get(6..).filter(|_| (0xd800..0xdc00).contains(&high));
            let low = low.and_then(|text| unit(text).ok());
            if let Some(low) = low.filter(|low| (0xdc00..0xe000).contains(low)) {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok((char::from_u32(code).ok_or(Broken)?, 12));
            }
            let meant = char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER);
            return Ok((meant, 6));
        }
        _ => return Err(Broken),
    };
    Ok((meant, 2))
}

/// The number in `\u` and four hexadecimal digits.
fn unit(text: &[u8]) -> Result<u32, Broken> {
    let digits = text
        .strip_prefix(b"\\u")
        .and_then(|rest| rest.get(..4))
        .ok_or(Broken)?;
    digits.iter().try_fold(0, |unit, &digit| {
        let digit = char::from(digit).to_digit(16).ok_or(Broken)?;
        Ok(unit * 16 + digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, Broken> {
        let mut values = Vec::new();
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        walk(text.as_bytes(), &mut |path, value| {
            let path: Vec<_> = path.iter().map(|key| lossy(key)).collect();
            let value = match value {
                Value::Text(text) => format!("'{}'", lossy(&text.decoded())),
                Value::Number(number) => lossy(number),
                other => format!("{other:?}"),
            };
            values.push((path.join("."), value));
        })?;
        Ok(values)
    }

    #[test]
    fn shows_every_value_that_has_a_path() {
        let text = r#" {"a": "x", "b": {"c": -1.5e3, "d": {}, "e": {"f": true}}, "g": [1, {"h": 2}], "i": null } "#;
        let expected = [
            ("a", "'x'"),
            ("b.c", "-1.5e3"),
            ("b.e.f", "Bool(true)"),
            ("i", "Null"),
        ];
        let expected = expected.map(|(path, value)| (path.to_owned(), value.to_owned()));
        assert_eq!(read(text).unwrap(), expected);
        assert_eq!(read("{}"), Ok(vec![]));
        assert_eq!(read(r#"{"a":{"b":{"c":{"d":{"e":1}}}}}"#), Ok(vec![]));
    }

    #[test]
    fn decodes_texts() {
        for (text, expected) in [
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r"a\u00e9b", "a\u{e9}b"),
            (r"\ud83d\ude00!", "\u{1f600}!"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"\ude00", "\u{fffd}"),
            ("\u{e9}", "\u{e9}"),
        ] {
            let values = read(&format!("{{\"a\": \"{text}\"}}")).unwrap();
            assert_eq!(values[0].1, format!("'{expected}'"), "{text}");
        }
    }

    #[test]
    fn refuses_a_key_that_comes_twice() {
        for text in [
            r#"{"message": "a", "message": "a"}"#,
            r#"{"message": "a", "x": 1, "x": 1}"#,
            r#"{"message": "a", "m\u0065ssage": "b"}"#,
            r#"{"message": null, "message": "a"}"#,
            r#"{"a": {"b": 1, "c": 2, "b": 1}}"#,
            r#"{"a": [{"b": 1, "b": 1}]}"#,
        ] {
            assert_eq!(read(text), Err(Broken), "{text}");
        }
        assert!(read(r#"{"a": {"a": 1}, "b": {"a": 1}}"#).is_ok());
    }

    #[test]
    fn refuses_what_is_no_object() {
        for text in [
            "",
            "[]",
            "\"message\"",
            "{}x",
            "{",
            "}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":[1,]}",
            "{\"a\":[1}",
            "{a:1}",
            "{\"a\":nul}",
            "{\"a\":-}",
            "{\"a\":\"\\x22\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"",
            "{\"a\":\"\\",
            "{\"a\":\"\\u1\"}",
        ] {
            assert_eq!(read(text), Err(Broken), "{text}");
        }
        assert_eq!(
            read(&format!("{{\"a\": {}", "[".repeat(100_000))),
            Err(Broken)
        );
        let keys: Vec<_> = (0..1000).map(|key| format!("\"{key}\": 1")).collect();
        assert_eq!(read(&format!("{{{}}}", keys.join(","))), Err(Broken));
    }
}
