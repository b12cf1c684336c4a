//! Envoy's access lines, Istio's among them, and what they say about `ext_authz`.
//!
//! The flag `UAEX` marks what `ext_authz` has refused. What passed shows in a part that the upstream
//! had. The rest is Envoy's own: requests that it could not read or that no route wanted, for which
//! it asks nobody.

mod json;
mod text;

use std::time::Duration;

use super::format::BuiltIn;
use super::{AuthCall, Request, fields, scan};

pub(super) const FORMATS: &[BuiltIn] = &[
    BuiltIn {
        name: "envoy",
        has_durations: true,
        is_detected: true,
        read: text::read_envoy,
    },
    BuiltIn {
        name: "istio",
        has_durations: true,
        is_detected: true,
        read: text::read_istio,
    },
    BuiltIn {
        name: "envoy-json",
        has_durations: true,
        is_detected: true,
        read: json::read,
    },
];

/// What the router, which comes after `ext_authz`, says when it finds nobody to send a request to:
/// no healthy host, too many requests, no such cluster.
const NO_UPSTREAM: [&[u8]; 3] = [b"UH", b"UO", b"NC"];

/// What a line says that has to do with the answer.
#[derive(Clone, Copy, Debug, Default)]
struct Seen<'a> {
    /// `-` or nothing if the request could not be read.
    method: Option<&'a [u8]>,
    target: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
    client: Option<&'a [u8]>,
    code: u16,
    /// Such as `UAEX` or `UF,URX`; `-` for none.
    flags: &'a [u8],
    /// Such as `ext_authz_denied`; empty if the format has none.
    details: &'a [u8],
    total: Option<Duration>,
    /// Until the upstream's headers came; on a refusal those of the auth server.
    upstream: Option<Duration>,
    /// True if the line names the upstream host.
    has_host: bool,
}

impl<'a> Seen<'a> {
    fn request(self) -> Request<'a> {
        let is_there = |text: &&[u8]| *text != b"-";
        let (code, duration) = self.auth_call();
        Request {
            method: self.method.filter(is_there),
            path: fields::path(self.target.unwrap_or(b"-")),
            code: Some(self.code),
            duration: self.total,
            client: self.client,
            auth_call: Some(AuthCall {
                router: None,
                host: self.host.filter(is_there).map(scan::without_port),
                code,
                duration,
            }),
        }
    }

    /// Makes out the code and the duration of the auth call.
    fn auth_call(&self) -> (Option<u16>, Option<Duration>) {
        let has = |flag: &[u8]| self.flags.split(|&byte| byte == b',').any(|f| f == flag);
        if has(b"UAEX") {
            // Envoy answers 403 when it cannot ask; other proxies answer 500.
            let is_error = self.details == b"ext_authz_error" && self.code < 500;
            return (Some(if is_error { 500 } else { self.code }), self.total);
        }
        if let Some(upstream) = self.upstream {
            let duration = self.total.and_then(|total| total.checked_sub(upstream));
            return (Some(200), duration);
        }
        if self.has_host || self.details == b"via_upstream" {
            return (Some(200), None);
        }
        if self.details == b"direct_response" || NO_UPSTREAM.into_iter().any(has) {
            return (Some(200), self.total);
        }
        (None, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_refusals_from_what_passed_and_from_what_nobody_was_asked_about() {
        let ms = |number| Some(Duration::from_millis(number));
        // Code, flags, details, total, upstream's part, upstream's host; all as Envoy 1.40 wrote them.
        for (code, flags, details, upstream, has_host, expected) in [
            (200, "-", "", Some(50), true, (Some(200), ms(53))),
            (
                404,
                "-",
                "via_upstream",
                Some(50),
                true,
                (Some(200), ms(53)),
            ),
            (401, "UAEX", "", Some(50), false, (Some(401), ms(103))),
            (
                401,
                "UAEX",
                "ext_authz_denied",
                Some(50),
                false,
                (Some(401), ms(103)),
            ),
            (
                204,
                "UAEX",
                "ext_authz_denied",
                Some(50),
                false,
                (Some(204), ms(103)),
            ),
            (403, "UAEX", "", None, false, (Some(403), ms(103))),
            (
                403,
                "UAEX",
                "ext_authz_error",
                None,
                false,
                (Some(500), ms(103)),
            ),
            (
                503,
                "UAEX",
                "ext_authz_error",
                None,
                false,
                (Some(503), ms(103)),
            ),
            (
                301,
                "-",
                "direct_response",
                None,
                false,
                (Some(200), ms(103)),
            ),
            (301, "-", "", None, false, (None, None)),
            (503, "UH", "", None, false, (Some(200), ms(103))),
            (503, "UF,URX", "", None, true, (Some(200), None)),
            (504, "UT", "response_timeout", None, true, (Some(200), None)),
            (200, "-", "via_upstream", None, false, (Some(200), None)),
            (404, "NR", "route_not_found", None, false, (None, None)),
            (400, "DPE", "http1.codec_error", None, false, (None, None)),
            (
                0,
                "DC",
                "downstream_remote_disconnect",
                None,
                true,
                (Some(200), None),
            ),
            (
                0,
                "DC",
                "downstream_remote_disconnect",
                None,
                false,
                (None, None),
            ),
            (200, "-", "", Some(104), true, (Some(200), None)),
        ] {
            let seen = Seen {
                code,
                flags: flags.as_bytes(),
                details: details.as_bytes(),
                total: ms(103),
                upstream: upstream.and_then(ms),
                has_host,
                ..Seen::default()
            };
            assert_eq!(seen.auth_call(), expected, "{seen:?}");
        }
    }
}
