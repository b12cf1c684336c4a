//! Access lines in columns: gin and Casdoor (beego).
//!
//! ```text
//! [GIN] 2026/11/21 - 19:30:14 | 401 |     134.471µs |       127.0.0.1 | GET      "/validate?x=1"
//! 2022/09/03 09:35:40.803 [D]  |     172.17.0.1| 403 |   2.365713ms| nomatch| POST     /api/login
//! ```
//!
//! gin writes what the server knows first and the decoded path last, quoted since 1.6. Casdoor
//! begins with an address that a client may have made up and ends with a path that it has, so a
//! line with more columns than there should be is not read.

use super::duration::go_duration;
use super::format::BuiltIn;
use super::room::{Place, Room};
use super::scan::{after_shape, cut, is_method, word};
use super::{Request, fields, quoted};

pub(super) const FORMATS: &[BuiltIn] = &[
    BuiltIn {
        name: "gin",
        has_durations: true,
        is_detected: true,
        read: gin,
    },
    BuiltIn {
        name: "casdoor",
        has_durations: true,
        is_detected: true,
        read: casdoor,
    },
];

fn gin<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    let rest = after_shape(line, b"[GIN] 0000/00/00 - 00:00:00 |")?;
    let (code, rest) = column(rest)?;
    let (time, rest) = column(rest)?;
    let (client, rest) = column(rest)?;
    let (method, target) = word(rest.trim_ascii_start())?;
    let target = target.trim_ascii_start();
    if !is_method(method) {
        return None;
    }
    let target = match quoted::first(target) {
        Some((target, b"")) => room.place_quoted(target),
        Some(_) => return None,
        None => Place::Line(target),
    };
    let room: &'a Room = room;
    Some(Request {
        duration: Some(go_duration(time)?),
        client: Some(client),
        ..fields::request(method, room.get(&target), Some(fields::code(code)?))
    })
}

fn casdoor<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let rest = after_shape(line, b"0000/00/00 00:00:00.000 [x]")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"|")?;
    let (client, rest) = column(rest)?;
    let (code, rest) = column(rest)?;
    let (time, rest) = column(rest)?;
    let (found, rest) = column(rest)?;
    let (method, rest) = word(rest.trim_ascii_start())?;
    let target = rest.trim_ascii_start();
    let is_whole = matches!(found, b"match" | b"nomatch") && is_method(method);
    if !is_whole || target.contains(&b'|') {
        return None;
    }
    // The pattern that the router found comes last.
    let end = memchr::memmem::rfind(target, b"   r:/").filter(|_| found == b"match");
    let target = target.get(..end.unwrap_or(target.len()))?;
    Some(Request {
        duration: Some(go_duration(time)?),
        client: Some(client),
        ..fields::request(method, target.trim_ascii_end(), Some(fields::code(code)?))
    })
}

/// Splits off the text up to the next `|`, without the blanks around it.
fn column(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (column, rest) = cut(text, b'|')?;
    Some((column.trim_ascii(), rest))
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;

    #[test]
    fn gin_quotes_the_path() {
        let line =
            |end| format!("[GIN] 2026/11/21 - 19:30:14 | 401 | 134.471\u{b5}s | ::1 | {end}");
        for (end, expected) in [
            (r#"GET      "/a?b""#, "GET /a"),
            (r#"get "/a\"b\n""#, "get /a\"b\n"),
            (
                r#"GET      "/x | 200 | 1s | ::1 | GET \"/b\"""#,
                "GET /x | 200 | 1s | ::1 | GET \"/b\"",
            ),
            ("GET      /a", "GET /a"),
            (r#"GET      "/a" x"#, ""),
            ("GET", ""),
            (r#"G-T      "/a""#, ""),
        ] {
            let expected = match expected {
                "" => String::new(),
                _ => format!("{expected} 401 0.000134471 ::1"),
            };
            assert_eq!(read("gin", &line(end)), expected, "{end}");
        }
        for (from, to) in [
            ("401", "4o1"),
            ("s |", "|"),
            ("[GIN]", "[GIN-debug]"),
            (" - ", " "),
        ] {
            assert_eq!(
                read("gin", &line("GET \"/a\"").replacen(from, to, 1)),
                "",
                "{to}"
            );
        }
    }

    #[test]
    fn casdoor_has_as_many_columns_as_it_should() {
        let line = |client, end| {
            format!("2022/09/03 09:35:40.803 [D]  |{client:>15}| 403 |   2.365713ms|{end}")
        };
        for (end, expected) in [
            (" nomatch| POST     /api/login", "POST /api/login"),
            ("   match| GET      /api/a b   r:/api/:id", "GET /api/a b"),
            (" nomatch| GET      /a   r:/b", "GET /a   r:/b"),
            ("   match| GET      /a  ", "GET /a"),
            (" nomatch| GET      /a| 200 |1ms| match| GET /b", ""),
            (" perhaps| GET      /a", ""),
            (" nomatch| GET", ""),
        ] {
            let expected = match expected {
                "" => String::new(),
                _ => format!("{expected} 403 0.002365713 172.17.0.1"),
            };
            assert_eq!(read("casdoor", &line("172.17.0.1", end)), expected, "{end}");
        }
        let forged = "x| 200 |1ms| nomatch| GET /api/login";
        assert_eq!(read("casdoor", &line(forged, " nomatch| GET /nope")), "");
    }
}
