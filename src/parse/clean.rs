//! Takes away what a terminal adds to a line: colours and the line end.

use memchr::memchr;

pub(super) const ESCAPE: u8 = 0x1b;

/// Returns `line` without its line end (`\n`, `\r` or `\r\n`) and without ANSI colours.
///
/// A colour is an SGR sequence, `ESC [ digits and semicolons m`; other escapes stay. Only a line
/// that holds an escape is copied, into `plain`.
pub(crate) fn clean<'a>(line: &'a [u8], plain: &'a mut Vec<u8>) -> &'a [u8] {
    let mut rest = without_end(line);
    if memchr(ESCAPE, rest).is_none() {
        return rest;
    }
    plain.clear();
    while let Some(at) = memchr(ESCAPE, rest) {
        let (text, escape) = rest.split_at(at);
        plain.extend_from_slice(text);
        rest = after_colour(escape).unwrap_or_else(|| {
            plain.push(ESCAPE);
            escape.get(1..).unwrap_or_default()
        });
    }
    plain.extend_from_slice(rest);
    plain
}

/// Returns a line without its line end.
pub(super) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Returns what follows the SGR sequence at the start of `text`, if there is one.
fn after_colour(text: &[u8]) -> Option<&[u8]> {
    let parameters = text.strip_prefix(b"\x1b[")?;
    let end = parameters
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b';'))?;
    parameters.get(end..)?.strip_prefix(b"m")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(line: &str) -> String {
        String::from_utf8(clean(line.as_bytes(), &mut Vec::new()).to_vec()).unwrap()
    }

    #[test]
    fn takes_colours_out_and_keeps_other_escapes() {
        assert_eq!(
            cleaned("\x1b[32mINFO\x1b[0m: \x1b[1;31mx\x1b[my"),
            "INFO: xy"
        );
        for kept in [
            "\x1b",
            "\x1b[",
            "\x1b[1",
            "\x1b[1;",
            "\x1b[2Kx",
            "\x1b]0;title\x07",
            "[1m",
        ] {
            assert_eq!(cleaned(kept), kept);
        }
        assert_eq!(cleaned("\x1b\x1b[1mx"), "\x1bx");
        assert_eq!(cleaned("\x1b[3\x1b[1mx"), "\x1b[3x");
    }

    #[test]
    fn takes_one_line_end() {
        for (line, expected) in [
            ("a\r\n", "a"),
            ("a\n", "a"),
            ("a\r", "a"),
            ("a\r\r\n", "a\r"),
            ("a\n\n", "a\n"),
        ] {
            assert_eq!(cleaned(line), expected);
        }
        assert_eq!(cleaned(""), "");
        assert_eq!(cleaned("\n"), "");
    }

    #[test]
    fn copies_only_when_there_is_an_escape() {
        let (line, mut plain) = (b"no escape\n", Vec::new());
        assert!(std::ptr::eq(
            clean(line, &mut plain).as_ptr(),
            line.as_ptr()
        ));
        assert_eq!(plain.capacity(), 0);
    }
}
