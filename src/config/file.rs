//! The configuration file: YAML to settings, with every problem reported at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_yaml::Value;

use super::container::Rule;
use super::section::{Problems, Section};
use super::values::{Enabled, MaxSeries};
use super::{ConfigError, Settings};
use crate::chain::chain;
use crate::parse::custom::Custom;
use crate::parse::patterns::{self, Kind, Patterns};
use crate::parse::{Format, Notice, Reason, Unit};
use crate::route::{Pattern, Routes};

/// The formats that can be named: the built-in ones and those of the file. One that is broken has been
/// reported, and is `None`.
#[derive(Clone, Debug)]
pub(super) struct Formats(BTreeMap<String, Option<Format>>);

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) settings: Settings,
    pub(super) max_series: Option<MaxSeries>,
    pub(super) routes: Routes,
    pub(super) formats: Formats,
    /// What denials and notices of all containers look like.
    pub(super) patterns: Patterns,
    pub(super) rules: Vec<Rule>,
}

/// Reads a file.
pub(super) fn read(file: &Path) -> Result<Parts, ConfigError> {
    let file_name = || file.to_owned();
    let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Io {
        file: file_name(),
        source,
    })?;
    let tree = serde_yaml::from_str(&text).map_err(|source| ConfigError::Syntax {
        file: file_name(),
        source,
    })?;
    let problems = Problems::default();
    let parts = parts(tree, &problems);
    let problems = problems.into_inner();
    if problems.is_empty() {
        return Ok(parts);
    }
    Err(ConfigError::Invalid {
        file: file_name(),
        problems,
    })
}

fn parts(tree: Value, problems: &Problems) -> Parts {
    let mut root = Section::new(String::new(), tree, problems);
    let mut parts = Parts::default();

    let mut web = root.section("web");
    parts.settings.listen_addresses = web.list("listen_address");
    parts.settings.telemetry_path = web.parsed("telemetry_path");
    web.finish();

    let mut log = root.section("log");
    parts.settings.log_level = log.parsed("level");
    parts.settings.log_format = log.parsed("format");
    log.finish();

    let mut docker = root.section("docker");
    parts.settings.docker_host = docker.parsed("host");
    parts.settings.select = docker.parsed("select");
    docker.finish();

    let mut state = root.section("state");
    parts.settings.state_file = state.parsed::<String>("file").map(Into::into);
    state.finish();

    let mut metrics = root.section("metrics");
    parts.settings.retention = metrics.parsed("retention");
    parts.max_series = metrics.parsed("max_series");
    metrics.finish();

    parts.formats.define(root.section("formats"));
    let own = routes(&mut root.section("routes"));
    match Routes::new(own) {
        Ok(routes) => parts.routes = routes,
        Err(error) => root.report("routes", error),
    }
    match Patterns::new(signs(&mut root)) {
        Ok(patterns) => parts.patterns = patterns,
        Err(error) => root.report("denials", error),
    }
    let mut containers = root.section("containers");
    for (name, value) in containers.entries() {
        let section = containers.child(&name, value);
        let rule = rule(name, section, &parts);
        parts.rules.push(rule);
    }
    root.finish();
    parts
}

/// `name: pattern` or `name: [pattern, …]` of each route.
fn routes(section: &mut Section<'_>) -> Vec<(String, Pattern)> {
    let mut routes = Vec::new();
    for (name, value) in section.entries() {
        let patterns = section.parse_list(&name, value);
        routes.extend(patterns.into_iter().map(|pattern| (name.clone(), pattern)));
    }
    routes
}

/// `reason: pattern` or `reason: [pattern, …]` of denials, and the same of notices.
fn signs(section: &mut Section<'_>) -> Vec<(Kind, patterns::Pattern)> {
    let reasons = Reason::ALL.map(|reason| (reason.as_str(), Kind::Denial(reason)));
    let kinds = Notice::ALL.map(|kind| (kind.as_str(), Kind::Notice(kind)));
    let mut found = Vec::new();
    for (key, kinds) in [("denials", &reasons[..]), ("notices", &kinds)] {
        let mut section = section.section(key);
        for (name, value) in section.entries() {
            let patterns = section.parse_list(&name, value);
            if let Some(&(_, kind)) = kinds.iter().find(|(known, _)| *known == name) {
                found.extend(patterns.into_iter().map(|one| (kind, one)));
            } else {
                let known: Vec<_> = kinds.iter().map(|(name, _)| format!("`{name}`")).collect();
                let known = known.join(", ");
                section.report(&name, format!("is unknown; allowed here: {known}"));
            }
        }
    }
    found
}

/// The settings of one container; `all` has those of all containers.
fn rule(name: String, mut section: Section<'_>, all: &Parts) -> Rule {
    let is_enabled = section.parsed::<Enabled>("enable").map(|enabled| enabled.0);
    let source = section.parsed::<String>("source");
    let format = section.parsed::<String>("format");
    let own = routes(&mut section.section("routes"));
    if let Err(error) = all.routes.with(own.clone()) {
        section.report("routes", error);
    }
    let patterns = signs(&mut section);
    if let Err(error) = all.patterns.after(patterns.clone()) {
        section.report("denials", error);
    }
    let format = format.and_then(|name| {
        let found = all.formats.find(&name);
        found
            .map_err(|problem| section.report("format", problem))
            .ok()
            .flatten()
    });
    section.finish();
    Rule {
        name,
        is_enabled,
        source,
        format,
        routes: own,
        patterns,
    }
}

impl Formats {
    /// The format of a name, or a message that says which names there are.
    pub(super) fn find(&self, name: &str) -> Result<Option<Format>, String> {
        self.0.get(name).cloned().ok_or_else(|| {
            let names: Vec<_> = self.0.keys().map(|name| format!("`{name}`")).collect();
            format!("`{name}` is no format; there are {}", names.join(", "))
        })
    }

    fn define(&mut self, mut section: Section<'_>) {
        for (name, value) in section.entries() {
            let before = section.problems();
            let mut fields = section.child(&name, value);
            let regex = fields.parsed::<String>("regex");
            let unit = fields.parsed::<Unit>("duration_unit");
            let format = if fields.problems() == before {
                let regex = regex.ok_or_else(|| "the key `regex` is missing".to_owned());
                let custom = regex.and_then(|regex| {
                    Custom::new(&name, &regex, unit).map_err(|error| chain(&error))
                });
                custom.map_err(|problem| fields.report("", problem)).ok()
            } else {
                None
            };
            fields.finish();
            let format = format.map(|custom| Format::Custom(Arc::new(custom)));
            self.0.entry(name).or_insert(format);
        }
    }
}

impl Default for Formats {
    fn default() -> Self {
        let built_in = Format::names().map(|name| (name.to_owned(), Format::built_in(name)));
        Self(built_in.collect())
    }
}
