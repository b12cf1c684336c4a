//! Lines of each format, with places for what a client writes.

/// How a server writes a text that a client has sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Escape {
    /// As it is: only what cannot come over the wire is missing from it.
    None,
    /// As JSON.
    Json,
    /// In Go's `%q`, or morgan's JSON without its quotes.
    Quoted,
    /// In Python's `repr`.
    Repr,
}

/// One format.
#[derive(Debug)]
pub struct Sample {
    pub format: &'static str,
    /// `PATH` is the path of the request, `FREE` any text that the client may choose otherwise. The
    /// code is 404, and the duration 1.5 s if there is one.
    pub line: &'static str,
    pub path: Escape,
    pub free: Escape,
    /// True if the path that is logged can hold a blank.
    pub has_blanks: bool,
}

const fn sample(
    format: &'static str,
    line: &'static str,
    path: Escape,
    free: Escape,
    has_blanks: bool,
) -> Sample {
    Sample {
        format,
        line,
        path,
        free,
        has_blanks,
    }
}

use Escape::{Json, None, Quoted, Repr};

pub const SAMPLES: [Sample; 31] = [
    sample(
        "granian",
        r#"[2026-11-21 19:27:28 +0000] 127.0.0.1 - "GET PATH HTTP/1.1" 404 1500.000"#,
        None,
        None,
        false,
    ),
    sample(
        "hypercorn",
        r#"[2026-11-21 19:26:35 +0000] [21916] [INFO] 127.0.0.1:37686 - - [21/Nov/2026:19:26:35 +0000] "GET PATH 1.1" 404 11 "FREE" "FREE""#,
        None,
        None,
        false,
    ),
    sample(
        "daphne",
        r#"127.0.0.1:45232 - - [21/Nov/2026:19:27:51] "GET PATH" 404 11"#,
        None,
        None,
        false,
    ),
    sample(
        "werkzeug",
        r#"127.0.0.1 - - [21/Nov/2026 19:28:18] "GET PATH HTTP/1.1" 404 -"#,
        None,
        None,
        false,
    ),
    sample(
        "django",
        r#"[21/Nov/2026 19:28:44] "GET PATH HTTP/1.1" 404 42"#,
        None,
        None,
        false,
    ),
    sample(
        "chi",
        "2026/11/21 19:29:41 [FREE] \"GET http://hPATH HTTP/1.1\" from FREE - 404 29B in 1.5s",
        None,
        None,
        false,
    ),
    sample(
        "gin",
        r#"[GIN] 2026/11/21 - 19:30:14 | 404 | 1.5s | 127.0.0.1 | GET      "PATH""#,
        Quoted,
        None,
        true,
    ),
    sample(
        "casdoor",
        "2022/09/03 09:35:40.803 [D]  |FREE| 404 |   1.5s| nomatch| POST     PATH",
        None,
        None,
        true,
    ),
    sample(
        "oauth2-proxy",
        r#"127.0.0.1 - 5e16 - FREE [2026/11/21 19:51:14] FREE GET - "PATH" HTTP/1.1 "QUOTED" 404 13 1.500"#,
        Quoted,
        None,
        true,
    ),
    sample(
        "structlog",
        r#"{"http": {"url": "http://hPATH", "status_code": 404, "method": "GET"}, "network": {"client": {"ip": "FREE"}}, "duration": 1500000000, "event": "FREE"}"#,
        Json,
        Json,
        true,
    ),
    sample(
        "structlog",
        r#"2026-11-21T19:20:59Z [info     ] 127.0.0.1:5 - "GET PATH HTTP/1.1" 404 [api.access] duration=1500000000 http={'url': 'FREE', 'status_code': 404, 'method': 'GET', 'version': '1.1'} network={'client': {'ip': '127.0.0.1', 'port': 5}}"#,
        None,
        Repr,
        true,
    ),
    sample(
        "tinyauth",
        r#"2026-04-24T17:59:48Z WRN x.go:63 > Client Error address=10.0.0.1:5 client_ip=10.0.0.2 latency=1.5s method=GET path="PATH" status=404"#,
        Quoted,
        None,
        true,
    ),
    sample(
        "tinyauth",
        r#"{"level":"warn","method":"GET","path":"PATH","address":"FREE","status":404,"latency":"1.5s","message":"Client Error"}"#,
        Json,
        Json,
        true,
    ),
    sample(
        "authelia",
        r#"time="x" level=trace msg="Replied (status=404)" method=GET path="PATH" remote_ip=10.0.0.1"#,
        Quoted,
        None,
        true,
    ),
    sample(
        "authelia",
        r#"{"level":"trace","method":"GET","msg":"Replied (status=404)","path":"PATH","remote_ip":"FREE"}"#,
        Json,
        Json,
        true,
    ),
    sample(
        "authentik",
        r#"{"event":"PATH","host":"FREE","logger":"authentik.outpost.proxyv2.application","method":"GET","remote":"FREE","runtime":"1500","status":404,"user_agent":"FREE"}"#,
        Json,
        Json,
        true,
    ),
    sample(
        "voidauth",
        r#"{"level":"debug","message":"API Response Sent","details":{"request":{"ip":"FREE","method":"GET","path":"PATH"},"user":{"username":"FREE"},"response":{"statusCode":404}}}"#,
        Json,
        Json,
        true,
    ),
    sample(
        "oathkeeper",
        r#"{"http_request":{"headers":{"x":"FREE"},"method":"GET","path":"PATH","remote":"FREE"},"http_response":{"status":404,"took":1500000000},"msg":"completed handling request"}"#,
        Json,
        Json,
        true,
    ),
    sample(
        "pomerium",
        r#"{"service":"envoy","method":"GET","path":"PATH","user-agent":"FREE","forwarded-for":"FREE","duration":1500,"response-code":404,"message":"http-request"}"#,
        Json,
        Json,
        true,
    ),
    sample(
        "vouch",
        r#"{"msg":"|404| 1.5s PATH","statusCode":404,"latency":1.5,"ipPort":"10.0.0.1:5","method":"GET","host":"FREE","path":"PATH","referer":"FREE"}"#,
        Json,
        Json,
        true,
    ),
    sample(
        "gatekeeper",
        "1.59e+09  info    x.go:90    client request  {\"latency\": 1.5, \"status\": 404, \"client_ip\": \"FREE\", \"method\": \"GET\", \"path\": \"PATH\"}",
        Json,
        Json,
        true,
    ),
    sample(
        "echo",
        r#"{"time":"x","id":"FREE","remote_ip":"FREE","host":"h","method":"GET","uri":"PATH","user_agent":"FREE","status":404,"error":"","latency":1500000000,"latency_human":"1.5s","bytes_in":0,"bytes_out":43}"#,
        None,
        None,
        false,
    ),
    sample(
        "echo",
        r#"{"time":"x","id":"FREE","remote_ip":"FREE","host":"h","method":"GET","uri":"PATH","user_agent":"FREE","status":404,"error":"","latency":1500000000,"latency_human":"1.5s","bytes_in":0,"bytes_out":43}"#,
        Json,
        Json,
        true,
    ),
    sample(
        "pino",
        r#"{"level":30,"req":{"id":1,"method":"GET","url":"PATH","headers":{"x":"FREE"},"remoteAddress":"10.0.0.1"},"res":{"statusCode":404},"responseTime":1500,"msg":"request completed"}"#,
        Json,
        Json,
        true,
    ),
    sample(
        "express-winston",
        r#"{"level":"info","message":"GET PATH 404 1500ms","meta":{"req":{"headers":{"x":"FREE"},"method":"GET","url":"PATH"},"res":{"statusCode":404},"responseTime":1500}}"#,
        Json,
        Json,
        true,
    ),
    sample(
        "morgan-dev",
        "GET PATH 404 1500.000 ms - 11",
        Quoted,
        None,
        false,
    ),
    sample(
        "morgan-tiny",
        "GET PATH 404 11 - 1500.000 ms",
        Quoted,
        None,
        false,
    ),
    sample(
        "morgan-short",
        "127.0.0.1 FREE GET PATH HTTP/1.1 404 11 - 1500.000 ms",
        Quoted,
        None,
        false,
    ),
    sample(
        "middleware",
        "2026-11-21 19:21:29,809 - app - INFO - GET PATH - Status: 404 - Time: 1.500s",
        None,
        None,
        true,
    ),
    sample(
        "middleware-logfmt",
        "2026-11-21 19:21:29,809 - app - INFO - request method=GET path=PATH status=404 duration_ms=1500 client=127.0.0.1",
        None,
        None,
        true,
    ),
    sample(
        "uvicorn",
        "INFO:     FREE:0 - \"GET PATH HTTP/1.1\" 404 Not Found",
        None,
        None,
        false,
    ),
];

/// Texts that look like the ends and the beginnings of lines.
pub const FORGERIES: [&str; 22] = [
    "",
    "/x",
    "a b",
    "\" 200 5 \"-\" \"x\"",
    "/api/v1/auth/validate HTTP/1.1\" 200 1.000",
    "\" 200 OK - \"GET /api/v1/auth/validate HTTP/1.1\" 200",
    "x] \"GET http://h/api/v1/auth/validate HTTP/1.1\" from 1.2.3.4:5",
    "1.2.3.4:5 - 200 5B in 1ms",
    "x| 200 |1ms| match| GET /api/v1/auth/validate",
    " - Status: 200 - Time: 1s",
    " - INFO - GET /api/v1/auth/validate - Status: 200 - Time: 1s",
    " status=200 duration_ms=1 client=1.2.3.4",
    "method=GET path=/api/v1/auth/validate status=200 duration_ms=1",
    "\",\"status\":200,\"uri\":\"/api/v1/auth/validate\",\"z\":\"",
    "\",\"host\":\"h\",\"method\":\"GET\",\"uri\":\"/api/v1/auth/validate\",\"user_agent\":\"",
    "\",\"path\":\"/api/v1/auth/validate\",\"z\":\"",
    "\"}},\"res\":{\"statusCode\":200},\"responseTime\":1,\"x\":{\"y\":{\"z\":\"",
    "', 'status_code': 200, 'method': 'GET', 'version': '1.1'} network={'client': {'ip': 'x', 'port': 5}}",
    "GET - \"/api/v1/auth/validate\" HTTP/1.1 \"\" 200 1 0.1",
    "200 11 - 1.0 ms",
    "Replied (status=200)\" method=GET path=/api/v1/auth/validate x=\"",
    "\\\" \\\\\" \\u0022 \\x22 %22",
];
