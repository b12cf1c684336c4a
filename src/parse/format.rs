//! The formats that are known: one table, one name each.

use std::sync::Arc;

use super::custom::Custom;
use super::room::Room;
use super::{
    Request, asgi, auth_servers, authelia, caddy, chi, clf, columns, echo, envoy, fastify, haproxy,
    middleware, morgan, node, oauth2_proxy, pomerium, server_json, structlog, tinyauth, traefik,
    uvicorn, wsgi, zap,
};

/// How a server writes its access lines.
#[derive(Clone, Debug)]
pub enum Format {
    /// From the configuration.
    Custom(Arc<Custom>),
    /// Known without configuration.
    BuiltIn(&'static BuiltIn),
}

/// A format that needs no configuration.
#[derive(Debug)]
pub struct BuiltIn {
    pub(super) name: &'static str,
    /// True if its access lines say how long a request took.
    pub(super) has_durations: bool,
    /// True if a container may be found to have it by its lines alone.
    pub(super) is_detected: bool,
    /// Reads a line without colours and line end; `None`: it is no access line of this format.
    pub(super) read: for<'a> fn(&'a [u8], &'a mut Room) -> Option<Request<'a>>,
}

/// The formats of each family, in the order in which they are tried.
///
/// Those whose lines have a strict beginning come before uvicorn, of which only the end is strict.
const FAMILIES: [&[BuiltIn]; 23] = [
    traefik::FORMATS,
    caddy::FORMATS,
    envoy::FORMATS,
    haproxy::FORMATS,
    clf::FORMATS,
    asgi::FORMATS,
    wsgi::FORMATS,
    chi::FORMATS,
    columns::FORMATS,
    oauth2_proxy::FORMATS,
    uvicorn::FORMATS,
    structlog::FORMATS,
    tinyauth::FORMATS,
    authelia::FORMATS,
    auth_servers::FORMATS,
    pomerium::FORMATS,
    zap::FORMATS,
    echo::FORMATS,
    fastify::FORMATS,
    node::FORMATS,
    morgan::FORMATS,
    middleware::FORMATS,
    server_json::FORMATS,
];

/// The formats whose access lines say how long the auth call before a request took.
const TIMED_AUTH_CALLS: [&[BuiltIn]; 5] = [
    traefik::FORMATS,
    envoy::FORMATS,
    haproxy::FORMATS,
    clf::TIMED_AUTH_CALLS,
    server_json::TIMED_AUTH_CALLS,
];

/// All of them, in the order in which they are tried.
pub(super) fn built_in() -> impl Iterator<Item = &'static BuiltIn> {
    FAMILIES.into_iter().flatten()
}

impl Format {
    /// Returns the built-in format of this name.
    pub fn built_in(name: &str) -> Option<Self> {
        built_in()
            .find(|format| format.name == name)
            .map(Self::BuiltIn)
    }

    /// Returns the names of all built-in formats.
    pub fn names() -> impl Iterator<Item = &'static str> {
        built_in().map(|format| format.name)
    }

    /// Returns the name that configuration, labels and reports use.
    pub fn name(&self) -> &str {
        match self {
            Self::Custom(custom) => custom.name(),
            Self::BuiltIn(format) => format.name,
        }
    }

    /// Tells whether its access lines say how long a request took.
    pub fn has_durations(&self) -> bool {
        match self {
            Self::Custom(custom) => custom.has_durations(),
            Self::BuiltIn(format) => format.has_durations,
        }
    }

    /// Tells whether its access lines say how long the auth call before a request took.
    pub fn has_auth_durations(&self) -> bool {
        let mut timed = TIMED_AUTH_CALLS.into_iter().flatten();
        timed.any(|format| format.name == self.name())
    }
}

/// How a format is saved: by its name, if it was found out and not given.
pub(super) mod found {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::super::parser::Origin;
    use super::Format;

    type Found = Option<(Format, Origin)>;

    pub(crate) fn serialize<S: Serializer>(found: &Found, to: S) -> Result<S::Ok, S::Error> {
        let name = match found {
            Some((format, Origin::Found)) => Some(format.name()),
            _ => None,
        };
        name.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Found, D::Error> {
        let name = Option::<String>::deserialize(from)?;
        let format = name.and_then(|name| Format::built_in(&name));
        Ok(format.map(|format| (format, Origin::Found)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_is_given_once_and_found() {
        let mut names = HashSet::new();
        for name in Format::names() {
            assert!(names.insert(name), "{name}");
            assert_eq!(Format::built_in(name).unwrap().name(), name);
        }
        assert!(Format::built_in("apache").is_none());
    }
}
