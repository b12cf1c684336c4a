//! `authtail explain`: what authtail makes of each line of a log.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::{Failure, load};
use crate::cli::{ExplainOptions, Options};
use crate::config::Protected;
use crate::lines::Lines;
use crate::parse::envelope::Envelopes;
use crate::parse::{Parser, Reading, address};
use crate::route::Routes;

/// How many sources are told apart.
const MAX_SOURCES: usize = 64;
/// How much is read at once.
const BUFFER: usize = 64 * 1024;

/// What one line of input is: the fields of the JSON object.
#[derive(Debug, Default, Serialize)]
struct Explained {
    line: u64,
    kind: &'static str,
    format: Option<String>,
    route: Option<String>,
    method: Option<String>,
    path: Option<String>,
    code: Option<u16>,
    duration_seconds: Option<f64>,
    client: Option<String>,
    reason: Option<&'static str>,
    notice: Option<&'static str>,
}

pub(super) fn explain(options: &Options, explain: ExplainOptions) -> Result<(), Failure> {
    let config = load(options)?;
    let format = explain.format.as_deref();
    let format = format
        .map(|name| config.format(name))
        .transpose()?
        .flatten();
    let routes = config.routes(explain.reading.routes)?;
    let routes = routes.protecting(Protected::all(explain.reading.forward_auth))?;
    let mut input = open(explain.file.as_deref())?;
    let mut output = BufWriter::new(io::stdout().lock());
    let parser = || Parser::new(format.clone()).with_patterns(Arc::clone(&config.patterns));
    let result = lines(&mut input, parser, &routes, |line| {
        if explain.json {
            serde_json::to_writer(&mut output, line)?;
        } else {
            write!(output, "{line}")?;
        }
        output.write_all(b"\n")
    });
    match result.and_then(|()| output.flush()) {
        // `| head` has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

/// Opens a log, or standard input.
fn open(file: Option<&Path>) -> Result<Box<dyn Read>, Failure> {
    let Some(file) = file.filter(|file| *file != Path::new("-")) else {
        return Ok(Box::new(io::stdin()));
    };
    let opened = File::open(file);
    let opened = opened.map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
    Ok(Box::new(opened))
}

/// Shows each line of the input, read by a parser for each source that its envelopes name.
fn lines(
    input: &mut dyn Read,
    parser: impl Fn() -> Parser,
    routes: &Routes,
    mut show: impl FnMut(&Explained) -> io::Result<()>,
) -> io::Result<()> {
    let (mut envelopes, mut number, mut result) = (Envelopes::default(), 0, Ok(()));
    let mut sources: Vec<(Vec<u8>, Parser)> = Vec::new();
    let is_over = Cell::new(false);
    let mut take = |line: &[u8], length: usize| {
        number += 1;
        let opened = envelopes.open(line).filter(|_| length == line.len());
        let name = opened.and_then(|opened| opened.source).unwrap_or_default();
        let known = sources.iter().position(|(known, _)| known == name);
        if known.is_none() && sources.len() < MAX_SOURCES {
            sources.push((name.to_vec(), parser()));
        }
        let at = known.unwrap_or(sources.len() - 1);
        let Some((_, parser)) = sources.get_mut(at) else {
            return;
        };
        let reading = opened.map_or(Reading::Other, |opened| parser.read(opened.line));
        let mut explained = Explained::new(&reading, routes);
        explained.line = number;
        explained.format = parser.format().map(|format| format.name().to_owned());
        if result.is_ok() {
            result = show(&explained);
            is_over.set(result.is_err());
        }
    };
    let (mut lines, mut buffer) = (Lines::default(), vec![0; BUFFER]);
    while !is_over.get() {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => lines.push(buffer.get(..read).unwrap_or_default(), &mut take),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    lines.end(take);
    result
}

impl Explained {
    fn new(reading: &Reading<'_>, routes: &Routes) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        match reading {
            Reading::Request(request) => {
                let placed = routes.place(request);
                let route = placed.and_then(|placed| routes.names().get(placed.route));
                let (code, duration) = match placed {
                    Some(call) if routes.is_forward_auth(call.route) => {
                        (Some(call.code), call.duration)
                    }
                    _ => (request.code, request.duration),
                };
                Self {
                    kind: "request",
                    route: route.cloned(),
                    method: request.method.map(text),
                    path: Some(text(request.path)),
                    code,
                    duration_seconds: duration.map(|duration| duration.as_secs_f64()),
                    client: request.client_address().map(|client| client.to_string()),
                    ..Self::default()
                }
            }
            Reading::Denial(denial) => Self {
                kind: "denial",
                method: denial.method.map(text),
                path: denial.path.map(text),
                code: denial.code,
                client: denial
                    .client
                    .and_then(address)
                    .map(|client| client.to_string()),
                reason: Some(denial.reason.as_str()),
                ..Self::default()
            },
            Reading::Notice(notice) => Self {
                kind: "notice",
                notice: Some(notice.as_str()),
                ..Self::default()
            },
            Reading::Unparsed(_) | Reading::Other => Self {
                kind: "other",
                ..Self::default()
            },
        }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8}  {:<7}", self.line, self.kind)?;
        let words = [
            &self.format,
            &self.route,
            &self.method,
            &self.path,
            &self.client,
        ];
        let kinds = [self.reason, self.notice];
        let (words, kinds) = (words.into_iter().flatten(), kinds.into_iter().flatten());
        for word in kinds.chain(words.map(String::as_str)) {
            write!(f, "  {}", word.escape_debug())?;
        }
        if let Some(code) = self.code {
            write!(f, "  {code}")?;
        }
        if let Some(seconds) = self.duration_seconds {
            write!(f, "  {seconds} s")?;
        }
        Ok(())
    }
}
