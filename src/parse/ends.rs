//! The ends of uvicorn's last lines: most lines end as one of them does, from the method on.
//!
//! uvicorn's lines are read from their end, and behind the `- "` before the method nothing depends on
//! what stands before it. So a line that ends in the same bytes is about the same request, perhaps of
//! another client, and only that is looked for. With it a report on lines of uvicorn needs a quarter
//! fewer instructions: about 1,150 a line.

use std::ops::Range;

use memchr::{memchr, memmem};

use super::clean::ESCAPE;
use super::{Request, uvicorn};

/// How many ends are remembered: a few paths with a few answers each.
const MAX_ENDS: usize = 8;
/// Longer ones are not, in bytes.
const MAX_LENGTH: usize = 256;
/// What stands before the method.
const MARK: &[u8] = b"- \"";
/// How many bytes at the end are compared first: they tell most answers and paths apart.
const LAST: usize = 24;
/// One in so many lines with another end is remembered: where all ends differ, that costs nothing.
const EVERY: usize = 16;

/// The ends of the last lines.
#[derive(Debug, Default)]
pub(super) struct Ends {
    known: Vec<End>,
    /// How many lines had another end.
    others: usize,
}

/// The end of a line, from [`MARK`] on, and what was read there.
#[derive(Debug)]
struct End {
    text: Vec<u8>,
    last: [u8; LAST],
    method: Range<usize>,
    path: Range<usize>,
    code: u16,
}

impl Ends {
    /// Reads a line that ends as one before, unless there may be colours in it.
    pub(super) fn read<'a>(&self, line: &'a [u8]) -> Option<Request<'a>> {
        let last = line.last_chunk()?;
        let mut known = self.known.iter();
        let end = known.find(|end| end.last == *last && line.ends_with(&end.text))?;
        let (left, text) = line.split_at(line.len() - end.text.len());
        // In what is known there is none.
        if memchr(ESCAPE, left).is_some() {
            return None;
        }
        Some(Request {
            method: text.get(end.method.clone()),
            path: text.get(end.path.clone())?,
            code: Some(end.code),
            duration: None,
            client: uvicorn::client(left),
            auth_call: None,
        })
    }

    /// Remembers the end of a line without colours, in which this request was read.
    pub(super) fn learn(&mut self, line: &[u8], request: &Request<'_>) {
        self.others = self.others.wrapping_add(1);
        if self.known.len() < MAX_ENDS {
            self.known.extend(End::of(line, request));
        } else if self.others.is_multiple_of(EVERY)
            && let Some(known) = self.known.get_mut(self.others / EVERY % MAX_ENDS)
            && let Some(end) = End::of(line, request)
        {
            *known = end;
        }
    }
}

impl End {
    fn of(line: &[u8], request: &Request<'_>) -> Option<Self> {
        // The target holds no blank, so this is the one before the method. In JSON, where the text is
        // not that of the line, it stands for nothing.
        let start = memmem::rfind(line, MARK)?;
        let text = line.get(start..).filter(|text| text.len() <= MAX_LENGTH)?;
        if memchr(ESCAPE, text).is_some() {
            return None;
        }
        let place = |part: &[u8]| {
            let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
            let place = start..start + part.len();
            (text.get(place.clone()) == Some(part)).then_some(place)
        };
        Some(Self {
            last: *text.last_chunk()?,
            method: place(request.method?)?,
            path: place(request.path)?,
            code: request.code?,
            text: text.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Format, Parser, Reading};
    use super::*;

    /// Reads lines one after the other, and each by a parser of its own.
    fn read(lines: &[&str]) -> Vec<(String, String)> {
        let parser = || Parser::new(Format::built_in(uvicorn::NAME));
        let mut all = parser();
        let lines = lines.iter().map(|line| line.as_bytes());
        lines
            .map(|line| {
                let together = format!("{:?}", all.read(line));
                (together, format!("{:?}", parser().read(line)))
            })
            .collect()
    }

    #[test]
    fn a_known_end_says_the_same_as_the_line_alone() {
        let lines = [
            "INFO:     1.2.3.4:5 - \"GET /a HTTP/1.1\" 401 Unauthorized",
            "INFO:     1.2.3.5:6 - \"GET /a HTTP/1.1\" 401 Unauthorized\r\n",
            "\x1b[32mINFO\x1b[0m:     1.2.3.6:7 - \"GET /a HTTP/1.1\" 401 Unauthorized",
            "INFO:     1.2.3.6:7 - \"GET /a?x HTTP/1.1\" 401 Unauthorized",
            "INFO:     1.2.3.7:7 - \"GET /a?- \" HTTP/1.1\" 401 Unauthorized",
            "INFO:     1.2.3.7:7 - \"GET /a?x HTTP/1.1\" 401 Unauthorized",
            "INFO:     1.2.3.7:7 - \"GET http://h HTTP/1.1\" 401 Unauthorized",
            "{\"message\": \"1.2.3.4:5 - \\\"GET /a HTTP/1.1\\\" 401\"}",
            "{\"message\": \"1.2.3.4:6 - \\\"GET /a HTTP/1.1\\\" 401\"}",
            "- \"GET /a HTTP/1.1\" 401 Unauthorized",
            "GET /a HTTP/1.1\" 401 Unauthorized",
        ];
        for (line, (together, alone)) in lines.iter().zip(read(&lines)) {
            assert_eq!(together, alone, "{line}");
        }
        let mut ends = Ends::default();
        let line = lines[0].as_bytes();
        let mut parser = Parser::new(Format::built_in(uvicorn::NAME));
        let Reading::Request(request) = parser.read(line) else {
            panic!("no request");
        };
        assert_eq!(ends.read(line), None);
        ends.learn(line, &request);
        assert_eq!(ends.read(line), Some(request));
    }

    proptest! {
        #[test]
        fn what_was_read_before_makes_no_difference(
            lines in prop::collection::vec("(I: 1:2 )?(- \"|\x1b|- )(GET|-) (/|/abcde|[?]|h://| |\x1b|\\[|1m){1,3} HTTP/1.[01]\"( 200| 401 OK| 4012)\r?", 1..30),
        ) {
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            for (together, alone) in read(&lines) {
                prop_assert_eq!(together, alone);
            }
        }
    }
}
