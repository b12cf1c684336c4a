//! Lines to events: several lines about one refused request, or about one exception, are one. Pure.
//!
//! Lines come in the order of the log. What is counted is given out as soon as it is clear that no
//! further line belongs to it.

mod counts;
mod refusals;
mod reports;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::docker::Timestamp;
use crate::docker::frames::{PerStream, Stream};
use crate::parse::{Notice, Reason, Sign};
pub(crate) use counts::Counts;
use refusals::Refusals;
use reports::Report;

/// How far the lines of one event may be apart, by the time of the log.
const SPAN: Duration = Duration::from_secs(1);

/// Something to count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    /// A request was refused.
    Refused(Reason),
    Noticed(Notice),
    /// The service says whether it demands authentication, in a notice of a kind.
    AuthMode {
        is_required: bool,
        kind: Notice,
    },
}

/// The events of one container that are not complete yet.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Events {
    refusals: Refusals,
    reports: PerStream<Report>,
}

/// A line, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    pub(crate) stream: Stream,
    /// `None` where the log has no times.
    pub(crate) time: Option<Timestamp>,
    pub(crate) sign: Sign,
}

impl Events {
    /// Takes the next line, and hands out what is complete.
    pub(crate) fn take(&mut self, said: Said, mut emit: impl FnMut(Event)) {
        let Said { stream, time, sign } = said;
        let mut refused = |reason| emit(Event::Refused(reason));
        self.refusals.expire(time, &mut refused);
        match sign {
            Sign::Request | Sign::Access => self.refusals.close(&mut refused),
            Sign::Probe { is_refused } => {
                if is_refused {
                    self.refusals.forget();
                }
                self.refusals.close(&mut refused);
            }
            Sign::Denial {
                reason,
                wording,
                is_unexplained,
            } => self
                .refusals
                .add(said, reason, wording, is_unexplained, &mut refused),
            _ => {}
        }
        let report = self.reports.of_mut(stream);
        if let Some(kind) = report.take(time, sign) {
            emit(Event::Noticed(kind));
        }
        match sign {
            Sign::AuthMode { is_required, kind } => emit(Event::AuthMode { is_required, kind }),
            Sign::Exception { kind, .. } if report.is_of_refusal() && kind.is_of_service() => {
                self.refusals.blame_service(stream);
            }
            _ => {}
        }
    }

    /// True if something waits for further lines.
    pub(crate) fn is_open(&self) -> bool {
        self.refusals.is_open()
    }

    /// Hands out what waits: no further line will come, or none has for a while.
    pub(crate) fn close(&mut self, mut emit: impl FnMut(Event)) {
        self.refusals
            .close(&mut |reason| emit(Event::Refused(reason)));
    }
}

/// Tells whether two times are so near that the lines may be about one event. A clock that was set back
/// parts them too; streams are stamped apart, so a little back is none.
fn is_near(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.later(SPAN) >= other && other.later(SPAN) >= one,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Parser;

    /// Feeds lines, each with its stream (`o` or `e`) and its time in milliseconds, and returns what is
    /// counted; `|` marks where nothing more came.
    fn events(lines: &[(char, u64, &str)]) -> Vec<String> {
        let (mut events, mut parser) = (Events::default(), Parser::new(None));
        let mut found = Vec::new();
        let name = |event| match event {
            Event::Refused(reason) => reason.as_str().to_owned(),
            Event::Noticed(kind) => kind.as_str().to_owned(),
            Event::AuthMode { is_required, kind } => format!("{}={is_required}", kind.as_str()),
        };
        for &(stream, time, line) in lines {
            let (_, sign) = parser.examine(line.as_bytes());
            let stream = match stream {
                'o' => Stream::Stdout,
                _ => Stream::Stderr,
            };
            let base = Timestamp::parse(b"2026-11-21T19:00:00Z").unwrap();
            let said = Said {
                stream,
                time: Some(base.later(Duration::from_millis(time))),
                sign,
            };
            events.take(said, |event| found.push(name(event)));
            // What is saved in between goes on as it was.
            events = postcard::from_bytes(&postcard::to_stdvec(&events).unwrap()).unwrap();
        }
        if events.is_open() {
            found.push("|".to_owned());
        }
        events.close(|event| found.push(name(event)));
        assert!(!events.is_open());
        found
    }

    const ACCESS: &str =
        r#"INFO:     1.2.3.4:5 - "GET /api/v1/auth/validate HTTP/1.1" 401 Unauthorized"#;
    const TROUBLE: &str =
        "ERROR - Token verification error: [Errno 111] Connect call failed ('a', 1)";
    const REJECTED: &str = "WARNING - REJECTED - Token validation failed | path=/x";
    const NO_HEADER: &str = "WARNING - REJECTED - No auth header | path=/x";
    const FAILED: &str = "ERROR - Error during token validation";
    const HEAD: &str = "Traceback (most recent call last):";
    const FRAME: &str = "  File \"/app/main.py\", line 14, in validate";
    const CHAIN: &str = "During handling of the above exception, another exception occurred:";

    #[test]
    fn lines_up_to_the_next_access_line_are_one_refusal() {
        let refusal = [('e', 0, TROUBLE), ('e', 1, REJECTED), ('o', 2, ACCESS)];
        assert_eq!(events(&refusal), ["service_error"]);
        let reversed = [('e', 0, REJECTED), ('e', 1, TROUBLE), ('o', 2, ACCESS)];
        assert_eq!(events(&reversed), ["service_error"]);
        let both = [
            refusal,
            [('e', 3, NO_HEADER), ('e', 4, "INFO - x"), ('o', 5, ACCESS)],
        ]
        .concat();
        assert_eq!(events(&both), ["service_error", "missing_token"]);
        let other_stream = [('e', 0, TROUBLE), ('o', 1, REJECTED), ('o', 2, ACCESS)];
        assert_eq!(events(&other_stream), ["service_error", "invalid_token"]);
    }

    #[test]
    fn a_second_is_the_longest_that_a_refusal_takes() {
        for (time, expected) in [
            (1_000, &["|", "service_error"][..]),
            (1_001, &["service_error", "|", "invalid_token"]),
        ] {
            assert_eq!(
                events(&[('e', 0, TROUBLE), ('e', time, REJECTED)]),
                expected
            );
        }
        let any_line = [('e', 0, TROUBLE), ('o', 1_001, "x"), ('e', 1_002, "x")];
        assert_eq!(events(&any_line), ["service_error"]);
        let clock_set_back = [('e', 5_000, TROUBLE), ('e', 0, REJECTED)];
        assert_eq!(
            events(&clock_set_back),
            ["service_error", "|", "invalid_token"]
        );
    }

    #[test]
    fn a_wording_that_comes_again_is_another_refusal() {
        let denial =
            r#"level=info msg="Access to https://a/ is not authorized to user <anonymous>, x""#;
        let three = [('o', 0, denial), ('o', 1, denial), ('o', 2, denial)];
        assert_eq!(
            events(&three),
            ["|", "missing_token", "missing_token", "missing_token"]
        );
        let one_by_one = [
            ('e', 0, TROUBLE),
            ('e', 1, REJECTED),
            ('e', 2, TROUBLE),
            ('e', 3, REJECTED),
        ];
        assert_eq!(events(&one_by_one), ["|", "service_error", "service_error"]);
        let at_once = [
            ('e', 0, TROUBLE),
            ('e', 1, TROUBLE),
            ('e', 2, REJECTED),
            ('e', 3, REJECTED),
        ];
        assert_eq!(events(&at_once), ["|", "service_error", "service_error"]);
    }

    #[test]
    fn what_waits_is_bounded_and_nothing_is_lost() {
        let lines = vec![('e', 0, NO_HEADER); 1_000];
        let found = events(&lines);
        assert_eq!(
            found.iter().filter(|name| *name == "missing_token").count(),
            1_000
        );
        assert_eq!(found.iter().position(|name| name == "|"), Some(1_000 - 32));
    }

    #[test]
    fn a_report_is_one_notice_whatever_it_is_made_of() {
        let announced = ('e', 0, "ERROR:    Exception in ASGI application");
        let error = ('e', 3, "RuntimeError: boom");
        let report = [announced, ('e', 1, HEAD), ('e', 2, FRAME), error];
        assert_eq!(events(&report), ["traceback"]);
        assert_eq!(
            events(&[report, report].concat()),
            ["traceback", "traceback"]
        );
        assert_eq!(
            events(&[&report[1..], &report[1..]].concat()),
            ["traceback", "traceback"]
        );
        let chained = [
            &report[..],
            &[('e', 4, ""), ('e', 5, CHAIN), ('e', 6, "")],
            &report[1..],
        ];
        assert_eq!(events(&chained.concat()), ["traceback"]);
        let streams = [
            ('o', 0, HEAD),
            ('e', 1, HEAD),
            ('o', 2, "KeyError: 'a'"),
            error,
        ];
        assert_eq!(events(&streams), ["traceback", "traceback"]);
        assert_eq!(events(&[error, ('e', 4, "    at x")]), ["traceback"]);
        let late = [('e', 0, CHAIN), ('e', 5_000, HEAD)];
        assert_eq!(events(&late), ["traceback"]);
    }

    #[test]
    fn a_report_counts_each_specific_kind_once_besides() {
        let pool = "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5";
        let lines = [('e', 0, HEAD), ('e', 1, FRAME), ('e', 2, pool)];
        assert_eq!(events(&lines), ["traceback", "pool_exhausted"]);
        let chained = [&lines[..], &[('e', 3, CHAIN)], &lines].concat();
        assert_eq!(events(&chained), ["traceback", "pool_exhausted"]);
        let java = [
            ('o', 0, "java.lang.RuntimeException: x"),
            ('o', 1, "\tat com.example.Auth.check(Auth.java:12)"),
            ('o', 2, "Caused by: org.postgresql.util.PSQLException: x"),
        ];
        assert_eq!(events(&java), ["traceback", "database"]);
    }

    #[test]
    fn the_exception_behind_a_failed_check_says_why_it_failed() {
        let pool = "asyncpg.exceptions.TooManyConnectionsError: x";
        let lines = [
            ('e', 0, FAILED),
            ('e', 1, HEAD),
            ('e', 2, FRAME),
            ('e', 3, pool),
            ('o', 4, ACCESS),
        ];
        assert_eq!(
            events(&lines),
            ["traceback", "pool_exhausted", "service_error"]
        );
        let expired = "jwt.exceptions.ExpiredSignatureError: Signature has expired";
        let lines = [
            ('e', 0, FAILED),
            ('e', 1, HEAD),
            ('e', 2, expired),
            ('o', 3, ACCESS),
        ];
        assert_eq!(events(&lines), ["traceback", "expired"]);
        // Of something else that goes on at the same time.
        let lines = [
            ('e', 0, FAILED),
            ('e', 1, "INFO - x"),
            ('e', 2, HEAD),
            ('e', 3, pool),
            ('o', 4, ACCESS),
        ];
        assert_eq!(
            events(&lines),
            ["traceback", "pool_exhausted", "invalid_token"]
        );
        let lines = [
            ('e', 0, FAILED),
            ('o', 1, HEAD),
            ('o', 2, pool),
            ('o', 4, ACCESS),
        ];
        assert_eq!(
            events(&lines),
            ["traceback", "pool_exhausted", "invalid_token"]
        );
        // What refuses a client for its own fault is not the service's.
        let lines = [
            ('e', 0, NO_HEADER),
            ('e', 1, HEAD),
            ('e', 2, pool),
            ('o', 4, ACCESS),
        ];
        assert_eq!(
            events(&lines),
            ["traceback", "pool_exhausted", "missing_token"]
        );
    }

    #[test]
    fn a_log_without_times_has_no_spans() {
        let mut events = Events::default();
        let mut count = 0;
        for sign in [
            Sign::Request,
            Sign::denial_by(Reason::Other, 1),
            Sign::denial_by(Reason::Other, 2),
        ] {
            let said = Said {
                stream: Stream::Stdout,
                time: None,
                sign,
            };
            events.take(said, |_| count += 1);
        }
        events.close(|_| count += 1);
        assert_eq!(count, 1);
    }
}
