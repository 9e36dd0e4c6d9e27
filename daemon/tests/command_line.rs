//! What `plimsolld` makes of its command line and of configurations that are none: an exit code, one clear line for
//! each mistake with file and field, never a panic.
//!
//! Not here: what a running daemon does. That this test exists also makes cargo build the binary that `tests/e2e`
//! starts.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

use std::path::Path;
use std::process::{Command, Output};

const GOOD: &str = "cluster: blue\nprovider: {none: {}}\n";

fn check(file: &Path) -> Output {
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_plimsolld"));
    daemon
        .arg("--check-config")
        .arg("--config")
        .arg(file)
        .output()
        .unwrap()
}

#[test]
fn a_good_configuration_is_good() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("plimsolld.yaml");
    std::fs::write(&file, GOOD).unwrap();
    let answer = check(&file);
    assert_eq!(answer.status.code(), Some(0), "{answer:?}");
}

#[test]
fn what_is_no_configuration_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let module = dir.path().join("module.wasm");
    std::fs::write(&module, b"\0asm\x01\0\0\0").unwrap();
    let policy = |file: &Path| format!("{GOOD}policies: [{{name: p, file: {}}}]\n", file.display());
    let cases: [(&str, Vec<u8>, &[&str]); 12] = [
        ("empty", Vec::new(), &["plimsolld.yaml"]),
        ("not YAML", b"cluster: [unclosed".to_vec(), &["plimsolld.yaml"]),
        ("not text", vec![0xff, 0xfe, 0, 1], &["plimsolld.yaml"]),
        ("a list", b"- a\n- b\n".to_vec(), &["plimsolld.yaml", "mapping"]),
        ("no provider", b"cluster: blue\n".to_vec(), &["provider"]),
        ("unknown field", format!("{GOOD}intervall: 5s\n").into_bytes(), &["intervall"]),
        (
            "several mistakes",
            format!("{GOOD}interval: soon\nmode: maybe\nhttp: {{bind: nowhere}}\n").into_bytes(),
            &["interval", "mode", "http.bind"],
        ),
        ("plain gRPC outside", format!("{GOOD}grpc: {{bind: 0.0.0.0:1}}\n").into_bytes(), &["grpc.bind", "TLS"]),
        (
            "a negative amount and an unknown unit",
            b"cluster: b\nprovider: {kwok: {groups: [{name: a, cpu: -1, memory: 4Xi, usd_per_hour: 1}]}}"
                .to_vec(),
            &["cpu", "memory"],
        ),
        (
            "duplicate names",
            b"cluster: b\nprovider: {kwok: {groups: [{name: a, cpu: 1, memory: 1Gi, usd_per_hour: 1}, {name: a, cpu: 1, memory: 1Gi, usd_per_hour: 1}]}}"
                .to_vec(),
            &["name", "another group"],
        ),
        ("a module, not a component", policy(&module).into_bytes(), &["module.wasm"]),
        ("no such policy", policy(&dir.path().join("none.wasm")).into_bytes(), &["none.wasm"]),
    ];
    for (what, bytes, words) in cases {
        let file = dir.path().join("plimsolld.yaml");
        std::fs::write(&file, bytes).unwrap();
        refused(what, &check(&file), words);
    }
}

/// What the daemon would only find out when it runs is said beforehand, with the file that is to blame.
#[test]
fn files_that_a_configuration_names_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let here = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(here("bad.csv"), "colour,size\nred,1\n").unwrap();
    std::fs::write(here("bad.yaml"), "name: [unclosed").unwrap();
    std::fs::write(here("few.yaml"), "name: few\n").unwrap();
    std::fs::write(here("bad.pem"), "nothing").unwrap();
    let tls = |name: &str| {
        format!(
            "{GOOD}grpc: {{tls: {{certificate: {0}, key: {0}}}}}\n",
            here(name)
        )
    };
    let aws = |name: &str| format!("cluster: b\nprovider: {{aws: {{offers: {}}}}}\n", here(name));
    let world = |name: &str| {
        format!(
            "cluster: b\nprovider: {{simulated: {{scenario: {}}}}}\n",
            here(name)
        )
    };
    let login = |name: &str| format!("{GOOD}kubernetes: {{kubeconfig: {}}}\n", here(name));
    let mut cases: Vec<(String, &[&str])> = vec![
        (
            aws("none.csv"),
            &["provider.aws.offers", "none.csv", "cannot be read"],
        ),
        (aws("bad.csv"), &["bad.csv", "instance_type"]),
        (world("none.yaml"), &["provider.simulated.scenario", "none.yaml"]),
        (world("bad.yaml"), &["bad.yaml"]),
        (world("few.yaml"), &["few.yaml", "duration"]),
        (tls("none.pem"), &["grpc.tls.certificate", "none.pem"]),
        (tls("bad.pem"), &["grpc.tls"]),
    ];
    if cfg!(feature = "live") {
        cases.push((login("none.yaml"), &["kubernetes.kubeconfig", "none.yaml"]));
        cases.push((login("bad.yaml"), &["kubernetes.kubeconfig", "bad.yaml"]));
    }
    let file = dir.path().join("plimsolld.yaml");
    for (config, words) in cases {
        std::fs::write(&file, &config).unwrap();
        refused(&config, &check(&file), words);
        // And it is the same word when it is started: nothing has begun by then.
        let mut daemon = Command::new(env!("CARGO_BIN_EXE_plimsolld"));
        refused(
            &config,
            &daemon.arg("--config").arg(&file).output().unwrap(),
            words,
        );
    }
}

#[test]
fn a_device_without_an_end_is_not_read_for_ever() {
    let said = check(Path::new("/dev/zero"));
    refused("an endless device", &said, &["/dev/zero", "bytes"]);
}

#[test]
fn files_that_cannot_be_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    refused("no file", &check(&dir.path().join("none.yaml")), &["none.yaml"]);
    refused(
        "a folder",
        &check(dir.path()),
        &[&dir.path().display().to_string()],
    );
    let huge = dir.path().join("huge.yaml");
    let file = std::fs::File::create(&huge).unwrap();
    file.set_len(50 << 20).unwrap();
    refused("50 MB", &check(&huge), &["huge.yaml", "bytes"]);
}

fn refused(what: &str, answer: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&answer.stderr);
    assert_eq!(answer.status.code(), Some(2), "{what}: {said}");
    assert!(!said.contains("panicked"), "{what}: {said}");
    assert!(said.lines().count() <= 8, "{what}: {said}");
    for word in words {
        assert!(said.contains(word), "{what}: {word} is not in: {said}");
    }
}
