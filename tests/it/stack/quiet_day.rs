//! A day of ordinary traffic through the rules, by promtool: nobody is told anything.
//!
//! Visitors come at random and load pages, each with several requests at once; the first of a new visitor is
//! refused. The numbers are the same in every run.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::timeout;

use super::simulated::{Chance, Series};
use super::tools::{rule_files, tool};

/// Steps of 15 s.
const DAY: usize = 24 * 240;
/// Requests of a page load, after the one that may be refused.
const REQUESTS: u32 = 6;
/// It runs 5,760 times all rules, while other tests want the same cores.
const LIMIT: Duration = Duration::from_mins(10);

/// A step by its time of day.
const fn at(hour: usize, minute: usize) -> usize {
    hour * 240 + minute * 4
}

/// Page loads a minute by the hour: nobody at night, a burst in the morning, a lunch, an evening that fades.
const LOADS: [f64; 24] = [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 6.0, 40.0, 25.0, 18.0, 18.0, 8.0, 15.0, 18.0, 18.0, 16.0,
    12.0, 7.0, 5.0, 4.0, 2.0, 0.5, 0.0,
];

/// One container of a source.
#[derive(Default)]
struct Container {
    codes: BTreeMap<&'static str, u32>,
    /// Requests that took at most 0.1 s, 1 s, 2.5 s, and any time.
    durations: [u32; 4],
    /// Refusals by reason, and other lines by kind.
    denials: BTreeMap<&'static str, u32>,
    notices: BTreeMap<&'static str, u32>,
    lines: u32,
    last: Option<usize>,
    started: usize,
}

impl Container {
    fn answer(&mut self, code: &'static str, chance: &mut Chance, step: usize) {
        *self.codes.entry(code).or_default() += 1;
        let slow = chance.next();
        let first = if slow < 0.9 {
            0
        } else if slow < 0.985 {
            1
        } else {
            2
        };
        self.durations[first..]
            .iter_mut()
            .for_each(|count| *count += 1);
        match code {
            "401" => self.refuse(if step.is_multiple_of(3) {
                "expired"
            } else {
                "missing_token"
            }),
            "500" => ["error", "traceback"]
                .into_iter()
                .for_each(|kind| self.say(kind)),
            _ => {}
        }
        self.lines += 1;
        self.last = Some(step);
    }

    fn refuse(&mut self, reason: &'static str) {
        *self.denials.entry(reason).or_default() += 1;
    }

    fn say(&mut self, kind: &'static str) {
        *self.notices.entry(kind).or_default() += 1;
    }
}

/// The whole day: a busy service with two replicas, a small one, and a bot.
fn day() -> Series {
    let mut chance = Chance(2026);
    let mut series = Series::default();
    let names = [
        ("shop/auth", "shop-auth-1"),
        ("shop/auth", "shop-auth-2"),
        ("wiki", "wiki-1"),
    ];
    let mut containers: Vec<_> = names.iter().map(|_| Container::default()).collect();
    // A deployment recreates one container after the other; each is away for 45 s.
    let deployed = [at(14, 0), at(14, 2), at(14, 5)];
    for step in 0..DAY {
        let loads = LOADS[step / 240] / 4.0;
        for (source, share) in [(0..2, 1.0), (2..3, 0.04)] {
            for _ in 0..chance.arrivals(loads * share) {
                let running = source
                    .clone()
                    .filter(|index| !is_away(step, deployed[*index]));
                let running: Vec<_> = running.collect();
                // Where none runs the visitor sees an error of the proxy, and the service logs nothing.
                let Some(&index) = chance.pick(&running) else {
                    continue;
                };
                let container = &mut containers[index];
                // In the morning most come for the first time; their tokens have ended overnight.
                let is_first = chance.next() < if step < at(9, 30) { 0.8 } else { 0.3 };
                if is_first {
                    container.answer("401", &mut chance, step);
                }
                for _ in 0..REQUESTS {
                    let code = if chance.next() < 0.0005 { "500" } else { "200" };
                    container.answer(code, &mut chance, step);
                }
            }
        }
        // It knocks every five seconds as long as the shop is open, and has no token.
        if (at(7, 0)..at(20, 0)).contains(&step) && !is_away(step, deployed[0]) {
            for _ in 0..3 {
                containers[0].answer("401", &mut chance, step);
            }
        }
        for (container, deployed) in containers.iter_mut().zip(deployed) {
            if step == deployed + 3 {
                container.started = step;
                container.say("startup");
            }
        }
        // The database is restarted: one token cannot be checked, and a few requests wait.
        if step == at(11, 0) {
            containers[1].refuse("service_error");
            for kind in ["database", "timeout", "timeout", "slow"] {
                containers[1].say(kind);
            }
        }
        // The exporter is replaced by a newer one: its page is missing for 45 s, and its numbers go on.
        let is_missing = is_away(step, at(16, 0));
        series.push("up", "", f64::from(u8::from(!is_missing)));
        if !is_missing {
            exporter(&mut series, step);
            for ((source, name), (container, deployed)) in
                names.iter().zip(containers.iter().zip(deployed))
            {
                let labels = format!(r#",source="{source}",container="{name}""#);
                show(&mut series, &labels, container, !is_away(step, deployed));
            }
            // The wiki is one container; of the shop there is always one that answers.
            probe(&mut series, "shop/auth", step, true);
            probe(&mut series, "wiki", step, !is_away(step, deployed[2]));
        }
        series.end(step);
    }
    series
}

fn is_away(step: usize, since: usize) -> bool {
    (since..since + 3).contains(&step)
}

fn seconds(step: usize) -> f64 {
    f64::from(u32::try_from(step).unwrap()) * 15.0
}

fn exporter(series: &mut Series, step: usize) {
    let started = if step < at(16, 0) { 0 } else { at(16, 0) + 2 };
    series.push(
        "process_start_time_seconds",
        "",
        seconds(started) - 3_600.0 * f64::from(u8::from(started == 0)),
    );
    series.push("authtail_docker_up", "", 1.0);
    series.push("authtail_state_save_failures_total", "", 0.0);
    series.push("authtail_series_dropped_total", "", 0.0);
}

fn show(series: &mut Series, labels: &str, container: &Container, is_running: bool) {
    let route = format!(r#"{labels},route="validate""#);
    for code in ["200", "401", "403", "500"] {
        let count = container.codes.get(code).copied().unwrap_or_default();
        series.push(
            "authtail_requests_total",
            &format!(r#"{route},code="{code}""#),
            f64::from(count),
        );
    }
    for (bound, count) in ["0.1", "1", "2.5", "+Inf"].iter().zip(container.durations) {
        let labels = format!(r#"{route},le="{bound}""#);
        series.push(
            "authtail_request_duration_seconds_bucket",
            &labels,
            f64::from(count),
        );
    }
    let all = f64::from(container.durations[3]);
    series.push("authtail_request_duration_seconds_count", &route, all);
    if let Some(last) = container.last {
        series.push(
            "authtail_last_request_timestamp_seconds",
            &route,
            seconds(last),
        );
        series.push(
            "authtail_log_last_line_timestamp_seconds",
            labels,
            seconds(last),
        );
    }
    let is_running = f64::from(u8::from(is_running));
    for (name, value) in [
        ("authtail_container_running", is_running),
        ("authtail_log_readable", is_running),
        ("authtail_log_lossy", 0.0),
        ("authtail_container_auth_required", 1.0),
        ("authtail_container_auth_reported", 1.0),
        ("authtail_log_gaps_total", 0.0),
        ("authtail_log_lines_total", f64::from(container.lines)),
        (
            "authtail_container_start_time_seconds",
            seconds(container.started),
        ),
    ] {
        series.push(name, labels, value);
    }
    for reason in ["missing_token", "expired", "service_error"] {
        let count = container.denials.get(reason).copied().unwrap_or_default();
        let labels = format!(r#"{labels},reason="{reason}""#);
        series.push("authtail_denials_total", &labels, f64::from(count));
    }
    for kind in [
        "error",
        "traceback",
        "database",
        "timeout",
        "slow",
        "startup",
    ] {
        let count = container.notices.get(kind).copied().unwrap_or_default();
        let labels = format!(r#"{labels},kind="{kind}""#);
        series.push("authtail_notices_total", &labels, f64::from(count));
    }
    let reason = format!(r#"{labels},reason="unrecognised""#);
    series.push(
        "authtail_log_lines_unparsed_total",
        &reason,
        f64::from(container.lines / 500),
    );
}

/// A health check and a pair, every 15 s.
fn probe(series: &mut Series, source: &str, step: usize, is_there: bool) {
    let made = seconds(step + 1) / 15.0;
    for (probe, code) in [
        ("health", 200.0),
        ("login_anonymous", 401.0),
        ("login_good_token", 200.0),
        ("login_bad_token", 401.0),
    ] {
        let labels = format!(r#",source="{source}",probe="{probe}""#);
        let success = f64::from(u8::from(is_there));
        series.push("authtail_probe_success", &labels, success);
        series.push("authtail_probe_status_code", &labels, code * success);
        series.push("authtail_probe_seen_in_log", &labels, 1.0);
        for bound in ["1", "+Inf"] {
            let labels = format!(r#"{labels},le="{bound}""#);
            series.push("authtail_probe_duration_seconds_bucket", &labels, made);
        }
    }
}

#[tokio::test]
async fn a_quiet_day_tells_nobody_anything() {
    let folder = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for (path, text) in rule_files() {
        // Those that are loaded as shipped: a service has to ask for the optional ones.
        if !path.contains("always-busy") && !path.contains("slo") {
            let name = path.replace('/', "-");
            std::fs::write(folder.path().join(&name), text).unwrap();
            names.push(name);
        }
    }
    let series = day();
    let requests = series.0.len();
    assert!(requests > 40, "{requests}");
    let test = format!(
        r#"rule_files: [{}]
evaluation_interval: 15s
tests:
- interval: 15s
  input_series:
{}  promql_expr_test:
  - eval_time: 24h
    expr: count by (alertname, source) (max_over_time(ALERTS{{alertstate="firing",severity!~"none|info"}}[24h]))
    exp_samples: []
  # The alerts are there, and the day is one: its bands are met for short times.
  - eval_time: 24h
    expr: count(count_over_time(ALERTS{{alertname="Watchdog",alertstate="firing"}}[24h]) > 5700)
    exp_samples: [{{labels: '{{}}', value: 1}}]
  - eval_time: 24h
    expr: count(max_over_time(job_source_route:authtail_requests_refused:ratio_rate2m[24h]) > 0.3) > bool 0
    exp_samples: [{{labels: '{{}}', value: 1}}]
  - eval_time: 24h
    expr: sum(max_over_time(authtail_requests_total[24h])) > bool 20000
    exp_samples: [{{labels: '{{}}', value: 1}}]
  # So are refusals, errors and probes that fail.
  - eval_time: 24h
    expr: >-
      sum(max_over_time(authtail_denials_total[24h])) > bool 1000
      and sum(max_over_time(authtail_notices_total[24h])) > 10
      and count(min_over_time(authtail_probe_success[24h]) == 0) > 0
    exp_samples: [{{labels: '{{}}', value: 1}}]
"#,
        names.join(", "),
        series.print(),
    );
    let file = folder.path().join("quiet-day.yml");
    std::fs::write(&file, test).unwrap();
    let mut command = tool("promtool");
    command.args(["test", "rules"]).arg(&file);
    let output = timeout(LIMIT, command.output())
        .await
        .expect("promtool does not end")
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
}
