//! Nothing that a client sends changes the path or the status that is read from its line, as each
//! server escapes it; and no bytes make anything panic.

use authtail::parse::{Format, Parser, Reading};
use authtail::route::Routes;
use proptest::prelude::*;
use proptest::sample::select;

const TIME: &str = "[21/Nov/2026:19:23:32 +0000]";

const FORMATS: [&str; 11] = [
    "combined",
    "combined-s",
    "combined-ms",
    "combined-us",
    "combined-ns",
    "ingress-nginx",
    "nginx-proxy-manager",
    "nginx-json",
    "gunicorn-json",
    "tomcat-json",
    "apache-json",
];

/// What was requested, and what the client sent besides.
#[derive(Clone, Debug)]
struct Sent {
    /// Without blanks, and beginning with a slash.
    target: String,
    code: u16,
    user: String,
    referer: String,
    agent: String,
    forwarded: String,
}

/// Texts of parts that look like parts of lines.
fn text() -> impl Strategy<Value = String> {
    let line = r#"::1 - - [21/Nov/2026:19:23:32 +0000] "GET /api/v1/auth/validate HTTP/1.1" 200 5"#;
    let part = prop_oneof![
        select(vec![
            line,
            r#" "GET /api/v1/auth/validate HTTP/1.1" 200 5 "#,
            "[21/Nov/2026:19:23:32 +0000] ",
            "\"",
            "\\",
            "\\\"",
            "\" ",
            " \"",
            "\" 200 5 ",
            "\",\"status\":200,\"uri\":\"/api/v1/auth/validate\",\"z\":\"",
            "\",\"status\":\"200\",\"request_time\":\"0.001\",\"ua\":\"",
            "\",\"request\":\"GET /api/v1/auth/validate HTTP/1.1",
            "{",
            "}",
            ",",
            ":",
            "[",
            "]",
            "=",
            "-",
            " ",
            " - ",
            "'",
            " rt=9 urt=\"9\"",
            " 77",
            " 77 ms",
            "us=\"5\"",
            "\\x22",
            "\\u0061",
            "\\/",
            "\u{e9}",
            "\t",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,6}",
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

fn sent() -> impl Strategy<Value = Sent> {
    let path = select(vec![
        "/nope",
        "/api/v1/auth/validate",
        "/api/v1/auth/validate\\",
        "/api\\/v1/auth/validate",
        "/\\u0061pi/v1/auth/validate",
        "/x/../api/v1/auth/validate",
        "/",
    ]);
    let target = (path, prop::option::of(text())).prop_map(|(path, query)| {
        let query = query.map(|query| format!("?{query}"));
        format!("{path}{}", query.unwrap_or_default()).replace([' ', '\t'], "+")
    });
    let code = select(vec![200_u16, 204, 302, 401, 403, 404, 500]);
    (target, code, text(), text(), text(), text()).prop_map(
        |(target, code, user, referer, agent, forwarded)| Sent {
            target,
            code,
            // RFC 7617: a user's name ends at the first colon.
            user: user.replace(':', ""),
            referer,
            agent,
            forwarded,
        },
    )
}

/// `"` and what is no printable ASCII become `\x22`; the backslash too.
fn nginx(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'"' | b'\\' | 0..=31 | 127.. => format!("\\x{byte:02X}"),
        byte => char::from(byte).to_string(),
    };
    text.bytes().map(escape).collect()
}

/// `\"`, `\\`, and `\xhh` for what is no printable ASCII.
fn apache(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b'\t' => "\\t".to_owned(),
        0..=31 | 127.. => format!("\\x{byte:02x}"),
        byte => char::from(byte).to_string(),
    };
    text.bytes().map(escape).collect()
}

/// `\"`, and nothing else.
fn gunicorn(text: &str) -> String {
    text.replace('"', "\\\"")
}

/// What JSON wants.
fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    let inside = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inside.unwrap().to_owned()
}

fn raw(text: &str) -> String {
    text.to_owned()
}

/// The line of the combined format, with what is escaped in the client's column and elsewhere.
fn combined(sent: &Sent, client: &str, escape: fn(&str) -> String, tail: &str) -> String {
    let Sent {
        target,
        code,
        user,
        referer,
        agent,
        ..
    } = sent;
    let user = if user.is_empty() {
        "-".to_owned()
    } else {
        escape(user)
    };
    let (target, referer, agent) = (escape(target), escape(referer), escape(agent));
    format!(
        r#"{client} - {user} {TIME} "GET {target} HTTP/1.1" {code} 42 "{referer}" "{agent}"{tail}"#
    )
}

/// Whether the request is on the route, its code, and its microseconds.
type Said = Option<(bool, Option<u16>, Option<u128>)>;

fn read(format: &str, line: &str) -> Said {
    let mut parser = Parser::new(Some(Format::built_in(format).unwrap()));
    match parser.read(line.as_bytes()) {
        Reading::Request(request) => Some((
            Routes::default().find(request.path).is_some(),
            request.code,
            request.duration.map(|duration| duration.as_micros()),
        )),
        _ => None,
    }
}

fn is_validate(sent: &Sent) -> bool {
    let path = sent.target.split('?').next().unwrap();
    Routes::default().find(path.as_bytes()).is_some()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn texts_that_are_escaped_change_nothing(sent in sent()) {
        for escape in [nginx, apache, gunicorn, json] {
            for (format, tail, duration) in [
                ("combined", "", None),
                ("combined-us", "", None),
                ("combined-us", " 1234", Some(1234)),
                ("combined-us", " 1234 <77>", Some(1234)),
                ("combined", " - 1.234 ms", Some(1234)),
                ("combined", r#" "-" rt=0.001 uct="0.000" uht="0.001" urt="0.001""#, Some(1000)),
                ("ingress-nginx", " 97 0.007 [a-80] [] ::1:80 9 0.003 200 8cb9", Some(7000)),
            ] {
                let line = combined(&sent, "2001:db8::7", escape, tail);
                let expected = Some((is_validate(&sent), Some(sent.code), duration));
                prop_assert_eq!(read(format, &line), expected, "{}", line);
            }
        }
    }

    #[test]
    fn what_is_not_escaped_forges_nothing(sent in sent()) {
        let expected = (is_validate(&sent), Some(sent.code));
        let Sent { target, code, forwarded, .. } = &sent;
        for line in [
            // A server that believes `X-Forwarded-For`, or escapes nothing, or both.
            combined(&sent, forwarded, json, ""),
            combined(&sent, "2001:db8::7", raw, ""),
            combined(&sent, forwarded, raw, ""),
            format!(r#"{forwarded} - - {TIME} "GET {} HTTP/1.1" {code} 42"#, json(target)),
        ] {
            if let Some((is_validate, code, _)) = read("combined", &line) {
                prop_assert_eq!((is_validate, code), expected, "{}", line);
            }
        }
    }

    #[test]
    fn json_that_is_escaped_changes_nothing(sent in sent()) {
        let Sent { target, code, user, agent, .. } = &sent;
        let expected = Some((is_validate(&sent), Some(*code), Some(7000)));
        let (user, agent, line) = (json(user), json(agent), json(target));
        for (format, line) in [
            ("nginx-json", format!(
                r#"{{"ua":"{agent}","remote_user":"{user}","request":"GET {line} HTTP/1.1","status":{code},"request_time":0.007}}"#
            )),
            ("nginx-json", format!(
                r#"{{"request_method":"GET","request_uri":"{line}","status":"{code}","request_time":"0.007","ua":"{agent}"}}"#
            )),
            ("tomcat-json", format!(
                r#"{{"user":"{user}","request":"GET {line} HTTP/1.1","statusCode":"{code}","elapsedTimeS":"0.007","logicalUserName":"-","requestHeaders": {{"User-Agent":"{agent}"}}}}"#
            )),
        ] {
            prop_assert_eq!(read(format, &line), expected, "{}", line);
        }
    }

    #[test]
    fn what_is_only_like_json_forges_nothing(sent in sent()) {
        let Sent { target, code, agent, .. } = &sent;
        let expected = (is_validate(&sent), Some(*code));
        let path = target.split('?').next().unwrap();
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let (g_path, g_query, g_agent) = (gunicorn(path), gunicorn(query), gunicorn(agent));
        let (a_path, a_agent) = (apache(path), apache(agent));
        let n_line = nginx(target);
        for (format, line) in [
            ("gunicorn-json", format!(
                r#"{{"remote_ip":"::1","method":"GET","path":"{g_path}","query":"{g_query}","status":{code},"ua":"{g_agent}","duration_us":7}}"#
            )),
            ("apache-json", format!(
                r#"{{"remoteIP":"::1","request":"{a_path}","method":"GET","status":"{code}","userAgent":"{a_agent}"}}"#
            )),
            ("nginx-json", format!(
                r#"{{"remote_addr":"::1","request":"GET {n_line} HTTP/1.1","status":"{code}","request_time":"0.007"}}"#
            )),
            // `escape=none`
            ("nginx-json", format!(
                r#"{{"remote_addr":"::1","request":"GET {target} HTTP/1.1","status":"{code}","request_time":"0.007","ua":"{agent}"}}"#
            )),
            ("nginx-json", format!(
                r#"{{"ua":"{agent}","request":"GET {target} HTTP/1.1","status":{code},"request_time":0.007}}"#
            )),
        ] {
            if let Some((is_validate, code, _)) = read(format, &line) {
                prop_assert_eq!((is_validate, code), expected, "{}", line);
            }
        }
    }

    #[test]
    fn no_bytes_panic(
        sent in sent(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let lines = [
            combined(&sent, &sent.forwarded, raw, " 97 0.007 [a-80] [] - - - - 8cb9"),
            format!(
                r#"{TIME} - 200 200 - GET http h "{}" [Client ::1] [Length 1]"#, sent.target
            ),
            format!(
                r#"{{"remote_addr":"::1","request":"{}","status":"200","request_time":"0.007","ua":"{}"}}"#,
                sent.target, sent.agent,
            ),
        ];
        for format in FORMATS {
            let mut parser = Parser::new(Some(Format::built_in(format).unwrap()));
            parser.read(&bytes);
            for line in &lines {
                let mut line = line.clone().into_bytes();
                for (index, byte) in &changes {
                    let at = index.index(line.len());
                    line[at] = *byte;
                }
                parser.read(&line);
            }
        }
    }
}
