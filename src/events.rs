//! Lines that belong together: the denials of one refusal, the traceback of one exception. Pure.
//!
//! An application says of one refusal what it tried, what failed and what it answered, in a line
//! each, and the most specific of them says why. What is counted are refusals, not lines.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::docker::{PerStream, Stream, Timestamp};
use crate::parse::{Notice, Reading, Reason};

/// How long after its last line a refusal or an exception can go on, by the log's clock.
pub(crate) const SPAN: Duration = Duration::from_secs(1);

/// How many lines one refusal can have; more are another one's.
const MAX_LINES: usize = 16;

/// What is open of each stream.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Events {
    refusals: PerStream<Option<Refusal>>,
    /// When the last line of an exception came.
    exceptions: PerStream<Option<Timestamp>>,
}

/// A refusal that may go on.
#[derive(Debug, Deserialize, Serialize)]
struct Refusal {
    reason: Reason,
    last: Timestamp,
    /// What its lines say; the same again is said of the next one.
    wordings: Vec<u64>,
}

/// What a line says, besides a request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Happened {
    /// Refusals that are over: no more than one of each stream.
    pub(crate) refusals: [Option<Reason>; 2],
    pub(crate) notice: Option<Notice>,
}

impl Events {
    /// Takes the next line, and says what is to be counted.
    pub(crate) fn take(
        &mut self,
        stream: Stream,
        time: Timestamp,
        line: &[u8],
        reading: &Reading<'_>,
    ) -> Happened {
        let mut happened = Happened {
            refusals: self.close(|refusal| is_apart(refusal.last, time)),
            notice: None,
        };
        let exception = self.exceptions.of_mut(stream);
        let is_open = exception.is_some_and(|last| !is_apart(last, time));
        let is_first = *reading == Reading::Notice(Notice::Traceback);
        let goes_on = is_open && (is_continuation(line) || is_exception(line));
        *exception = (is_first || goes_on).then_some(time);
        if let Reading::Notice(notice) = *reading {
            happened.notice = (!is_open || !is_first).then_some(notice);
        }
        match reading {
            Reading::Request(_) => {
                let [stdout, stderr] = self.close(|_| true);
                let [old_stdout, old_stderr] = happened.refusals;
                happened.refusals = [old_stdout.or(stdout), old_stderr.or(stderr)];
            }
            Reading::Denial(denial) => {
                let open = self.refusals.of_mut(stream);
                let is_next = open.as_ref().is_some_and(|refusal| {
                    refusal.wordings.contains(&denial.wording)
                        || refusal.wordings.len() >= MAX_LINES
                });
                if is_next {
                    let closed = open.take().map(|refusal| refusal.reason);
                    // Nothing of this stream was closed above, or it would not be open.
                    *happened.of_mut(stream) = closed;
                }
                let refusal = open.get_or_insert_with(|| Refusal::new(denial.reason, time));
                refusal.reason = refusal.reason.max(denial.reason);
                refusal.last = refusal.last.max(time);
                refusal.wordings.push(denial.wording);
            }
            _ => {}
        }
        happened
    }

    /// True if a refusal is open, so that it has to be ended when nothing more comes.
    pub(crate) fn is_open(&self) -> bool {
        [Stream::Stdout, Stream::Stderr]
            .iter()
            .any(|&stream| self.refusals.of(stream).is_some())
    }

    /// Ends what is open: nothing more comes.
    pub(crate) fn end(&mut self) -> [Option<Reason>; 2] {
        self.close(|_| true)
    }

    fn close(&mut self, is_over: impl Fn(&Refusal) -> bool) -> [Option<Reason>; 2] {
        self.refusals.each_mut().map(|open| {
            open.take_if(|refusal| is_over(refusal))
                .map(|refusal| refusal.reason)
        })
    }
}

impl Happened {
    fn of_mut(&mut self, stream: Stream) -> &mut Option<Reason> {
        let [stdout, stderr] = &mut self.refusals;
        match stream {
            Stream::Stdout => stdout,
            Stream::Stderr => stderr,
        }
    }
}

impl Refusal {
    fn new(reason: Reason, time: Timestamp) -> Self {
        Self {
            reason,
            last: time,
            wordings: Vec::new(),
        }
    }
}

/// True if two lines are too far apart to be about one thing, in either direction: the clock may
/// have been set, and an audit may show what is older.
fn is_apart(one: Timestamp, other: Timestamp) -> bool {
    one.max(other).earlier(SPAN) > one.min(other)
}

/// True for a frame of a traceback, and for what stands between two exceptions of which one caused
/// the other.
fn is_continuation(line: &[u8]) -> bool {
    let is_indented = line.first().is_none_or(u8::is_ascii_whitespace);
    is_indented
        || line.starts_with(b"The above exception was the direct cause")
        || line.starts_with(b"During handling of the above exception")
}

/// True for the last line of a traceback, such as `sqlalchemy.exc.TimeoutError: QueuePool …`.
fn is_exception(line: &[u8]) -> bool {
    let end = line.iter().position(|byte| b": \r\n".contains(byte));
    let (name, _) = line.split_at(end.unwrap_or(line.len()));
    let class = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    // Not `ERROR:`, with which another line begins.
    class.first().is_some_and(u8::is_ascii_uppercase)
        && class.iter().any(u8::is_ascii_lowercase)
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(byte))
}

#[cfg(test)]
mod tests {
    use Stream::{Stderr, Stdout};

    use super::*;
    use crate::parse::Denial;

    /// What a script of lines counts: stream, milliseconds, text. A text is a reason and a wording
    /// (`expired 1`), `access`, or any line.
    fn counted(script: &[(Stream, u32, &str)]) -> (Vec<Reason>, Vec<Notice>) {
        let (mut events, mut reasons, mut notices) = (Events::default(), Vec::new(), Vec::new());
        for &(stream, time, text) in script {
            let time = format!("2026-11-21T19:00:{:02}.{:03}Z", time / 1000, time % 1000);
            let time = Timestamp::parse(time.as_bytes()).unwrap();
            let happened = events.take(stream, time, text.as_bytes(), &reading(text));
            reasons.extend(happened.refusals.into_iter().flatten());
            notices.extend(happened.notice);
        }
        reasons.extend(events.end().into_iter().flatten());
        assert!(!events.is_open());
        (reasons, notices)
    }

    fn reading(text: &str) -> Reading<'_> {
        if text == "access" {
            let line = b"- \"GET / HTTP/1.1\" 401";
            return Reading::Request(crate::parse::Request {
                method: None,
                path: line,
                code: Some(401),
                duration: None,
                client: None,
                auth_call: None,
            });
        }
        let denial = text.split_once(' ').and_then(|(reason, wording)| {
            let reason = Reason::ALL
                .into_iter()
                .find(|known| known.as_str() == reason)?;
            Some((reason, wording.parse().ok()?))
        });
        if let Some((reason, wording)) = denial {
            return Reading::Denial(Denial {
                reason,
                wording,
                code: None,
                method: None,
                path: None,
                client: None,
            });
        }
        match text {
            "Traceback (most recent call last):" | "KeyError: 'sub'" => {
                Reading::Notice(Notice::Traceback)
            }
            "ERROR: no" => Reading::Notice(Notice::Error),
            "x.TimeoutError: QueuePool" => Reading::Notice(Notice::PoolExhausted),
            _ => Reading::Other,
        }
    }

    fn reasons(script: &[(Stream, u32, &str)]) -> Vec<Reason> {
        counted(script).0
    }

    #[test]
    fn the_most_specific_line_of_a_refusal_wins() {
        let refusal = [
            (Stderr, 0, "service_error 1"),
            (Stderr, 5, "invalid_token 2"),
            (Stdout, 6, "access"),
        ];
        assert_eq!(reasons(&refusal), [Reason::ServiceError]);
        let reversed = [(Stderr, 0, "invalid_token 2"), (Stderr, 5, "expired 1")];
        assert_eq!(reasons(&reversed), [Reason::Expired]);
    }

    #[test]
    fn a_request_ends_every_refusal() {
        let script = [
            (Stderr, 0, "expired 1"),
            (Stdout, 1, "missing_token 3"),
            (Stdout, 2, "access"),
            (Stderr, 3, "invalid_token 2"),
        ];
        let expected = [Reason::MissingToken, Reason::Expired, Reason::InvalidToken];
        assert_eq!(reasons(&script), expected);
    }

    #[test]
    fn a_second_ends_a_refusal_in_either_direction() {
        for second in [1_001, 5_000] {
            let script = [
                (Stderr, 0, "expired 1"),
                (Stderr, second, "invalid_token 2"),
            ];
            assert_eq!(reasons(&script).len(), 2);
            let [early, late] = script;
            let script = [(Stderr, second, late.2), (Stderr, 0, early.2)];
            assert_eq!(reasons(&script).len(), 2);
        }
        let script = [(Stderr, 0, "expired 1"), (Stderr, 1_000, "invalid_token 2")];
        assert_eq!(reasons(&script), [Reason::Expired]);
        // Any line tells the time.
        let script = [
            (Stderr, 0, "expired 1"),
            (Stdout, 1_500, "hello"),
            (Stderr, 900, "other 2"),
        ];
        assert_eq!(reasons(&script).len(), 2);
    }

    #[test]
    fn the_same_again_is_the_next_refusal() {
        let script: Vec<_> = (0..10).map(|at| (Stderr, at, "other 7")).collect();
        assert_eq!(reasons(&script).len(), 10);
        let pairs = ["expired 1", "invalid_token 2"].repeat(3);
        let script: Vec<_> = pairs.into_iter().map(|text| (Stderr, 0, text)).collect();
        assert_eq!(reasons(&script), [Reason::Expired; 3]);
        let texts: Vec<_> = (0..100).map(|wording| format!("other {wording}")).collect();
        let script: Vec<_> = texts
            .iter()
            .map(|text| (Stderr, 0, text.as_str()))
            .collect();
        assert_eq!(reasons(&script).len(), 100_usize.div_ceil(MAX_LINES));
    }

    #[test]
    fn an_exception_is_counted_once_with_its_cause() {
        let head = "Traceback (most recent call last):";
        let exception = [
            (Stderr, 0, head),
            (Stderr, 0, "  File \"a.py\", line 1"),
            (Stderr, 0, "x.TimeoutError: QueuePool"),
            (Stderr, 0, ""),
            (
                Stderr,
                1,
                "The above exception was the direct cause of the following exception:",
            ),
            (Stderr, 1, ""),
            (Stdout, 1, "another stream"),
            (Stderr, 2, head),
            (Stderr, 2, "KeyError: 'sub'"),
        ];
        let expected = [Notice::Traceback, Notice::PoolExhausted];
        assert_eq!(counted(&exception).1, expected);
        let two = [
            (Stderr, 0, head),
            (Stderr, 0, "ERROR: no"),
            (Stderr, 0, head),
        ];
        assert_eq!(
            counted(&two).1,
            [Notice::Traceback, Notice::Error, Notice::Traceback]
        );
        let two = [(Stderr, 0, head), (Stderr, 0, "hello"), (Stderr, 0, head)];
        assert_eq!(counted(&two).1, [Notice::Traceback; 2]);
        let two = [
            (Stderr, 0, head),
            (Stderr, 2_000, head),
            (Stdout, 2_000, head),
        ];
        assert_eq!(counted(&two).1, [Notice::Traceback; 3]);
    }
}
