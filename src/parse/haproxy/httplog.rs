//! `option httplog` and `option httpslog`.
//!
//! ```text
//! 10.0.0.7:51654 [21/Nov/2026:19:37:43.032] web auth/a1 0/0/0/1/1 200 146 - - ---- 1/1/0/0/0 0/0 {headers} "GET /a HTTP/1.1"
//! ```
//!
//! Client, time, frontend, backend and server, five times in milliseconds (-1: not reached), status,
//! bytes, cookies, termination state, connections, queues, captured headers, request. A client
//! controls only the last two, in which quotes are encoded. Lines are cut at 1024 bytes, so the end
//! may be missing. What stands before the client comes from the kind of log (`<134>…: `, `<6>`).

use memchr::memchr;

use super::super::duration::{self, Unit};
use super::super::room::Room;
use super::super::{Request, scan, stamp};
use super::{Seen, code, only_word, request_line};

pub(super) fn read<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let (left, rest) = stamp::find(line, stamp::HAPROXY)?;
    let client = client(only_word(left.strip_suffix(b" ")?)?)?;
    let (_frontend, rest) = scan::word(rest.strip_prefix(b" ")?)?;
    let (name, rest) = scan::word(rest)?;
    let (backend, server) = name.split_at(memchr(b'/', name)?);
    let (times, rest) = scan::word(rest)?;
    // With `logasap` there is a plus: until then.
    let mut times = times.split(|&byte| byte == b'/');
    let total = times.nth(4).filter(|_| times.next().is_none())?;
    let total = total.strip_prefix(b"+").unwrap_or(total);
    let total = duration::duration(total, Unit::Milliseconds);
    let (status, rest) = scan::word(rest)?;
    let code = code(status)?;
    let (_bytes, rest) = scan::word(rest)?;
    let (_request_cookie, rest) = scan::word(rest)?;
    let (_response_cookie, rest) = scan::word(rest)?;
    let (ended, rest) = scan::word(rest)?;
    let (_connections, rest) = scan::word(rest)?;

    let (_, request) = rest.split_at(memchr(b'"', rest)?);
    let request = request.get(1..)?;
    let end = memchr(b'"', request).unwrap_or(request.len());
    let request = request.get(..end)?;
    let (method, target) = request_line(request);
    let seen = Seen {
        client: Some(client),
        method,
        target,
        code,
        total,
        backend,
        server: server.get(1..)?,
        ended,
    };
    Some(seen.request())
}

/// Returns the address in `address:port`; IPv6 comes without brackets.
fn client(word: &[u8]) -> Option<&[u8]> {
    let (address, _port) = scan::rcut(word, b':')?;
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "10.0.0.7:51654 [21/Nov/2026:19:37:43.032] web auth/a1 0/0/0/1/12 200 146 - - \
                        ---- 1/1/0/0/0 0/0 \"GET /a?x=1 HTTP/1.1\"";

    /// Shows client, path, code and milliseconds.
    fn seen(line: &str) -> Option<(String, String, u16, Option<u128>)> {
        let mut room = Room::default();
        let request = read(line.as_bytes(), &mut room)?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let client = request.client_address().map(|client| client.to_string());
        let time = request.duration.map(|time| time.as_millis());
        Some((
            client.unwrap_or_default(),
            text(request.path),
            request.code?,
            time,
        ))
    }

    /// Tells whether a line is read as [`LINE`] is.
    #[track_caller]
    fn is_like_line(line: &str) {
        let expected = ("10.0.0.7".to_owned(), "/a".to_owned(), 200, Some(12));
        assert_eq!(seen(line), Some(expected), "{line}");
    }

    #[test]
    fn reads_every_kind_of_log() {
        is_like_line(LINE);
        for prefix in [
            "<6>",
            "<134>Nov 22 03:41:03 localhost haproxy[24886]: ",
            "<134>1 2026-11-22T03:41:03.245+00:00 host haproxy 24886 - - ",
            "Nov 22 03:41:03 localhost haproxy[24886]: ",
        ] {
            is_like_line(&format!("{prefix}{LINE}"));
        }
        let https = format!("{LINE} 0/-/-/-/0 TLSv1.3/TLS_AES_256_GCM_SHA384/-");
        is_like_line(&https);
        let captured = LINE.replace("0/0 \"", "0/0 {app.example.com|a#22b c#7D} {} \"");
        is_like_line(&captured);
        is_like_line(&LINE.replace("0/0/0/1/12 200 146", "0/0/0/1/+12 200 +146"));
        is_like_line(&LINE.replace(" web auth", " web~ auth"));
    }

    #[test]
    fn clients_may_have_any_address_or_none() {
        for (client, expected) in [
            ("2001:db8::9:40000", "2001:db8::9"),
            ("::ffff:203.0.113.5:40002", "::ffff:203.0.113.5"),
            ("unix:1", ""),
        ] {
            let line = LINE.replace("10.0.0.7:51654", client);
            assert_eq!(seen(&line).unwrap().0, expected, "{client}");
        }
    }

    #[test]
    fn an_end_that_is_cut_off_leaves_status_and_path() {
        let cut = LINE.strip_suffix("=1 HTTP/1.1\"").unwrap();
        is_like_line(cut);
        let headers = LINE.replace("0/0 \"GET /a?x=1 HTTP/1.1\"", "0/0 {app.exam");
        assert_eq!(seen(&headers), None);
    }

    #[test]
    fn a_request_that_cannot_be_read_has_no_path() {
        let line = LINE.replace("auth/a1 0/0/0/1/12 200", "web/<NOSRV> -1/-1/-1/-1/0 -1");
        let line = line
            .replace("----", "PR--")
            .replace("GET /a?x=1 HTTP/1.1", "<BADREQ>");
        let mut room = Room::default();
        let request = read(line.as_bytes(), &mut room).unwrap();
        assert_eq!(
            (request.method, request.path, request.code),
            (None, &b"-"[..], Some(0))
        );
        assert_eq!(request.auth_call.unwrap().code, None);
    }

    #[test]
    fn near_misses_are_not_requests() {
        for (from, to) in [
            ("0/0/0/1/12", "0/0/12"),
            ("auth/a1", "auth"),
            ("200", "4040"),
            ("10.0.0.7:51654", "10.0.0.7"),
            (".032] ", "] "),
            ("[21/Nov", "[21/11"),
            ("\"GET /a?x=1 HTTP/1.1\"", ""),
        ] {
            assert_eq!(seen(&LINE.replace(from, to)), None, "{to}");
        }
        for line in [
            "127.0.0.1:47288 [21/Nov/2026:19:38:15.870] web/1: Connection closed while waiting",
            "Connect from 127.0.0.1:45302 to 127.0.0.1:18726 (web/HTTP)",
            "",
        ] {
            assert_eq!(seen(line), None, "{line}");
        }
    }
}
