//! Exceptions: where the report of one begins, and what its class says.
//!
//! ```text
//! Traceback (most recent call last):                          a head
//!   File "/app/main.py", line 14, in validate                 indented: within
//! sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 …    the exception
//! ```
//! Node and Java begin with the exception.

use super::denial::Reason;
use super::meaning::Meaning::{self, Cut, Failed, Prelude, Refused, Says, Trouble};
use super::notice::Notice;

/// Classes by what they mean, by the last part of their name.
const CLASSES: &[(Meaning, &[&str])] = &[
    (
        Says(Reason::Expired),
        &[
            "ExpiredSignatureError",
            "ExpiredSignature",
            "ExpiredTokenError",
            "TokenExpiredError",
            "TokenExpiredException",
            "ExpiredJwtException",
            "JWTExpired",
            "SecurityTokenExpiredException",
            "ExpiredException",
        ],
    ),
    (
        Says(Reason::BadSignature),
        &[
            "InvalidSignatureError",
            "InvalidSignature",
            "BadSignatureError",
            "BadSignature",
            "SignatureInvalidException",
            "SignatureVerificationException",
            "SecurityTokenInvalidSignatureException",
            "SecurityTokenSignatureKeyNotFoundException",
            "JWSSignatureVerificationFailed",
            "JWKSNoMatchingKey",
            "InvalidAlgorithmError",
            "PyJWKClientError",
        ],
    ),
    (
        Says(Reason::NotYetValid),
        &[
            "ImmatureSignatureError",
            "ImmatureSignature",
            "NotBeforeError",
            "PrematureJwtException",
            "SecurityTokenNotYetValidException",
            "BeforeValidException",
        ],
    ),
    (
        Says(Reason::WrongAudience),
        &[
            "InvalidAudienceError",
            "InvalidAudience",
            "SecurityTokenInvalidAudienceException",
        ],
    ),
    (
        Says(Reason::WrongIssuer),
        &[
            "InvalidIssuerError",
            "InvalidIssuer",
            "SecurityTokenInvalidIssuerException",
        ],
    ),
    (
        Says(Reason::Malformed),
        &[
            "MissingRequiredClaimError",
            "MalformedJwtException",
            "JWTDecodeException",
            "SecurityTokenMalformedException",
            "JWTInvalid",
            "JWSInvalid",
        ],
    ),
    (Refused(Reason::Malformed), &["DecodeError", "JWSError"]),
    (
        Refused(Reason::InvalidToken),
        &[
            "InvalidTokenError",
            "JWTError",
            "JWTClaimsError",
            "InvalidClaimError",
            "JOSEError",
            "JoseError",
            "JWKError",
            "JsonWebTokenError",
            "JWTVerificationException",
            "JwtException",
            "BadJwtException",
            "JwtValidationException",
            "JWTClaimValidationFailed",
            "InvalidBearerTokenException",
            "UnauthorizedError",
            "AuthenticationFailed",
            "InvalidToken",
        ],
    ),
    (
        Failed(Reason::ServiceError),
        &[
            "PyJWKClientConnectionError",
            "JWKSTimeout",
            "JwkSetRetrievalException",
            "AuthenticationServiceException",
        ],
    ),
    (
        Trouble(Notice::PoolExhausted),
        &[
            "PoolTimeout",
            "TooManyConnectionsError",
            "TooManyRequests",
            "SequelizeConnectionAcquireTimeoutError",
            "ConnectionAcquireTimeoutError",
            "SQLTransientConnectionException",
            "PoolExhaustedException",
        ],
    ),
    (
        Trouble(Notice::Database),
        &[
            "OperationalError",
            "InterfaceError",
            "DatabaseError",
            "ProgrammingError",
            "IntegrityError",
            "PostgresError",
            "PSQLException",
            "SQLException",
            "SQLAlchemyError",
            "MongoNetworkError",
            "MongoServerSelectionError",
            "ServerSelectionTimeoutError",
            "QueryCanceledError",
            "QueryFailedError",
            "CannotConnectNowError",
            "ConnectionDoesNotExistError",
            "PrismaClientInitializationError",
            "SequelizeConnectionRefusedError",
            "SequelizeConnectionError",
            "JDBCConnectionException",
            "CannotGetJdbcConnectionException",
            "DataAccessResourceFailureException",
            "NpgsqlException",
            "SqlException",
        ],
    ),
    (
        Trouble(Notice::Timeout),
        &[
            "TimeoutError",
            "TimeoutException",
            "ReadTimeout",
            "ConnectTimeout",
            "WriteTimeout",
            "Timeout",
            "ReadTimeoutError",
            "ConnectTimeoutError",
            "ServerTimeoutError",
            "SocketTimeoutException",
            "timeout",
        ],
    ),
    (
        Trouble(Notice::UpstreamUnreachable),
        &[
            "ConnectionRefusedError",
            "ConnectionError",
            "ConnectError",
            "ConnectException",
            "gaierror",
            "URLError",
            "ClientConnectorError",
            "ClientConnectorDNSError",
            "MaxRetryError",
            "NewConnectionError",
            "NameResolutionError",
            "UnknownHostException",
            "NoRouteToHostException",
            "RedisConnectionException",
            "RedisConnectionFailureException",
        ],
    ),
    (
        Cut,
        &[
            "ConnectionResetError",
            "ConnectionAbortedError",
            "BrokenPipeError",
            "ClientDisconnected",
            "ClientDisconnect",
            "EOFException",
        ],
    ),
    (
        Prelude,
        &["Error", "Exception", "RuntimeError", "OSError", "IOError"],
    ),
];

/// Endings of the names of classes.
const ENDINGS: [&[u8]; 8] = [
    b"Error",
    b"Exception",
    b"error",
    b"Exit",
    b"Interrupt",
    b"ExceptionGroup",
    b"Timeout",
    b"Failure",
];

/// A class at the beginning of a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Class<'a> {
    /// `None` if the class says nothing about why.
    pub(super) meaning: Option<Meaning>,
    /// What follows its name.
    pub(super) rest: &'a [u8],
}

/// Reads the name of a class, such as `redis.exceptions.TimeoutError`, up to a colon, a bracket or the
/// end.
pub(super) fn class(text: &[u8]) -> Option<Class<'_>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.$".contains(byte);
    let length = text.iter().take_while(|byte| is_part(byte)).count();
    let (path, rest) = text.split_at(length);
    let is_end = matches!(rest, [] | [b':' | b'(' | b')', ..]);
    if !is_end || length > 120 || !path.first().is_some_and(u8::is_ascii_alphabetic) {
        return None;
    }
    let name = path.rsplit(|byte| b".$".contains(byte)).next()?;
    let found = CLASSES
        .iter()
        .find(|(_, names)| names.iter().any(|known| known.as_bytes() == name))
        .map(|&(meaning, _)| meaning);
    let is_dotted = name.len() < path.len();
    // `timeout:` alone is a word.
    let is_class = name.first().is_some_and(u8::is_ascii_uppercase) || is_dotted;
    let ends = ENDINGS.iter().any(|ending| name.ends_with(ending));
    let of_package = is_dotted && memchr::memmem::find(path, b".exceptions.").is_some();
    if !is_class || !(found.is_some() || ends || of_package) {
        return None;
    }
    Some(Class {
        meaning: in_package(path, name).or(found),
        rest,
    })
}

/// What a class means because of where it is from.
fn in_package(path: &[u8], name: &[u8]) -> Option<Meaning> {
    let from = |package: &[u8]| path.starts_with(package);
    match name {
        b"TimeoutError" if from(b"sqlalchemy.") => Some(Trouble(Notice::PoolExhausted)),
        b"PoolTimeout" | b"TooManyConnectionsError" => Some(Trouble(Notice::PoolExhausted)),
        b"TimeoutError" | b"ConnectionError" => None,
        _ if from(b"asyncpg.") || from(b"psycopg") || from(b"sqlalchemy.exc.") => {
            Some(Trouble(Notice::Database))
        }
        _ => None,
    }
}

/// Reads the line that names an exception, which begins at its first column.
pub(super) fn exception(line: &[u8]) -> Option<Class<'_>> {
    let class = class(line)?;
    let is_line = matches!(class.rest, [] | [b':'] | [b':', b' ', ..]);
    is_line.then_some(class)
}

/// Tells whether a line is the head of a report.
pub(super) fn is_head(line: &[u8]) -> bool {
    const HEADS: [&[u8]; 9] = [
        b"Traceback (most recent call last)",
        b"  + Exception Group Traceback (most recent call last)",
        b"panic: ",
        b" panic: ",
        b"fatal error: ",
        b"Exception in thread ",
        b"Unhandled exception. ",
        b"Unhandled Exception: ",
        b"[PANIC RECOVER] ",
    ];
    let begins = |head: &&[u8]| line.starts_with(head);
    let has = |text: &[u8]| memchr::memmem::find(line, text).is_some();
    // A box of rich, and a thread of a program in Rust.
    let is_box =
        line.starts_with("\u{256d}".as_bytes()) && has(b" Traceback (most recent call last) ");
    HEADS.iter().any(begins) || is_box || line.starts_with(b"thread '") && has(b" panicked at ")
}

/// Tells whether a line says that the exception before it led to the one after it.
pub(super) fn is_chain(line: &[u8]) -> bool {
    line.starts_with(b"During handling of the above exception, another exception occurred:")
        || line.starts_with(b"The above exception was the direct cause of the following exception:")
}

/// The line of a whole report that names the exception: the last one, or the first where the report
/// does not begin with a head.
pub(super) fn named(report: &[u8]) -> Option<&[u8]> {
    let report = report.trim_ascii();
    let mut lines = report.split(|&byte| byte == b'\n');
    let is_exception = |line: &&[u8]| exception(line).is_some();
    if is_head(report) {
        return lines.rev().take(20).find(is_exception);
    }
    lines.next().filter(is_exception)
}
