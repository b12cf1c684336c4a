//! Wrappers with the time of a line: `docker logs -t`, Docker's json-file, CRI, Azure's JSON.

use memchr::memchr;

use crate::docker::Timestamp;
use crate::parse::json::{self, Value};

/// Docker cuts lines into pieces of this many bytes (`daemon/logger/copier.go`).
const PIECE: usize = 16 * 1024;

/// Who puts a time to each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapper {
    /// `az containerapp logs show`: `{"TimeStamp": "…", "Log": "…"}`.
    Azure,
    /// What containerd and CRI-O write: `2026-11-21T19:15:00.001234567Z stdout F line`.
    Cri,
    /// What Docker's json-file driver writes: `{"log":"line\n","stream":"stdout","time":"…"}`.
    JsonFile,
    /// `docker logs -t`, `kubectl logs --timestamps`: a time and a blank.
    Stamp,
}

/// What was in a wrapper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrapped<'a> {
    pub(super) time: Option<Timestamp>,
    /// The text; `None`: it is in the buffer.
    pub(super) text: Option<&'a [u8]>,
    /// Whether it was printed on standard error, where lines may come in parts.
    pub(super) is_error: Option<bool>,
    /// False for a part that is not the last one of its line.
    pub(super) is_end: bool,
}

impl Wrapper {
    /// Finds the wrapper of a line, if it has one.
    pub(super) fn find(line: &[u8], buffer: &mut Vec<u8>) -> Option<Self> {
        let all = [Self::Azure, Self::Cri, Self::JsonFile];
        let mut wraps = |wrapper: &Self| wrapper.open(line, buffer).is_some();
        let found = all.into_iter().find(|wrapper| wraps(wrapper));
        found.or_else(|| is_stamped(line).then_some(Self::Stamp))
    }

    /// Opens a line without its line end.
    pub(super) fn open<'a>(self, line: &'a [u8], buffer: &mut Vec<u8>) -> Option<Wrapped<'a>> {
        match self {
            Self::Azure => azure(line, buffer),
            Self::Cri => cri(line),
            Self::JsonFile => json_file(line, buffer),
            Self::Stamp => stamp(line, buffer),
        }
    }
}

fn whole(time: Option<Timestamp>, text: Option<&[u8]>) -> Wrapped<'_> {
    Wrapped {
        time,
        text,
        is_error: None,
        is_end: true,
    }
}

/// Splits the time and a blank off the beginning of a line.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    // No time is longer.
    let head = line.get(..40).unwrap_or(line);
    let (time, rest) = line.split_at(memchr(b' ', head).unwrap_or(line.len()));
    (time, rest.get(1..).unwrap_or_default())
}

/// Tells whether a line begins with a time as Go prints it with nanoseconds. Only Go writes `Z` for
/// UTC and nine digits; few applications log those.
fn is_stamped(line: &[u8]) -> bool {
    let (time, _) = split(line);
    let is_fine = matches!(time, [_, _, _, _, b'-', .., b'Z'] if time.len() == 30)
        || time.len() == 35 && !time.ends_with(b"00:00");
    is_fine && Timestamp::parse(time).is_some()
}

/// Opens a line with a time before it. A line that Docker has cut has one before each piece.
fn stamp<'a>(line: &'a [u8], buffer: &mut Vec<u8>) -> Option<Wrapped<'a>> {
    let (time, text) = split(line);
    let at = Some(Timestamp::parse(time)?);
    let prefix = line.get(..=time.len()).unwrap_or_default();
    if !continues(text, prefix) {
        return Some(whole(at, Some(text)));
    }
    buffer.clear();
    let mut rest = text;
    while continues(rest, prefix) {
        let (piece, next) = rest.split_at(PIECE);
        buffer.extend_from_slice(piece);
        rest = next.get(prefix.len()..).unwrap_or_default();
    }
    buffer.extend_from_slice(rest);
    Some(whole(at, None))
}

/// Tells whether the time comes again after a full piece.
fn continues(text: &[u8], prefix: &[u8]) -> bool {
    text.get(PIECE..)
        .is_some_and(|next| !prefix.is_empty() && next.starts_with(prefix))
}

fn cri(line: &[u8]) -> Option<Wrapped<'_>> {
    let (time, rest) = split(line);
    let time = Timestamp::parse(time)?;
    let (stream, rest) = split(rest);
    let is_error = match stream {
        b"stdout" => false,
        b"stderr" => true,
        _ => return None,
    };
    // Further tags may come after a colon.
    let (tags, text) = split(rest);
    let is_end = match tags {
        [b'F'] | [b'F', b':', ..] => true,
        [b'P'] | [b'P', b':', ..] => false,
        _ => return None,
    };
    Some(Wrapped {
        time: Some(time),
        text: Some(text),
        is_error: Some(is_error),
        is_end,
    })
}

fn json_file<'a>(line: &'a [u8], buffer: &mut Vec<u8>) -> Option<Wrapped<'a>> {
    if !line.starts_with(b"{\"log\":") && !line.starts_with(b"{\"stream\":") {
        return None;
    }
    // Only these, and in `attrs` what `--log-opt labels` and `tag` add.
    let [log, stream, time] = fields(line, [b"log", b"stream", b"time"], b"attrs")?;
    let is_error = match stream? {
        Value::Text(text) => match &*text.decoded() {
            b"stdout" => false,
            b"stderr" => true,
            _ => return None,
        },
        _ => return None,
    };
    let time = match time? {
        Value::Text(text) => Timestamp::parse(&text.decoded())?,
        _ => return None,
    };
    let wrapped = |text, is_end| Wrapped {
        time: Some(time),
        text,
        is_error: Some(is_error),
        is_end,
    };
    match log {
        // An empty text is left out.
        None => Some(wrapped(Some(b"".as_slice()), false)),
        Some(Value::Text(text)) => {
            buffer.clear();
            text.decode_into(buffer);
            let is_end = buffer.last() == Some(&b'\n');
            if is_end {
                buffer.pop();
            }
            Some(wrapped(None, is_end))
        }
        Some(_) => None,
    }
}

fn azure<'a>(line: &'a [u8], buffer: &mut Vec<u8>) -> Option<Wrapped<'a>> {
    if !line.starts_with(b"{\"TimeStamp\":") {
        return None;
    }
    let Some([log, time]) = fields(line, [b"Log", b"TimeStamp"], b"") else {
        return unescaped(line);
    };
    let (Some(Value::Text(log)), Some(Value::Text(time))) = (log, time) else {
        return None;
    };
    buffer.clear();
    log.decode_into(buffer);
    Some(whole(of_azure(&time.decoded()), None))
}

/// Opens what az up to 2.63 printed, which did not escape the quotes of a line (azure-cli 29711).
fn unescaped(line: &[u8]) -> Option<Wrapped<'_>> {
    let rest = line.strip_prefix(b"{\"TimeStamp\":")?.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"")?;
    let (time, rest) = rest.split_at(memchr(b'"', rest)?);
    let rest = rest.strip_prefix(b"\",")?.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"Log\":")?.trim_ascii_start();
    let text = rest.strip_prefix(b"\"")?.strip_suffix(b"\"}")?;
    Some(whole(of_azure(time), Some(text)))
}

/// Reads a time with or without a zone.
fn of_azure(time: &[u8]) -> Option<Timestamp> {
    crate::parse::clock::of_line(time)
}

/// Returns the values of an object that has no other keys than these and `optional`.
fn fields<'a, const N: usize>(
    line: &'a [u8],
    names: [&[u8]; N],
    optional: &[u8],
) -> Option<[Option<Value<'a>>; N]> {
    let (mut found, mut is_other) = ([None; N], false);
    let walked = json::walk(line, &mut |path, value| {
        let place = match path {
            [name] => names.iter().position(|known| known == name),
            _ => None,
        };
        match place.and_then(|place| found.get_mut(place)) {
            Some(place) => *place = Some(value),
            None => is_other |= path.first() != Some(&optional),
        }
    });
    (walked.is_ok() && !is_other).then_some(found)
}
