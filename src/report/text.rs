//! The report as text.

use std::collections::BTreeMap;

use super::chart::{chart, minute};
use super::paint::{Page, Row, Style};
use super::summary::{Report, Verdict};
use super::words::{count, duration, number, percent};

/// How many codes have a column.
const MAX_CODES: usize = 7;

/// Writes the whole report.
pub(crate) fn text(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    for part in [
        head, requests, chart, latency, callers, reasons, notices, findings,
    ] {
        part(&mut page, report);
    }
    page.into_text()
}

fn head(page: &mut Page, report: &Report) {
    let lines = &report.lines;
    let mut formats: Vec<_> = report.formats.iter().map(|one| &*one.format).collect();
    formats.dedup();
    let mut parts = vec![
        count(lines.total, "line", "lines"),
        count(lines.requests, "request", "requests"),
    ];
    if !formats.is_empty() {
        parts.push(format!("format {}", formats.join(", ")));
    }
    if lines.left_out > 0 {
        parts.push(format!("{} left out by `--since`", number(lines.left_out)));
    }
    for (reason, times) in &lines.not_understood {
        parts.push(format!("{} not understood ({reason})", number(*times)));
    }
    let (inputs, parts) = (report.inputs.join(", "), parts.join(", "));
    page.wrap("", "  ", &format!("{inputs}: {parts}"));
    if let (Some(first), Some(last)) = (&report.first, &report.last) {
        page.line(&format!("{} to {} UTC", minute(first), minute(last)));
    }
}

fn requests(page: &mut Page, report: &Report) {
    let others = &report.other_requests;
    if report.lines.requests == 0 {
        return;
    }
    let mut all = BTreeMap::<u16, u64>::new();
    let tables = report
        .routes
        .iter()
        .map(|route| &route.codes)
        .chain([others]);
    for (code, times) in tables.flatten() {
        *all.entry(*code).or_default() += times;
    }
    let mut shown: Vec<_> = all.into_iter().collect();
    shown.sort_by_key(|(code, times)| (std::cmp::Reverse(*times), *code));
    let is_more = shown.len() > MAX_CODES;
    shown.truncate(MAX_CODES);
    shown.sort_unstable();
    let shown: Vec<_> = shown.into_iter().map(|(code, _)| code).collect();

    let mut heads = vec!["all".to_owned()];
    heads.extend(shown.iter().map(ToString::to_string));
    heads.extend(is_more.then(|| "more".to_owned()));
    heads.push("401 share".to_owned());
    let mut rows = vec![(String::new(), heads, String::new())];
    let cells = |codes: &BTreeMap<u16, u64>| {
        let total = codes.values().sum();
        let of = |code: &u16| codes.get(code).copied().unwrap_or_default();
        let rest = total - shown.iter().map(of).sum::<u64>();
        let mut cells = vec![number(total)];
        cells.extend(shown.iter().map(|code| number(of(code))));
        cells.extend(is_more.then(|| number(rest)));
        cells
    };
    for route in &report.routes {
        let mut cells = cells(&route.codes);
        cells.push(percent(route.refused, route.requests));
        let band = route.band.unwrap_or("too few to judge").to_owned();
        rows.push((route.name.clone(), cells, band));
    }
    if !others.is_empty() {
        rows.push(("other paths".to_owned(), cells(others), String::new()));
    }
    page.section("Requests");
    page.table(&rows);
}

fn latency(page: &mut Page, report: &Report) {
    let heads = ["50 %", "90 %", "95 %", "99 %", "longest"].map(str::to_owned);
    let mut rows: Vec<Row> = vec![(String::new(), heads.to_vec(), String::new())];
    for route in &report.routes {
        let Some(latency) = &route.latency_seconds else {
            continue;
        };
        let times = [
            latency.p50,
            latency.p90,
            latency.p95,
            latency.p99,
            latency.max,
        ];
        let cells = times.map(|seconds| duration(std::time::Duration::from_secs_f64(seconds)));
        rows.push((route.name.clone(), cells.to_vec(), String::new()));
    }
    if rows.len() > 1 {
        page.section("Latency, so many are no slower");
        page.table(&rows);
    }
}

fn callers(page: &mut Page, report: &Report) {
    let callers = &report.callers;
    if callers.top.is_empty() {
        return;
    }
    let title = match callers.distinct {
        Some(distinct) => format!("Callers, {distinct} in all"),
        None => "Callers, an estimate: they are too many to count; each made at least".to_owned(),
    };
    page.section(&title);
    let heads = ["requests", "401", "401 share"].map(str::to_owned);
    let mut rows: Vec<Row> = vec![(String::new(), heads.to_vec(), String::new())];
    for caller in &callers.top {
        let cells = vec![
            number(caller.requests),
            number(caller.refused),
            percent(caller.refused, caller.requests),
        ];
        let rest = if caller.private {
            "private, likely the proxy"
        } else {
            ""
        };
        rows.push((caller.address.clone(), cells, rest.to_owned()));
    }
    if callers.without_address > 0 {
        let cells = vec![number(callers.without_address)];
        rows.push(("no address".to_owned(), cells, String::new()));
    }
    page.table(&rows);
}

fn reasons(page: &mut Page, report: &Report) {
    if report.refusals.is_empty() {
        return;
    }
    page.section("Reasons of refusals, as the application logs them");
    let all = report.refusals.iter().map(|one| one.count).sum();
    let rows: Vec<Row> = report
        .refusals
        .iter()
        .map(|one| {
            let cells = vec![number(one.count), percent(one.count, all)];
            (one.reason.to_owned(), cells, String::new())
        })
        .collect();
    page.table(&rows);
}

fn notices(page: &mut Page, report: &Report) {
    let mode = report.auth_mode.as_ref();
    if report.notices.is_empty() && mode.is_none() {
        return;
    }
    page.section("Notices");
    for notice in &report.notices {
        let times = match (&notice.first, &notice.last) {
            (Some(first), Some(last)) if first != last => {
                format!("{} to {}", minute(first), minute(last))
            }
            (Some(time), _) => minute(time),
            _ => String::new(),
        };
        page.line(&format!(
            "  {:20}  {:>9}  {times}",
            notice.kind,
            number(notice.count)
        ));
        for sample in &notice.samples {
            page.wrap("      ", "        ", sample);
        }
    }
    if let Some(mode) = mode {
        let required = if mode.required { "is" } else { "is not" };
        let time = mode.time.as_deref().map(minute).unwrap_or_default();
        page.line(&format!(
            "  The service says that authentication {required} required  {time}"
        ));
    }
}

fn findings(page: &mut Page, report: &Report) {
    page.section("Findings");
    for finding in &report.findings {
        page.line("");
        page.headline(finding.severity, &finding.title);
        page.wrap("  ", "  ", &finding.evidence);
        page.wrap("  ", "  ", &finding.meaning);
        for step in &finding.next {
            page.wrap("  - ", "    ", step);
        }
    }
    if report.verdict == Verdict::Unknown {
        page.line("");
        page.line("Nothing in this log was understood.");
    }
}
