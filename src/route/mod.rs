//! From a request to the route that counts it: by its path, or because a proxy's line says what an
//! auth server was asked.

mod forward_auth;
mod pattern;
mod place;

pub use self::forward_auth::{ForwardAuth, HostName, NameError, ProtectedPath, RouterName};
use self::pattern::decode_unreserved;
pub use self::pattern::{Pattern, PatternError};
pub use self::place::Placed;
use crate::parse::Request;

/// The most patterns that one set may have.
const MAX_PATTERNS: usize = 200;

/// The route that needs no configuration.
const VALIDATE: &str = "validate";

/// The path of `validate`; a router may have mounted it under any prefix.
const VALIDATE_MOUNTED: &[u8] = b"/api/v1/auth/validate";

/// The validate paths of well-known auth servers.
const VALIDATE_KNOWN: [&str; 9] = [
    "/oauth2/auth",                   // oauth2-proxy
    "/api/verify",                    // Authelia
    "/api/authz/*",                   // Authelia, VoidAuth
    "/akprox/auth/*",                 // authentik
    "/outpost.goauthentik.io/auth/*", // authentik
    "/api/auth/traefik",              // tinyauth, with the next three
    "/api/auth/nginx",
    "/api/auth/caddy",
    "/api/auth/envoy",
];

/// A set of named routes, in the order in which they are tried.
#[derive(Clone, Debug)]
pub struct Routes {
    names: Vec<String>,
    /// First match wins. Each comes with the index of its route's name.
    patterns: Vec<(Pattern, usize)>,
    /// How many of `patterns`, from the first, are not built in.
    own: usize,
    /// What counts as route `forward_auth`, which then is the last of the names.
    protected: Option<ForwardAuth>,
}

/// Why there is no such set of routes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutesError {
    /// A name is not fit to be a label value.
    #[error("route name `{0}` is not allowed, expected 1 to 40 of `a-z`, `0-9` and `_`")]
    Name(String),
    /// A name has another meaning.
    #[error(
        "the route name `{}` is taken by what proxies say about their auth calls; \
         name the routers, hosts or paths of a proxy in `forward_auth` of its container, \
         or choose another name",
        forward_auth::NAME
    )]
    Reserved,
    /// There are more patterns than allowed.
    #[error("there are {0} route patterns, at most {MAX_PATTERNS} are allowed")]
    TooMany(usize),
    /// There are more protected routers, hosts and paths than allowed.
    #[error("there are {0} routers, hosts and paths, at most {MAX_PATTERNS} are allowed")]
    TooManyProtected(usize),
}

impl Default for Routes {
    /// Returns the set of the built-in route alone.
    fn default() -> Self {
        Self::build(Vec::new())
    }
}

impl Routes {
    /// Builds the set of `own` routes and the built-in `validate`, unless one of them has that
    /// name. A name that comes several times is one route with several patterns.
    ///
    /// An exact path beats the longest prefix, which beats a regex; among equals the first wins.
    /// The built-in route comes last.
    pub fn new(own: impl IntoIterator<Item = (String, Pattern)>) -> Result<Self, RoutesError> {
        let own: Vec<_> = own.into_iter().collect();
        if own.len() > MAX_PATTERNS {
            return Err(RoutesError::TooMany(own.len()));
        }
        if let Some((name, _)) = own.iter().find(|(name, _)| !is_name(name)) {
            return Err(RoutesError::Name(name.clone()));
        }
        if own.iter().any(|(name, _)| name == forward_auth::NAME) {
            return Err(RoutesError::Reserved);
        }
        Ok(Self::build(own))
    }

    /// Adds the route `forward_auth`, for the lines of a proxy about what is protected.
    pub fn protecting(mut self, protected: ForwardAuth) -> Result<Self, RoutesError> {
        if protected.len() > MAX_PATTERNS {
            return Err(RoutesError::TooManyProtected(protected.len()));
        }
        if !protected.is_empty() {
            index_of(&mut self.names, forward_auth::NAME.to_owned());
            self.protected = Some(protected);
        }
        Ok(self)
    }

    /// Builds the set of `extra` routes and those of this set whose names are not among them.
    /// Among equals an extra route wins.
    pub fn with(
        &self,
        extra: impl IntoIterator<Item = (String, Pattern)>,
    ) -> Result<Self, RoutesError> {
        let mut routes: Vec<_> = extra.into_iter().collect();
        let extra = routes.len();
        for (pattern, id) in self.patterns.iter().take(self.own) {
            let Some(name) = self.names.get(*id) else {
                continue;
            };
            if routes
                .iter()
                .take(extra)
                .all(|(replaced, _)| replaced != name)
            {
                routes.push((name.clone(), pattern.clone()));
            }
        }
        let routes = Self::new(routes)?;
        routes.protecting(self.protected.clone().unwrap_or_default())
    }

    fn build(own: Vec<(String, Pattern)>) -> Self {
        let mut names = Vec::new();
        let mut patterns: Vec<_> = own
            .into_iter()
            .map(|(name, pattern)| (pattern, index_of(&mut names, name)))
            .collect();
        patterns.sort_by_key(|(pattern, _)| pattern.rank());
        let own = patterns.len();
        if !names.iter().any(|name| name == VALIDATE) {
            let id = index_of(&mut names, VALIDATE.to_owned());
            patterns.push((Pattern::mounted(VALIDATE_MOUNTED), id));
            patterns.extend(VALIDATE_KNOWN.map(|path| (Pattern::path(path), id)));
        }
        Self {
            names,
            patterns,
            own,
            protected: None,
        }
    }

    /// Returns the route that a path, without its query, is on: an index into
    /// [`names`](Self::names).
    pub fn find(&self, path: &[u8]) -> Option<usize> {
        let path = decode_unreserved(path);
        self.patterns
            .iter()
            .find(|(pattern, _)| pattern.matches(&path))
            .map(|&(_, id)| id)
    }

    /// Returns the route that a request is on.
    pub fn of(&self, request: &Request<'_>) -> Option<usize> {
        if request.is_check() {
            return self.names.iter().position(|name| name == VALIDATE);
        }
        self.find(request.path)
    }

    /// Returns the names of the routes, each once.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    (1..=40).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// Returns where `name` stands in `names`, after adding it if it is new.
fn index_of(names: &mut Vec<String>, name: String) -> usize {
    names
        .iter()
        .position(|known| *known == name)
        .unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::AuthCall;

    fn own(routes: &[(&str, &str)]) -> Vec<(String, Pattern)> {
        routes
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.parse().unwrap()))
            .collect()
    }

    fn find<'a>(routes: &'a Routes, path: &str) -> Option<&'a str> {
        routes
            .find(path.as_bytes())
            .map(|id| routes.names()[id].as_str())
    }

    #[test]
    fn validate_is_built_in() {
        let routes = Routes::default();
        assert_eq!(routes.names(), ["validate"]);
        for path in [
            "/api/v1/auth/validate",
            "/auth/api/v1/auth/validate",
            "/a/b-c/%7Ed/api/v1/auth/validate",
            "/api/v1/auth/%76alidate",
            "/oauth2/auth",
            "/api/verify",
            "/api/authz/forward-auth",
            "/akprox/auth/nginx",
            "/outpost.goauthentik.io/auth/traefik",
            "/api/auth/envoy",
        ] {
            assert_eq!(find(&routes, path), Some("validate"), "{path}");
        }
        for path in [
            "",
            "/",
            "/api/v1/auth/validate/",
            "/api/v1/auth/validate-token",
            "/API/V1/AUTH/VALIDATE",
            "//api/v1/auth/validate",
            "/x//api/v1/auth/validate",
            "/x/../api/v1/auth/validate",
            "/%2e%2e/api/v1/auth/validate",
            "/./api/v1/auth/validate",
            "x/api/v1/auth/validate",
            "/xapi/v1/auth/validate",
            "/x%2Fapi/v1/auth/validate",
            "/x/oauth2/auth",
            "/api/authz",
            "/api/auth/apache",
        ] {
            assert_eq!(find(&routes, path), None, "{path}");
        }
    }

    #[test]
    fn a_line_about_an_auth_call_alone_is_on_validate() {
        let answer = AuthCall {
            router: None,
            host: None,
            code: Some(401),
            duration: None,
        };
        let mut request = Request {
            method: None,
            path: b"/shop",
            code: None,
            duration: None,
            client: None,
            auth_call: Some(answer),
        };
        let routes = Routes::new(own(&[("shop", "/shop")])).unwrap();
        assert_eq!(routes.of(&request), Some(1));
        assert_eq!(request.counted_code(), 401);
        request.code = Some(200);
        assert_eq!(routes.of(&request), Some(0));
        assert_eq!(request.counted_code(), 200);
        request.code = None;
        request.auth_call = None;
        assert_eq!(routes.of(&request), Some(0));
        assert_eq!(request.counted_code(), 0);
    }

    #[test]
    fn exact_beats_longest_prefix_beats_regex_beats_built_in() {
        let routes = [
            ("regex", "~/api/.*"),
            ("regex2", "~/api/v1/.*"),
            ("short", "/api/v1/*"),
            ("long", "/api/v1/chat/*"),
            ("exact", "/api/v1/chat/stop"),
            ("late", "/api/v1/chat/stop"),
            ("long", "/talk"),
        ];
        let routes = Routes::new(own(&routes)).unwrap();
        let names = [
            "regex", "regex2", "short", "long", "exact", "late", "validate",
        ];
        assert_eq!(routes.names(), names);
        for (path, expected) in [
            ("/api/v1/chat/stop", Some("exact")),
            ("/api/v1/chat/", Some("long")),
            ("/talk", Some("long")),
            ("/api/v1/chat", Some("short")),
            ("/api/v1/auth/validate", Some("short")),
            ("/api/verify", Some("regex")),
            ("/x/api/v1/auth/validate", Some("validate")),
            ("/x", None),
        ] {
            assert_eq!(find(&routes, path), expected, "{path}");
        }
    }

    #[test]
    fn an_own_route_validate_replaces_the_built_in_one() {
        let routes = Routes::new(own(&[("validate", "/check")])).unwrap();
        assert_eq!(routes.names(), ["validate"]);
        assert_eq!(find(&routes, "/check"), Some("validate"));
        assert_eq!(find(&routes, "/api/v1/auth/validate"), None);
    }

    #[test]
    fn extra_routes_come_first_and_replace_those_of_their_name() {
        let set = Routes::new(own(&[("chat", "/chat"), ("voice", "/voice")])).unwrap();
        let set = set
            .with(own(&[("chat", "/talk"), ("other", "/voice")]))
            .unwrap();
        assert_eq!(set.names(), ["chat", "other", "voice", "validate"]);
        assert_eq!(find(&set, "/chat"), None);
        assert_eq!(find(&set, "/talk"), Some("chat"));
        assert_eq!(find(&set, "/voice"), Some("other"));
        assert_eq!(find(&set, "/oauth2/auth"), Some("validate"));
    }

    #[test]
    fn names_and_number_are_limited() {
        for name in ["", "Chat", "a-b", "a b", "é", &"x".repeat(41)] {
            let error = Routes::new(own(&[(name, "/")])).unwrap_err();
            assert_eq!(error, RoutesError::Name(name.to_owned()));
        }
        let error = Routes::new(own(&[("forward_auth", "/")])).unwrap_err();
        assert!(
            error.to_string().contains("`forward_auth` is taken"),
            "{error}"
        );
        let many = ForwardAuth {
            routers: vec!["a".parse().unwrap(); MAX_PATTERNS],
            paths: vec!["*".parse().unwrap()],
            ..ForwardAuth::default()
        };
        let error = Routes::default().protecting(many).unwrap_err();
        assert_eq!(error, RoutesError::TooManyProtected(201));
        let many = vec![("a", "/"); MAX_PATTERNS];
        let set = Routes::new(own(&many)).unwrap();
        let error = set.with(own(&[("b", "/")])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there are 201 route patterns, at most 200 are allowed"
        );
    }
}
