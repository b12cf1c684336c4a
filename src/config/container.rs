//! What applies to one container: its labels, else the file, else what is found out. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use super::labels::{self, FORWARD_AUTH, ROUTES};
use super::probes::wishes;
use super::values::Enabled;
use super::{Config, Select};
use crate::fleet::Identity;
use crate::parse::Format;
use crate::parse::patterns::{self, Patterns};
use crate::probe::Wish;
use crate::route::{ForwardAuth, Pattern, Routes};

const ENABLE: &str = "authtail.enable";
const SOURCE: &str = "authtail.source";
const FORMAT: &str = "authtail.format";
const SWARM_SERVICE: &str = "com.docker.swarm.service.name";
const COMPOSE_PROJECT: &str = "com.docker.compose.project";
const COMPOSE_SERVICE: &str = "com.docker.compose.service";

/// Settings of one container in the file.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// The container's name or its source.
    pub(super) name: String,
    pub(super) is_enabled: Option<bool>,
    pub(super) source: Option<String>,
    pub(super) format: Option<Format>,
    pub(super) routes: Vec<(String, Pattern)>,
    pub(super) forward_auth: ForwardAuth,
    pub(super) patterns: Vec<(patterns::Kind, patterns::Pattern)>,
}

/// How to treat one container.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) identity: Identity,
    pub(crate) is_followed: bool,
    /// `None`: to be found out.
    pub(crate) format: Option<Format>,
    pub(crate) routes: Arc<Routes>,
    /// Routes that this container was said to have, by index.
    pub(crate) expected: Vec<usize>,
    /// Probes that its labels ask for.
    pub(crate) wishes: Vec<Wish>,
    /// What its denials and notices look like, besides those that are known.
    pub(crate) patterns: Arc<Patterns>,
    /// Labels that cannot be used.
    pub(crate) problems: Vec<String>,
}

impl Config {
    /// Decides about a container by its name and labels.
    pub(crate) fn plan(&self, name: &str, labels: &HashMap<String, String>) -> Plan {
        let mut problems = Vec::new();
        let name = without_recreate_prefix(name);
        let found = natural_source(name, labels);
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.name == name || rule.name == found);
        let label = |key| labels.get(key).map(|value| value.trim());

        let enable = label(ENABLE).and_then(|text| {
            let enabled = text.parse::<Enabled>();
            enabled
                .map_err(|error| problems.push(format!("`{ENABLE}`: {error}")))
                .ok()
        });
        let is_enabled = enable.map(|enabled| enabled.0).or_else(|| rule?.is_enabled);
        let source = label(SOURCE)
            .filter(|source| !source.is_empty())
            .map(str::to_owned);
        let source = source.or_else(|| rule?.source.clone()).unwrap_or(found);
        let format = label(FORMAT).and_then(|name| {
            let found = self.formats.find(name);
            let found = found.map_err(|problem| problems.push(format!("`{FORMAT}`: {problem}")));
            found.ok().flatten()
        });
        let labelled = labels::routes(labels, &mut problems);
        let wishes = wishes(labels, &mut problems);
        let ruled = rule.map(|rule| rule.routes.clone()).unwrap_or_default();
        let names: Vec<_> = labelled
            .iter()
            .chain(&ruled)
            .map(|(name, _)| name.clone())
            .collect();
        let own = || self.routes.with(ruled)?.with(labelled);
        let routes = if names.is_empty() {
            Ok(Arc::clone(&self.routes))
        } else {
            own().map(Arc::new)
        };
        let routes = routes.unwrap_or_else(|error| {
            problems.push(format!("`{ROUTES}…`: {error}"));
            Arc::clone(&self.routes)
        });
        let protected = rule.map(|rule| rule.forward_auth.clone());
        let protected = labels::forward_auth(labels, protected.unwrap_or_default(), &mut problems);
        let routes = protecting(routes, protected, &mut problems);
        let is_expected =
            |&(index, name): &_| names.contains(name) || routes.is_forward_auth(index);
        let expected = routes.names().iter().enumerate().filter(is_expected);
        let expected = expected.map(|(index, _)| index).collect();
        Plan {
            identity: Identity {
                source,
                container: name.to_owned(),
            },
            is_followed: is_enabled.unwrap_or(self.select == Select::All),
            format: format.or_else(|| rule?.format.clone()),
            expected,
            routes,
            wishes,
            patterns: self.patterns(rule),
            problems,
        }
    }

    /// A container's own patterns come before those of all.
    fn patterns(&self, rule: Option<&Rule>) -> Arc<Patterns> {
        let own = rule.map(|rule| rule.patterns.clone()).unwrap_or_default();
        // Too many were reported when the file was read.
        self.patterns
            .after(own)
            .map_or_else(|_| Arc::clone(&self.patterns), Arc::new)
    }
}

/// Adds what is protected to the routes, which many containers share where nothing is.
fn protecting(
    routes: Arc<Routes>,
    protected: ForwardAuth,
    problems: &mut Vec<String>,
) -> Arc<Routes> {
    if protected.is_empty() {
        return routes;
    }
    match Routes::clone(&routes).protecting(protected) {
        Ok(protecting) => Arc::new(protecting),
        Err(error) => {
            problems.push(format!("`{FORWARD_AUTH}…`: {error}"));
            routes
        }
    }
}

/// What the operator thinks of as one service, if nobody says otherwise.
fn natural_source(name: &str, labels: &HashMap<String, String>) -> String {
    if let Some(service) = labels.get(SWARM_SERVICE) {
        return service.clone();
    }
    match (labels.get(COMPOSE_PROJECT), labels.get(COMPOSE_SERVICE)) {
        (Some(project), Some(service)) => format!("{project}/{service}"),
        _ => name.to_owned(),
    }
}

/// Compose puts 12 digits of the old id before the name while it recreates a container.
fn without_recreate_prefix(name: &str) -> &str {
    match name.split_once('_') {
        Some((prefix, rest))
            if prefix.len() == 12
                && !rest.is_empty()
                && prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            rest
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Settings};
    use super::*;

    fn config(select: Select) -> Config {
        let settings = Settings {
            select: Some(select),
            ..Settings::default()
        };
        Config::load(settings, None).unwrap()
    }

    fn plan(select: Select, name: &str, labels: &[(&str, &str)]) -> Plan {
        let labels = labels
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()));
        config(select).plan(name, &labels.collect())
    }

    #[test]
    fn names_the_source_after_what_the_operator_deploys() {
        let compose = [(COMPOSE_PROJECT, "shop"), (COMPOSE_SERVICE, "auth")];
        let swarm = [(SWARM_SERVICE, "sso"), compose[0], compose[1]];
        let own = [(SOURCE, "login"), swarm[0]];
        for (labels, expected) in [
            (&[][..], "web"),
            (&compose, "shop/auth"),
            (&swarm, "sso"),
            (&own, "login"),
        ] {
            assert_eq!(plan(Select::All, "web", labels).identity.source, expected);
        }
    }

    #[test]
    fn forgets_the_prefix_of_a_recreate() {
        for (name, expected) in [
            ("0123456789ab_web-1", "web-1"),
            ("0123456789ab_", "0123456789ab_"),
            ("0123456789xy_web-1", "0123456789xy_web-1"),
            ("my_web", "my_web"),
        ] {
            assert_eq!(plan(Select::All, name, &[]).identity.container, expected);
        }
    }

    #[test]
    fn follows_what_is_selected() {
        for (select, enable, expected) in [
            (Select::All, None, true),
            (Select::All, Some("false"), false),
            (Select::Labelled, None, false),
            (Select::Labelled, Some("true"), true),
        ] {
            let labels: Vec<_> = enable.map(|enable| (ENABLE, enable)).into_iter().collect();
            assert_eq!(
                plan(select, "web", &labels).is_followed,
                expected,
                "{select:?} {enable:?}"
            );
        }
    }

    #[test]
    fn takes_routes_from_labels_and_reports_those_that_it_cannot_use() {
        let labels = [
            ("authtail.routes.chat", "/api/v1/chat/*"),
            ("authtail.routes.voice", "voice"),
            ("authtail.routes.my-route", "/x"),
            ("authtail.enable", "perhaps"),
            ("authtail.format", "apache"),
        ];
        let plan = plan(Select::All, "web", &labels);
        let expected: Vec<_> = plan
            .expected
            .iter()
            .map(|&i| plan.routes.names()[i].clone())
            .collect();
        assert_eq!(expected, ["chat"]);
        let mut problems = plan.problems;
        problems.sort();
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(
            problems[0].contains("`authtail.enable`: `perhaps` is unknown"),
            "{problems:?}"
        );
        assert!(
            problems[1].contains("`apache` is no format; there are `")
                && problems[1].contains("`uvicorn`"),
            "{problems:?}"
        );
        assert!(
            problems[3].starts_with("`authtail.routes.voice`: "),
            "{problems:?}"
        );
    }
}
