//! A reader that does nothing with what it reads, such as `curl … > /dev/null`.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use memchr::memmem::{Finder, FinderRev};

use crate::engine::Engine;
use crate::stand::Container;

/// No byte for so long: the last line was lost in a rotation.
const SILENCE: Duration = Duration::from_secs(10);

/// Follows the log from its beginning until the last line, and returns the number of lines that came
/// and when the last byte did.
pub(crate) fn follow(engine: &Engine, container: &Container<'_>) -> (u32, Instant) {
    let mut stream = UnixStream::connect(engine.socket()).unwrap();
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    let name = &container.name;
    write!(
        stream,
        "GET /containers/{name}/logs?follow=1&stdout=1&stderr=1&timestamps=1 HTTP/1.1\r\nHost: docker\r\n\r\n"
    )
    .unwrap();
    let (line, last) = (Finder::new(b"\"GET "), FinderRev::new(b" 403 "));
    let mut buffer = vec![0; 256 * 1024];
    // What is cut at the end of one read is looked for again with the next one.
    let (mut kept, mut lines) = (0, 0);
    let mut end = Instant::now();
    loop {
        let read = match stream.read(&mut buffer[kept..]) {
            Ok(0) => return (lines, end),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return (lines, end),
            Err(error) => panic!("{error}"),
        };
        end = Instant::now();
        let filled = &buffer[..kept + read];
        lines += u32::try_from(line.find_iter(filled).count()).unwrap();
        if last.rfind(filled).is_some() {
            return (lines, end);
        }
        // Shorter than both texts.
        let rest = filled.len().saturating_sub(4)..filled.len();
        kept = rest.len();
        buffer.copy_within(rest, 0);
    }
}
