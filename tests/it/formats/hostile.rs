//! Whatever a client writes into a line, the line is about its own request: it has the code that
//! was answered and the path that was asked for, or it is not read at all.

use authtail::parse::{Format, Parser, Reading};
use proptest::prelude::*;
use proptest::sample::select;

use super::lines::{Escape, FORGERIES, SAMPLES, Sample};

/// Writes a text as a server would.
fn escaped(text: &str, escape: Escape) -> String {
    let json = || {
        let quoted = serde_json::to_string(text).unwrap();
        let inside = quoted
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        inside.unwrap().to_owned()
    };
    match escape {
        Escape::None => text.to_owned(),
        Escape::Json | Escape::Quoted => json(),
        Escape::Repr => text.replace('\\', "\\\\").replace('\'', "\\'"),
    }
}

/// A line about a request of `path`, with `free` in all the places that are the client's.
fn line(sample: &Sample, path: &str, free: &str) -> String {
    sample
        .line
        .replace("PATH", &escaped(path, sample.path))
        .replace("QUOTED", &escaped(free, Escape::Quoted))
        .replace("FREE", &escaped(free, sample.free))
}

/// Reads one line in a format: path, code, and time in milliseconds.
fn read(format: &str, line: &str) -> Option<(Vec<u8>, Option<u16>, Option<u128>)> {
    let mut parser = Parser::new(Format::built_in(format));
    match parser.read(line.as_bytes()) {
        Reading::Request(request) => {
            let time = request.duration.map(|time| time.as_millis());
            Some((request.path.to_vec(), request.code, time))
        }
        _ => None,
    }
}

/// What a server passes on: a path begins with a slash, and nothing ends a line.
fn path() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        select(FORGERIES.to_vec()).prop_map(str::to_owned),
        "[ -~]{0,12}",
    ];
    prop::collection::vec(parts, 0..4).prop_map(|parts| format!("/nope{}", parts.concat()))
}

fn free() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        select(FORGERIES.to_vec()).prop_map(str::to_owned),
        "[ -~]{0,12}",
    ];
    prop::collection::vec(parts, 0..4).prop_map(|parts| parts.concat())
}

#[test]
fn every_sample_is_read_by_its_format_and_found() {
    for sample in &SAMPLES {
        let line = line(sample, "/a/b", "x");
        let expected = (b"/a/b".to_vec(), Some(404));
        let (path, code, time) = read(sample.format, &line).unwrap();
        assert_eq!((path, code), expected, "{line}");
        assert!(time.is_none_or(|time| time == 1500), "{line}: {time:?}");
        let has_durations = Format::built_in(sample.format).unwrap().has_durations();
        assert_eq!(time.is_some(), has_durations, "{line}");

        let mut parser = Parser::new(None);
        parser.read(line.as_bytes());
        assert_eq!(
            parser.format().map(Format::name),
            Some(sample.format),
            "{line}"
        );
    }
}

#[test]
fn no_sample_is_read_by_two_formats() {
    for sample in &SAMPLES {
        let line = line(sample, "/a/b", "x");
        let readers: Vec<_> = Format::names()
            .filter(|&format| read(format, &line).is_some())
            .collect();
        assert_eq!(readers, [sample.format], "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_client_cannot_change_what_a_line_says(
        sample in select(SAMPLES.iter().collect::<Vec<_>>()),
        path in path(),
        free in free(),
    ) {
        let path = if sample.has_blanks { path } else { path.replace(' ', "%20") };
        // echo's texts are escaped or not, by its version, and a backslash does not say which.
        let is_echo = sample.format == "echo" && sample.path == Escape::None;
        let path = if is_echo { path.replace('\\', "") } else { path };
        let line = line(sample, &path, &free);
        if let Some((read, code, time)) = read(sample.format, &line) {
            let asked = path.split('?').next().unwrap();
            prop_assert_eq!(code, Some(404), "{}", &line);
            prop_assert!(time.is_none_or(|time| time == 1500), "{}", &line);
            let read = String::from_utf8_lossy(&read).into_owned();
            // morgan escapes a quote and leaves it so, and a host of chi's may end in a colon.
            let is_same = read == asked || read == "-" || read == escaped(asked, Escape::Quoted);
            // Nobody can tell where a path ends that Casdoor logs with blanks at its end.
            prop_assert!(is_same || read == asked.trim_end(), "{:?} for {:?}", read, &line);
        }
    }

    #[test]
    fn a_text_between_other_words_is_no_request(
        sample in select(SAMPLES.iter().collect::<Vec<_>>()),
        word in "[a-z]{1,8}",
    ) {
        let line = format!("2026-11-21 app said {word} about {}", line(sample, "/a", "x"));
        // Only uvicorn's family and oauth2-proxy are told by their end alone.
        let is_by_end = matches!(
            sample.format,
            "uvicorn" | "oauth2-proxy" | "morgan-short" | "vouch" | "gatekeeper"
        );
        prop_assert_eq!(read(sample.format, &line).is_some() && !is_by_end, false, "{}", line);
    }

    #[test]
    fn no_bytes_panic_in_any_format(
        sample in select(SAMPLES.iter().collect::<Vec<_>>()),
        path in path(),
        free in free(),
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        at in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut line = line(sample, &path, &free).into_bytes();
        let at = at.index(line.len());
        line.splice(at..at, bytes);
        line.truncate(cut.index(line.len()) + 1);
        for format in Format::names().map(Format::built_in) {
            Parser::new(format).read(&line);
        }
        let mut parser = Parser::new(None);
        parser.read(&line);
        parser.read(&line);
    }
}
