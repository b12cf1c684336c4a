//! What was printed, and what was counted, in a form that shows the difference.
//!
//! A page has no line numbers, so the number of a line decides its path, its code and its length
//! (`tests/fixtures/numbered.rs`). There is a sum for each of the 16 × 16 pairs of path and code, and
//! one of all bytes. Paths change every 1000 lines and come again after 16,000, codes change with
//! every line: a line that is lost and one that is counted twice can hide each other only if they
//! are of the same pair and equally long, and none of the faults of an engine, which skips and
//! repeats files, ends of files and single records, makes such pairs only.

use std::collections::BTreeMap;

use super::numbered;
use crate::support::exporter::Page;

/// A line of the printer that has no number: `print 1 200`.
pub const MARK: &str =
    "INFO:     172.26.0.3:37290 - \"GET /api/v1/auth/validate HTTP/1.1\" 200 OK\n";

/// Lines by what a page can tell of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    pub lines: f64,
    pub bytes: f64,
    /// By route and code.
    requests: BTreeMap<(String, String), f64>,
}

/// What is wrong with a count.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Difference {
    pub lost: f64,
    pub duplicated: f64,
}

impl Truth {
    /// Lines with these numbers.
    pub fn of(numbers: impl IntoIterator<Item = usize>) -> Self {
        Self::of_some_long(numbers, None)
    }

    /// The same, of which each `long`-th is a long one.
    pub fn of_some_long(numbers: impl IntoIterator<Item = usize>, long: Option<usize>) -> Self {
        let mut truth = Self::default();
        for number in numbers {
            truth.line(&numbered::line(number, long));
        }
        truth
    }

    /// What a text holds, as `docker logs` prints it.
    pub fn of_text(text: &str) -> Self {
        let mut truth = Self::default();
        for line in text.split_inclusive('\n') {
            truth.line(line);
        }
        truth
    }

    /// What a page says of a container.
    pub fn of_page(page: &Page, container: &str) -> Self {
        let own = format!("container=\"{container}\"");
        let mut truth = Self::default();
        for (series, value) in page.series().filter(|(series, _)| series.contains(&own)) {
            match series.split('{').next() {
                Some("authtail_log_lines_total") => truth.lines += value,
                Some("authtail_log_bytes_total") => truth.bytes += value,
                Some("authtail_requests_total") if value > 0.0 => {
                    let pair = ["route", "code"].map(|name| label(series, name).to_owned());
                    *truth.requests.entry(pair.into()).or_default() += value;
                }
                _ => {}
            }
        }
        truth
    }

    /// A mark more.
    pub fn mark(&mut self) {
        self.line(MARK);
    }

    pub fn marks(&self) -> f64 {
        let pair = ("validate".to_owned(), "200".to_owned());
        self.requests.get(&pair).copied().unwrap_or_default()
    }

    /// The same where all blocks are one route.
    pub fn by_code(&self) -> Self {
        let mut truth = Self {
            requests: BTreeMap::new(),
            ..*self
        };
        for ((route, code), count) in &self.requests {
            let route = if route.starts_with("block") {
                "block"
            } else {
                route
            };
            let pair = (route.to_owned(), code.clone());
            *truth.requests.entry(pair).or_default() += count;
        }
        truth
    }

    /// More lines.
    pub fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.bytes += other.bytes;
        for (pair, count) in &other.requests {
            *self.requests.entry(pair.clone()).or_default() += count;
        }
    }

    /// What was lost and duplicated if `counted` is what has become of this.
    pub fn difference(&self, counted: &Self) -> Difference {
        let sum = |more: Self| more.requests.values().fold(0.0, |sum, more| sum + more);
        Difference {
            lost: sum(self.beyond(counted)),
            duplicated: sum(counted.beyond(self)),
        }
    }

    /// What the other one has not.
    pub fn beyond(&self, other: &Self) -> Self {
        let more = self.requests.iter().map(|(pair, count)| {
            let others = other.requests.get(pair).copied().unwrap_or_default();
            (pair.clone(), (count - others).max(0.0))
        });
        Self {
            lines: self.lines - other.lines,
            bytes: self.bytes - other.bytes,
            requests: more.filter(|(_, count)| *count > 0.0).collect(),
        }
    }

    fn line(&mut self, line: &str) {
        let length = u32::try_from(line.len()).unwrap();
        self.lines += 1.0;
        self.bytes += f64::from(length);
        // The end of a line that was cut at its beginning has no path and is nothing's equal.
        let path = line.split_once("GET /").map_or("", |(_, path)| path);
        let route = match path.split(['?', ' ']).next().unwrap_or_default() {
            "api/v1/auth/validate" => "validate".to_owned(),
            path => path.replace('/', ""),
        };
        let answer = line.rsplit_once("\" ").map_or("", |(_, answer)| answer);
        let code = answer.split_whitespace().next().unwrap_or_default();
        *self.requests.entry((route, code.to_owned())).or_default() += 1.0;
    }
}

fn label<'a>(series: &'a str, name: &str) -> &'a str {
    let start = series.split_once(&format!("{name}=\""));
    let (_, value) = start.unwrap_or_else(|| panic!("no {name} in {series}"));
    value.split('"').next().unwrap()
}
