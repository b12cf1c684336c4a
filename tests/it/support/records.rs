//! Log records and how an engine writes them.

/// 2026-11-21T19:00:00Z, the beginning of the fake engine's time.
const EPOCH: u64 = 1_795_287_600;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// One record; `time` is in milliseconds after 19:00.
#[derive(Clone, Debug)]
pub struct Record {
    pub time: u64,
    pub stream: Stream,
    pub bytes: Vec<u8>,
}

impl Record {
    /// A line on standard output.
    pub fn line(time: u64, text: &str) -> Self {
        Self {
            time,
            stream: Stream::Stdout,
            bytes: format!("{text}\n").into_bytes(),
        }
    }

    pub fn nanos(&self) -> u64 {
        EPOCH * 1_000_000_000 + self.time * 1_000_000
    }

    /// `2026-11-21T19:00:00.001000000Z`
    pub fn timestamp(&self) -> String {
        let (seconds, milliseconds) = (self.time / 1000, self.time % 1000);
        let (hours, minutes) = (19 + seconds / 3600, seconds / 60 % 60);
        format!(
            "2026-11-21T{hours:02}:{minutes:02}:{:02}.{milliseconds:03}000000Z",
            seconds % 60
        )
    }
}

/// A record without TTY: a frame.
pub fn mux(record: &Record) -> Vec<u8> {
    let kind = if record.stream == Stream::Stdout {
        1
    } else {
        2
    };
    frame(kind, &raw(record))
}

/// A record of a TTY.
pub fn raw(record: &Record) -> Vec<u8> {
    let mut bytes = format!("{} ", record.timestamp()).into_bytes();
    bytes.extend(&record.bytes);
    bytes
}

/// A frame of any type.
pub fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0, 0, 0];
    bytes.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// `SECONDS.NNNNNNNNN` to nanoseconds; the form is part of what is tested.
pub fn seconds(since: &str) -> u64 {
    let (seconds, nanos) = since.split_once('.').expect("`since` has a fraction");
    assert_eq!(nanos.len(), 9, "`since` has nine digits");
    seconds.parse::<u64>().unwrap() * 1_000_000_000 + nanos.parse::<u64>().unwrap()
}

/// What uvicorn prints for a validate call.
pub fn validate(code: u16) -> String {
    access("GET", "/api/v1/auth/validate", code)
}

/// What uvicorn prints for a call.
pub fn access(method: &str, path: &str, code: u16) -> String {
    let phrase = match code {
        200 => "OK",
        401 => "Unauthorized",
        403 => "Forbidden",
        500 => "Internal Server Error",
        _ => "",
    };
    format!(r#"INFO:     172.26.0.3:37290 - "{method} {path} HTTP/1.1" {code} {phrase}"#)
}
