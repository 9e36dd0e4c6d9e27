//! What a policy call costs in each language: 10,000 rows, three `u32` columns read and one answered, the whole call with
//! its instance; and beside it the same rows as records with texts, as hosts commonly pass them.
//!
//! The policies are those of `tests/guests/columns`, measured by `plimsoll policy bench`; the records those of
//! `tests/guests/records`, called by an example of `daemon/host` with the same engine settings, without checks or
//! configuration: less than a host would have to do. A language without its compiler is skipped and says so. Time on a
//! core, best of many; ends with 1 where a bound is missed.

#![expect(
    clippy::print_stdout,
    clippy::panic,
    reason = "a bench prints, and ends where it cannot measure"
)]

use policy_build::Toolchain;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

const ROWS: u32 = 10_000;
/// Language, where its guest is in `tests/guests/columns`, most microseconds a call (issue 6).
const LANGUAGES: [(&str, &str, f64); 7] = [
    ("rust", "", 100.0),
    ("c", "c", 100.0),
    ("zig", "zig", 100.0),
    ("assemblyscript", "assemblyscript", 100.0),
    ("go", "go", 2_000.0),
    ("js", "js", 10_000.0),
    ("python", "python", 15_000.0),
];

fn main() -> ExitCode {
    let room = tempfile::tempdir().unwrap_or_else(|why| panic!("{why}"));
    let mut built = Vec::new();
    for (language, folder, most) in LANGUAGES {
        let component = room.path().join(format!("{language}.wasm"));
        match policy(&guests("columns").join(folder), &component) {
            Ok(()) => built.push((language, component, most)),
            Err(why) => println!("skipped: {language}: {why}"),
        }
    }
    let report = measured(built.iter().map(|(_, component, _)| component.as_path()));
    println!(
        "{ROWS} rows, microseconds on a core       columns: call  median  cold View   at most            records: call  times"
    );
    let mut missed = false;
    for (row, (language, _, most)) in report.iter().zip(&built) {
        let figure = |name: &str, which: &str| row[name][which].as_f64().unwrap_or(f64::NAN);
        let best = figure("call_microseconds", "best");
        missed |= best > *most;
        let verdict = if best > *most { "missed" } else { "reached" };
        let records = rich(language, room.path()).map_or_else(
            || "-".to_owned(),
            |taken| format!("{taken:9.0}  {:4.0}", taken / best),
        );
        println!(
            "{language:30} {best:15.1} {:9.1} {:9.1} {most:9.0} {verdict:>9} {records:>25}",
            figure("call_microseconds", "median"),
            figure("cold_microseconds", "best"),
        );
    }
    if missed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn guests(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/guests")
        .join(name)
}

/// Builds a policy as its author would.
fn policy(folder: &Path, component: &Path) -> Result<(), String> {
    let mut plimsoll = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    let plimsoll = plimsoll
        .args(["policy", "build"])
        .arg(folder)
        .arg("--out")
        .arg(component);
    let output = plimsoll.output().map_err(|why| why.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().last().unwrap_or_default().trim().to_owned())
}

/// What `policy bench` says of them.
fn measured<'a>(components: impl Iterator<Item = &'a Path>) -> Vec<serde_json::Value> {
    let rows = ROWS.to_string();
    let mut plimsoll = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    plimsoll.args(["policy", "bench", "-o", "json", "--rows", &rows]);
    let output = plimsoll.args(components).stderr(Stdio::inherit()).output();
    let output = output.unwrap_or_else(|why| panic!("{why}"));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let policies = report["policies"].as_array().cloned().unwrap_or_default();
    for policy in &policies {
        assert!(policy["fault"].is_null(), "{policy}");
    }
    policies
}

/// Microseconds of a call with records; `None` where the language has no such guest.
fn rich(language: &str, room: &Path) -> Option<f64> {
    let out = room.join(format!("{language}-records.wasm"));
    let folder = guests("records");
    let cache = policy_build::cache().ok()?;
    let mut command = match language {
        "rust" => {
            let toolchain = Toolchain::find().ok()?;
            let built = policy_build::build_rust(&folder, &toolchain).unwrap_or_else(|why| panic!("{why}"));
            println!("{}: built in {:.1} s", built.package, built.took.as_secs_f64());
            std::fs::write(&out, built.bytes).ok()?;
            return Some(call_records(&out));
        }
        "js" => {
            let lock =
                std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../js/package-lock.json")).ok()?;
            let digest = host::sha256(&lock);
            let mut node = Command::new("node");
            node.arg(folder.join("js/build.mjs"));
            node.arg(cache.join("node-tools").join(digest.get(..16)?))
                .arg(&out);
            node
        }
        "python" => {
            let mut python = Command::new(cache.join("python-tools/bin/python"));
            python.args(["-c", "import componentize_py; componentize_py.script()", "-d"]);
            python
                .arg(folder.join("wit"))
                .args(["-w", "rich", "componentize", "--stub-wasi", "rich", "-p"]);
            python.arg(folder.join("python")).arg("-o").arg(&out);
            python.env("PYTHONDONTWRITEBYTECODE", "1");
            python
        }
        _ => return None,
    };
    let done = command.stdout(Stdio::null()).status().ok()?;
    done.success().then(|| call_records(&out))
}

/// What `daemon/host/examples/records.rs` says of it: there both sides are compiled as the host is.
fn call_records(component: &Path) -> f64 {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "run",
        "--quiet",
        "-p",
        "plimsoll-host",
        "--example",
        "records",
        "--",
    ]);
    let output = cargo
        .arg(component)
        .arg(ROWS.to_string())
        .stderr(Stdio::inherit())
        .output();
    let output = output.unwrap_or_else(|why| panic!("{why}"));
    let said = String::from_utf8_lossy(&output.stdout);
    said.trim()
        .parse()
        .unwrap_or_else(|why| panic!("records: {said:?}: {why}"))
}
