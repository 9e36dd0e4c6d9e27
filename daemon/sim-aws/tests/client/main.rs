//! The pretend account of `plimsoll sim aws` as other people's clients find it: an unmodified boto3 and the AWS command line
//! against the façade, `client.py` beside this file.
//!
//! Not here: the daemon's own clients, which are the AWS SDK for Rust (`tests/ends`).

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test stops where nothing can be asked, and says what it skips"
)]

use sim_aws::{Clock, Facade, NewGroup, NewNodeGroup, Settings};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Checks of the client, at least: one that ends early is not one that passes.
const CHECKS: usize = 150;

fn node_group(name: &str) -> NewNodeGroup {
    NewNodeGroup {
        group: NewGroup::of(name, "m5.large").sized(0, 5, 2),
        labels: BTreeMap::from([("old".to_owned(), "x".to_owned())]),
        taints: Vec::new(),
    }
}

/// A group of three, two node groups, a launch template; nothing is throttled, for time stands still between calls.
fn account() -> Settings {
    Settings {
        groups: vec![NewGroup::of("workers", "m5.large").sized(1, 9, 3)],
        node_groups: vec![node_group("ng"), node_group("other")],
        templates: vec![NewGroup::of("fleet", "m5.large")],
        throttles: false,
        ..Settings::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boto3_and_the_command_line_find_what_aws_documents() {
    let Some(python) = python().await else { return };
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let facade = Facade::start(account(), at, Clock::Virtual)
        .await
        .expect("a façade");
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client/client.py");
    let output = Command::new(python)
        .arg(client)
        .arg(&facade.url)
        .output()
        .await
        .expect("a client");
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    let passed = last
        .split(' ')
        .next()
        .and_then(|count| count.parse::<usize>().ok());
    assert!(
        output.status.success() && passed.is_some_and(|passed| passed >= CHECKS),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!("{last}");
}

/// Python with boto3 and the command line (tests/setup/emulators.sh); `None` where there is none, which under CI fails.
async fn python() -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/setup/emulators.sh");
    let output = Command::new("bash").arg(script).output().await.expect("bash");
    let said = String::from_utf8_lossy(&output.stdout);
    let folder = said.lines().last().filter(|_| output.status.success());
    if folder.is_none() {
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(std::env::var_os("CI").is_none(), "{why}");
        println!("skipped: boto3 against the façade: {why}");
    }
    folder.map(|folder| Path::new(folder.trim()).join("bin/python"))
}
