//! What others put around a log line: `docker logs -t`, Compose, kubectl, CRI, journald, Azure.
//!
//! An envelope is around every line of an input or around none, so the first lines of an input
//! decide, and nothing that an application prints later is taken for one: a client that writes the
//! beginning of a line, with `X-Forwarded-For` where that is trusted, could otherwise call its line
//! a part and have it swallowed. A prefix that names a source may have a wrapper with a time in it,
//! as in `docker compose logs -t`. Pure.

mod journal;
mod prefix;
mod wrapper;

use self::prefix::Prefix;
use self::wrapper::Wrapper;
use crate::docker::{Stream, Timestamp};

/// How many lines without an envelope may come first: what the tool says itself (`Attaching to …`),
/// or the rest of a line that was cut.
const MAX_PREFACE: u8 = 16;

/// The most bytes of a joined line that are kept, as of a line from the engine.
const MAX_JOINED: usize = 256 * 1024;

/// What was in an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened<'a> {
    /// The line as the application wrote it.
    pub(crate) line: &'a [u8],
    /// When, if the envelope says so.
    pub(crate) time: Option<Timestamp>,
    /// The container or service that wrote it, if the envelope says so.
    pub(crate) source: Option<&'a [u8]>,
    /// Standard output, unless the envelope says otherwise.
    pub(crate) stream: Stream,
    /// True if it was longer than what is kept, so that its end is missing.
    pub(crate) is_cut: bool,
}

/// Takes the lines of one input out of their envelopes, and joins those that were cut in parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Envelopes {
    /// The latest time that a line can have, to find the year that journald leaves out.
    now: Option<Timestamp>,
    /// Once known it never changes.
    shape: Option<Shape>,
    /// Lines without an envelope so far, while looking for one.
    preface: u8,
    /// False if a line came without its wrapper: whoever writes some lines only may not cut any.
    is_broken: bool,
    /// What has come of a line on standard output, and on standard error.
    parts: [Part; 2],
    text: Vec<u8>,
}

/// What is around each line of an input, from the outside in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shape {
    prefix: Option<Prefix>,
    wrapper: Option<Wrapper>,
}

/// The beginning of a line whose end has not come.
#[derive(Clone, Debug, Default)]
struct Part {
    text: Vec<u8>,
    time: Option<Timestamp>,
    is_cut: bool,
}

impl Envelopes {
    /// Reads the envelopes of an input that was written until `now`, if that is known.
    pub(crate) fn until(now: Option<Timestamp>) -> Self {
        Self {
            now,
            ..Self::default()
        }
    }

    /// Tells whether each line of the rest of the input can be opened without those before it.
    pub(crate) fn is_stateless(&self) -> bool {
        let has_parts = |wrapper| matches!(wrapper, Wrapper::Cri | Wrapper::JsonFile);
        let is_free = |shape: Shape| !shape.wrapper.is_some_and(has_parts);
        self.shape.is_some_and(is_free)
    }

    /// Opens one line of input, with or without its line end, which is left out; `None`: it is a part of a line that
    /// ends in a later one.
    pub(crate) fn open<'a>(&'a mut self, line: &'a [u8]) -> Option<Opened<'a>> {
        let line = without_end(line);
        let mut opened = Opened {
            line,
            time: None,
            source: None,
            stream: Stream::Stdout,
            is_cut: false,
        };
        let shape = match self.shape {
            Some(shape) => shape,
            None => self.settle(line),
        };
        if let Some(prefix) = shape.prefix {
            let Some(found) = prefix.open(line, self.now) else {
                return Some(opened);
            };
            opened = found;
        }
        let Some(wrapper) = shape.wrapper else {
            return Some(opened);
        };
        let Some(wrapped) = wrapper.open(opened.line, &mut self.text) else {
            self.is_broken = true;
            return Some(opened);
        };
        opened.time = wrapped.time.or(opened.time);
        if wrapped.is_error == Some(true) {
            opened.stream = Stream::Stderr;
        }
        let part = wrapped.is_error.filter(|_| !self.is_broken);
        let part = part.and_then(|is_error| self.parts.get_mut(usize::from(is_error)));
        if let Some(part) = part
            && !(wrapped.is_end && part.text.is_empty())
        {
            part.append(wrapped.text.unwrap_or(&self.text), opened.time);
            if !wrapped.is_end {
                return None;
            }
            self.text.clear();
            std::mem::swap(&mut self.text, &mut part.text);
            opened.time = part.time.take();
            opened.is_cut = std::mem::take(&mut part.is_cut);
            opened.line = &self.text;
            return Some(opened);
        }
        opened.line = wrapped.text.unwrap_or(&self.text);
        Some(opened)
    }

    /// Looks for an envelope around one of the first lines.
    fn settle(&mut self, line: &[u8]) -> Shape {
        let shape = Shape::of(line, &mut self.text);
        self.preface += 1;
        if shape != Shape::default() || self.preface == MAX_PREFACE {
            self.shape = Some(shape);
        }
        shape
    }
}

impl Shape {
    fn of(line: &[u8], text: &mut Vec<u8>) -> Self {
        let prefix = Prefix::find(line);
        let opened = prefix.and_then(|prefix| prefix.open(line, None));
        let inner = opened.map_or(line, |opened| opened.line);
        Self {
            prefix,
            wrapper: Wrapper::find(inner, text),
        }
    }
}

impl Part {
    fn append(&mut self, text: &[u8], time: Option<Timestamp>) {
        self.time = self.time.or(time);
        let room = MAX_JOINED.saturating_sub(self.text.len());
        self.is_cut |= text.len() > room;
        self.text.extend(text.iter().take(room));
    }
}

/// Returns a line without its line end.
fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIME: &str = "2026-11-21T19:15:00.001234567Z";

    /// Opens lines: what is in them, with the source before a `/` and the second of the time.
    fn open(lines: &[&str]) -> Vec<String> {
        let mut envelopes = Envelopes::default();
        let mut seen = Vec::new();
        for line in lines {
            if let Some(opened) = envelopes.open(line.as_bytes()) {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let source = opened.source.map(|source| text(source) + "/");
                let time = opened.time.map(|time| format!("{:.0} ", time.seconds()));
                let source = source.unwrap_or_default() + &time.unwrap_or_default();
                seen.push(source + &text(opened.line));
            }
        }
        seen
    }

    #[test]
    fn opens_what_docker_and_others_print() {
        for (line, expected) in [
            (format!("{TIME} x  y\n"), "1795288500 x  y"),
            (format!("{TIME}\n"), "1795288500 "),
            (
                "2026-11-21T20:15:00.001234567+01:00  x".into(),
                "1795288500  x",
            ),
            (format!("auth-1  | {TIME} x\r\n"), "auth-1/1795288500 x"),
            (format!("[pod/a/b] {TIME} x"), "a/b/1795288500 x"),
            (format!("{TIME} stdout F x"), "1795288500 x"),
            (format!("{TIME} stderr F:tag {{x}}"), "1795288500 {x}"),
            ("2026-11-21T20:15:00+01:00 stdout F ".into(), "1795288500 "),
            (
                format!(r#"{{"log":"\"x\" \u003c\n","stream":"stdout","time":"{TIME}"}}"#),
                "1795288500 \"x\" <",
            ),
            (
                format!(
                    r#"{{"log":"x\n","stream":"stderr","attrs":{{"tag":"a"}},"time":"{TIME}"}}"#
                ),
                "1795288500 x",
            ),
            (
                r#"{"TimeStamp":"2026-11-21T19:15:00.1","Log":"\"x\""}"#.into(),
                "1795288500 \"x\"",
            ),
            (
                r#"{"TimeStamp": "2026-11-21T19:15:00.1Z", "Log": "- "GET /" 401"}"#.into(),
                "1795288500 - \"GET /\" 401",
            ),
            ("mar 27 16:21:15 host a[1037]: x".into(), "a/x"),
            (
                format!(r#"{{"log":"\r\n","stream":"stdout","time":"{TIME}"}}"#),
                "1795288500 \r",
            ),
            (
                r#"{"TimeStamp":"2026-11-21T19:15:00","Log":"\r"}"#.into(),
                "1795288500 \r",
            ),
        ] {
            assert_eq!(open(&[&line]), [expected], "{line}");
        }
    }

    #[test]
    fn an_application_may_print_what_looks_like_an_envelope() {
        for line in [
            "2026-11-21T19:15:00.001234Z  INFO x",
            "2026-11-21T19:15:00.001234567+00:00  INFO x",
            "2026-11-21T19:15:00Z stdout x",
            "2026-11-21T19:15:00Z stdin F x",
            r#"{"log":"x\n","stream":"stdout","time":"soon"}"#,
            r#"{"log":"x\n","stream":"out","time":"2026-11-21T19:15:00Z"}"#,
            r#"{"log":"x\n","stream":"stdout","time":"2026-11-21T19:15:00Z","level":"info"}"#,
            r#"{"log":"x\n","log":"y\n","stream":"stdout","time":"2026-11-21T19:15:00Z"}"#,
            r#"{"log":{"x":1},"stream":"stdout","time":"2026-11-21T19:15:00Z"}"#,
            r#"{"TimeStamp":1,"Log":"x"}"#,
            r#"{"TimeStamp":"2026-11-21T19:15:00Z","Message":"x"}"#,
        ] {
            assert_eq!(open(&[line]), [line]);
        }
    }

    #[test]
    fn the_first_lines_decide() {
        let stamped = format!("{TIME} x");
        let preface = ["Attaching to auth-1", "", "cut"];
        let lines = [&preface[..], &[&stamped, "y", &stamped]].concat();
        let expected = [&preface[..], &["1795288500 x", "y", "1795288500 x"]].concat();
        assert_eq!(open(&lines), expected);

        let bare = vec!["x"; usize::from(MAX_PREFACE)];
        let part = format!("{TIME} stdout P x");
        let lines = [&bare[..], &[&part]].concat();
        assert_eq!(
            open(&lines),
            lines,
            "a client may write the beginning of a line"
        );

        let lines = ["a-1  | x", "b-1  | 2026-11-21T19:15:00.001234567Z y"];
        let expected = ["a-1/x", "b-1/2026-11-21T19:15:00.001234567Z y"];
        assert_eq!(open(&lines), expected, "a line with a time of its own");
    }

    #[test]
    fn joins_parts_of_each_stream() {
        let cri = |rest: &str| format!("{TIME} {rest}");
        let lines = [
            cri("stdout P a"),
            cri("stderr P x"),
            cri("stdout P b"),
            cri("stderr F y"),
            cri("stdout F c"),
            cri("stdout F d"),
        ];
        let lines = lines.each_ref().map(String::as_str);
        assert_eq!(
            open(&lines),
            ["1795288500 xy", "1795288500 abc", "1795288500 d"]
        );
        let broken = [lines[0], "x", lines[0]];
        let expected = ["x", "1795288500 a"];
        assert_eq!(
            open(&broken),
            expected,
            "whoever writes no envelope cuts no lines"
        );

        let json = |log: &str| format!(r#"{{"log":"{log}","stream":"stdout","time":"{TIME}"}}"#);
        let lines = [json("a"), json(""), json("b\\n"), json("c\\n")];
        let lines = lines.each_ref().map(String::as_str);
        assert_eq!(open(&lines), ["1795288500 ab", "1795288500 c"]);
    }

    #[test]
    fn joined_lines_are_bounded() {
        let mut envelopes = Envelopes::default();
        let part = format!("{TIME} stdout P {}", "x".repeat(16 * 1024));
        for _ in 0..100 {
            assert_eq!(envelopes.open(part.as_bytes()), None);
        }
        let end = format!("{TIME} stdout F y");
        let opened = envelopes.open(end.as_bytes()).unwrap();
        assert_eq!((opened.line.len(), opened.is_cut), (MAX_JOINED, true));
        let opened = envelopes.open(end.as_bytes()).unwrap();
        assert_eq!((opened.line, opened.is_cut), (b"y".as_slice(), false));
    }

    #[test]
    fn a_time_before_each_piece_of_a_long_line_is_taken_out() {
        let piece = "x".repeat(16 * 1024);
        let line = format!("{TIME} {piece}{TIME} {piece}{TIME} end\n");
        assert_eq!(open(&[&line]), [format!("1795288500 {piece}{piece}end")]);
        let line = format!("{TIME} {piece}{}", TIME.replace('5', "6"));
        let expected = format!("1795288500 {piece}{}", TIME.replace('5', "6"));
        assert_eq!(
            open(&[&line]),
            [expected],
            "another time is the application's"
        );
    }

    proptest! {
        #[test]
        fn any_line_comes_out_as_it_went_in(
            lines in prop::collection::vec("[^\n]{0,40}", 1..8),
            kind in 0..7_usize,
        ) {
            let (mut inside, mut outside) = (Envelopes::default(), Vec::new());
            for line in &lines {
                let text = serde_json::to_string(&format!("{line}\n")).unwrap();
                let log = serde_json::to_string(line).unwrap();
                let wrapped = [
                    format!("{TIME} {line}"),
                    format!("auth-1  | {TIME} {line}"),
                    format!("{TIME} stdout F {line}"),
                    format!(r#"{{"log":{text},"stream":"stdout","time":"{TIME}"}}"#),
                    format!(r#"{{"TimeStamp":"2026-11-21T19:15:00","Log":{log}}}"#),
                    format!("[pod/a/b] {TIME} {line}"),
                    format!("mar 27 16:21:15 host name[1037]: {line}"),
                ];
                let wrapped = wrapped[kind].clone() + "\n";
                outside.push(inside.open(wrapped.as_bytes()).unwrap().line.to_vec());
            }
            let expected: Vec<_> = lines
                .iter()
                // The line end of a terminal.
                .map(|line| line.strip_suffix('\r').filter(|_| !(3..=4).contains(&kind)).unwrap_or(line))
                .map(|line| line.as_bytes().to_vec())
                .collect();
            prop_assert_eq!(outside, expected);
        }

        #[test]
        fn arbitrary_bytes_never_panic(lines in prop::collection::vec(any::<Vec<u8>>(), 0..8)) {
            let mut envelopes = Envelopes::default();
            for line in lines {
                prop_assert!(envelopes.open(&line).is_none_or(|opened| opened.line.len() <= line.len() * 4));
            }
        }
    }
}
