//! What forward authentication protects: which lines of a proxy count as route `forward_auth`.
//!
//! A proxy's line is about the client's request. Whether an auth server was asked before, and what it
//! said, shows only to somebody who knows which routers, hosts or paths are protected.

use std::str::FromStr;

use super::pattern::{Pattern, PatternError, decode_unreserved};

/// The route of the auth calls that a proxy makes.
pub(super) const NAME: &str = "forward_auth";

/// The most bytes that a name may have.
const MAX_LENGTH: usize = 500;

/// What is protected: a request to any of these routers or hosts, or with any of these paths.
#[derive(Clone, Debug, Default)]
pub struct ForwardAuth {
    /// Traefik's routers, HAProxy's backends.
    pub routers: Vec<RouterName>,
    /// What clients ask for in `Host`.
    pub hosts: Vec<HostName>,
    /// What clients ask for in the target.
    pub paths: Vec<ProtectedPath>,
}

/// A router as the proxy's line names it: `app@docker`, `*@docker`, `*`.
#[derive(Clone, Debug)]
pub struct RouterName(Wildcard);

/// A host without port: `app.example.com`, `*.example.com`, `*`.
#[derive(Clone, Debug)]
pub struct HostName(Wildcard);

/// A path as in a route, or `*` for all.
#[derive(Clone, Debug)]
pub struct ProtectedPath(Pattern);

/// A text with at most one `*`, which stands for anything.
#[derive(Clone, Debug)]
struct Wildcard {
    start: String,
    /// What follows the `*`, if there is one.
    end: Option<String>,
}

/// Why a text is no router and no host.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// It has nothing in it.
    #[error("the name is empty; give a name, or `*` for all")]
    Empty,
    /// It is longer than allowed.
    #[error("the name has {0} bytes, at most {MAX_LENGTH} are allowed")]
    TooLong(usize),
    /// It has blanks or more than one `*`.
    #[error("`{0}` may have one `*` and no blanks")]
    Shape(String),
    /// A host with more than its name.
    #[error("`{0}` is no host; give it without scheme, port and path")]
    Host(String),
}

impl ForwardAuth {
    /// Tells whether nothing is protected.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many names and patterns there are.
    pub(super) const fn len(&self) -> usize {
        self.routers.len() + self.hosts.len() + self.paths.len()
    }

    /// Tells whether a request is protected, by as much as the line says about it.
    pub(super) fn covers(&self, router: Option<&[u8]>, host: Option<&[u8]>, path: &[u8]) -> bool {
        router.is_some_and(|router| self.routers.iter().any(|name| name.matches(router)))
            || host.is_some_and(|host| self.hosts.iter().any(|name| name.matches(host)))
            || !self.paths.is_empty() && {
                let path = decode_unreserved(path);
                self.paths.iter().any(|pattern| pattern.0.matches(&path))
            }
    }
}

impl RouterName {
    /// Traefik's own routers, such as `ping@internal` and those that redirect an entry point, have no
    /// middlewares of the user: only one that is named in full is meant.
    fn matches(&self, router: &[u8]) -> bool {
        let is_own = self.0.end.is_some() && router.ends_with(b"@internal");
        !is_own && self.0.matches(router, <[u8]>::eq)
    }
}

impl HostName {
    fn matches(&self, host: &[u8]) -> bool {
        self.0.matches(host, <[u8]>::eq_ignore_ascii_case)
    }
}

impl Wildcard {
    fn matches(&self, text: &[u8], is_equal: impl Fn(&[u8], &[u8]) -> bool) -> bool {
        let (start, end) = (self.start.as_bytes(), self.end.as_ref());
        let Some(end) = end.map(String::as_bytes) else {
            return is_equal(text, start);
        };
        let Some((head, rest)) = text.split_at_checked(start.len()) else {
            return false;
        };
        let tail = rest
            .len()
            .checked_sub(end.len())
            .and_then(|at| rest.get(at..));
        is_equal(head, start) && tail.is_some_and(|tail| is_equal(tail, end))
    }
}

impl FromStr for Wildcard {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(NameError::TooLong(text.len()));
        }
        let (start, end) = match text.split_once('*') {
            Some((start, end)) => (start, Some(end)),
            None => (text, None),
        };
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '*';
        if start.contains(is_odd) || end.is_some_and(|end| end.contains(is_odd)) {
            return Err(NameError::Shape(text.to_owned()));
        }
        Ok(Self {
            start: start.to_owned(),
            end: end.map(str::to_owned),
        })
    }
}

impl FromStr for RouterName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse().map(Self)
    }
}

impl FromStr for HostName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_address = text.matches(':').count() > 1;
        if text.contains(['/', '[', ']', '@']) || text.contains(':') && !is_address {
            return Err(NameError::Host(text.to_owned()));
        }
        text.parse().map(Self)
    }
}

impl FromStr for ProtectedPath {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let text = if text == "*" { "/*" } else { text };
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(name: &str, router: &str) -> bool {
        name.parse::<RouterName>()
            .unwrap()
            .matches(router.as_bytes())
    }

    fn host(name: &str, host: &str) -> bool {
        name.parse::<HostName>().unwrap().matches(host.as_bytes())
    }

    #[test]
    fn a_wildcard_stands_for_anything() {
        for (name, text, expected) in [
            ("app@docker", "app@docker", true),
            ("app@docker", "App@docker", false),
            ("app@docker", "app@docker2", false),
            ("*@docker", "app@docker", true),
            ("*@docker", "app@file", false),
            ("app*", "app@file", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*", "", true),
            ("*", "app@file", true),
            ("*", "web-to-websecure@internal", false),
            ("*@internal", "ping@internal", false),
            ("ping@internal", "ping@internal", true),
        ] {
            assert_eq!(router(name, text), expected, "{name} {text}");
        }
    }

    #[test]
    fn hosts_have_no_case() {
        for (name, text, expected) in [
            ("app.example.com", "APP.Example.com", true),
            ("App.Example.com", "app.example.com", true),
            ("*.example.com", "app.EXAMPLE.com", true),
            ("*.example.com", "example.com", false),
            ("app.example.com", "app.example.com.evil", false),
            ("2001:db8::1", "2001:DB8::1", true),
            ("*", "anything", true),
        ] {
            assert_eq!(host(name, text), expected, "{name} {text}");
        }
    }

    #[test]
    fn any_of_what_is_named_is_protected() {
        let protected = ForwardAuth {
            routers: vec!["app@docker".parse().unwrap()],
            hosts: vec!["app.example.com".parse().unwrap()],
            paths: vec!["/private/*".parse().unwrap()],
        };
        for (router, host, path, expected) in [
            (Some("app@docker"), None, "/", true),
            (None, Some("app.example.com"), "/", true),
            (None, None, "/private/a", true),
            (None, None, "/%70rivate/a", true),
            (Some("other"), Some("other"), "/", false),
            (None, None, "/", false),
        ] {
            let bytes = |text: Option<&'static str>| text.map(str::as_bytes);
            let covers = protected.covers(bytes(router), bytes(host), path.as_bytes());
            assert_eq!(covers, expected, "{router:?} {host:?} {path}");
        }
        let all = ForwardAuth {
            paths: vec!["*".parse().unwrap()],
            ..ForwardAuth::default()
        };
        assert!(all.covers(None, None, b"/a"));
        assert!(!all.covers(None, None, b"-"), "a request without a path");
        assert!(ForwardAuth::default().is_empty());
        assert!(!all.is_empty());
    }

    #[test]
    fn every_mistake_is_named_with_what_is_allowed() {
        let error = |text: &str| text.parse::<HostName>().unwrap_err().to_string();
        for (text, expected) in [
            ("", "the name is empty; give a name, or `*` for all"),
            ("a b", "`a b` may have one `*` and no blanks"),
            ("*.a.*", "`*.a.*` may have one `*` and no blanks"),
            (
                "http://a/b",
                "`http://a/b` is no host; give it without scheme, port and path",
            ),
            (
                "a:80",
                "`a:80` is no host; give it without scheme, port and path",
            ),
        ] {
            assert_eq!(error(text), expected);
        }
        let long = "x".repeat(MAX_LENGTH + 1);
        assert_eq!(
            error(&long),
            "the name has 501 bytes, at most 500 are allowed"
        );
        assert!("a:80".parse::<RouterName>().is_ok());
        assert!("a".parse::<ProtectedPath>().is_err());
    }
}
