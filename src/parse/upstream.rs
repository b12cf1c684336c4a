//! What nginx says about the servers behind it, and so about the auth call before a request.
//!
//! `auth_request` has no line of its own (with `log_subrequest on` it has one that looks like the
//! request's). `$upstream_status` and `$upstream_response_time` are those of the application: they
//! are empty or `-` if the request was refused before, and then `$request_time` is the auth
//! call's. Only 2xx, 401 and 403 of an auth server get through, all else becomes 500 (nginx 1.22).

use std::time::Duration;

use super::AuthCall;
use super::duration::{self, Unit};

/// Two of nginx's variables, as logged: lists if several servers were tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Upstream<'a> {
    /// `$upstream_status`
    pub(super) status: Option<&'a [u8]>,
    /// `$upstream_response_time`, in seconds
    pub(super) time: Option<&'a [u8]>,
}

impl<'a> Upstream<'a> {
    /// Takes a field if it has one of the names that are usual for these variables.
    pub(super) fn take(&mut self, name: &[u8], value: &'a [u8]) -> bool {
        match name {
            b"upstream_status" | b"ustatus" | b"us" => self.status = Some(value),
            b"upstream_response_time" | b"urt" | b"ut" => self.time = Some(value),
            _ => return false,
        }
        true
    }

    /// Tells whether the line has any of the two.
    pub(super) const fn is_known(&self) -> bool {
        self.status.is_some() || self.time.is_some()
    }

    /// Returns what the line says about the auth call before a request.
    ///
    /// If the application was asked, the request passed, and the call took what is left of
    /// `request_time`; nginx counts both in milliseconds, so it may be one too short or too long.
    /// If it was not, and the answer is one that an auth server can cause, directly or by a
    /// redirect to the login, it is taken for that. All other answers are nginx's own, of a file
    /// after a call that has passed, or of a request that it refused before. Where the line has
    /// none of the two variables nothing can be told, and `code` is returned as it is.
    pub(super) fn auth_call(&self, code: u16, request_time: Option<Duration>) -> AuthCall<'static> {
        let of = |code, duration| AuthCall {
            router: None,
            host: None,
            code,
            duration,
        };
        let has_digit =
            |text: Option<&[u8]>| text.is_some_and(|text| text.iter().any(u8::is_ascii_digit));
        if has_digit(self.status) || has_digit(self.time) {
            let times = request_time.zip(self.time.and_then(total));
            let own = times.map(|(all, application)| all.saturating_sub(application));
            return of(Some(200), own);
        }
        match code {
            _ if !self.is_known() => of(Some(code), None),
            200..=299 | 304 => of(Some(200), None),
            401 | 403 | 500 => of(Some(code), request_time),
            302 | 303 | 307 => of(Some(code), None),
            _ => of(None, None),
        }
    }
}

/// Reads nginx's `$request_time`: seconds, always with three decimals.
///
/// Others give fields of theirs the same name, such as Apache's `%D`, which are whole microseconds.
pub(super) fn request_time(value: &[u8]) -> Option<Duration> {
    let point = value.iter().rposition(|byte| *byte == b'.')?;
    let has_three_decimals = value.len() - point == 4;
    duration::duration(value, Unit::Seconds).filter(|_| has_three_decimals)
}

/// Adds up a list of seconds: `0.001, 0.002 : 0.003`, in which `-` is a server that was not asked.
fn total(list: &[u8]) -> Option<Duration> {
    let is_between = |byte: &u8| b", :".contains(byte);
    let times = list
        .split(is_between)
        .filter(|time| !time.is_empty() && *time != b"-");
    times
        .map(|time| duration::duration(time, Unit::Seconds))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(status: &'static str, time: &'static str, code: u16) -> (Option<u16>, Option<u128>) {
        let upstream = Upstream {
            status: Some(status.as_bytes()),
            time: Some(time.as_bytes()),
        };
        let call = upstream.auth_call(code, Some(Duration::from_millis(100)));
        let milliseconds = call.duration.map(|duration| duration.as_millis());
        (call.code, milliseconds)
    }

    #[test]
    fn a_request_that_the_application_got_has_passed() {
        for (status, time, code, left) in [
            ("200", "0.030", 200, Some(70)),
            ("502", "0.000", 502, Some(100)),
            ("401", "0.030", 401, Some(70)),
            ("502, 200", "0.010, 0.020", 200, Some(70)),
            ("404 : 200", "0.010 : 0.020", 200, Some(70)),
            // Rounded.
            ("200", "0.101", 200, Some(0)),
            // The client has left.
            ("-", "0.099", 499, Some(1)),
            ("200", "x", 200, None),
            ("200", "-", 200, Some(100)),
        ] {
            assert_eq!(
                call(status, time, code),
                (Some(200), left),
                "{status} {time}"
            );
        }
    }

    #[test]
    fn request_time_has_three_decimals() {
        assert_eq!(request_time(b"1.203"), Some(Duration::from_millis(1203)));
        for value in ["1203", "1.2", "1.2034", "-", "", ".", "x.203", "1.20e"] {
            assert_eq!(request_time(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn any_other_has_the_answer_of_the_auth_server_or_of_nginx() {
        for empty in ["-", ""] {
            for (code, expected) in [
                (401, (Some(401), Some(100))),
                (403, (Some(403), Some(100))),
                (500, (Some(500), Some(100))),
                (302, (Some(302), None)),
                (206, (Some(200), None)),
                (304, (Some(200), None)),
                (301, (None, None)),
                (400, (None, None)),
                (404, (None, None)),
                (499, (None, None)),
            ] {
                assert_eq!(call(empty, empty, code), expected, "{code}");
            }
        }
    }

    #[test]
    fn a_line_without_upstream_says_nothing() {
        let nothing = Upstream::default();
        assert!(!nothing.is_known());
        let call = nothing.auth_call(404, Some(Duration::from_secs(1)));
        assert_eq!((call.code, call.duration), (Some(404), None));
    }
}
