//! What a probe is: where it goes, what it sends, what it expects. Only valid values; pure.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};

use super::secret::Origin;

/// How often and how long, unless something else is said.
pub(crate) const INTERVAL: Duration = Duration::from_secs(30);
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// The codes by which a service refuses a request: a login page is a refusal too.
const REFUSED: [u16; 3] = [401, 403, 302];

/// One request that is made again and again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Probe {
    /// The label `probe`.
    pub(crate) name: String,
    /// The label `source`: whose answer it is.
    pub(crate) source: String,
    pub(crate) target: Target,
    pub(crate) request: Outgoing,
    pub(crate) expect: Expectation,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    /// True if the log of the source should show it.
    pub(crate) is_marked: bool,
}

/// Where a probe goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Target {
    /// To a host by its name or address.
    Host {
        host: String,
        port: u16,
        tls: Option<Tls>,
    },
    /// To a container, at one of its own addresses.
    Container {
        id: String,
        addresses: Vec<IpAddr>,
        port: u16,
    },
}

/// How the other end is recognised.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tls {
    /// Certificates to trust besides those that everybody trusts.
    pub(crate) ca_file: Option<PathBuf>,
    /// Our own certificate and its key.
    pub(crate) own: Option<(PathBuf, PathBuf)>,
    /// The name that the certificate must have, if it is not the host's.
    pub(crate) server_name: Option<String>,
    /// Trust whoever answers.
    pub(crate) is_unverified: bool,
}

/// What is sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    /// The value of `Host`.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) body: Bytes,
}

/// A header with a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Credential {
    pub(crate) header: HeaderName,
    /// Before the secret: `Bearer `.
    pub(crate) prefix: String,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Value {
    /// The secret itself.
    Good(Origin),
    /// One that must not be accepted; like the good one if there is one.
    Forged(Option<Origin>),
}

/// What the answer has to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Expectation {
    pub(crate) role: Role,
    pub(crate) codes: Codes,
    /// Fields of a JSON body: keys joined by dots, and the value as text.
    pub(crate) fields: Vec<(String, String)>,
}

/// What an answer that is not expected means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// Nothing more.
    Plain,
    /// It has no token, so it has to be refused.
    Anonymous,
    /// It has a good token, so it must not be refused.
    GoodToken,
    /// It has a bad token, so it has to be refused.
    BadToken,
}

/// Status codes, as ranges.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Codes(pub(crate) Vec<(u16, u16)>);

impl Codes {
    /// 200 alone.
    pub(crate) fn ok() -> Self {
        Self(vec![(200, 200)])
    }

    /// 200 to 299.
    pub(crate) fn success() -> Self {
        Self(vec![(200, 299)])
    }

    pub(crate) fn refusals() -> Self {
        Self(REFUSED.map(|code| (code, code)).to_vec())
    }

    pub(crate) fn has(&self, code: u16) -> bool {
        self.0
            .iter()
            .any(|&(first, last)| (first..=last).contains(&code))
    }
}

/// True for a code by which a service says no.
pub(crate) fn is_refusal(code: u16) -> bool {
    REFUSED.contains(&code)
}

impl Role {
    /// What the names of such probes end in; rules and dashboards tell them by it.
    pub(crate) const fn ending(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Anonymous => "_anonymous",
            Self::GoodToken => "_good_token",
            Self::BadToken => "_bad_token",
        }
    }

    /// The roles of a `validate` probe.
    pub(crate) const VALIDATE: [Self; 3] = [Self::Anonymous, Self::GoodToken, Self::BadToken];
}

/// The probes of one entry about an endpoint that decides: without a token, with a good one if there
/// is one, and with a bad one.
///
/// `plain` says all but the name's end, the role and the credential.
pub(crate) fn validate(
    plain: &Probe,
    header: &HeaderName,
    prefix: &str,
    good: Option<&Origin>,
) -> Vec<Probe> {
    let of = |role: Role, codes: Codes, value: Option<Value>| {
        let mut probe = plain.clone();
        probe.name.push_str(role.ending());
        probe.expect.role = role;
        probe.expect.codes = codes;
        if role != Role::GoodToken {
            // What a refusal looks like is the service's own affair.
            probe.expect.fields.clear();
        }
        let credential = |value| Credential {
            header: header.clone(),
            prefix: prefix.to_owned(),
            value,
        };
        probe.request.credentials.extend(value.map(credential));
        probe
    };
    let mut probes = vec![of(Role::Anonymous, Codes::refusals(), None)];
    if let Some(good) = good {
        let value = Some(Value::Good(good.clone()));
        probes.push(of(Role::GoodToken, plain.expect.codes.clone(), value));
    }
    let value = Some(Value::Forged(good.cloned()));
    probes.push(of(Role::BadToken, Codes::refusals(), value));
    probes
}
