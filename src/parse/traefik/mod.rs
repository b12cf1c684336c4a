//! Traefik's access lines, and what they say about the auth call before a request.
//!
//! A line is about the client's request. That `ForwardAuth` refused it shows in what is missing:
//! nothing was sent on to a service. But other middlewares, and Traefik itself, answer requests
//! too. What they write was seen with Traefik 3.7: a body that is the text of the status
//! (`RateLimit`, redirections, `Buffering`), and a user's name (`BasicAuth`, `DigestAuth`).

mod common;
mod json;

use super::format::BuiltIn;

pub(super) const FORMATS: &[BuiltIn] = &[
    BuiltIn {
        name: "traefik-json",
        has_durations: true,
        is_detected: true,
        read: json::read,
    },
    BuiltIn {
        name: "traefik-clf",
        has_durations: true,
        is_detected: true,
        read: common::read,
    },
];

/// What a line says about an answer that came from no service.
#[derive(Clone, Copy, Debug)]
struct Answer<'a> {
    code: u16,
    /// The bytes of its body.
    size: Option<u64>,
    router: Option<&'a [u8]>,
    /// The user that a middleware has noted, or that stands in an absolute target.
    user: Option<&'a [u8]>,
}

impl Answer<'_> {
    /// Returns the code of the auth call, if it is what the answer came from.
    fn auth_code(&self) -> Option<u16> {
        match (self.code, self.size) {
            // "no available server": the balancer, which comes after every middleware.
            (503, Some(20)) => Some(200),
            // ForwardAuth never answers so: it sends such a request on.
            (100..=299, _) => None,
            // RedirectScheme and RedirectRegex, RateLimit, Buffering.
            (301 | 429, Some(17)) | (302, Some(5)) | (307 | 308, Some(18)) | (413, Some(24)) => {
                None
            }
            // BasicAuth and DigestAuth; the name is empty if the client has sent none.
            (401, Some(17)) if self.user.is_some_and(|user| user != b"-") => None,
            // Nobody took the request.
            (404, Some(19)) if self.router.is_none() => None,
            (code, _) => Some(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_the_auth_servers_unless_the_line_tells_otherwise() {
        let answer = Answer {
            code: 401,
            size: Some(41),
            router: Some(b"app@docker"),
            user: Some(b"-"),
        };
        for (code, size, expected) in [
            (401, 41, Some(401)),
            (401, 17, Some(401)),
            (403, 9, Some(403)),
            (302, 0, Some(302)),
            (302, 5, None),
            (301, 17, None),
            (308, 18, None),
            (307, 18, None),
            (429, 11, Some(429)),
            (429, 17, None),
            (413, 24, None),
            (500, 0, Some(500)),
            (500, 21, Some(500)),
            (503, 11, Some(503)),
            (503, 20, Some(200)),
            (499, 0, Some(499)),
            (404, 19, Some(404)),
            (200, 0, None),
            (101, 0, None),
        ] {
            let size = Some(size);
            let answer = Answer {
                code,
                size,
                ..answer
            };
            assert_eq!(answer.auth_code(), expected, "{code} {size:?}");
        }
    }

    #[test]
    fn basic_auth_and_an_unknown_path_are_told_apart() {
        for (user, size, expected) in [
            (Some(&b"mallory"[..]), 17, None),
            (Some(b""), 17, None),
            (Some(b"mallory"), 41, Some(401)),
            (Some(b"-"), 17, Some(401)),
            (None, 17, Some(401)),
        ] {
            let answer = Answer {
                code: 401,
                size: Some(size),
                router: Some(b"app@docker"),
                user,
            };
            assert_eq!(answer.auth_code(), expected, "{answer:?}");
        }
        let answer = Answer {
            code: 404,
            size: Some(19),
            router: None,
            user: None,
        };
        assert_eq!(answer.auth_code(), None);
    }
}
