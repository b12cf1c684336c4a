//! No header, target, host or name changes what a proxy's line says: its status, its path, and whether
//! the request passed.

use authtail::parse::{Format, Parser, Reading};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

/// Texts that look like the parts of lines, and signs that end texts.
const HOSTILE: [&str; 24] = [
    "\"",
    "\\",
    "\\\"",
    "\" \"",
    "' ",
    " ",
    "\t",
    "{",
    "}",
    "|",
    "#22",
    "%22",
    ",",
    ": ",
    "]",
    " - - [21/Nov/2026:19:26:40 +0000] \"GET /z HTTP/1.1\" 200 1 \"-\" \"-\" 1 \"a@b\" \"http://x\" 1ms",
    " HTTP/1.1\" 200 - 0 1 2 3 \"-\" \"-\" \"-\" \"h\" \"10.0.0.2:80\"",
    "[2026-11-21T19:38:37.716Z] \"GET /z HTTP/1.1\" 200 - via_upstream - \"-\" 0 1 2 3 \"-\"",
    "10.0.0.1:1 [21/Nov/2026:19:37:43.032] web a/a1 0/0/0/1/1 200 1 - - ---- 1/1/0/0/0 0/0 \"GET /z HTTP/1.1\"",
    "\",\"OriginStatus\":200,\"DownstreamStatus\":200,\"status\":200,\"x\":\"",
    "\"}{\"response_flags\":\"-\",\"response_code\":200,\"termination\":\"----\"",
    "http.log.access.log0\thandled request\t{\"status\":200}",
    "1.2.3.4:5 - \"GET /api/v1/auth/validate HTTP/1.1\" 200 OK",
    "\u{fffd}\u{e9}\u{1f600}",
];

/// Anything that a client can send in a header, most of it ill meant.
fn header() -> impl Strategy<Value = String> {
    let part = prop_oneof![select(&HOSTILE[..]).prop_map(str::to_owned), "[ -~]{0,6}",];
    vec(part, 0..4).prop_map(|parts| parts.concat())
}

/// A target as HTTP/1 lets it through: it has no blanks, but quotes.
fn target() -> impl Strategy<Value = String> {
    header().prop_map(|text| format!("/{}", text.replace([' ', '\t'], "")))
}

/// What is read from a line: path, code, the auth call's code and router.
type Seen = (Vec<u8>, Option<u16>, Option<u16>, Option<Vec<u8>>);

fn read(parser: &mut Parser, line: &[u8]) -> Option<Seen> {
    match parser.read(line) {
        Reading::Request(request) => {
            let call = request.auth_call.unwrap();
            let router = call.router.map(<[u8]>::to_vec);
            Some((request.path.to_vec(), request.code, call.code, router))
        }
        _ => None,
    }
}

/// Reads a line in its format, and as the first line of a container.
fn seen(format: &str, line: &str) -> Result<Option<Seen>, TestCaseError> {
    let mut given = Parser::new(Format::built_in(format));
    let seen = read(&mut given, line.as_bytes());
    let mut found = Parser::new(None);
    prop_assert_eq!(&read(&mut found, line.as_bytes()), &seen);
    let found = found.format().map(Format::name);
    prop_assert_eq!(found, seen.is_some().then_some(format), "{}", line);
    Ok(seen)
}

fn path(target: &str) -> Vec<u8> {
    target.split('?').next().unwrap().as_bytes().to_vec()
}

/// As Go's encoder writes it.
fn go_json(object: &serde_json::Value) -> String {
    let text = object.to_string();
    text.replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
}

/// As Traefik quotes a header in the Common Log Format: backslashes stay.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}

/// As HAProxy encodes a text: these signs and all that is not printable.
fn encoded(text: &str, signs: &str) -> String {
    let encode = |byte: u8| {
        let sign = char::from(byte);
        if sign.is_ascii_graphic() && !signs.contains(sign) || sign == ' ' {
            sign.to_string()
        } else {
            format!("#{byte:02X}")
        }
    };
    text.bytes().map(encode).collect()
}

fn code() -> impl Strategy<Value = u16> {
    select(&[302, 401, 403, 404, 500][..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn traefik_json(
        target in target(), user in header(), host in header(), client in header(),
        agent in header(), code in code(), has_passed: bool,
    ) {
        let mut line = json!({
            "ClientHost": client, "ClientUsername": user, "DownstreamContentSize": 41,
            "DownstreamStatus": code, "Duration": 1_869_629, "OriginStatus": 0, "Overhead": 1_869_629,
            "RequestHost": host, "RequestMethod": "GET", "RequestPath": target,
            "RouterName": "app@docker", "request_User-Agent": agent,
        });
        if has_passed {
            line["OriginStatus"] = code.into();
            line["ServiceURL"] = "http://10.0.0.2:80".into();
        }
        let auth = if has_passed { 200 } else { code };
        let expected = (path(&target), Some(code), Some(auth), Some(b"app@docker".to_vec()));
        prop_assert_eq!(seen("traefik-json", &go_json(&line))?, Some(expected));
    }

    #[test]
    fn traefik_clf(target in target(), referer in header(), agent in header(), code in code()) {
        for (url, auth) in [("-", code), ("http://10.0.0.2:80", 200)] {
            let line = format!(
                "10.0.0.7 - - [21/Nov/2026:19:26:37 +0000] \"GET {target} HTTP/1.1\" {code} 41 {} {} 2 \
                 \"app@docker\" \"{url}\" 1ms",
                quoted(&referer), quoted(&agent),
            );
            let expected = (path(&target), Some(code), Some(auth), Some(b"app@docker".to_vec()));
            prop_assert_eq!(seen("traefik-clf", &line)?, Some(expected));
        }
    }

    /// What Traefik does not escape: a line is read as it is meant or not at all.
    #[test]
    fn traefik_clf_unescaped(
        client in header(), user in header(), method in header(), query in header(), code in code(),
    ) {
        let line = format!(
            "{client} - {user} [21/Nov/2026:19:26:37 +0000] \"{method} /a?{query} HTTP/2.0\" {code} 41 \
             \"-\" \"-\" 2 \"app@docker\" \"-\" 1ms",
        );
        let mut parser = Parser::new(Format::built_in("traefik-clf"));
        if let Some((path, status, auth, router)) = read(&mut parser, line.as_bytes()) {
            prop_assert_eq!((status, auth), (Some(code), Some(code)));
            prop_assert_eq!(router, Some(b"app@docker".to_vec()));
            prop_assert_eq!(path, b"/a", "{}", line);
        }
    }

    #[test]
    fn caddy(target in target(), host in header(), agent in header(), code in code()) {
        let request = json!({
            "remote_ip": "10.0.0.7", "method": "GET", "host": host, "uri": target,
            "headers": { "User-Agent": [agent], "status": [agent] },
        });
        let line = json!({
            "level": "info", "logger": "http.log.access.log0", "msg": "handled request",
            "request": request, "duration": 0.001, "status": code, "resp_headers": { "X": [agent] },
        });
        let expected = Some((path(&target), Some(code), Some(code), None));
        prop_assert_eq!(&seen("caddy-json", &line.to_string())?, &expected);
        let object = json!({ "request": request, "duration": 0.001, "status": code });
        let columns = "2026/11/21 19:35:53.841\tINFO\thttp.log.access.log0\thandled request";
        prop_assert_eq!(seen("caddy-console", &format!("{columns}\t{object}"))?, expected);
    }

    #[test]
    fn envoy(
        target in target(), forwarded in header(), agent in header(), id in header(), code in code(),
        has_passed: bool,
    ) {
        let (flags, details, upstream, auth) = if has_passed {
            ("-", "via_upstream", "10.0.0.2:80", 200)
        } else {
            ("UAEX", "ext_authz_denied", "-", code)
        };
        let expected = Some((path(&target), Some(code), Some(auth), None));
        let start = format!("[2026-11-21T19:38:37.716Z] \"GET {target} HTTP/1.1\" {code} {flags}");
        let numbers = "0 41 7 1";
        let texts = format!("\"{forwarded}\" \"{agent}\" \"{id}\" \"app.example.com\" \"{upstream}\"");
        let line = format!("{start} {numbers} {texts}");
        prop_assert_eq!(&seen("envoy", &line)?, &expected);
        let tail = "outbound|80||app - 10.0.0.1:80 10.0.0.7:52686 - default";
        let line = format!("{start} {details} - \"-\" {numbers} {texts} {tail}");
        prop_assert_eq!(&seen("istio", &line)?, &expected);
        let line = json!({
            "authority": id, "duration": 7, "method": "GET", "path": target, "protocol": "HTTP/1.1",
            "response_code": code, "response_code_details": details, "response_flags": flags,
            "upstream_host": upstream, "upstream_service_time": "1", "user_agent": agent,
            "x_forwarded_for": forwarded, "downstream_remote_address": "10.0.0.7:52686",
        });
        prop_assert_eq!(seen("envoy-json", &line.to_string())?, expected);
    }

    #[test]
    fn haproxy(target in target(), agent in header(), code in code(), has_passed: bool) {
        let (server, ended, auth) = if has_passed {
            ("a1", "----", 200)
        } else {
            ("<NOSRV>", "PR--", code)
        };
        let written = encoded(&target, "\"#");
        let agent = encoded(&agent, "\"#{|}");
        let path = path(&written);
        let expected = (path, Some(code), Some(auth), Some(b"app".to_vec()));
        let line = format!(
            "10.0.0.7:51654 [21/Nov/2026:19:37:43.032] web app/{server} 0/0/0/1/12 {code} 146 - - {ended} \
             1/1/0/0/0 0/0 {{{agent}|{agent}}} {{}} \"GET {written} HTTP/1.1\"",
        );
        prop_assert_eq!(seen("haproxy", &line)?, Some(expected.clone()));
        let line = format!(
            "10.0.0.7 - - [21/Nov/2026:19:37:43 +0000] \"GET {written} HTTP/1.1\" {code} 146 \"\" \"\" 51654 \
             035 \"web\" \"app\" \"{server}\" 0 0 0 1 12 {ended} 1 1 0 0 0 0 0 \"\" \"\" \"{agent}\"",
        );
        prop_assert_eq!(seen("haproxy-clf", &line)?, Some(expected));
    }
}
