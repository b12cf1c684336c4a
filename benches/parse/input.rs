//! The lines that are read.

use std::fmt::Write;
use std::fs;
use std::path::Path;

/// So many lines of uvicorn, always the same.
pub(crate) fn uvicorn(lines: u32) -> Vec<u8> {
    let answers = ["200 OK", "200 OK", "401 Unauthorized", "403 Forbidden"];
    let mut random = fastrand::Rng::with_seed(7);
    let mut text = String::new();
    for _ in 0..lines {
        let path = if random.u8(..) < 230 {
            "/api/v1/auth/validate"
        } else {
            "/health"
        };
        let (client, port) = (random.u8(..200), random.u16(1_024..));
        let answer = answers[random.usize(..answers.len())];
        writeln!(
            text,
            "INFO:     172.26.3.{client}:{port} - \"GET {path} HTTP/1.1\" {answer}"
        )
        .unwrap();
    }
    text.into_bytes()
}

/// The lines of a file of the corpus that are of the server's access log, as often as so many bytes
/// hold.
pub(crate) fn corpus(name: &str, bytes: usize) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let text = fs::read(folder.join(format!("{name}.log"))).unwrap();
    // One of 70 KB would make up most of it.
    let lines = text
        .split_inclusive(|&byte| byte == b'\n')
        .filter(|line| line.len() < 4_096);
    let text = lines.collect::<Vec<_>>().concat();
    text.repeat(bytes / text.len())
}
