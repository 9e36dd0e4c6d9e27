//! Tools that the tests use, each brought by a script of `tests/setup/` and cached outside the tree.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The control plane's binary (tests/cluster), or why there is none.
pub fn testcluster() -> Result<PathBuf, String> {
    last_line("testcluster.sh")
}

/// The folder with `kubectl` and `helm`.
pub fn kubectl_helm() -> Result<PathBuf, String> {
    last_line("kubectl-helm.sh")
}

/// The virtual environment with moto and ministack.
pub fn emulators() -> Result<PathBuf, String> {
    last_line("emulators.sh")
}

/// Debian's `docker-registry`.
pub fn docker_registry() -> Result<PathBuf, String> {
    last_line("registry.sh")
}

/// Runs a setup script; its last line on stdout is the path.
fn last_line(script: &str) -> Result<PathBuf, String> {
    let path = crate::root().join("tests/setup").join(script);
    let output = Command::new("bash")
        .arg(&path)
        .stderr(Stdio::piped())
        .output()
        .map_err(|e| format!("bash {}: {e}", path.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    match said.lines().last() {
        Some(line) if output.status.success() => Ok(PathBuf::from(line.trim())),
        _ => Err(format!(
            "{script}: {}",
            String::from_utf8_lossy(&output.stderr)
                .lines()
                .last()
                .unwrap_or("failed")
        )),
    }
}
