//! Fastify, which logs each request in two lines.
//!
//! ```text
//! {"level":30,"time":1795289358657,…,"reqId":"req-1","req":{"method":"GET","url":"/validate",…,"remoteAddress":"10.0.0.1",…},"msg":"incoming request"}
//! {"level":30,"time":1795289358660,…,"reqId":"req-1","res":{"statusCode":401},"responseTime":3.05,"msg":"request completed"}
//! ```
//!
//! The first has the path, the second the answer. Either waits for the other, because a log that
//! rotates is not always read in its order. They belong together if they have the same id and the
//! same beginning: `time` of the first is `time` less `responseTime` of the second. The id alone
//! does not tell: each process counts from 1, and up to version 4 a client may choose it.

use std::collections::VecDeque;

use std::time::Duration;

use memchr::memmem;
use serde::{Deserialize, Serialize};

use super::duration::{Unit, duration};
use super::format::BuiltIn;
use super::json::{self, Value};
use super::room::Room;
use super::{Request, fields};

/// The name of the format.
pub(super) const NAME: &str = "fastify";

pub(super) const FORMATS: &[BuiltIn] = &[BuiltIn {
    name: NAME,
    has_durations: true,
    is_detected: true,
    read: recognise,
}];

/// The most lines that wait, and the most bytes that their texts take. A client that hangs up
/// leaves a line that waits for ever.
const MAX_WAITING: usize = 1024;
const MAX_BYTES: usize = 256 * 1024;
/// How far the beginnings of two lines about one request may differ. Both are wall-clock times, a
/// few milliseconds apart; a clock that is set while a request lasts can move one of them.
const TOLERANCE: Duration = Duration::from_secs(10);
/// Beginnings so near belong together, whatever else waits.
const CERTAIN: Duration = Duration::from_millis(2);

/// The lines that wait for their other half, from the oldest.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Halves {
    waiting: VecDeque<Half>,
    bytes: usize,
    /// The request that was put together last.
    #[serde(skip)]
    joined: (Asked, Answered),
}

/// One line of the two.
#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Half {
    id: Vec<u8>,
    /// When the request began, since the epoch; `None` if the line has no such time.
    began: Option<Duration>,
    kind: Kind,
}

#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
enum Kind {
    Asked(Asked),
    Answered(Answered),
}

#[derive(Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
struct Asked {
    method: Vec<u8>,
    path: Vec<u8>,
    client: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
struct Answered {
    code: u16,
    time: Duration,
}

impl Halves {
    /// Reads a line, and returns the request of which it is the second that came.
    pub(super) fn read(&mut self, line: &[u8]) -> Option<Request<'_>> {
        let half = half(line)?;
        let Some(at) = self.other(&half) else {
            self.wait(half);
            return None;
        };
        let other = self.waiting.remove(at)?;
        self.bytes = self.bytes.saturating_sub(other.size());
        self.joined = match (half.kind, other.kind) {
            (Kind::Asked(asked), Kind::Answered(answered))
            | (Kind::Answered(answered), Kind::Asked(asked)) => (asked, answered),
            _ => return None,
        };
        let (asked, answered) = &self.joined;
        Some(Request {
            method: Some(&asked.method),
            path: &asked.path,
            code: Some(answered.code),
            duration: Some(answered.time),
            client: Some(&asked.client),
            auth_call: None,
        })
    }

    /// Finds the other half, the newest first, because most requests are answered soon.
    fn other(&self, half: &Half) -> Option<usize> {
        let mut nearest = None;
        for (at, other) in self.waiting.iter().enumerate().rev() {
            let Some(distance) = half.distance(other) else {
                continue;
            };
            if nearest.is_none_or(|(_, least)| distance < least) {
                nearest = Some((at, distance));
            }
            if distance <= CERTAIN {
                break;
            }
        }
        nearest.map(|(at, _)| at)
    }

    fn wait(&mut self, half: Half) {
        // A long line may be read a second time when all of its text has come.
        if self.waiting.contains(&half) {
            return;
        }
        self.bytes += half.size();
        self.waiting.push_back(half);
        while self.waiting.len() > MAX_WAITING || self.bytes > MAX_BYTES {
            let Some(oldest) = self.waiting.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(oldest.size());
        }
    }
}

impl Half {
    /// How far two lines are from being about the same request; `None`: they are not.
    fn distance(&self, other: &Self) -> Option<Duration> {
        let is_asked = |half: &Self| matches!(half.kind, Kind::Asked(_));
        if self.id != other.id || is_asked(self) == is_asked(other) {
            return None;
        }
        match (self.began, other.began) {
            (Some(one), Some(two)) => Some(one.abs_diff(two)).filter(|&far| far <= TOLERANCE),
            // A logger with times of its own: only what came in its order can be joined.
            _ => is_asked(other).then_some(TOLERANCE),
        }
    }

    fn size(&self) -> usize {
        let texts = match &self.kind {
            Kind::Asked(asked) => asked.method.len() + asked.path.len() + asked.client.len(),
            Kind::Answered(_) => 0,
        };
        self.id.len() + texts
    }
}

/// Reads either line.
fn half(line: &[u8]) -> Option<Half> {
    // Cheap, so that lines of another kind cost little.
    memmem::find(line, b"\"reqId\":")?;
    let picked = json::pick(line, |path| match path {
        [b"reqId"] => Some(0),
        [b"time"] => Some(1),
        [b"req", b"method"] => Some(2),
        [b"req", b"url"] => Some(3),
        [b"req", b"remoteAddress"] => Some(4),
        [b"res", b"statusCode"] => Some(5),
        [b"responseTime"] => Some(6),
        [b"msg"] => Some(7),
        _ => None,
    });
    let [id, time, method, target, client, code, took, message] = picked.ok()?;
    let id = match id? {
        Value::Text(id) => id.decoded().into_owned(),
        Value::Number(id) => id.to_vec(),
        _ => return None,
    };
    let text = |value| match value {
        Some(Value::Text(text)) => Some(text.decoded()),
        _ => None,
    };
    let time = match time {
        Some(Value::Number(time)) => milliseconds(time),
        _ => None,
    };
    let (kind, began) = match text(message)?.as_ref() {
        b"incoming request" => {
            let asked = Asked {
                method: text(method)?.into_owned(),
                path: fields::path(&text(target)?).to_vec(),
                client: text(client).unwrap_or_default().into_owned(),
            };
            (Kind::Asked(asked), time)
        }
        b"request completed" | b"request errored" => {
            let (Value::Number(code), Value::Number(took)) = (code?, took?) else {
                return None;
            };
            let took = duration(took, Unit::Milliseconds)?;
            let code = fields::code(code)?;
            let began = time.and_then(|time| time.checked_sub(took));
            (Kind::Answered(Answered { code, time: took }), began)
        }
        _ => return None,
    };
    Some(Half { id, began, kind })
}

/// Reads a time since the epoch.
fn milliseconds(text: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(text).ok()?;
    Some(Duration::from_millis(text.parse().ok()?))
}

/// Tells whether a line is one of the two, for finding out the format: what it returns is no whole
/// request.
fn recognise<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    half(line).map(|_| fields::unreadable(None))
}

#[cfg(test)]
mod tests {
    use super::super::testing::text;
    use super::*;

    fn asked(id: &str, time: u32, path: &str) -> String {
        format!(
            r#"{{"level":30,"time":{time},"reqId":{id},"req":{{"method":"GET","url":"{path}","remoteAddress":"10.0.0.1"}},"msg":"incoming request"}}"#
        )
    }

    fn answered(id: &str, time: u32, code: u16, took: f64) -> String {
        format!(
            r#"{{"level":30,"time":{time},"reqId":{id},"res":{{"statusCode":{code}}},"responseTime":{took},"msg":"request completed"}}"#
        )
    }

    /// Reads lines one after the other and returns what requests they make.
    fn read(halves: &mut Halves, lines: &[String]) -> Vec<String> {
        let mut requests = Vec::new();
        for line in lines {
            requests.extend(halves.read(line.as_bytes()).map(|request| text(&request)));
        }
        requests
    }

    #[test]
    fn joins_two_lines_in_any_order() {
        let lines = [
            asked("\"req-1\"", 1000, "/a?b"),
            asked("\"req-2\"", 1001, "/b"),
            answered("\"req-2\"", 1005, 401, 3.5),
            answered("\"req-1\"", 1203, 200, 202.25),
        ];
        let (a, b) = ("GET /a 200 0.20225 10.0.0.1", "GET /b 401 0.0035 10.0.0.1");
        assert_eq!(read(&mut Halves::default(), &lines), [b, a]);
        let mut reversed = lines;
        reversed.reverse();
        assert_eq!(read(&mut Halves::default(), &reversed), [b, a]);
        let lines = [asked("7", 1000, "/a"), answered("7", 1001, 204, 1.0)];
        assert_eq!(
            read(&mut Halves::default(), &lines),
            ["GET /a 204 0.001 10.0.0.1"]
        );
    }

    #[test]
    fn an_id_that_comes_again_is_told_by_the_time() {
        let mut halves = Halves::default();
        // A process that has died left one, and a client has chosen the id of another request.
        let lines = [
            asked("1", 1000, "/stale"),
            asked("1", 60_000, "/a"),
            asked("1", 60_500, "/nope"),
            answered("1", 61_000, 404, 500.0),
            answered("1", 61_001, 401, 1000.5),
            answered("1", 61_002, 200, 2.0),
        ];
        let expected = ["GET /nope 404 0.5 10.0.0.1", "GET /a 401 1.0005 10.0.0.1"];
        assert_eq!(read(&mut halves, &lines), expected);
        assert_eq!(halves.waiting.len(), 2);
    }

    #[test]
    fn without_times_the_newest_line_before_counts() {
        let lines = [
            asked("1", 5, "/old"),
            asked("1", 6, "/a"),
            answered("1", 7, 401, 1.0),
        ];
        let lines = lines.map(|line| line.replace("\"time\":", "\"time\":\"x\",\"t\":"));
        let requests = read(&mut Halves::default(), &lines);
        assert_eq!(requests, ["GET /a 401 0.001 10.0.0.1"]);
        let reversed = [lines[2].clone(), lines[1].clone()];
        assert_eq!(
            read(&mut Halves::default(), &reversed),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_waits_outlives_the_process() {
        let mut halves = Halves::default();
        read(
            &mut halves,
            &[asked("1", 1000, "/a"), asked("1", 1000, "/a")],
        );
        let saved = postcard::to_stdvec(&halves).unwrap();
        let mut halves: Halves = postcard::from_bytes(&saved).unwrap();
        assert_eq!(halves.waiting.len(), 1, "the same line is kept once");
        let requests = read(&mut halves, &[answered("1", 1002, 401, 2.0)]);
        assert_eq!(requests, ["GET /a 401 0.002 10.0.0.1"]);
        assert_eq!((halves.waiting.len(), halves.bytes), (0, 0));
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut halves = Halves::default();
        for id in 0..2 * MAX_WAITING {
            read(&mut halves, &[asked(&id.to_string(), 1000, "/a")]);
        }
        assert_eq!(halves.waiting.len(), MAX_WAITING);
        let path = format!("/{}", "x".repeat(MAX_BYTES / 4));
        for id in 0..10 {
            read(&mut halves, &[asked(&id.to_string(), 1000, &path)]);
        }
        assert_eq!(halves.waiting.len(), 3);
        assert!(halves.bytes <= MAX_BYTES);
        let late = answered("1500", 1000, 200, 0.0);
        assert_eq!(read(&mut halves, &[late]), Vec::<String>::new());
    }

    #[test]
    fn other_lines_are_not_halves() {
        let whole = answered("1", 1000, 401, 1.0);
        assert!(half(whole.as_bytes()).is_some());
        for (from, to) in [
            ("request completed", "hello"),
            ("\"reqId\":1", "\"reqId\":null"),
            ("reqId", "requestId"),
            (":401", ":null"),
            ("\"responseTime\"", "\"time\""),
            ("\"responseTime\":1", "\"responseTime\":\"1\""),
            ("\"responseTime\"", "\"took\""),
        ] {
            assert_eq!(half(whole.replace(from, to).as_bytes()), None, "{to}");
        }
        let whole = asked("1", 1000, "/a");
        for (from, to) in [("\"method\"", "\"verb\""), ("\"url\"", "\"uri\"")] {
            assert_eq!(half(whole.replace(from, to).as_bytes()), None, "{to}");
        }
    }
}
