//! Runs the built command in a folder of its own.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// What a run left.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A run with its highest resident memory.
pub(crate) struct Measured {
    pub(crate) run: Run,
    pub(crate) peak_mib: u64,
}

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let room = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(room.path().join(name), text).unwrap();
    }
    room
}

fn command(room: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).current_dir(room.path()).stdin(Stdio::null());
    command
}

/// Runs it.
pub(crate) fn plimsoll(room: &TempDir, args: &[&str]) -> Run {
    command(room, args).output().unwrap().into()
}

/// Runs it with this on stdin.
pub(crate) fn with_stdin(room: &TempDir, args: &[&str], input: &[u8]) -> Run {
    piped(room, args, input).into()
}

/// The same for what prints no text.
pub(crate) fn piped(room: &TempDir, args: &[&str], input: &[u8]) -> Output {
    let mut child = command(room, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// Runs it and watches its resident memory until it ends (`VmHWM` is a maximum, so the last look is the peak).
pub(crate) fn measured(room: &TempDir, args: &[&str]) -> Measured {
    let mut child = command(room, args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut drains = [
        child.stdout.take().map(|pipe| drain(Box::new(pipe))),
        child.stderr.take().map(|pipe| drain(Box::new(pipe))),
    ];
    let mut peak_kib = 0;
    let code = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .split(' ')
                .next()?
                .parse()
                .ok()
        });
        peak_kib = peak.unwrap_or(0).max(peak_kib);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended.code().unwrap_or(-1);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    let mut text = |ix: usize| {
        drains[ix]
            .take()
            .map_or_else(String::new, |thread| thread.join().unwrap())
    };
    let (stdout, stderr) = (text(0), text(1));
    assert!(peak_kib > 0, "memory was never seen");
    Measured {
        run: Run { code, stdout, stderr },
        peak_mib: peak_kib / 1024,
    }
}

fn drain(mut pipe: Box<dyn std::io::Read + Send>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A file of the shared test data; says why where it is absent.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PLIMSOLL_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let path = root.join(name);
    if path.is_file() {
        return Some(path);
    }
    let why = format!("{} is not there (PLIMSOLL_DATA)", path.display());
    println!("skipped: {why}");
    // tests/run.sh counts them.
    if let Some(list) = std::env::var_os("PLIMSOLL_SKIPS") {
        let mut list = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(list)
            .unwrap();
        writeln!(list, "{why}").unwrap();
    }
    None
}

/// The smallest component that asks for a WASI clock, by the component model's binary format: an instance type
/// and an import of it.
pub(crate) fn component_importing_wasi() -> Vec<u8> {
    let name = b"wasi:clocks/monotonic-clock@0.2.0";
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    // Type section: one instance type without declarations.
    bytes.extend([0x07, 3, 1, 0x42, 0]);
    // Import section: one import, by name, of an instance of type 0.
    let mut import = vec![1, 0x00, u8::try_from(name.len()).unwrap()];
    import.extend(name);
    import.extend([0x05, 0]);
    bytes.extend([0x0a, u8::try_from(import.len()).unwrap()]);
    bytes.extend(import);
    bytes
}
