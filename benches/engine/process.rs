//! What a process has used.

use procfs::process::Process as Proc;

/// A process of this machine.
pub(crate) struct Process(Proc);

impl Process {
    pub(crate) fn new(id: u32) -> Self {
        Self(Proc::new(id.cast_signed()).unwrap())
    }

    /// Seconds of CPU so far, of all its threads.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = self.0.stat().unwrap();
        let ticks = u32::try_from(stat.utime + stat.stime).unwrap();
        f64::from(ticks) / f64::from(u32::try_from(procfs::ticks_per_second()).unwrap())
    }

    /// The most memory that it has ever had, in MiB.
    pub(crate) fn peak_memory(&self) -> f64 {
        let kilobytes = self.0.status().unwrap().vmhwm.unwrap();
        f64::from(u32::try_from(kilobytes).unwrap()) / 1024.0
    }
}
