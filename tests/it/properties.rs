//! The fast parsers agree with slow, obvious ones, and no bytes make anything panic.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use authtail::parse::custom::Custom;
use authtail::parse::{Format, Parser, Reading, Request, Unit};
use authtail::route::{Pattern, Routes};
use proptest::prelude::*;
use proptest::sample::select;
use regex::bytes::Regex;

fn regex(regex: &str) -> Regex {
    Regex::new(regex).unwrap()
}

/// What the parser keeps of an access line, owned.
type Parsed = (Vec<u8>, Vec<u8>, u16, Option<IpAddr>);

/// uvicorn's line by one regex, anchored at its end: as slow and as plain as possible.
fn oracle(line: &[u8]) -> Option<Parsed> {
    static COLOUR: LazyLock<Regex> = LazyLock::new(|| regex(r"(?-u)\x1b\[[0-9;]*m"));
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        regex(concat!(
            r#"(?s-u)\A(?<left>.*) ?- "(?<method>[A-Za-z]+) (?<target>[^ ]+) HTTP/[0-9.]+" "#,
            r"(?<status>[0-9]{3})(?: [A-Za-z '-]*)?[ \t\n\r\x0c]*\z",
        ))
    });
    static QUERY: LazyLock<Regex> = LazyLock::new(|| regex(r"(?s-u)\?.*\z"));
    static HOST: LazyLock<Regex> =
        LazyLock::new(|| regex(r"(?-u)\A[A-Za-z][A-Za-z0-9+.-]*://(?s:[^/]*)"));

    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = COLOUR.replace_all(line, &b""[..]);
    let groups = LINE.captures(&line)?;
    let target = QUERY.replace(&groups["target"], &b""[..]).into_owned();
    let mut path = HOST.replace(&target, &b""[..]).into_owned();
    if path.is_empty() && !target.is_empty() {
        path.push(b'/');
    }
    let left = String::from_utf8_lossy(&groups["left"]);
    let left = left.strip_suffix(' ').unwrap_or(&left);
    let client = left
        .rsplit(' ')
        .next()
        .and_then(|word| word.rsplit_once(':'));
    let address = |text: &str| {
        text.parse()
            .ok()
            .or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
    };
    Some((
        groups["method"].to_vec(),
        path,
        std::str::from_utf8(&groups["status"])
            .unwrap()
            .parse()
            .unwrap(),
        client.and_then(|(text, _port)| address(text)),
    ))
}

fn parsed(request: Request<'_>) -> Parsed {
    (
        request.method.unwrap().to_vec(),
        request.path.to_vec(),
        request.code.unwrap(),
        request.client_address(),
    )
}

fn read(line: &[u8]) -> Option<Parsed> {
    // Methods that nobody uses show no format.
    match Parser::new(Format::built_in("uvicorn")).read(line) {
        Reading::Request(request) => Some(parsed(request)),
        _ => None,
    }
}

/// Lines of uvicorn's shape; some of their parts are wrong.
fn line() -> impl Strategy<Value = String> {
    let left = prop_oneof![
        select(vec![
            "INFO:     ",
            "\x1b[32mINFO\x1b[0m:     ",
            "a | b:466 - ",
            " ",
            "",
            "{"
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,20}",
    ];
    let client = prop_oneof![
        any::<IpAddr>().prop_map(|address| format!("{address}:{}", 5)),
        select(vec![
            "",
            "testclient:50000",
            "1.2.3.4",
            "1.2.3.4:5 - \"GET /a HTTP/1.1\" 200 OK:0"
        ])
        .prop_map(str::to_owned),
    ];
    let dash = select(vec![" - \"", "- \"", " - \"\x1b[1m", " \"", " - "]);
    let target = prop_oneof![
        "/[!-~]{0,30}",
        "[a-z:/?.]{1,12}",
        "(http|x+y)://[a-z:]{0,5}(/[a-z]{0,3})?([?]x)?",
    ];
    let end = select(vec![
        " HTTP/1.1\" ",
        " HTTP/1.1\x1b[0m\" \x1b[31m",
        " HTTP/2\" ",
        " HTTP/\" ",
        " HTTP/1.1 ",
        " 1.1\" ",
    ]);
    let code = "[0-9]{3}|[0-9]{0,4}";
    let phrase = select(vec![
        "",
        " ",
        " OK",
        " I'm a Teapot\r",
        " Multi-Status\x1b[0m",
        " 7",
        "\n",
    ]);
    (
        left,
        client,
        dash,
        "[A-Z]{1,4}|[A-Za-z]{0,5}",
        target,
        end,
        code,
        phrase,
    )
        .prop_map(|(left, client, dash, method, target, end, code, phrase)| {
            format!("{left}{client}{dash}{method} {target}{end}{code}{phrase}")
        })
}

/// Lines with some bytes replaced, one after the other in one line.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![select(b" \"-:/?.0a{\x1b[m\t\r\n".to_vec()), any::<u8>()];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), byte), 0..4);
    (prop::collection::vec(line(), 1..3), changes).prop_map(|(lines, changes)| {
        let mut line = lines.concat().into_bytes();
        for (index, byte) in changes {
            let at = index.index(line.len());
            line[at] = byte;
        }
        line
    })
}

/// Paths near those of the built-in route.
fn path() -> impl Strategy<Value = String> {
    let segment = select(vec!["", ".", "..", "%2e", "x", "%78", "%2F", "a%"]);
    let end = select(vec![
        "/api/v1/auth/validate",
        "/api/v1/auth/%76alidate",
        "/api/v1/auth/validate/",
        "api/v1/auth/validate",
        "/API/v1/auth/validate",
        "",
    ]);
    (prop::collection::vec(segment, 0..4), end).prop_map(|(segments, end)| {
        segments
            .iter()
            .flat_map(|segment| ["/", segment])
            .chain([end])
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn uvicorn_lines_are_read_as_the_regex_reads_them(line in line()) {
        prop_assert_eq!(read(line.as_bytes()), oracle(line.as_bytes()));
    }

    #[test]
    fn damaged_lines_are_read_as_the_regex_reads_them(line in mutated()) {
        prop_assert_eq!(read(&line), oracle(&line));
    }

    #[test]
    fn a_json_message_is_read_like_the_line(line in line(), name in "[a-z]{0,3}") {
        let line = line.replace(['\x1b', '\r', '\n'], "");
        let json = serde_json::json!({ "levelname": name, "message": line }).to_string();
        prop_assert_eq!(read(json.as_bytes()), oracle(line.as_bytes()));
    }

    #[test]
    fn the_built_in_route_is_what_its_regex_matches(path in path()) {
        static MOUNTED: LazyLock<Regex> =
            LazyLock::new(|| regex(r"\A(/(x|a%|%2F))*/api/v1/auth/validate\z"));
        let decoded = path.replace("%2e", ".").replace("%78", "x").replace("%76", "v");
        let found = Routes::default().find(path.as_bytes()).is_some();
        prop_assert_eq!(found, MOUNTED.is_match(decoded.as_bytes()));
    }

    #[test]
    fn durations_are_those_of_a_float(whole in 0_u32..80_000, fraction in "[0-9]{0,12}", e in -3..3) {
        let text = format!("{whole}.{fraction}e{e}");
        let expected = text.parse::<f64>().unwrap() / 1000.0;
        let custom = Custom::new(
            "x",
            "(?<path>/) (?<status>200) (?<duration>.*)",
            Some(Unit::Milliseconds),
        );
        let mut parser = Parser::new(Some(Format::Custom(Arc::new(custom.unwrap()))));
        let line = format!("/ 200 {text}");
        let Reading::Request(request) = parser.read(line.as_bytes()) else {
            panic!("{line}")
        };
        let difference = request.duration.unwrap().abs_diff(Duration::from_secs_f64(expected));
        prop_assert!(difference <= Duration::from_nanos(1), "{} {:?}", line, request.duration);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
        let regex = r"(?<path>.*)(?<status>.)(?<duration>.*)(?<client>.)(?<method>.*)";
        let custom = Arc::new(Custom::new("any", regex, Some(Unit::Nanoseconds)).unwrap());
        for format in [None, Some(Format::Custom(custom))] {
            let mut parser = Parser::new(format);
            parser.read(&bytes);
            parser.read(text.as_bytes());
            parser.read(format!("{{\"message\": \" HTTP/1\\\"{text}").as_bytes());
        }
        Routes::default().find(&bytes);
        for text in [text.clone(), format!("/{text}"), format!("~{text}"), format!("/{text}/*")] {
            if let Ok(pattern) = text.parse::<Pattern>() {
                Routes::new([("a".to_owned(), pattern)]).unwrap().find(&bytes);
            }
        }
        drop(Custom::new("a", &text, None));
        drop(text.parse::<Unit>());
    }
}
