//! Log records and how an engine writes them.

/// 2026-11-21T19:00:00Z, the beginning of the fake engine's time, in milliseconds after 1970.
pub const EPOCH: i64 = 1_795_287_600_000;

/// How an engine prints the times of records.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Times {
    /// UTC with nine digits, as Docker does.
    #[default]
    Nanos,
    /// UTC without a fraction.
    Seconds,
    /// So many minutes east of UTC, with milliseconds.
    East(i64),
    /// Not as a time.
    Garbage,
}

impl Times {
    fn print(self, record: &Record) -> String {
        let at = |minutes| date(EPOCH + record.time + minutes * 60_000);
        let milliseconds = record.time.rem_euclid(1000);
        match self {
            Self::Nanos => record.timestamp(),
            Self::Seconds => format!("{}Z", at(0)),
            Self::East(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
                let date = at(minutes);
                format!("{date}.{milliseconds:03}{sign}{hours:02}:{rest:02}")
            }
            Self::Garbage => "some-time-ago".to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// One record; `time` is in milliseconds after 19:00.
#[derive(Clone, Debug)]
pub struct Record {
    pub time: i64,
    pub stream: Stream,
    pub bytes: Vec<u8>,
}

impl Record {
    /// A line on standard output.
    pub fn line(time: i64, text: &str) -> Self {
        Self::piece(time, Stream::Stdout, &format!("{text}\n"))
    }

    /// A part of a line, or one without an end.
    pub fn piece(time: i64, stream: Stream, text: &str) -> Self {
        let bytes = text.as_bytes().to_vec();
        Self {
            time,
            stream,
            bytes,
        }
    }

    pub fn nanos(&self) -> i64 {
        (EPOCH + self.time) * 1_000_000
    }

    /// `2026-11-21T19:00:00.001000000Z`
    pub fn timestamp(&self) -> String {
        timestamp(EPOCH + self.time)
    }
}

/// A time in milliseconds after 1970 as Docker prints it.
pub fn timestamp(milliseconds: i64) -> String {
    let fraction = milliseconds.rem_euclid(1000);
    format!("{}.{fraction:03}000000Z", date(milliseconds))
}

/// Day and time of day, without fraction and zone, of a time in milliseconds after 1970.
fn date(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1000);
    let (mut days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let mut year = 1970;
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while days >= 365 + i64::from(is_leap(year)) {
        days -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + i64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let day = days + 1;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// A line in the pieces in which the engine keeps it: at most 16 KiB each, with one timestamp.
pub fn pieces(time: i64, stream: Stream, text: &str) -> Vec<Record> {
    let line = format!("{text}\n");
    let pieces = line.as_bytes().chunks(16 * 1024).map(|bytes| Record {
        time,
        stream,
        bytes: bytes.to_vec(),
    });
    pieces.collect()
}

/// A record without TTY: a frame.
pub fn mux(record: &Record) -> Vec<u8> {
    mux_as(record, Times::Nanos)
}

/// A record without TTY, with its time in some form.
pub fn mux_as(record: &Record, times: Times) -> Vec<u8> {
    let kind = match record.stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    };
    frame(kind, &raw_as(record, times))
}

/// A record of a TTY, with its time in some form.
pub fn raw_as(record: &Record, times: Times) -> Vec<u8> {
    let mut bytes = format!("{} ", times.print(record)).into_bytes();
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
pub fn seconds(since: &str) -> i64 {
    let (seconds, nanos) = since.split_once('.').expect("`since` has a fraction");
    assert_eq!(nanos.len(), 9, "`since` has nine digits");
    seconds.parse::<i64>().unwrap() * 1_000_000_000 + nanos.parse::<i64>().unwrap()
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
