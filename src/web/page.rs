//! The page at `/`: what is followed, in which format, with what result. Pure.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::runbooks;
use crate::docker::Condition;
use crate::fleet::Snapshot;
use crate::probe::{Key, Record};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;\
padding:0 1rem;color:#222;background:#fff}table{border-collapse:collapse;width:100%}th,td{\
text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}\
.bad{color:#a00}nav a{margin-right:1rem}@media(prefers-color-scheme:dark){body{color:#ddd;\
background:#181818}th,td{border-color:#444}a{color:#8bf}.bad{color:#f88}}";

/// The whole page as HTML.
pub(super) fn home(
    telemetry_path: &str,
    engine: &Condition,
    containers: &[Snapshot],
    probes: &BTreeMap<Key, Record>,
) -> String {
    let mut html = String::new();
    let written = write(&mut html, telemetry_path, engine, containers, probes);
    debug_assert_eq!(written, Ok(()), "writing to a string cannot fail");
    html
}

fn write(
    html: &mut String,
    telemetry_path: &str,
    engine: &Condition,
    containers: &[Snapshot],
    probes: &BTreeMap<Key, Record>,
) -> fmt::Result {
    write!(
        html,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>authtail</title>\
         <style>{STYLE}</style></head><body><h1>authtail {version}</h1>\
         <p>Counts the auth requests in container logs.</p><nav>\
         <a href=\"{telemetry_path}\">Metrics</a> <a href=\"/-/healthy\">Health</a> \
         <a href=\"/-/ready\">Readiness</a></nav><h2>Engine</h2>",
        version = env!("CARGO_PKG_VERSION"),
    )?;
    engine_line(html, engine)?;
    write!(
        html,
        "<h2>Containers</h2><table><tr><th>source<th>container<th>state<th>format<th>log\
         <th>lines<th>last line<th>requests</tr>"
    )?;
    for container in containers {
        row(html, container)?;
    }
    html.write_str("</table>")?;
    if containers.is_empty() {
        html.write_str("<p>None is followed.</p>")?;
    }
    if !probes.is_empty() {
        write!(
            html,
            "<h2>Probes</h2><table><tr><th>source<th>probe<th>last answer<th>took<th>in the log</tr>"
        )?;
        for (key, record) in probes {
            probe(html, key, record)?;
        }
        html.write_str("</table>")?;
    }
    html.write_str("<h2>Runbooks</h2><ul>")?;
    for name in runbooks::names() {
        write!(html, "<li><a href=\"/runbooks/{name}\">{name}</a></li>")?;
    }
    html.write_str("</ul></body></html>\n")
}

fn engine_line(html: &mut String, engine: &Condition) -> fmt::Result {
    let version = Escaped(engine.version.as_deref().unwrap_or("unknown engine"));
    match (&engine.problem, engine.is_up) {
        (Some(problem), _) => write!(html, "<p class=\"bad\">{}</p>", Escaped(problem)),
        (None, true) => write!(html, "<p>{version}</p>"),
        (None, false) => write!(html, "<p>{version}, not listed yet</p>"),
    }
}

fn row(html: &mut String, container: &Snapshot) -> fmt::Result {
    let (identity, tally) = (&container.identity, &container.tally);
    let state = match (container.present.is_empty(), container.is_running) {
        (true, _) => "removed",
        (false, true) => "running",
        (false, false) => "stopped",
    };
    write!(
        html,
        "<tr><td>{}<td>{}<td>{state}<td>",
        Escaped(&identity.source),
        Escaped(&identity.container)
    )?;
    for format in container
        .present
        .iter()
        .filter_map(|one| one.format.as_deref())
    {
        write!(html, "{} ", Escaped(format))?;
    }
    html.write_str("<td>")?;
    for present in &container.present {
        match &present.unreadable {
            Some(reason) => {
                write!(
                    html,
                    "<span class=\"bad\">not readable: {}</span> ",
                    Escaped(reason)
                )?;
            }
            None => write!(html, "{} ", Escaped(&present.log_driver))?,
        }
        if let Some(loss) = present.loses {
            write!(html, "<span class=\"bad\">{loss}</span> ")?;
        }
        if !present.is_caught_up {
            html.write_str("catching up ")?;
        }
    }
    if tally.gaps > 0 {
        write!(html, "<span class=\"bad\">gaps: {}</span>", tally.gaps)?;
    }
    write!(html, "<td>{}<td>", tally.lines)?;
    if let Some(time) = tally.last_line {
        write!(html, "{time}")?;
    }
    html.write_str("<td>")?;
    for route in tally.routes() {
        write!(html, "{}: {}", Escaped(&route.name), route.total())?;
        let happened = route.codes().filter(|&(_, count)| count > 0);
        for (index, (code, count)) in happened.enumerate() {
            write!(
                html,
                "{}{code} × {count}",
                if index == 0 { " (" } else { ", " }
            )?;
        }
        html.write_str(if route.total() > 0 { ")<br>" } else { "<br>" })?;
    }
    html.write_str("</tr>")
}

fn probe(html: &mut String, key: &Key, record: &Record) -> fmt::Result {
    let (source, name) = (Escaped(&key.source), Escaped(&key.probe));
    write!(html, "<tr><td>{source}<td>{name}<td>")?;
    let Some(last) = record.last() else {
        return html.write_str("none yet<td><td></tr>");
    };
    match last.code {
        Some(code) => write!(html, "{code} ")?,
        None => html.write_str("none ")?,
    }
    if let Some(failure) = last.failure {
        write!(html, "<span class=\"bad\">{}</span>", failure.as_str())?;
    }
    write!(html, "<td>{} ms<td>", last.phases.total.as_millis())?;
    html.write_str(match last.is_seen {
        Some(true) => "yes</tr>",
        Some(false) => "<span class=\"bad\">no</span></tr>",
        None => "</tr>",
    })
}

/// A text that others have chosen, safe inside an element.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}
