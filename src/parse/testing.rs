//! What the tests of the formats share.

use super::room::Room;
use super::{Format, Request};

/// What a line says in a format, as one text: method, path, code, duration in seconds and client,
/// each `-` if it is absent; and nothing if it is no access line of the format.
pub(super) fn read(format: &str, line: &str) -> String {
    let Some(Format::BuiltIn(format)) = Format::built_in(format) else {
        panic!("no format {format}")
    };
    let mut room = Room::default();
    let request = (format.read)(line.as_bytes(), &mut room);
    request.map(|request| text(&request)).unwrap_or_default()
}

/// What a request says, as one text.
pub(super) fn text(request: &Request<'_>) -> String {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{} {} {} {} {}",
        or_dash(request.method.map(lossy)),
        lossy(request.path),
        or_dash(request.code.map(|code| code.to_string())),
        or_dash(request.duration.map(|time| time.as_secs_f64().to_string())),
        or_dash(request.client_address().map(|client| client.to_string())),
    )
}
