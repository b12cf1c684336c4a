//! The probes of the file, and those that the labels of a container ask for.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};

use super::probe_values::{
    CodeList, Header, Interval, Kind, ProbeName, Tell, Timeout, is_secret_header,
};
use super::section::Section;
use super::url::{Path, Url};
use super::values::Enabled;
use crate::chain::chain;
use crate::probe::spec::{
    Codes, Credential, Expectation, INTERVAL, Outgoing, Probe, Role, TIMEOUT, Target, Tls, Value,
    validate,
};
use crate::probe::{MAX_WISHES, Origin, Wish};

/// The most probes that a file may have, those of a `validate` entry counted one by one.
const MAX_PROBES: usize = 100;
const LABELS: &str = "authtail.probe.";

/// How a token is sent.
struct Token {
    origin: Option<Origin>,
    header: HeaderName,
    prefix: String,
}

/// All probes of the section `probes`.
pub(super) fn read(mut section: Section<'_>) -> Vec<Probe> {
    let mut probes = Vec::new();
    for (name, value) in section.entries() {
        let before = section.problems();
        let child = section.child(&name, value);
        if let Err(error) = name.parse::<ProbeName>() {
            child.report("", error);
        }
        let found = entry(&name, child);
        if section.problems() == before {
            probes.extend(found);
        }
    }
    if probes.len() > MAX_PROBES {
        let number = probes.len();
        section.report(
            "",
            format!("has {number} probes, at most {MAX_PROBES} are allowed"),
        );
    }
    probes
}

/// The probes of one entry: one, or those of a pair.
fn entry(name: &str, mut section: Section<'_>) -> Vec<Probe> {
    let kind = section.parsed("kind").unwrap_or(Kind::Http);
    let before = section.problems();
    let url = section.parsed::<Url>("url");
    if url.is_none() && section.problems() == before {
        section.report("", "the key `url` is missing");
    }
    let source = section.parsed::<String>("source");
    let method = section.parsed::<Tell<Method>>("method");
    let codes = section.list::<CodeList>("expect").map(|lists| {
        let ranges = lists.into_iter().map(|list| list.0);
        Codes(ranges.collect())
    });
    let fields = texts(section.section("expect_json"));
    let interval = section.parsed::<Interval>("interval");
    let timeout = section.parsed::<Timeout>("timeout");
    let is_marked = section.parsed::<Enabled>("mark").map(|mark| mark.0);
    let headers = headers(section.section("headers"));
    let mut credentials = secrets(section.section("secret_headers"));
    let body = section.parsed::<String>("body").unwrap_or_default();
    let token = token(section.section("token"));
    let tls = tls(section.section("tls"));
    let interval = interval.map_or(INTERVAL, |interval| interval.0);
    let timeout = timeout.map_or_else(|| TIMEOUT.min(interval), |timeout| timeout.0);
    if timeout > interval {
        section.report("timeout", "must not be longer than the interval");
    }
    section.finish();
    let Some(url) = url else {
        return Vec::new();
    };
    let is_pair = kind == Kind::Validate;
    if !is_pair && let Some(origin) = &token.origin {
        credentials.push(Credential {
            header: token.header.clone(),
            prefix: token.prefix.clone(),
            value: Value::Good(origin.clone()),
        });
    }
    let plain = Probe {
        name: name.to_owned(),
        is_marked: source.is_some() && is_marked.unwrap_or(true),
        source: source.unwrap_or_else(|| name.to_owned()),
        target: Target::Host {
            host: url.host,
            port: url.port,
            tls: url.is_encrypted.then_some(tls),
        },
        request: Outgoing {
            method: method.map_or(Method::GET, |method| method.0),
            authority: url.authority,
            target: url.target,
            headers,
            credentials,
            body: Bytes::from(body),
        },
        expect: Expectation {
            role: Role::Plain,
            codes: codes.unwrap_or_else(|| {
                if is_pair {
                    Codes::ok()
                } else {
                    Codes::success()
                }
            }),
            fields,
        },
        interval,
        timeout,
    };
    if is_pair {
        return validate(&plain, &token.header, &token.prefix, token.origin.as_ref());
    }
    vec![plain]
}

fn token(mut section: Section<'_>) -> Token {
    let header = section.parsed::<Header>("header");
    let prefix = section.parsed::<String>("prefix");
    let origin = origin(&mut section);
    section.finish();
    Token {
        origin,
        header: header.map_or(hyper::header::AUTHORIZATION, |header| header.0),
        prefix: prefix.unwrap_or_else(|| "Bearer ".to_owned()),
    }
}

/// `file` or `env`.
fn origin(section: &mut Section<'_>) -> Option<Origin> {
    let file = section.parsed::<String>("file");
    let variable = section.parsed::<String>("env");
    match (file, variable) {
        (Some(file), None) => Some(Origin::File(PathBuf::from(file))),
        (None, Some(variable)) => Some(Origin::Variable(variable)),
        (None, None) => None,
        (Some(_), Some(_)) => {
            section.report("", "has both `file` and `env`, but only one can be meant");
            None
        }
    }
}

fn headers(mut section: Section<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    for (name, value) in section.entries() {
        let header = name.parse::<Header>();
        let header = header.map_err(|error| section.report(&name, error)).ok();
        let value = section.parse::<Tell<HeaderValue>>(&name, &value);
        if let (Some(Header(header)), Some(Tell(value))) = (header, value) {
            if is_secret_header(&header) {
                section.report(
                    &name,
                    "is a secret: name its file or variable in `secret_headers` or `token`",
                );
            }
            headers.push((header, value));
        }
    }
    headers
}

fn secrets(mut section: Section<'_>) -> Vec<Credential> {
    let mut credentials = Vec::new();
    for (name, value) in section.entries() {
        let before = section.problems();
        let mut fields = section.child(&name, value);
        let header = name.parse::<Header>();
        let header = header.map_err(|error| fields.report("", error)).ok();
        let prefix = fields.parsed::<String>("prefix").unwrap_or_default();
        let origin = origin(&mut fields);
        if origin.is_none() && fields.problems() == before {
            fields.report("", "needs `file` or `env`");
        }
        fields.finish();
        if let (Some(Header(header)), Some(origin)) = (header, origin) {
            credentials.push(Credential {
                header,
                prefix,
                value: Value::Good(origin),
            });
        }
    }
    credentials
}

fn texts(mut section: Section<'_>) -> Vec<(String, String)> {
    let entries = section.entries().into_iter();
    let texts = entries.filter_map(|(key, value)| {
        let value = section.parse::<String>(&key, &value)?;
        Some((key, value))
    });
    texts.collect()
}

fn tls(mut section: Section<'_>) -> Tls {
    let ca_file = section.parsed::<String>("ca_file").map(PathBuf::from);
    let certificate = section.parsed::<String>("cert_file").map(PathBuf::from);
    let key = section.parsed::<String>("key_file").map(PathBuf::from);
    let server_name = section.parsed::<String>("server_name");
    let is_unverified = section.parsed::<Enabled>("insecure_skip_verify");
    if certificate.is_some() != key.is_some() {
        section.report("", "needs both or none of `cert_file` and `key_file`");
    }
    section.finish();
    Tls {
        ca_file,
        own: certificate.zip(key),
        server_name,
        is_unverified: is_unverified.is_some_and(|unverified| unverified.0),
    }
}

/// `authtail.probe.<name>.path`, `.expect`, `.interval` and `.port`, in the order of the names.
pub(super) fn wishes(labels: &HashMap<String, String>, problems: &mut Vec<String>) -> Vec<Wish> {
    let mut found: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (key, value) in labels {
        if let Some((name, part)) = key
            .strip_prefix(LABELS)
            .and_then(|rest| rest.rsplit_once('.'))
        {
            found.entry(name).or_default().insert(part, value.trim());
        }
    }
    let mut wishes = Vec::new();
    for (name, parts) in found {
        match wish(name, &parts) {
            Ok(_) if wishes.len() == MAX_WISHES => {
                problems.push(format!(
                    "`{LABELS}{name}…`: at most {MAX_WISHES} probes are allowed"
                ));
            }
            Ok(wish) => wishes.push(wish),
            Err((part, problem)) => problems.push(format!("`{LABELS}{name}.{part}`: {problem}")),
        }
    }
    wishes
}

fn wish<'a>(name: &str, parts: &BTreeMap<&'a str, &str>) -> Result<Wish, (&'a str, String)> {
    let known = ["path", "expect", "interval", "port"];
    if let Some(part) = parts.keys().find(|part| !known.contains(part)) {
        let problem = "is unknown; allowed: `path`, `expect`, `interval`, `port`".to_owned();
        return Err((part, problem));
    }
    let part = |part| parts.get(part).copied();
    let name = name
        .parse::<ProbeName>()
        .map_err(|error| ("path", chain(&error)))?;
    let path = part("path").ok_or_else(|| ("path", "is missing".to_owned()))?;
    let path = path
        .parse::<Path>()
        .map_err(|error| ("path", chain(&error)))?;
    let expect = part("expect").map(|text| {
        let codes: Result<Vec<_>, _> = text
            .split(',')
            .map(|code| code.trim().parse::<CodeList>())
            .collect();
        codes.map_err(|error| ("expect", chain(&error)))
    });
    let codes = expect
        .transpose()?
        .map(|codes| Codes(codes.into_iter().map(|code| code.0).collect()));
    let interval = part("interval").map(|text| {
        text.parse::<Interval>()
            .map_err(|error| ("interval", chain(&error)))
    });
    let interval = interval.transpose()?;
    let port = part("port").map(|text| match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(("port", format!("`{text}` is no port between 1 and 65535"))),
    });
    Ok(Wish {
        name: name.0,
        target: path.0,
        codes: codes.unwrap_or_else(Codes::success),
        interval: interval
            .map_or(INTERVAL, |interval| interval.0)
            .max(Duration::from_secs(1)),
        port: port.transpose()?,
    })
}
