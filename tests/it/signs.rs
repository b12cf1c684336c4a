//! Lines that are no access lines: what they say, and that no client can make them say it.

use authtail::parse::{Parser, Reading};
use proptest::prelude::*;
use proptest::sample::select;

/// The reason or the kind, or `-`.
fn name(line: &str) -> &'static str {
    match Parser::new(None).read(line.as_bytes()) {
        Reading::Denial(denial) => denial.reason.as_str(),
        Reading::Notice(kind) => kind.as_str(),
        Reading::Request(_) => "request",
        Reading::Unparsed(_) | Reading::Other => "-",
    }
}

/// What libraries and people write, after a head or without one.
const DENIALS: &str = "
missing_token    [VALIDATE] REJECTED - No auth header | path=/api/v1/auth/validate | client_ip=1.2.3.4
missing_token    Missing authorization header
missing_token    Missing authentication token
missing_token    No token provided
missing_token    No authorization token was found
missing_token    Authentication credentials were not provided.
missing_token    Not authenticated
missing_token    No token provided (no token)
missing_token    Authentication required: no token
missing_token    jwt must be provided
missing_token    Full authentication is required to access this resource
missing_token    No valid authentication in request. Initiating login.
missing_token    no session found in request, redirecting for authorization
missing_token    Error loading cookied session: cookie \"_oauth2_proxy\" not present, removing session
missing_token    Access to https://a.b/c (method GET) is not authorized to user <anonymous>, responding with status code 401
missing_token    Access to 'https://a.b/c' is not authorized to user '<anonymous>', responding with status code 302
malformed        JWT validation failed: Not enough segments
malformed        Invalid token: DecodeError: Invalid header padding
malformed        jwt malformed
malformed        token is malformed: token contains an invalid number of segments
malformed        Invalid token: MissingRequiredClaimError: Token is missing the \"exp\" claim
malformed        Malformed token
malformed        Format is Authorization: Bearer [token]
bad_signature    JWT validation failed: Signature verification failed
bad_signature    Token validation error: JWTError: Signature verification failed.
bad_signature    JsonWebTokenError: invalid signature
bad_signature    token signature is invalid: signature is invalid
bad_signature    JWT validation failed: The specified alg value is not allowed
bad_signature    Unable to find a signing key that matches: \"x\"
bad_signature    Error loading cookied session: cookie signature not valid, removing session
bad_signature    JWSSignatureVerificationFailed: signature verification failed
bad_signature    JWT signature does not match locally computed signature.
bad_signature    Signed JWT rejected: Invalid signature
bad_signature    bad_signature: 
expired          Token has expired
expired          The access token has expired
expired          JWT validation failed: Signature has expired
expired          Invalid token: ExpiredSignatureError: Signature has expired
expired          TokenExpiredError: jwt expired
expired          token has invalid claims: token is expired
expired          expired_token: The token is expired
expired          JWTExpired: \"exp\" claim timestamp check failed
expired          An error occurred while attempting to decode the Jwt: Jwt expired at 2024-05-01T00:00:00Z
expired          Bearer was not authenticated. Failure message: IDX10223: Lifetime validation failed.
not_yet_valid    JWT validation failed: The token is not yet valid (nbf)
not_yet_valid    NotBeforeError: jwt not active
not_yet_valid    token is not valid yet
wrong_audience   JWT validation failed: Audience doesn't match
wrong_audience   jwt audience invalid. expected: api
wrong_audience   token has invalid claims: token has invalid audience
wrong_audience   invalid_claim: Invalid claim: 'aud'
wrong_audience   Token validation failed: Invalid claim 'aud'
wrong_issuer     invalid_claim: Invalid claim 'iss'
wrong_audience   JWTClaimValidationFailed: unexpected \"aud\" claim value
wrong_issuer     JWT validation failed: Invalid issuer
wrong_issuer     jwt issuer invalid. expected: idp
wrong_issuer     The iss claim is not valid
revoked          Token has been revoked
revoked          Token is blacklisted
revoked          Token revoked
unknown_user     User not found
unknown_user     user \"bob\" not found
unknown_user     User 42 not found
unknown_user     User does not exist
unknown_user     Unknown user
unknown_user     User is inactive
invalid_token    REJECTED - Token validation failed
invalid_token    [VALIDATE] REJECTED - Token validation failed | path=/x
invalid_token    Token validation failed
invalid_token    Error during token validation
invalid_token    Invalid token: eyJhbGciOiJIUzI1NiJ9.e30.x
invalid_token    Could not validate credentials
invalid_token    Given token not valid for any token type
invalid_token    Authentication error for user \"admin\"
invalid_token    Bad credentials
invalid_token    Invalid cookie
service_error    Token verification error: [Errno 111] Connect call failed ('127.0.0.1', 5432)
service_error    Token validation error: QueuePool limit of size 5 overflow 10 reached, connection timed out
service_error    Token validation failed: PoolTimeout: couldn't get a connection after 0.40 sec
service_error    Error validating token: (psycopg.OperationalError) connection failed
service_error    JWT validation failed: Failed to fetch JWKS from https://idp/jwks: timed out
service_error    Could not verify token: HTTPSConnectionPool(host='idp', port=443): Max retries exceeded with url
service_error    Token validation failed: asyncpg.exceptions.TooManyConnectionsError: sorry, too many clients already
service_error    Token verification failed due to database error
service_error    Token verification error: connection is closed
service_error    Token verification error: pool is closing
service_error    Token validation failed: cannot perform operation: another operation is in progress
service_error    Error validating token: Server disconnected without sending a response.
service_error    Authentication error: Redis error: Timeout reading from socket
service_error    failed to verify signature: fetching keys oidc: get keys failed Get \"https://a\": dial tcp
service_error    REJECTED - Token verification error: Database unavailable
service_error    Error loading cookied session: error initialising session: error getting redis client: dial tcp 127.0.0.1:6379
service_error    Token validation error: Error: connect ECONNREFUSED 127.0.0.1:5432
service_error    An error occurred while attempting to decode the Jwt: Couldn't retrieve remote JWK set: timed out
other            Access to https://a.b/c (method GET) is forbidden to user bob
other            Insufficient permissions
other            Unauthorized: /api/v1/auth/validate
";

/// Nothing that these say is a refusal.
const NO_DENIALS: &str = "
Token validated successfully
Token expired, refreshing it
Token expires in 300 seconds
Expired tokens removed: 5
Invalid token count: 0
User bob authenticated
Session created
token_preview=eyJhbGciOiJIUzI1NiJ9 expired
Authorization header parsed
Loaded 5 signing keys
User created: Token has expired
Listing rejected requests
";

/// What an operator would want counted.
const NOTICES: &str = "
pool_exhausted         ERROR - Database error: PoolTimeout: couldn't get a connection after 0.40 sec
pool_exhausted         ERROR - QueuePool limit of size 5 overflow 10 reached, connection timed out
pool_exhausted         ERROR HikariPool-1 - Connection is not available, request timed out after 30000ms.
pool_exhausted         2026-11-21 19:46:36.796 UTC [123] FATAL:  sorry, too many clients already
database               ERROR - Database unavailable: ConnectionRefusedError(111, \"Connect call failed\")
database               Database connection failed: x
upstream_unreachable   ERROR - Failed to fetch JWKS from http://127.0.0.1/jwks: [Errno 111] Connection refused
upstream_unreachable   ERROR - Redis error: Error 111 connecting to 127.0.0.1:6379. Connection refused.
upstream_unreachable   level=debug msg=\"Error calling https://oauth:4181. Cause: Get \\\"https://oauth\\\": dial tcp\"
timeout                [CRITICAL] WORKER TIMEOUT (pid:13797)
timeout                ERROR - Timeout reading from socket
slow                   WARNING - Slow request: GET /api/v1/auth/validate took 2.31s
slow                   2026-11-21 19:46:44,243 - asyncio - WARNING - Executing <Task finished> took 0.250 seconds
traceback              ERROR:    Exception in ASGI application
traceback              Traceback (most recent call last):
auth_bypass            INFO - \u{2705} Auth bypass enabled (AUTH_REQUIRED=false) - returning POC user
auth_mode              INFO:auth:\u{1f510} Auth module loaded: AUTH_REQUIRED=False
auth_mode              INFO - Auth check: auth_required=False (type: bool), env=production
auth_mode              INFO - Authentication is disabled
auth_mode              INFO - Authentication required: true
startup                INFO:     Application startup complete.
shutdown               INFO:     Shutting down
error                  ERROR - validate crashed
error                  2026-11-21T19:26:34Z ERR nobody knows
warning                WARNING - nobody knows
invalid_request        WARNING:  Invalid HTTP request received.
invalid_request        [WARNING] Invalid request from ip=1.2.3.4: Invalid HTTP method: 'x'
invalid_request        127.0.0.1 - - [21/Nov/2026 19:28:23] code 400, message Bad request syntax ('x')
invalid_request        WARNING Not Found: /x
invalid_request        ERROR Invalid HTTP_HOST header: 'x'. You may need to add 'x' to ALLOWED_HOSTS.
invalid_request        2026-11-21T19:00:00Z ERR Error calling http://a error=\"Get: context canceled\"
invalid_request        {\"level\":\"error\",\"status\":401,\"msg\":\"x\"}
error                  {\"level\":\"error\",\"status\":500,\"msg\":\"x\"}
-                      {\"level\":\"error\",\"status\":500,\"msg\":\"x\",\"method\":\"GET\"}
-                      Not Found: /x
-                      INFO - Database pool created: 5-20 connections
-                      Database pool created: 5-20 connections
-                      Database pool closed
-                      INFO - Connection refused, retrying
-                      DEBUG - Timeout set to 5
-                      Timeout set to 5
-                      INFO - Connection pool is closed
-                      INFO - Auth module loaded
-                      INFO - Auth check: no reason to worry
";

fn rows(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = table.trim().lines();
    rows.map(|row| row.split_once(' ').unwrap())
        .map(|(name, line)| (name, line.trim_start()))
}

/// What loggers put before a message.
const HEADS: [&str; 7] = [
    "",
    "ERROR:    ",
    "WARNING:auth:",
    "2026-11-21 19:46:36,796 - auth.service - ERROR - ",
    "[2026-11-21 19:26:56 +0000] [22877] [INFO] ",
    "2026-11-21 19:21:28.431 | WARNING  | app.main:validate:466 - ",
    "2026-11-21T19:26:34Z ERR ",
];

#[test]
fn reasons_are_told_by_the_words_of_libraries_and_people() {
    let mut wrong = Vec::new();
    for (expected, text) in rows(DENIALS) {
        for head in HEADS {
            let line = format!("{head}{text}");
            let json = serde_json::json!({"level": "warn", "message": text, "path": "/x"});
            for line in [line, json.to_string()] {
                let found = name(&line);
                if found != expected {
                    wrong.push(format!("{found}, not {expected}: {line}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_only_sounds_like_a_refusal_is_none() {
    for text in NO_DENIALS.trim().lines() {
        for head in [
            "",
            "INFO:    ",
            "2026-11-21 19:46:36,796 - auth.service - INFO - ",
        ] {
            assert_eq!(name(&format!("{head}{text}")), "-", "{head}{text}");
        }
    }
}

#[test]
fn notices_are_told_by_words_and_levels() {
    for (expected, line) in rows(NOTICES) {
        assert_eq!(name(line), expected, "{line}");
    }
}

#[test]
fn fields_that_an_error_is_in_say_why() {
    for (expected, line) in [
        (
            "expired",
            r#"{"level":"warn","msg":"authentication failed","error":"token is expired"}"#,
        ),
        (
            "expired",
            r#"{"level":"warn","msg":"request rejected","error":"token has invalid claims: token is expired"}"#,
        ),
        (
            "service_error",
            r#"{"level":"error","msg":"token validation failed","error":"dial tcp 10.0.0.1:5432: connect: connection refused"}"#,
        ),
        (
            "service_error",
            r#"{"level":"error","msg":"token validation failed","err":{"message":"connect ECONNREFUSED 10.0.0.1:5432","stack":"x"}}"#,
        ),
        (
            "service_error",
            r#"{"levelname":"ERROR","message":"Token validation failed","exc_info":"Traceback (most recent call last):\n  File \"x\"\nasyncpg.exceptions.TooManyConnectionsError: sorry"}"#,
        ),
        (
            "invalid_token",
            r#"{"level":"warn","msg":"authentication failed","error":"connection refused"}"#,
        ),
        (
            "upstream_unreachable",
            r#"{"level":"error","msg":"x","error":"Get \"https://a/\": dial tcp: lookup a: no such host"}"#,
        ),
        (
            "traceback",
            r#"{"level":"error","event":"x","exception":"Traceback (most recent call last):\n  File \"x\"\nKeyError: 'x'"}"#,
        ),
        (
            "bad_signature",
            r#"time="x" level=warning msg="Invalid cookie" error="Invalid cookie mac" "#,
        ),
        (
            "traceback",
            r#"{"level":50,"err":{"message":"boom: x","stack":"Error: boom: x\n    at y"},"msg":"boom: x"}"#,
        ),
    ] {
        assert_eq!(name(line), expected, "{line}");
    }
}

/// Texts that would be something if the application had written them.
fn hostile() -> impl Strategy<Value = String> {
    let known = rows(DENIALS).chain(rows(NOTICES)).map(|(_, text)| text);
    let known: Vec<_> = known.filter(|text| !text.starts_with('{')).collect();
    let glue = select(vec![
        "", " ", ": ", " - ", " | ", "\"", "'", "] ", ") ", "\\", "/", "=", "%22",
    ]);
    (glue.clone(), select(known), glue, "[ -~]{0,12}")
        .prop_map(|(before, text, after, rest)| format!("{before}{text}{after}{rest}"))
}

/// Lines with a place for what a client sends.
const ECHOES: [&str; 26] = [
    "[VALIDATE] REJECTED - No auth header | path=/@ | client_ip=1.2.3.4",
    "[VALIDATE] REJECTED - Token validation failed | path=/x | user_agent=@",
    "ERROR - REJECTED - Token validation failed | path=/x?@",
    "INFO - request path=/@ status=401",
    "Not Found: /@",
    "Unauthorized: /@",
    "WARNING Not Found: /@",
    "INFO - GET /@ - Status: 401 - Time: 0.001s",
    "INFO - Handling \"@\"",
    "ERROR - Unhandled error in validate: '@'",
    "ERROR - Unknown key id: @",
    "ERROR - validate crashed (path /@)",
    "INFO - Login of @ succeeded",
    "WARNING - Token has expired: @",
    "WARNING - No token provided (@)",
    "WARNING - Unable to find a signing key that matches: \"@\"",
    "ValueError: invalid literal for int() with base 10: '@'",
    "127.0.0.1 - @",
    "127.0.0.1:45232 - - [21/Nov/2026:19:27:51] \"GET /@\" 404 11",
    "[GIN] 2026/11/21 - 19:30:14 | 401 |   134.471us |  127.0.0.1 | GET      \"/@\"",
    "2026/11/21 19:29:41 [host/x-000001] \"GET http://host/@ HTTP/1.1\" from 127.0.0.1:1 - 401 29B in 56ms",
    "2026-11-21T19:26:34Z ERR nobody knows path=/@",
    "2026-11-21T19:26:34Z INF request client_ip=@ status=401",
    "GET /@ 401 42 - 3.2 ms",
    "2026/11/21 19:51:33 [error] 370#370: *7 auth request unexpected status: 302 while sending to client, client: 1.2.3.4, server: , request: \"GET /@ HTTP/1.1\", host: \"@\"",
    "[Sat Nov 21 20:02:14.461597 2026] [auth_basic:error] [pid 1:tid 2] [client 1.2.3.4:5] AH01618: user @ not found: /x",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_a_client_sends_never_changes_what_a_line_says(line in select(&ECHOES[..]), text in hostile()) {
        let plain = name(&line.replace('@', "x"));
        let found = name(&line.replace('@', &text));
        // No server writes a path with blanks or quotes into an access line.
        let is_broken = plain == "request" && found == "-";
        prop_assert!(found == plain || is_broken, "{}, not {}: {}", found, plain, text);
    }

    #[test]
    fn fields_that_a_client_fills_never_change_what_a_line_says(
        text in hostile(),
        key in select(vec!["path", "url", "user", "user_agent", "headers", "client_ip", "query", "token"]),
        message in select(vec!["Token has expired", "Not Found", "nobody knows", "Token validation failed"]),
        level in select(vec!["info", "warning", "error"]),
    ) {
        let line = |text: &str| {
            serde_json::json!({"level": level, "message": message, key: text}).to_string()
        };
        prop_assert_eq!(name(&line(&text)), name(&line("x")), "{}", text);
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        let logfmt = |text: &str| format!("time=x level={level} {key}=\"{text}\" msg=\"{message}\"");
        prop_assert_eq!(name(&logfmt(&quoted)), name(&logfmt("x")), "{}", text);
    }

    #[test]
    fn a_token_that_is_echoed_is_never_the_fault_of_the_service(
        text in hostile(),
        words in select(vec![
            "Invalid token: ", "Bad token: ", "Authentication failed: ", "Unauthorized: ",
            "Invalid credentials: ", "Unknown user: ", "User not found: ", "Login failed: ",
            "Malformed token: ", "Failed to decode token: ",
        ]),
        head in select(&HEADS[..]),
    ) {
        let line = format!("{head}{words}{text}");
        let found = name(&line);
        prop_assert!(found != "service_error" && found != "error", "{found}: {line}");
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in hostile()) {
        let mut parser = Parser::new(None);
        parser.read(&bytes);
        let mut line = text.into_bytes();
        line.extend(&bytes);
        parser.read(&line);
        for head in HEADS {
            parser.read(&[head.as_bytes(), &bytes].concat());
        }
    }
}
