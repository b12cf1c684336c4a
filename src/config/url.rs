//! Where a probe goes: URLs, and paths of containers.

use std::str::FromStr;

use hyper::Uri;

use super::values::ValueError;

/// The longest path of a probe, with its query.
const MAX_TARGET: usize = 2000;

/// `http://host:port/path?query` or the same with `https`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Url {
    pub(crate) is_encrypted: bool,
    /// Without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// As written: host, and the port if there is one.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: String,
}

/// A path of a container, with a query if it has one.
#[derive(Debug)]
pub(super) struct Path(pub(super) String);

impl FromStr for Url {
    type Err = ValueError;

    /// The text is not repeated in the error: somebody may have put a password into it.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wrong = || {
            ValueError(
                "is no URL; give `http://host:port/path` or the same with `https`".to_owned(),
            )
        };
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        let is_encrypted = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        if authority.as_str().contains('@') {
            let problem = "has a password in it; name its file or variable in `secret_headers`";
            return Err(ValueError(problem.to_owned()));
        }
        if text.contains('#') {
            return Err(ValueError(
                "must not have a `#`, which is never sent".to_owned(),
            ));
        }
        let (host, port) = (authority.host(), authority.port_u16());
        // A port that is none is not a port to `authority`.
        let has_port = authority.as_str().len() > host.len();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || port == Some(0) || has_port != port.is_some() {
            return Err(wrong());
        }
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let target: Path = target.parse()?;
        Ok(Self {
            is_encrypted,
            host: host.to_owned(),
            port: port.unwrap_or(if is_encrypted { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            target: target.0,
        })
    }
}

impl FromStr for Path {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let is_plain = text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#');
        let text = if text.starts_with('?') {
            format!("/{text}")
        } else {
            text.to_owned()
        };
        if text.starts_with('/')
            && is_plain
            && text.len() <= MAX_TARGET
            && text.parse::<Uri>().is_ok()
        {
            return Ok(Self(text));
        }
        let rule =
            format!("give a path such as `/health`, of at most {MAX_TARGET} printable characters");
        Err(ValueError(format!("is no path; {rule}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Option<(bool, String, u16, String, String)> {
        let url = text.parse::<Url>().ok()?;
        Some((
            url.is_encrypted,
            url.host,
            url.port,
            url.authority,
            url.target,
        ))
    }

    #[test]
    fn reads_urls() {
        for (text, encrypted, host, port, authority, target) in [
            (
                "http://auth:8000/validate?x=1",
                false,
                "auth",
                8000,
                "auth:8000",
                "/validate?x=1",
            ),
            (
                "https://a.example",
                true,
                "a.example",
                443,
                "a.example",
                "/",
            ),
            ("http://a?x", false, "a", 80, "a", "/?x"),
            (
                "https://[::1]:8443/a",
                true,
                "::1",
                8443,
                "[::1]:8443",
                "/a",
            ),
        ] {
            let expected = (
                encrypted,
                host.to_owned(),
                port,
                authority.to_owned(),
                target.to_owned(),
            );
            assert_eq!(url(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "auth",
            "/a",
            "auth:8000",
            "ftp://a/",
            "http://",
            "http:///a",
            "http://a:0/",
            "http://a:99999/",
            "http://user:SECRET@a/",
            "http://a/#b",
            "http://a/ b",
            "http://a/\u{e9}",
        ] {
            let error = text.parse::<Url>().unwrap_err().to_string();
            assert!(!error.contains("SECRET"), "{error}");
        }
    }
}
