//! Where a request counts, and as what.

use std::time::Duration;

use super::Routes;
use crate::parse::{AuthCall, Request};

/// What to count for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The index of the route in [`Routes::names`].
    pub route: usize,
    /// The status code: that of the request, or that of the auth call before it.
    pub code: u16,
    /// How long the request or the auth call took.
    pub duration: Option<Duration>,
}

impl Routes {
    /// Returns where a request counts.
    ///
    /// A request that is protected counts once, as the auth call before it, whatever its path. If the
    /// format does not tell what the auth server said, the code of the request stands for it.
    pub fn place(&self, request: &Request<'_>) -> Option<Placed> {
        let by_path = |route| Placed {
            route,
            code: request.counted_code(),
            duration: request.duration,
        };
        self.auth_call(request)
            .or_else(|| self.of(request).map(by_path))
    }

    /// Returns the auth call before a request, if it is protected and the line does not say that there
    /// was none.
    fn auth_call(&self, request: &Request<'_>) -> Option<Placed> {
        let protected = self.protected.as_ref()?;
        let unknown = AuthCall {
            router: None,
            host: None,
            code: Some(request.counted_code()),
            duration: None,
        };
        let call = request.auth_call.unwrap_or(unknown);
        let placed = Placed {
            route: self.names.len().checked_sub(1)?,
            code: call.code?,
            duration: call.duration,
        };
        let is_protected = protected.covers(call.router, call.host, request.path);
        is_protected.then_some(placed)
    }

    /// Tells whether any route counts the auth calls of a proxy.
    pub(crate) const fn has_forward_auth(&self) -> bool {
        self.protected.is_some()
    }

    /// Tells whether a route counts the auth calls of a proxy.
    pub fn is_forward_auth(&self, route: usize) -> bool {
        self.protected.is_some() && route + 1 == self.names.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ForwardAuth, Pattern};
    use super::*;

    fn pattern(name: &str, text: &str) -> (String, Pattern) {
        (name.to_owned(), text.parse().unwrap())
    }

    #[test]
    fn a_protected_request_counts_as_its_auth_call_and_nothing_else() {
        let set = Routes::new([pattern("all", "/*")]).unwrap();
        let protected = ForwardAuth {
            routers: vec!["app@docker".parse().unwrap()],
            paths: vec!["/private/*".parse().unwrap()],
            ..ForwardAuth::default()
        };
        let set = set.protecting(protected).unwrap();
        assert_eq!(set.names(), ["all", "validate", "forward_auth"]);
        let milliseconds = |number| Some(Duration::from_millis(number));
        let request = |path, router, auth_code| Request {
            method: Some(b"GET"),
            path,
            code: Some(404),
            duration: milliseconds(9),
            client: None,
            auth_call: Some(AuthCall {
                router,
                host: None,
                code: auth_code,
                duration: milliseconds(2),
            }),
        };
        let place = |request| {
            let placed = set.place(&request).unwrap();
            (&*set.names()[placed.route], placed.code, placed.duration)
        };
        let app = Some(&b"app@docker"[..]);
        let validate = b"/api/v1/auth/validate";
        for (request, expected) in [
            (
                request(validate, app, Some(200)),
                ("forward_auth", 200, milliseconds(2)),
            ),
            (
                request(b"/private/x", None, Some(401)),
                ("forward_auth", 401, milliseconds(2)),
            ),
            (
                request(b"/private/x", app, None),
                ("all", 404, milliseconds(9)),
            ),
            (
                request(b"/x", Some(b"other"), Some(200)),
                ("all", 404, milliseconds(9)),
            ),
        ] {
            assert_eq!(place(request), expected, "{request:?}");
        }
        let unknown = Request {
            auth_call: None,
            ..request(b"/private/x", None, None)
        };
        assert_eq!(place(unknown), ("forward_auth", 404, None));
        assert!(set.is_forward_auth(2) && !set.is_forward_auth(1));
        assert!(!Routes::default().is_forward_auth(0));
        // What is added later does not take the protection away.
        let set = set.with([pattern("chat", "/chat")]).unwrap();
        assert_eq!(set.names(), ["chat", "all", "validate", "forward_auth"]);
        assert!(set.is_forward_auth(3));
    }
}
