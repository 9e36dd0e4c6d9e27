//! How much memory this process may take, together with every other process of its container.
//!
//! The kernel's own files are read: limits of the process' cgroup and of all those above it, and the memory of the machine. A
//! limit that cannot be read counts as none. Not here: how much of it is in use.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Version 1 writes "no limit" as the largest number of pages: nobody has an exbibyte.
const NO_LIMIT: u64 = 1 << 60;

/// The smallest of all limits on this process' memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// How much that is.
    pub bytes: u64,
    /// The file that says so: a cgroup's, or `/proc/meminfo`.
    pub file: PathBuf,
}

impl MemoryLimit {
    /// That of this process; `None` where the kernel tells neither (it is not Linux).
    pub fn of_this_process() -> Option<Self> {
        Self::under(Path::new("/"))
    }

    /// The same by the files under another root than `/`.
    pub fn under(root: &Path) -> Option<Self> {
        let cgroups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
        let limits = cgroups
            .lines()
            .filter_map(Hierarchy::of)
            .flat_map(|hierarchy| hierarchy.limits(root));
        limits.chain(physical(root)).min_by_key(|limit| limit.bytes)
    }
}

/// Where the limits of the process are in one tree of cgroups.
struct Hierarchy<'c> {
    /// Below the root.
    mount: &'static str,
    /// Name of the file in each cgroup.
    file: &'static str,
    /// The process' own cgroup.
    own: &'c Path,
}

impl<'c> Hierarchy<'c> {
    /// A line of `/proc/self/cgroup`: number, controllers, path. `None` where it does not limit memory.
    fn of(line: &'c str) -> Option<Self> {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let (mount, file) = if number == "0" && controllers.is_empty() {
            ("sys/fs/cgroup", "memory.max")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        } else {
            return None;
        };
        let own = Path::new(path.trim_start_matches('/'));
        // A path out of the mount leads to cgroups that are not shown here; the mount's own root is all there is.
        let inside = own.components().all(|part| matches!(part, Component::Normal(_)));
        Some(Self {
            mount,
            file,
            own: if inside { own } else { Path::new("") },
        })
    }

    /// Of the cgroup and all above it, up to the root of the mount. In a container the mount often begins at the container's
    /// own cgroup, while the path is that of the host: its folders are missing, and the root has the limit.
    fn limits(self, root: &Path) -> impl Iterator<Item = MemoryLimit> {
        self.own.ancestors().filter_map(move |cgroup| {
            let file = Path::new(self.mount).join(cgroup).join(self.file);
            let text = fs::read_to_string(root.join(&file)).ok()?;
            // Version 2 writes `max` where there is none.
            let bytes = text.trim().parse().ok().filter(|bytes| *bytes < NO_LIMIT)?;
            Some(MemoryLimit {
                bytes,
                file: Path::new("/").join(file),
            })
        })
    }
}

/// The memory of the machine.
fn physical(root: &Path) -> Option<MemoryLimit> {
    const FILE: &str = "proc/meminfo";
    let text = fs::read_to_string(root.join(FILE)).ok()?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(MemoryLimit {
        bytes: kib.checked_mul(1024)?,
        file: Path::new("/").join(FILE),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const V1_NONE: &str = "9223372036854771712\n";

    /// The smallest limit of a machine of 8 GiB with these files, in MiB, and the file that says so.
    fn limit(cgroup: &str, files: &[(&str, &str)]) -> (u64, String) {
        let root = tempfile::tempdir().unwrap();
        let meminfo = "MemTotal:        8388608 kB\nMemFree:            1024 kB\n";
        let given = [("proc/self/cgroup", cgroup), ("proc/meminfo", meminfo)];
        for (path, text) in given.iter().chain(files) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let limit = MemoryLimit::under(root.path()).unwrap();
        (limit.bytes / MIB, limit.file.display().to_string())
    }

    #[test]
    fn the_smallest_limit_from_the_own_cgroup_up_to_the_root_counts() {
        let pod = "sys/fs/cgroup/kubepods/pod/memory.max";
        let container = "sys/fs/cgroup/kubepods/pod/container/memory.max";
        let own = "0::/kubepods/pod/container\n";
        let found = |files: &[(&str, &str)]| limit(own, files);
        assert_eq!(
            found(&[(container, "536870912\n"), (pod, "max\n")]),
            (512, format!("/{container}"))
        );
        assert_eq!(
            found(&[(container, "536870912\n"), (pod, "268435456\n")]),
            (256, format!("/{pod}"))
        );
        let machine = (8192, "/proc/meminfo".to_owned());
        assert_eq!(found(&[(container, "max\n"), (pod, "max\n")]), machine);
        assert_eq!(
            found(&[(container, "17179869184\n")]),
            machine,
            "more than there is"
        );
        assert_eq!(found(&[(container, "much\n")]), machine, "no number");
        assert_eq!(found(&[]), machine);
    }

    #[test]
    fn a_container_sees_its_own_cgroup_as_the_root_of_the_mount() {
        let root = ("sys/fs/cgroup/memory.max", "536870912\n");
        for own in ["0::/\n", "0::/../../container\n", "0::/kubepods/pod/container\n"] {
            assert_eq!(limit(own, &[root]), (512, format!("/{}", root.0)), "{own}");
        }
    }

    #[test]
    fn version_1_has_a_tree_of_its_own_for_memory() {
        let lines = "12:cpu,cpuacct:/a\n4:memory:/docker/b\n1:name=systemd:/a\n0::/\n";
        let own = "sys/fs/cgroup/memory/docker/b/memory.limit_in_bytes";
        let root = "sys/fs/cgroup/memory/memory.limit_in_bytes";
        assert_eq!(
            limit(lines, &[(own, "268435456\n"), (root, V1_NONE)]),
            (256, format!("/{own}"))
        );
        assert_eq!(limit(lines, &[(root, "134217728\n")]), (128, format!("/{root}")));
        let machine = (8192, "/proc/meminfo".to_owned());
        assert_eq!(limit(lines, &[(own, V1_NONE), (root, V1_NONE)]), machine);
        // Another controller's path is nobody's limit of memory.
        let others = "4:pids:/docker/b\n5:hugetlb,memoryless:/docker/b\n";
        assert_eq!(limit(others, &[(own, "268435456\n")]), machine);
    }

    #[test]
    fn nothing_to_read_is_no_limit_and_no_failure() {
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(MemoryLimit::under(empty.path()), None);
        assert!(limit("nonsense\n::\n0:\n", &[]).1.ends_with("meminfo"));
        if cfg!(target_os = "linux") {
            assert!(MemoryLimit::of_this_process().is_some_and(|limit| limit.bytes > 0));
        }
    }
}
