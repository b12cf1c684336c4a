//! `authtail explain`: what authtail makes of each line of a log.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde::Serialize;

use super::{Failure, load};
use crate::cli::{ExplainOptions, Options};
use crate::parse::envelope::Envelopes;
use crate::parse::{Parser, Reading, address};
use crate::route::Routes;

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
    let format = explain.reading.format.as_deref();
    let format = format
        .map(|name| config.format(name))
        .transpose()?
        .flatten();
    let routes = config.routes(explain.reading.routes)?;
    let mut input = open(explain.file.as_deref())?;
    let mut output = BufWriter::new(io::stdout().lock());
    let parser = Parser::new(format).with_patterns(config.patterns);
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
fn open(file: Option<&Path>) -> Result<Box<dyn BufRead>, Failure> {
    let Some(file) = file.filter(|file| *file != Path::new("-")) else {
        return Ok(Box::new(BufReader::new(io::stdin())));
    };
    let opened = File::open(file);
    let opened = opened.map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
    Ok(Box::new(BufReader::new(opened)))
}

/// Shows each line of the input.
fn lines(
    input: &mut dyn BufRead,
    mut parser: Parser,
    routes: &Routes,
    mut show: impl FnMut(&Explained) -> io::Result<()>,
) -> io::Result<()> {
    let mut envelopes = Envelopes::default();
    let mut line = Vec::new();
    let mut number = 0;
    while input.read_until(b'\n', &mut line)? > 0 {
        number += 1;
        let reading = match envelopes.open(&line) {
            Some(opened) => parser.read(opened.line),
            None => Reading::Other,
        };
        let mut explained = Explained::new(&reading, routes);
        explained.line = number;
        explained.format = parser.format().map(|format| format.name().to_owned());
        show(&explained)?;
        line.clear();
    }
    Ok(())
}

impl Explained {
    fn new(reading: &Reading<'_>, routes: &Routes) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        match reading {
            Reading::Request(request) => {
                let route = routes.find(request.path);
                Self {
                    kind: "request",
                    route: route.and_then(|route| routes.names().get(route).cloned()),
                    method: request.method.map(text),
                    path: Some(text(request.path)),
                    code: Some(request.code),
                    duration_seconds: request.duration.map(|duration| duration.as_secs_f64()),
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
