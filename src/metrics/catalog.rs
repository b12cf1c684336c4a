//! Every metric: name, type, labels and help. This is the public contract: dashboards, alert rules
//! and users' queries depend on it.

/// How a metric behaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// One metric.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) labels: &'static [&'static str],
    pub(crate) help: &'static str,
}

const CONTAINER: &[&str] = &["source", "container"];
const ROUTE: &[&str] = &["source", "container", "route"];
const REASON: &[&str] = &["source", "container", "reason"];
const PROBE: &[&str] = &["source", "probe"];
const NONE: &[&str] = &[];

pub(crate) const REQUESTS: Metric = Metric {
    name: "authtail_requests_total",
    kind: Kind::Counter,
    labels: &["source", "container", "route", "code"],
    help: "Requests on a route that the container has logged, by status code.",
};
pub(crate) const REQUEST_DURATION: Metric = Metric {
    name: "authtail_request_duration_seconds",
    kind: Kind::Histogram,
    labels: ROUTE,
    help: "Durations of requests on a route, where the log format has them.",
};
pub(crate) const DENIALS: Metric = Metric {
    name: "authtail_denials_total",
    kind: Kind::Counter,
    labels: REASON,
    help: "Requests that the container has said to have refused, by reason.",
};
pub(crate) const NOTICES: Metric = Metric {
    name: "authtail_notices_total",
    kind: Kind::Counter,
    labels: &["source", "container", "kind"],
    help: "Other lines of the container that are worth knowing about: errors, time-outs, starts.",
};
pub(crate) const LAST_REQUEST: Metric = Metric {
    name: "authtail_last_request_timestamp_seconds",
    kind: Kind::Gauge,
    labels: ROUTE,
    help: "When the newest request on a route was logged, by the engine's clock.",
};
pub(crate) const LINES: Metric = Metric {
    name: "authtail_log_lines_total",
    kind: Kind::Counter,
    labels: CONTAINER,
    help: "Lines read from the log of the container.",
};
pub(crate) const BYTES: Metric = Metric {
    name: "authtail_log_bytes_total",
    kind: Kind::Counter,
    labels: CONTAINER,
    help: "Bytes of the lines read from the log of the container.",
};
pub(crate) const UNPARSED: Metric = Metric {
    name: "authtail_log_lines_unparsed_total",
    kind: Kind::Counter,
    labels: REASON,
    help: "Lines that look like an access line but could not be counted as one.",
};
pub(crate) const GAPS: Metric = Metric {
    name: "authtail_log_gaps_total",
    kind: Kind::Counter,
    labels: CONTAINER,
    help: "Holes in the log of the container that the engine could not fill any more.",
};
pub(crate) const DUPLICATES: Metric = Metric {
    name: "authtail_log_duplicates_total",
    kind: Kind::Counter,
    labels: CONTAINER,
    help: "Records that the engine sent a second time and that were not counted again.",
};
pub(crate) const RECONNECTS: Metric = Metric {
    name: "authtail_log_reconnects_total",
    kind: Kind::Counter,
    labels: REASON,
    help: "Times that the log of a container had to be opened again.",
};
pub(crate) const LAST_LINE: Metric = Metric {
    name: "authtail_log_last_line_timestamp_seconds",
    kind: Kind::Gauge,
    labels: CONTAINER,
    help: "When the newest line was logged, by the engine's clock.",
};
pub(crate) const READABLE: Metric = Metric {
    name: "authtail_log_readable",
    kind: Kind::Gauge,
    labels: CONTAINER,
    help: "1 if the log of the container can be read, 0 if the engine refuses it again and again.",
};
pub(crate) const LOSSY: Metric = Metric {
    name: "authtail_log_lossy",
    kind: Kind::Gauge,
    labels: CONTAINER,
    help: "1 if the log driver of the container may itself drop lines, else 0.",
};
pub(crate) const RUNNING: Metric = Metric {
    name: "authtail_container_running",
    kind: Kind::Gauge,
    labels: CONTAINER,
    help: "1 if the container runs, 0 if it is stopped or was removed.",
};
pub(crate) const START_TIME: Metric = Metric {
    name: "authtail_container_start_time_seconds",
    kind: Kind::Gauge,
    labels: CONTAINER,
    help: "When the container was last started, by the engine's clock.",
};
pub(crate) const AUTH_REPORTED: Metric = Metric {
    name: "authtail_container_auth_reported",
    kind: Kind::Gauge,
    labels: CONTAINER,
    help: "1 if the container has said last that it demands authentication, 0 if that it does not.",
};
pub(crate) const CONTAINER_INFO: Metric = Metric {
    name: "authtail_container_info",
    kind: Kind::Gauge,
    labels: &["source", "container", "image", "format", "log_driver"],
    help: "What is followed: always 1. The format is empty until it has been detected.",
};
pub(crate) const DOCKER_UP: Metric = Metric {
    name: "authtail_docker_up",
    kind: Kind::Gauge,
    labels: NONE,
    help: "1 if the engine answered the last time its containers were listed, else 0.",
};
pub(crate) const DOCKER_ERRORS: Metric = Metric {
    name: "authtail_docker_errors_total",
    kind: Kind::Counter,
    labels: &["operation"],
    help: "Calls to the engine that failed.",
};
pub(crate) const STATE_SAVED: Metric = Metric {
    name: "authtail_state_last_save_timestamp_seconds",
    kind: Kind::Gauge,
    labels: NONE,
    help: "When the state file was last known to hold all numbers.",
};
pub(crate) const STATE_FAILURES: Metric = Metric {
    name: "authtail_state_save_failures_total",
    kind: Kind::Counter,
    labels: NONE,
    help: "Times that the numbers could not be saved.",
};
pub(crate) const SERIES_DROPPED: Metric = Metric {
    name: "authtail_series_dropped_total",
    kind: Kind::Counter,
    labels: NONE,
    help: "Series that are not shown because there would be more than the configured number.",
};
pub(crate) const IMAGE_INFO: Metric = Metric {
    name: "authtail_container_image_info",
    kind: Kind::Gauge,
    labels: &["source", "container", "image_id", "revision"],
    help: "What was deployed: always 1. The revision is that of the image's labels, or empty.",
};
pub(crate) const CREATED: Metric = Metric {
    name: "authtail_container_created_timestamp_seconds",
    kind: Kind::Gauge,
    labels: CONTAINER,
    help: "When the container was created, by the engine's clock.",
};
pub(crate) const RESTARTS: Metric = Metric {
    name: "authtail_container_restarts_total",
    kind: Kind::Counter,
    labels: CONTAINER,
    help: "Times that the engine has started the container again by its restart policy.",
};
pub(crate) const HEALTHY: Metric = Metric {
    name: "authtail_container_healthy",
    kind: Kind::Gauge,
    labels: CONTAINER,
    help: "1 if the container's own health check succeeds, 0 if it fails.",
};
pub(crate) const AUTH_REQUIRED: Metric = Metric {
    name: "authtail_container_auth_required",
    kind: Kind::Gauge,
    labels: CONTAINER,
    help: "1 if the environment of the container demands authentication, 0 if it switches it off.",
};
pub(crate) const PROBE_SUCCESS: Metric = Metric {
    name: "authtail_probe_success",
    kind: Kind::Gauge,
    labels: PROBE,
    help: "1 if the last answer was as expected, else 0.",
};
pub(crate) const PROBE_STATUS: Metric = Metric {
    name: "authtail_probe_status_code",
    kind: Kind::Gauge,
    labels: PROBE,
    help: "Status code of the last answer, 0 if there was none.",
};
pub(crate) const PROBE_SEEN: Metric = Metric {
    name: "authtail_probe_seen_in_log",
    kind: Kind::Gauge,
    labels: PROBE,
    help: "1 if the log of the source showed the last probe, 0 if it did not and would have.",
};
pub(crate) const PROBE_DURATION: Metric = Metric {
    name: "authtail_probe_duration_seconds",
    kind: Kind::Histogram,
    labels: PROBE,
    help: "Durations of the probes that had an answer and of those that waited in vain.",
};
pub(crate) const PROBE_PHASE: Metric = Metric {
    name: "authtail_probe_phase_seconds",
    kind: Kind::Gauge,
    labels: &["source", "probe", "phase"],
    help: "Durations of the parts of the last probe, as far as it got.",
};
pub(crate) const PROBE_FAILURES: Metric = Metric {
    name: "authtail_probe_failures_total",
    kind: Kind::Counter,
    labels: &["source", "probe", "reason"],
    help: "Probes without the expected answer.",
};
pub(crate) const BUILD_INFO: Metric = Metric {
    name: "authtail_build_info",
    kind: Kind::Gauge,
    labels: &["version", "revision", "rustversion"],
    help: "What this authtail was built from: always 1.",
};
pub(crate) const CPU: Metric = Metric {
    name: "process_cpu_seconds_total",
    kind: Kind::Counter,
    labels: NONE,
    help: "Total user and system CPU time spent in seconds.",
};
pub(crate) const OPEN_FDS: Metric = Metric {
    name: "process_open_fds",
    kind: Kind::Gauge,
    labels: NONE,
    help: "Number of open file descriptors.",
};
pub(crate) const MAX_FDS: Metric = Metric {
    name: "process_max_fds",
    kind: Kind::Gauge,
    labels: NONE,
    help: "Maximum number of open file descriptors.",
};
pub(crate) const RESIDENT_MEMORY: Metric = Metric {
    name: "process_resident_memory_bytes",
    kind: Kind::Gauge,
    labels: NONE,
    help: "Resident memory size in bytes.",
};
pub(crate) const VIRTUAL_MEMORY: Metric = Metric {
    name: "process_virtual_memory_bytes",
    kind: Kind::Gauge,
    labels: NONE,
    help: "Virtual memory size in bytes.",
};
pub(crate) const PROCESS_START: Metric = Metric {
    name: "process_start_time_seconds",
    kind: Kind::Gauge,
    labels: NONE,
    help: "Start time of the process since unix epoch in seconds.",
};

/// All metrics, in the order of the README's table.
pub(crate) const ALL: [&Metric; 41] = [
    &REQUESTS,
    &REQUEST_DURATION,
    &DENIALS,
    &NOTICES,
    &LAST_REQUEST,
    &LINES,
    &BYTES,
    &UNPARSED,
    &GAPS,
    &DUPLICATES,
    &RECONNECTS,
    &LAST_LINE,
    &READABLE,
    &LOSSY,
    &RUNNING,
    &START_TIME,
    &AUTH_REPORTED,
    &CONTAINER_INFO,
    &IMAGE_INFO,
    &CREATED,
    &RESTARTS,
    &HEALTHY,
    &AUTH_REQUIRED,
    &PROBE_SUCCESS,
    &PROBE_STATUS,
    &PROBE_SEEN,
    &PROBE_DURATION,
    &PROBE_PHASE,
    &PROBE_FAILURES,
    &DOCKER_UP,
    &DOCKER_ERRORS,
    &STATE_SAVED,
    &STATE_FAILURES,
    &SERIES_DROPPED,
    &BUILD_INFO,
    &CPU,
    &OPEN_FDS,
    &MAX_FDS,
    &RESIDENT_MEMORY,
    &VIRTUAL_MEMORY,
    &PROCESS_START,
];
