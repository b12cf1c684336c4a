//! The names that servers give the fields of an access line.

/// What the name of a field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The request line, or the path alone.
    Request,
    Method,
    /// The target as the client sent it.
    Target,
    /// The target or the path, as the server understands it.
    Path,
    Code,
    /// nginx's `$request_time`, if it looks like that.
    RequestTime,
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
    Client,
    Host,
    UpstreamStatus,
    UpstreamTime,
    /// Only a server of this kind has such a field.
    Sign,
    /// Only others have such a field.
    Foreign,
}

/// The fields that were found, by meaning; of several with one meaning the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<T>([Option<T>; Meaning::Foreign as usize + 1]);

pub(super) fn nginx(name: &[u8]) -> Option<Meaning> {
    Some(match name {
        b"request" => Meaning::Request,
        b"request_method" | b"method" => Meaning::Method,
        b"request_uri" => Meaning::Target,
        b"uri" | b"url" | b"path" => Meaning::Path,
        b"status" => Meaning::Code,
        b"request_time" => Meaning::RequestTime,
        b"remote_addr" | b"remote_ip" | b"client_ip" | b"remote" => Meaning::Client,
        b"host" | b"http_host" | b"vhost" | b"domain" | b"server_name" => Meaning::Host,
        b"upstream_status" => Meaning::UpstreamStatus,
        b"upstream_response_time" => Meaning::UpstreamTime,
        b"body_bytes_sent"
        | b"bytes_sent"
        | b"request_length"
        | b"time_iso8601"
        | b"time_local"
        | b"upstream_addr"
        | b"http_user_agent"
        | b"http_referer"
        | b"http_x_forwarded_for"
        | b"server_protocol" => Meaning::Sign,
        b"remoteIP" | b"msg" | b"event" | b"logger" => Meaning::Foreign,
        _ => return None,
    })
}

pub(super) fn gunicorn(name: &[u8]) -> Option<Meaning> {
    Some(match name {
        b"request" => Meaning::Request,
        b"method" | b"request_method" => Meaning::Method,
        b"path" | b"request_path" => Meaning::Path,
        b"status" | b"status_code" | b"response_code" => Meaning::Code,
        b"remote_ip" | b"remote_addr" => Meaning::Client,
        b"host" => Meaning::Host,
        // Loggers of applications.
        b"level" | b"severity" | b"msg" | b"message" | b"event" | b"logger" => Meaning::Foreign,
        name => return time(name),
    })
}

pub(super) fn apache(name: &[u8]) -> Option<Meaning> {
    Some(match name {
        b"request" => Meaning::Request,
        b"method" => Meaning::Method,
        b"status" => Meaning::Code,
        b"remoteIP" => Meaning::Client,
        b"host" => Meaning::Host,
        name => return time(name),
    })
}

/// The names of Tomcat's `JsonAccessLogValve`. `elapsedTime` is milliseconds up to Tomcat 9 and
/// microseconds from 10 on, so only seconds can be read.
pub(super) fn tomcat(name: &[u8]) -> Option<Meaning> {
    Some(match name {
        b"request" => Meaning::Request,
        b"method" => Meaning::Method,
        b"path" => Meaning::Path,
        b"statusCode" => Meaning::Code,
        b"elapsedTimeS" => Meaning::Seconds,
        b"host" | b"remoteAddr" => Meaning::Client,
        b"logicalUserName" | b"byteSentNC" | b"elapsedTime" | b"firstByteTime"
        | b"localServerName" | b"sessionId" => Meaning::Sign,
        b"level" | b"msg" | b"message" => Meaning::Foreign,
        _ => return None,
    })
}

/// The meaning of names that end in a unit, such as `duration_us` and `response_time_ms`.
fn time(name: &[u8]) -> Option<Meaning> {
    let at = memchr::memrchr(b'_', name)?;
    let (what, unit) = name.split_at_checked(at)?;
    let is_time = matches!(
        what,
        b"duration"
            | b"request_time"
            | b"response_time"
            | b"request_duration"
            | b"elapsed"
            | b"latency"
    );
    let meaning = match unit {
        b"_s" => Meaning::Seconds,
        b"_ms" => Meaning::Milliseconds,
        b"_us" => Meaning::Microseconds,
        b"_ns" => Meaning::Nanoseconds,
        _ => return None,
    };
    is_time.then_some(meaning)
}

impl<T: Copy> Found<T> {
    pub(super) const fn nothing() -> Self {
        Self([None; Meaning::Foreign as usize + 1])
    }

    pub(super) fn take(&mut self, meaning: Meaning, value: T) {
        if let Some(place) = self.0.get_mut(meaning as usize) {
            place.get_or_insert(value);
        }
    }

    pub(super) fn get(&self, meaning: Meaning) -> Option<T> {
        self.0.get(meaning as usize).copied().flatten()
    }
}

impl<T> Found<T> {
    /// Changes each value; one that becomes nothing was not found.
    pub(super) fn map<U>(self, mut change: impl FnMut(T) -> Option<U>) -> Found<U> {
        Found(self.0.map(|value| change(value?)))
    }
}
