//! The configuration file: YAML to settings, with every problem reported at once.

use std::path::Path;

use serde_yaml::Value;

use super::container::Rule;
use super::formats::Formats;
use super::probes;
use super::section::{Problems, Section};
use super::values::{Enabled, MaxSeries, Variable};
use super::{ConfigError, Settings};
use crate::parse::patterns::{self, Kind, Patterns};
use crate::parse::{Notice, Reason};
use crate::probe::spec::Probe;
use crate::route::{ForwardAuth, Pattern, Routes};

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
    pub(super) probes: Vec<Probe>,
    pub(super) auth_variables: Option<Vec<Variable>>,
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
    parts.auth_variables = docker.list("auth_variables");
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
    parts.probes = probes::read(root.section("probes"));
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
    let forward_auth = forward_auth(section.section("forward_auth"));
    if let Err(error) = all.routes.clone().protecting(forward_auth.clone()) {
        section.report("forward_auth", error);
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
        forward_auth,
        patterns,
    }
}

/// The routers, hosts and paths of a proxy that are protected.
fn forward_auth(mut section: Section<'_>) -> ForwardAuth {
    let protected = ForwardAuth {
        routers: section.list("routers").unwrap_or_default(),
        hosts: section.list("hosts").unwrap_or_default(),
        paths: section.list("paths").unwrap_or_default(),
    };
    section.finish();
    protected
}
