//! A format from the configuration: one regex with named groups, or fields of JSON lines.

use std::time::Duration;

use regex::bytes::{CaptureLocations, Regex, RegexBuilder};

use super::duration::{self, Unit};
use super::object::{MAX_CONDITIONS, Object};
use super::room::Room;
use super::{Format, Reading, Request, Unparsed, fields};

/// The names that a group may have.
const GROUPS: [&str; 5] = ["method", "path", "status", "duration", "client"];

/// The most memory, in bytes, that a compiled regex may take.
const SIZE_LIMIT: usize = 256 * 1024;

/// A format from the configuration.
#[derive(Debug)]
pub struct Custom {
    name: String,
    lines: Lines,
    duration_unit: Option<Unit>,
}

/// How access lines are found and read.
///
/// A regex sees the line without colours and line end, as bytes: `.` and `\S` match any byte,
/// `\d` and `\w` are ASCII. It is a search, so `^` and `$` must be written where they are meant;
/// an end that is not anchored lets a client forge lines.
#[derive(Debug)]
enum Lines {
    Regex {
        regex: Regex,
        /// Where each of [`GROUPS`] is among the groups of the regex.
        groups: [Option<usize>; GROUPS.len()],
    },
    Object(Object),
}

/// Why a custom format is not valid.
#[derive(Debug, thiserror::Error)]
pub enum CustomError {
    /// The name is not allowed.
    #[error(
        "format name `{0}` is not allowed, expected 1 to 40 of `a-z`, `0-9`, `_` and `-`, \
         and not the name of a built-in format"
    )]
    Name(String),
    /// The regex has a syntax error or is too large.
    #[error("`regex` cannot be used")]
    Regex(#[source] regex::Error),
    /// A group has a name that means nothing.
    #[error(
        "unknown group `{0}`, expected `method`, `path`, `status`, `duration` or `client`; \
         a group that is not to be read needs no name"
    )]
    UnknownGroup(String),
    /// A mandatory group is missing.
    #[error("the group `(?<{0}>…)` is missing; `path` and `status` are mandatory")]
    MissingGroup(&'static str),
    /// There is a duration, but nothing says in what unit.
    #[error("the duration needs a unit, one of `s`, `ms`, `us` and `ns`")]
    MissingUnit,
    /// There is a unit, but no duration.
    #[error("there is a duration unit, but the regex has no group `(?<duration>…)`")]
    UnusedUnit,
    /// A mandatory field is missing.
    #[error("`json` has no `{0}`; `path` and `status` are mandatory")]
    MissingField(&'static str),
    /// There is a unit, but no duration.
    #[error("there is a duration unit, but `json` has no `duration`")]
    UnusedFieldUnit,
    /// There are more conditions than allowed.
    #[error("`match` has {0} fields, at most {MAX_CONDITIONS} are allowed")]
    TooManyConditions(usize),
}

impl Custom {
    /// Compiles a format, or says what is wrong with it.
    pub fn new(name: &str, regex: &str, duration_unit: Option<Unit>) -> Result<Self, CustomError> {
        if !is_name(name) {
            return Err(CustomError::Name(name.to_owned()));
        }
        let regex = RegexBuilder::new(regex)
            .unicode(false)
            .size_limit(SIZE_LIMIT)
            .build()
            .map_err(CustomError::Regex)?;
        let has = |group| regex.capture_names().flatten().any(|name| name == group);
        if let Some(unknown) = regex
            .capture_names()
            .flatten()
            .find(|name| !GROUPS.contains(name))
        {
            return Err(CustomError::UnknownGroup(unknown.to_owned()));
        }
        if let Some(missing) = ["path", "status"].into_iter().find(|&group| !has(group)) {
            return Err(CustomError::MissingGroup(missing));
        }
        match (has("duration"), duration_unit) {
            (true, None) => Err(CustomError::MissingUnit),
            (false, Some(_)) => Err(CustomError::UnusedUnit),
            _ => Ok(Self {
                name: name.to_owned(),
                lines: Lines::Regex {
                    groups: GROUPS
                        .map(|group| regex.capture_names().position(|name| name == Some(group))),
                    regex,
                },
                duration_unit,
            }),
        }
    }

    /// Makes a format of the fields of JSON lines, or says what is wrong with it.
    pub fn of_object(
        name: &str,
        object: Object,
        duration_unit: Option<Unit>,
    ) -> Result<Self, CustomError> {
        if !is_name(name) {
            return Err(CustomError::Name(name.to_owned()));
        }
        if object.path.is_none() {
            return Err(CustomError::MissingField("path"));
        }
        if object.status.is_none() {
            return Err(CustomError::MissingField("status"));
        }
        if object.conditions.len() > MAX_CONDITIONS {
            return Err(CustomError::TooManyConditions(object.conditions.len()));
        }
        match (&object.duration, duration_unit) {
            (Some(_), None) => Err(CustomError::MissingUnit),
            (None, Some(_)) => Err(CustomError::UnusedFieldUnit),
            _ => Ok(Self {
                name: name.to_owned(),
                lines: Lines::Object(object),
                duration_unit,
            }),
        }
    }

    /// Returns the name given in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells whether its access lines have a duration.
    pub(super) fn has_durations(&self) -> bool {
        self.duration_unit.is_some()
    }

    /// Reads a line; all that are no access lines are [`Reading::Other`].
    pub(super) fn read<'a>(&self, line: &'a [u8], room: &'a mut Room) -> Reading<'a> {
        match &self.lines {
            Lines::Regex { regex, groups } => {
                // Room that is used again, and groups by their number: a quarter less time than by name.
                let found = room.groups(regex);
                if regex.captures_read(found, line).is_none() {
                    return Reading::Other;
                }
                self.request(line, found, groups)
                    .map_or(Reading::Unparsed(Unparsed::Field), Reading::Request)
            }
            Lines::Object(object) => {
                room.clear();
                object.read(line, self.duration_unit, room)
            }
        }
    }

    fn request<'a>(
        &self,
        line: &'a [u8],
        found: &CaptureLocations,
        groups: &[Option<usize>; GROUPS.len()],
    ) -> Option<Request<'a>> {
        let [method, path, status, duration, client] = groups.map(|group| {
            let (start, end) = found.get(group?)?;
            line.get(start..end)
        });
        Some(Request {
            method,
            path: fields::path(path?),
            code: Some(fields::code(status?)?),
            duration: self.duration(duration),
            client,
            auth_call: None,
        })
    }

    /// A request whose duration is no sensible number (`-`, or below zero after the clock was
    /// set) still counts as a request.
    fn duration(&self, text: Option<&[u8]>) -> Option<Duration> {
        duration::duration(text?, self.duration_unit?)
    }
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=40).contains(&name.len())
        && name.bytes().all(is_allowed)
        && Format::built_in(name).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMED: &str = r"(?<method>\w+) (?<path>\S+) (?<status>\S+) (?<duration>\S+)$";

    fn error(name: &str, regex: &str, unit: Option<Unit>) -> String {
        Custom::new(name, regex, unit).unwrap_err().to_string()
    }

    #[test]
    fn every_mistake_is_named_with_what_is_allowed() {
        let minimal = "(?<path>.)(?<status>.)";
        for name in ["", "Timing", "a b", "uvicorn", &"x".repeat(41)] {
            assert!(
                error(name, minimal, None).contains("expected 1 to 40 of"),
                "{name}"
            );
        }
        let message = error("x", "(?<path>.)(?<status>.)(?<foo>.)", None);
        assert!(
            message.starts_with("unknown group `foo`, expected `method`, `path`"),
            "{message}"
        );
        let message = error("x", "(?<status>.)", None);
        assert_eq!(
            message,
            "the group `(?<path>…)` is missing; `path` and `status` are mandatory"
        );
        assert!(error("x", "(?<path>.)", None).starts_with("the group `(?<status>…)`"));
        assert!(error("x", TIMED, None).contains("one of `s`, `ms`, `us` and `ns`"));
        assert!(error("x", minimal, Some(Unit::Seconds)).contains("no group `(?<duration>…)`"));
        for regex in [
            "(",
            "(?<path>.)(?<path>.)",
            r"\p{Greek}",
            "((a{500}){500}){500}",
        ] {
            assert!(
                matches!(Custom::new("x", regex, None), Err(CustomError::Regex(_))),
                "{regex}"
            );
        }
        assert!(Custom::new("my-format_2", minimal, None).is_ok());
    }

    #[test]
    fn reads_what_the_groups_say() {
        let custom = Custom::new("x", TIMED, Some(Unit::Milliseconds)).unwrap();
        let mut expected = Request {
            auth_call: None,
            method: Some(b"GET"),
            path: b"/a",
            code: Some(401),
            duration: Some(Duration::from_micros(12_500)),
            client: None,
        };
        assert_eq!(
            custom.read(b"x: GET http://h/a?\xff 401 12.5", &mut Room::default()),
            Reading::Request(expected)
        );
        for unusable in ["-", "-1.5", "NaN", "1e99"] {
            expected.duration = None;
            let line = format!("GET /a 401 {unusable}");
            assert_eq!(
                custom.read(line.as_bytes(), &mut Room::default()),
                Reading::Request(expected),
                "{line}"
            );
        }
        assert_eq!(
            custom.read(b"GET /a - 1", &mut Room::default()),
            Reading::Unparsed(Unparsed::Field)
        );
        assert_eq!(
            custom.read(b"GET /a 4010 1", &mut Room::default()),
            Reading::Unparsed(Unparsed::Field)
        );
        assert_eq!(
            custom.read(b"INFO: started", &mut Room::default()),
            Reading::Other
        );
    }

    #[test]
    fn fields_of_an_object_need_names_and_a_unit_too() {
        let path = || Some("a.b".parse().unwrap());
        let minimal = || Object {
            path: path(),
            status: path(),
            ..Object::default()
        };
        let timed = || Object {
            duration: path(),
            ..minimal()
        };
        let many = Object {
            conditions: vec![("a".parse().unwrap(), Vec::new()); 9],
            ..minimal()
        };
        let seconds = Some(Unit::Seconds);
        for (name, object, unit, expected) in [
            (
                "uvicorn",
                minimal(),
                None,
                "not the name of a built-in format",
            ),
            ("x", Object::default(), None, "`json` has no `path`"),
            (
                "x",
                Object {
                    status: None,
                    ..minimal()
                },
                None,
                "`json` has no `status`",
            ),
            ("x", timed(), None, "needs a unit"),
            ("x", minimal(), seconds, "`json` has no `duration`"),
            ("x", many, None, "`match` has 9 fields"),
        ] {
            let error = Custom::of_object(name, object, unit).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
        assert!(
            Custom::of_object("x", timed(), seconds)
                .unwrap()
                .has_durations()
        );
    }

    #[test]
    fn a_group_that_took_no_part_is_absent() {
        let custom = Custom::new(
            "x",
            "^((?<method>[A-Z]+) )?(?<path>/.*)|(?<status>1)$",
            None,
        );
        let custom = custom.unwrap();
        assert_eq!(
            custom.read(b"1", &mut Room::default()),
            Reading::Unparsed(Unparsed::Field)
        );
        assert_eq!(
            custom.read(b"/a", &mut Room::default()),
            Reading::Unparsed(Unparsed::Field)
        );
    }
}
