//! A limit on the memory of a process that the kernel enforces: a control group of its own, as a container has one.
//!
//! Version 1 and 2; what may make no control groups gets an error. Not here: what a process should do with less.

use crate::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Told apart within one test process.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A control group with a limit; gone when dropped, once its processes are.
pub struct MemoryLimit {
    group: PathBuf,
    /// The file that says how often the kernel has killed for it.
    events: &'static str,
}

impl MemoryLimit {
    /// One of so many bytes, without swap.
    pub fn of(bytes: u64) -> Result<Self> {
        let name = format!(
            "plimsoll-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let first = Path::new("/sys/fs/cgroup/memory");
        let (parent, limit, events) = if first.is_dir() {
            (first, "memory.limit_in_bytes", "memory.oom_control")
        } else {
            (Path::new("/sys/fs/cgroup"), "memory.max", "memory.events")
        };
        let made = Self {
            group: parent.join(name),
            events,
        };
        let told = |error: std::io::Error| format!("{}: {error}", made.group.display());
        fs::create_dir(&made.group).map_err(told)?;
        fs::write(made.group.join(limit), bytes.to_string()).map_err(told)?;
        // Swap is counted for itself by version 2, and not everywhere.
        let _ = fs::write(made.group.join("memory.swap.max"), "0");
        Ok(made)
    }

    /// A process that writes its number here is held by the limit, and so are its children.
    pub fn members(&self) -> PathBuf {
        self.group.join("cgroup.procs")
    }

    /// How often the kernel has killed a process for it.
    pub fn kills(&self) -> Result<u64> {
        let text = fs::read_to_string(self.group.join(self.events))?;
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        Ok(count.ok_or("the kernel does not count kills")?.trim().parse()?)
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        // The kernel lets go of it some moments after its last process.
        for _ in 0..100 {
            if fs::remove_dir(&self.group).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}
