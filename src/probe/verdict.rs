//! What an answer means, or the lack of one. Pure.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::spec::{Expectation, Role, is_refusal};

/// What came back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    /// The beginning of it, if it is long.
    pub(crate) body: Bytes,
    /// True if there was more than is kept.
    pub(crate) is_cut: bool,
}

/// How long the parts of a probe took, as far as it got.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Phases {
    /// To an open connection; the name is looked up in it.
    pub(crate) connect: Option<Duration>,
    pub(crate) tls: Option<Duration>,
    /// From the request to the first byte of the answer.
    pub(crate) first_byte: Option<Duration>,
    /// From the beginning to the end, whatever that was.
    pub(crate) total: Duration,
}

/// Why a probe has failed: the label `reason` of `authtail_probe_failures_total`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Failure {
    /// A request without a token or with a bad one was let through.
    Accepted,
    /// The body is not JSON, or a field is not as expected.
    Body,
    /// Another status code than the expected ones.
    Code,
    /// No connection.
    Connect,
    /// The token, or another secret, cannot be read.
    Credentials,
    /// What answered speaks no HTTP, or broke off.
    Http,
    /// A good token was refused.
    Refused,
    /// The name of the host leads nowhere.
    Resolve,
    /// No answer in time.
    Timeout,
    /// No TLS, or a certificate that cannot be trusted.
    Tls,
}

impl Failure {
    pub(crate) const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Body,
        Self::Code,
        Self::Connect,
        Self::Credentials,
        Self::Http,
        Self::Refused,
        Self::Resolve,
        Self::Timeout,
        Self::Tls,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Body => "body",
            Self::Code => "code",
            Self::Connect => "connect",
            Self::Credentials => "credentials",
            Self::Http => "http",
            Self::Refused => "refused",
            Self::Resolve => "resolve",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
        }
    }
}

/// Why there is no answer: the reason, and for people what the system says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    pub(crate) failure: Failure,
    pub(crate) message: String,
}

/// Says what is wrong with an answer, if something is.
pub(crate) fn judge(expect: &Expectation, answer: &Answer) -> Option<Fault> {
    let code = answer.code;
    if !expect.codes.has(code) {
        let is_success = (200..300).contains(&code);
        let (failure, message) = match expect.role {
            Role::Anonymous if is_success => (Failure::Accepted, format!("{code} without a token")),
            Role::BadToken if is_success => (Failure::Accepted, format!("{code} to a bad token")),
            Role::GoodToken if is_refusal(code) => {
                (Failure::Refused, format!("{code} to a good token"))
            }
            _ => (Failure::Code, format!("{code}, which is not expected")),
        };
        return Some(Fault { failure, message });
    }
    let message = fields(&expect.fields, answer)?;
    Some(Fault {
        failure: Failure::Body,
        message,
    })
}

/// What is wrong with the fields of a body. Only names and values of the configuration are said:
/// what a body has could be a secret.
fn fields(expected: &[(String, String)], answer: &Answer) -> Option<String> {
    if expected.is_empty() {
        return None;
    }
    if answer.is_cut {
        return Some("the body is too long to be read".to_owned());
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        return Some("the body is not JSON".to_owned());
    };
    let wrong = expected.iter().find(|(path, value)| {
        let found = field(&body, path);
        found.as_ref() != Some(value)
    });
    wrong.map(|(path, value)| format!("the field `{path}` is not `{value}`"))
}

/// The value at keys joined by dots, as text; `None` for lists and objects.
pub(crate) fn field(body: &Value, path: &str) -> Option<String> {
    let found = path
        .split('.')
        .try_fold(body, |value, key| match key.parse::<usize>() {
            Ok(index) if value.is_array() => value.get(index),
            _ => value.get(key),
        })?;
    match found {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Null => Some(found.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::Codes;
    use super::*;

    fn expectation(role: Role, codes: Codes, fields: &[(&str, &str)]) -> Expectation {
        let fields = fields
            .iter()
            .map(|&(path, value)| (path.to_owned(), value.to_owned()));
        Expectation {
            role,
            codes,
            fields: fields.collect(),
        }
    }

    fn answer(code: u16, body: &'static str) -> Answer {
        Answer {
            code,
            body: Bytes::from_static(body.as_bytes()),
            is_cut: false,
        }
    }

    #[test]
    fn an_answer_means_what_its_role_makes_of_it() {
        let (ok, no) = (Codes(vec![(200, 200)]), Codes::refusals());
        for (role, codes, code, expected) in [
            (Role::Plain, &ok, 200, None),
            (Role::Plain, &ok, 204, Some(Failure::Code)),
            (Role::Plain, &ok, 401, Some(Failure::Code)),
            (Role::Anonymous, &no, 401, None),
            (Role::Anonymous, &no, 403, None),
            (Role::Anonymous, &no, 302, None),
            (Role::Anonymous, &no, 200, Some(Failure::Accepted)),
            (Role::Anonymous, &no, 204, Some(Failure::Accepted)),
            (Role::Anonymous, &no, 404, Some(Failure::Code)),
            (Role::GoodToken, &ok, 200, None),
            (Role::GoodToken, &ok, 401, Some(Failure::Refused)),
            (Role::GoodToken, &ok, 302, Some(Failure::Refused)),
            (Role::GoodToken, &ok, 500, Some(Failure::Code)),
            (Role::BadToken, &no, 401, None),
            (Role::BadToken, &no, 200, Some(Failure::Accepted)),
            (Role::BadToken, &no, 503, Some(Failure::Code)),
        ] {
            let expect = expectation(role, codes.clone(), &[]);
            let found = judge(&expect, &answer(code, "")).map(|fault| fault.failure);
            assert_eq!(found, expected, "{role:?} {code}");
        }
    }

    #[test]
    fn a_body_that_says_unhealthy_fails_with_code_200() {
        let fields = [
            ("status", "healthy"),
            ("checks.0.up", "true"),
            ("load", "1"),
        ];
        let expect = expectation(Role::Plain, Codes::success(), &fields);
        let said = |body| judge(&expect, &answer(200, body)).map(|fault| fault.message);
        let well = r#"{"status": "healthy", "checks": [{"up": true}], "load": 1}"#;
        assert_eq!(said(well), None);
        for (body, expected) in [
            (
                r#"{"status": "unhealthy", "checks": [{"up": true}], "load": 1}"#,
                "the field `status` is not `healthy`",
            ),
            (
                r#"{"status": "healthy", "checks": [{"up": "yes"}], "load": 1}"#,
                "the field `checks.0.up` is not `true`",
            ),
            (
                r#"{"status": "healthy", "checks": [{"up": true}], "load": {}}"#,
                "the field `load` is not `1`",
            ),
            (
                r#"{"status": ["healthy"]}"#,
                "the field `status` is not `healthy`",
            ),
            ("{}", "the field `status` is not `healthy`"),
            ("[]", "the field `status` is not `healthy`"),
            ("healthy", "the body is not JSON"),
            ("", "the body is not JSON"),
        ] {
            assert_eq!(said(body).as_deref(), Some(expected), "{body}");
        }
        let cut = Answer {
            is_cut: true,
            ..answer(200, well)
        };
        assert_eq!(
            judge(&expect, &cut).unwrap().message,
            "the body is too long to be read"
        );
    }

    #[test]
    fn the_body_counts_only_where_the_code_is_right() {
        let expect = expectation(Role::Plain, Codes::success(), &[("status", "healthy")]);
        let fault = judge(&expect, &answer(503, r#"{"status": "unhealthy"}"#)).unwrap();
        assert_eq!(fault.failure, Failure::Code);
    }

    #[test]
    fn no_depth_of_a_body_is_too_much() {
        let expect = expectation(Role::Plain, Codes::success(), &[("a", "1")]);
        let deep = Answer {
            code: 200,
            body: Bytes::from("[".repeat(60_000)),
            is_cut: false,
        };
        assert_eq!(judge(&expect, &deep).unwrap().failure, Failure::Body);
    }
}
