//! What good queries have in common, as far as the text of a query shows it: those of the rules and of the dashboards.

use std::collections::BTreeSet;

use promql_parser::parser::{Expr, LabelModifier};
use serde_yaml::Value;

use super::expressions::{dashboards, expressions, series};
use super::promql::{parsed, parts, selectors};
use super::tools::rule_files;

/// Functions that see an increase, also over a restart.
const RATES: [&str; 3] = ["rate", "increase", "irate"];

/// Counters whose number itself says something; the rules about them say why.
const NUMBERS: [&str; 2] = ["authtail_log_gaps_total", "authtail_series_dropped_total"];

/// What no aggregation of a rule may lose, so that several clusters and jobs are judged apart.
const KEPT: [&str; 3] = ["cluster", "namespace", "job"];

/// A rule: its name, whether it is an alert, and its query.
struct Rule {
    name: String,
    is_alert: bool,
    query: Expr,
}

fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    for (_, text) in rule_files() {
        let file: Value = serde_yaml::from_str(&text).unwrap();
        let groups = file["groups"].as_sequence().unwrap().iter();
        for rule in groups.flat_map(|group| group["rules"].as_sequence().unwrap()) {
            let alert = rule["alert"].as_str();
            rules.push(Rule {
                name: alert
                    .or_else(|| rule["record"].as_str())
                    .unwrap()
                    .to_owned(),
                is_alert: alert.is_some(),
                query: parsed(rule["expr"].as_str().unwrap()),
            });
        }
    }
    assert!(rules.len() >= 80, "{}", rules.len());
    rules
}

/// All queries with the place that they are in.
fn queries() -> Vec<(String, Expr)> {
    let rules = rules().into_iter().map(|rule| (rule.name, rule.query));
    let boards = dashboards();
    let boards = boards.iter().flat_map(|board| {
        let queries = expressions(board).into_iter();
        queries.map(|(place, query)| (format!("{} {place}", board["title"]), parsed(&query)))
    });
    rules.chain(boards).collect()
}

#[test]
fn of_counters_only_the_increase_is_looked_at() {
    let counters: BTreeSet<_> = series()
        .into_iter()
        .filter(|name| {
            ["_total", "_bucket", "_sum", "_count"]
                .iter()
                .any(|end| name.ends_with(end))
        })
        .collect();
    let mut rates = 0;
    for (place, query) in queries() {
        if place.contains("variable") {
            continue; // Which labels there are.
        }
        for one in selectors(&query) {
            let is_counter = counters.contains(one.name);
            if RATES.contains(&one.function) {
                let is_ours = one.name.starts_with("authtail_");
                assert!(is_counter || !is_ours, "{place}: {one:?} is no counter");
                rates += 1;
            } else if is_counter && !NUMBERS.contains(&one.name) {
                // Whether there is one, not how much it is.
                assert_eq!(one.function, "last_over_time", "{place}: {one:?}");
            }
        }
    }
    assert!(rates >= 100, "{rates}");
}

/// A sum of counters goes back when one of them is gone.
#[test]
fn rates_are_summed_and_sums_have_no_rates() {
    for (place, query) in queries() {
        for (part, around) in parts(&query) {
            let Some(Expr::Call(call)) = around else {
                continue;
            };
            if RATES.contains(&call.func.name) {
                assert!(matches!(part, Expr::MatrixSelector(_)), "{place}: {part}");
            }
        }
    }
}

#[test]
fn rules_judge_clusters_and_jobs_apart() {
    for rule in rules() {
        for (part, around) in parts(&rule.query) {
            let labels = match part {
                Expr::Aggregate(one) => one.modifier.as_ref(),
                Expr::Binary(one) => {
                    match one.modifier.as_ref().and_then(|one| one.matching.as_ref()) {
                        // All labels: nothing is lost.
                        None => continue,
                        matching => matching,
                    }
                }
                _ => continue,
            };
            // Thresholds hold for all.
            if matches!(around, Some(Expr::Call(call)) if call.func.name == "scalar") {
                continue;
            }
            let Some(LabelModifier::Include(labels)) = labels else {
                panic!("{}: {part}", rule.name)
            };
            for label in KEPT {
                assert!(
                    labels.labels.iter().any(|one| one == label),
                    "{}: {part}",
                    rule.name
                );
            }
        }
    }
}

/// Without a comparison an alert fires as soon as there is a series.
#[test]
fn alerts_compare_and_their_thresholds_have_names() {
    for rule in rules().iter().filter(|rule| rule.is_alert) {
        if ["Watchdog", "AuthtailAbsent"].contains(&rule.name.as_str()) {
            continue;
        }
        let parts = parts(&rule.query);
        let comparisons = parts.iter().filter_map(|(part, _)| match part {
            Expr::Binary(one) if one.op.is_comparison_operator() => Some(one),
            _ => None,
        });
        let mut count = 0;
        for one in comparisons {
            count += 1;
            let Expr::NumberLiteral(number) = &*one.rhs else {
                continue;
            };
            let left = parsed(&one.lhs.to_string());
            // Yes or no, an age, or a status code.
            let is_plain = number.val == 0.0
                || number.val == 1.0
                || left.to_string().contains("time()")
                || selectors(&left)
                    .iter()
                    .all(|one| one.name == "authtail_probe_status_code");
            assert!(is_plain, "{}: {}", rule.name, number.val);
        }
        assert!(count > 0, "{}", rule.name);
    }
}

#[test]
fn dashboards_show_only_what_was_chosen() {
    for board in dashboards() {
        let mut variables = vec!["job"];
        if board["uid"] == "authtail-exporter" {
            variables.push("instance");
        }
        for (place, query) in expressions(&board) {
            for one in selectors(&parsed(&query)) {
                // Of the whole installation.
                let is_whole = one.name == "authtail:threshold"
                    || ["prometheus_", "alertmanager_"]
                        .iter()
                        .any(|start| one.name.starts_with(start))
                    || one.matchers.iter().any(|one| one.value == "Watchdog");
                // What the choice is made of.
                if is_whole || place.starts_with("variable") {
                    continue;
                }
                for variable in &variables {
                    let is_chosen = one.matchers.iter().any(|one| {
                        let value = one.value.trim_end_matches('|');
                        one.name == *variable && value == format!("${variable}")
                    });
                    assert!(is_chosen, "{place}: {variable} of {one:?}");
                }
            }
        }
    }
}
