//! The labels of a container that hold routes, and what is protected. Pure.

use std::collections::HashMap;
use std::error::Error;
use std::str::FromStr;

use crate::chain::chain;
use crate::route::{ForwardAuth, Pattern, Routes};

/// What the labels of routes begin with; the name follows.
pub(super) const ROUTES: &str = "authtail.routes.";
/// What the labels of forward authentication begin with.
pub(super) const FORWARD_AUTH: &str = "authtail.forward_auth.";

/// `authtail.routes.<name>=<pattern>`, in the order of the names.
pub(super) fn routes(
    labels: &HashMap<String, String>,
    problems: &mut Vec<String>,
) -> Vec<(String, Pattern)> {
    let mut routes = Vec::new();
    for (key, value) in labels {
        let Some(name) = key.strip_prefix(ROUTES) else {
            continue;
        };
        let route = value
            .trim()
            .parse()
            .map(|pattern: Pattern| (name.to_owned(), pattern));
        let checked = route.map_err(|error| chain(&error)).and_then(|route| {
            Routes::new([route.clone()])
                .map(|_| route)
                .map_err(|e| chain(&e))
        });
        match checked {
            Ok(route) => routes.push(route),
            Err(problem) => problems.push(format!("`{key}`: {problem}")),
        }
    }
    routes.sort_by(|(one, _), (other, _)| one.cmp(other));
    routes
}

/// `authtail.forward_auth.routers=<name>,<name>`, and so `hosts` and `paths`; each wins over what the
/// file says.
pub(super) fn forward_auth(
    labels: &HashMap<String, String>,
    mut ruled: ForwardAuth,
    problems: &mut Vec<String>,
) -> ForwardAuth {
    let mut labels: Vec<_> = labels.iter().collect();
    labels.sort();
    for (key, value) in labels {
        match key.strip_prefix(FORWARD_AUTH) {
            Some("routers") => ruled.routers = list(key, value, problems),
            Some("hosts") => ruled.hosts = list(key, value, problems),
            Some("paths") => ruled.paths = list(key, value, problems),
            Some(_) => problems.push(format!(
                "`{key}` is unknown; there are `routers`, `hosts` and `paths`"
            )),
            None => {}
        }
    }
    ruled
}

/// The values between commas; those that cannot be used are reported.
fn list<T: FromStr<Err: Error>>(key: &str, value: &str, problems: &mut Vec<String>) -> Vec<T> {
    let mut values = Vec::new();
    for text in value.split(',') {
        match text.trim().parse() {
            Ok(value) => values.push(value),
            Err(error) => problems.push(format!("`{key}`: {}", chain(&error))),
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{AuthCall, Request};

    /// Tells whether a request to a router and a host is protected.
    fn is_protected(protected: ForwardAuth, router: &str, host: &str) -> bool {
        let call = AuthCall {
            router: Some(router.as_bytes()),
            host: Some(host.as_bytes()),
            code: Some(401),
            duration: None,
        };
        let request = Request {
            method: None,
            path: b"/",
            code: Some(401),
            duration: None,
            client: None,
            auth_call: Some(call),
        };
        let routes = Routes::default().protecting(protected).unwrap();
        routes.place(&request).is_some()
    }

    #[test]
    fn each_list_wins_over_the_file() {
        let ruled = ForwardAuth {
            routers: vec!["file".parse().unwrap()],
            hosts: vec!["file.example".parse().unwrap()],
            ..ForwardAuth::default()
        };
        let label = |key: &str, value: &str| HashMap::from([(key.to_owned(), value.to_owned())]);
        let labels = label("authtail.forward_auth.routers", "one@docker, two@docker");
        let mut problems = Vec::new();
        let protected = forward_auth(&labels, ruled, &mut problems);
        for (router, host, expected) in [
            ("one@docker", "x", true),
            ("two@docker", "x", true),
            ("file", "x", false),
            ("x", "file.example", true),
        ] {
            let is_protected = is_protected(protected.clone(), router, host);
            assert_eq!(is_protected, expected, "{router} {host}");
        }
        assert!(problems.is_empty());
    }

    #[test]
    fn values_that_cannot_be_used_are_said_and_left_out() {
        let labels = [
            ("authtail.forward_auth.routers", "one@docker,,two two"),
            ("authtail.forward_auth.paths", "private"),
            ("authtail.forward_auth.router", "one@docker"),
        ];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut problems = Vec::new();
        let protected = forward_auth(&labels.into(), ForwardAuth::default(), &mut problems);
        assert!(is_protected(protected, "one@docker", "x"));
        let expected = [
            "`authtail.forward_auth.paths`: pattern `private` must begin with `/` (a path) or `~` (a regex)",
            "`authtail.forward_auth.router` is unknown; there are `routers`, `hosts` and `paths`",
            "`authtail.forward_auth.routers`: the name is empty; give a name, or `*` for all",
            "`authtail.forward_auth.routers`: `two two` may have one `*` and no blanks",
        ];
        assert_eq!(problems, expected);
    }
}
