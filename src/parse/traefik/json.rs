//! Traefik's JSON access line.
//!
//! ```text
//! {"ClientHost":"10.0.0.7","DownstreamStatus":401,"Duration":1869629,"OriginStatus":0,"Overhead":1869629,"RequestMethod":"GET","RequestPath":"/a?x=1","RouterName":"app@docker",…}
//! ```
//!
//! Times are nanoseconds. `Overhead` is what is left of `Duration` without the service's part, so
//! it holds the auth call, for requests that passed too. Each field can be switched off.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::super::duration::{self, Unit};
use super::super::json::{self, Value};
use super::super::room::Room;
use super::super::{AuthCall, Request, fields, scan};
use super::Answer;

/// The field that every access line has and no other line of Traefik.
static STATUS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"DownstreamStatus\""));

pub(super) fn read<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    if line.first() != Some(&b'{') || STATUS.find(line).is_none() {
        return None;
    }
    let picked = json::pick(line, |path| {
        let [key] = path else { return None };
        Some(match *key {
            b"RequestMethod" => 0,
            b"RequestPath" => 1,
            b"ClientHost" => 2,
            b"RouterName" => 3,
            b"RequestHost" => 4,
            b"ClientUsername" => 5,
            b"DownstreamStatus" => 6,
            b"OriginStatus" => 7,
            b"DownstreamContentSize" => 8,
            b"Duration" => 9,
            b"Overhead" => 10,
            b"ServiceName" | b"ServiceURL" | b"ServiceAddr" => 11,
            _ => return None,
        })
    });
    let [
        method,
        path,
        client,
        router,
        host,
        user,
        code,
        origin,
        size,
        total,
        overhead,
        service,
    ] = picked.ok()?;
    let code = fields::code(code?.number()?)?;
    let texts = [method, path, client, router, host, user].map(|value| room.place_text(value));
    let room: &'a Room = room;
    let [method, path, client, router, host, user] =
        texts.map(|text| text.map(|text| room.get(&text)));

    let answer = Answer {
        code,
        size: size.and_then(Value::number).and_then(whole),
        router,
        user,
    };
    // Traefik 2.9.4 writes 0 for every request (traefik#9487), but it names the service.
    let was_proxied = service.is_some()
        || origin
            .and_then(Value::number)
            .is_some_and(|code| code != b"0");
    let is_known = service.is_some() || origin.is_some();
    let auth_code = match is_known {
        true if was_proxied => Some(200),
        true => answer.auth_code(),
        // The fields that tell are switched off.
        false => Some(code),
    };
    let nanoseconds =
        |value: Option<Value<'a>>| duration::duration(value?.number()?, Unit::Nanoseconds);
    Some(Request {
        method,
        path: path.map_or(b"-", fields::path),
        code: Some(code),
        duration: nanoseconds(total),
        client: client.map(scan::last_of_list),
        auth_call: Some(AuthCall {
            router,
            host: host.map(scan::without_port),
            code: auth_code,
            duration: nanoseconds(overhead).filter(|_| is_known),
        }),
    })
}

fn whole(number: &[u8]) -> Option<u64> {
    std::str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DENIED: &str = r#"{"ClientAddr":"10.0.0.7:52686","ClientHost":"10.0.0.7","ClientUsername":"-","DownstreamContentSize":41,"DownstreamStatus":401,"Duration":1869629,"OriginDuration":0,"OriginStatus":0,"Overhead":1869629,"RequestHost":"app.example.com","RequestMethod":"GET","RequestPath":"/a?x=1","RouterName":"app@docker","level":"info","msg":"","time":"2026-11-21T19:27:08Z"}"#;

    /// Reads [`DENIED`] with some texts replaced, and shows path, code, and the auth call's code and
    /// nanoseconds.
    fn read_with(changes: &[(&str, &str)]) -> Option<(String, u16, Option<u16>, Option<u128>)> {
        let line = changes.iter().fold(DENIED.to_owned(), |line, (from, to)| {
            assert!(line.contains(from), "{from}");
            line.replace(from, to)
        });
        let mut room = Room::default();
        let request = read(line.as_bytes(), &mut room)?;
        let path = String::from_utf8(request.path.to_vec()).unwrap();
        let call = request.auth_call.unwrap();
        let nanoseconds = call.duration.map(|duration| duration.as_nanos());
        Some((path, request.code?, call.code, nanoseconds))
    }

    #[test]
    fn reads_a_refusal_with_all_it_says() {
        let mut room = Room::default();
        let expected = Request {
            method: Some(b"GET"),
            path: b"/a",
            code: Some(401),
            duration: Some(Duration::from_nanos(1_869_629)),
            client: Some(b"10.0.0.7"),
            auth_call: Some(AuthCall {
                router: Some(b"app@docker"),
                host: Some(b"app.example.com"),
                code: Some(401),
                duration: Some(Duration::from_nanos(1_869_629)),
            }),
        };
        assert_eq!(read(DENIED.as_bytes(), &mut room), Some(expected));
    }

    #[test]
    fn a_request_that_reached_a_service_has_passed() {
        let passed = |changes: &[(&str, &str)]| read_with(changes).unwrap().2;
        let app = [("\"OriginStatus\":0", "\"OriginStatus\":401")];
        assert_eq!(passed(&app), Some(200), "the application has refused");
        let app = [
            ("\"DownstreamStatus\":401", "\"DownstreamStatus\":502"),
            app[0],
        ];
        assert_eq!(passed(&app), Some(200), "the application is down");
        for service in ["ServiceName", "ServiceURL", "ServiceAddr"] {
            let named = format!("\"{service}\":\"x\",\"level\"");
            assert_eq!(passed(&[("\"level\"", &named)]), Some(200), "{service}");
        }
        let overhead = [app[1], ("\"Overhead\":1869629", "\"Overhead\":669629")];
        let expected = ("/a".to_owned(), 401, Some(200), Some(669_629));
        assert_eq!(read_with(&overhead), Some(expected));
    }

    #[test]
    fn fields_that_are_switched_off_are_missing_and_nothing_else() {
        for (field, expected) in [
            ("\"RequestPath\":\"/a?x=1\",", ("-", Some(401), true)),
            ("\"RequestMethod\":\"GET\",", ("/a", Some(401), true)),
            ("\"Overhead\":1869629,", ("/a", Some(401), false)),
            ("\"OriginStatus\":0,", ("/a", Some(401), false)),
            ("\"RouterName\":\"app@docker\",", ("/a", Some(401), true)),
        ] {
            let (path, code, auth_code, duration) = read_with(&[(field, "")]).unwrap();
            assert_eq!((code, &*path), (401, expected.0), "{field}");
            assert_eq!(
                (auth_code, duration.is_some()),
                (expected.1, expected.2),
                "{field}"
            );
        }
        let changes = [
            ("\"OriginStatus\":0,", ""),
            ("\"DownstreamStatus\":401", "\"DownstreamStatus\":404"),
        ];
        assert_eq!(read_with(&changes).unwrap().2, Some(404), "nobody can tell");
        assert_eq!(read_with(&[("\"DownstreamStatus\":401,", "")]), None);
    }

    #[test]
    fn what_a_client_sends_stays_inside_of_its_text() {
        let forged = r#"/b\",\"OriginStatus\":200,\"DownstreamStatus\":200,\"z\":\""#;
        let (path, code, auth_code, _) = read_with(&[("/a?x=1", forged)]).unwrap();
        assert_eq!((code, auth_code), (401, Some(401)));
        assert!(path.starts_with("/b\","), "{path}");
        let twice = [("\"level\"", "\"OriginStatus\":200,\"level\"")];
        assert_eq!(read_with(&twice), None, "a field that comes twice");
        let text = [("\"DownstreamStatus\":401", "\"DownstreamStatus\":\"401\"")];
        assert_eq!(read_with(&text), None);
    }

    #[test]
    fn the_client_is_the_last_of_a_trusted_list() {
        let list = "\"ClientHost\":\"1.2.3.4 - x, 10.0.0.9\"";
        let line = DENIED.replace("\"ClientHost\":\"10.0.0.7\"", list);
        let mut room = Room::default();
        let client = read(line.as_bytes(), &mut room).unwrap().client_address();
        assert_eq!(client, "10.0.0.9".parse().ok());
    }

    #[test]
    fn lines_of_traefiks_own_log_are_none() {
        for line in [
            r#"{"level":"error","middlewareName":"fa@file","error":"Get \"http://a/\": refused","message":"Error calling http://a/"}"#,
            r#"{"level":"info","message":"\"DownstreamStatus\": GET"}"#,
            r#"x {"DownstreamStatus":200,"RequestPath":"/"}"#,
            r#"{"DownstreamStatus":200,"RequestPath":"/""#,
            "",
        ] {
            assert_eq!(read(line.as_bytes(), &mut Room::default()), None, "{line}");
        }
    }
}
