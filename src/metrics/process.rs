//! The standard `process_*` metrics. Not the `prometheus` crate's own: that one rounds CPU time to
//! whole seconds.

use procfs::process::{LimitValue, Process};

use super::catalog::{CPU, MAX_FDS, OPEN_FDS, PROCESS_START, RESIDENT_MEMORY, VIRTUAL_MEMORY};
use super::family::Samples;

/// Adds what `/proc/self` says; without `/proc` it adds nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "ticks and bytes are far below 2^53"
)]
pub(super) fn collect(samples: &mut Samples) {
    let Ok(process) = Process::myself() else {
        return;
    };
    if let Ok(stat) = process.stat() {
        let ticks = procfs::ticks_per_second() as f64;
        samples.set(&CPU, &[], (stat.utime + stat.stime) as f64 / ticks);
        samples.count(&RESIDENT_MEMORY, &[], stat.rss * procfs::page_size());
        samples.count(&VIRTUAL_MEMORY, &[], stat.vsize);
        if let Ok(boot) = procfs::boot_time_secs() {
            samples.set(
                &PROCESS_START,
                &[],
                boot as f64 + stat.starttime as f64 / ticks,
            );
        }
    }
    if let Ok(open) = process.fd_count() {
        samples.count(&OPEN_FDS, &[], open as u64);
    }
    if let Ok(limits) = process.limits()
        && let LimitValue::Value(most) = limits.max_open_files.soft_limit
    {
        samples.count(&MAX_FDS, &[], most);
    }
}
