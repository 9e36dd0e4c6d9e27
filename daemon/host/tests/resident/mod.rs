//! Memory of this process, as the kernel counts it.

/// KiB of a line of `/proc/self/status`: `VmRSS:` is all that is resident, `RssAnon:` what of it is the process' own.
pub(crate) fn kib(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no {key} in {status}"))
}
