//! `plimsoll simulate` from the outside: the scorecard that tools read, exit codes, and broken scenarios.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test"
)]

#[expect(dead_code, reason = "another test uses the others")]
mod command;

use command::{folder, plimsoll, with_stdin};
use serde_json::Value;
use std::process::Command;

const LUNCH: &str = "
name: lunch
seed: 5
start: 2026-03-02T11:00:00Z
duration: 20m
groups:
  - {name: general, types: [m6a.large, m6a.xlarge], min: 1, max: 10}
deployments:
  - {name: kitchen, cpu: 500m, memory: 1Gi, replicas: 6}
";

/// Every field of the contract, with its type; later versions may add some.
#[test]
fn the_scorecard_is_the_documented_one() {
    let room = folder(&[("lunch.yaml", LUNCH)]);
    let run = plimsoll(&room, &["simulate", "lunch.yaml", "-o", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let card = run.json();
    assert_eq!(card["version"], "plimsoll.scorecard/v1");
    for field in ["cost_usd", "lower_bound_usd"] {
        assert!(
            card[field].as_f64().is_some_and(|usd| usd > 0.0),
            "{field}: {card}"
        );
    }
    for field in ["pods", "launches", "removals", "evictions", "cycles"] {
        assert!(card[field].is_u64(), "{field}: {card}");
    }
    for field in ["sum", "p50", "p99"] {
        assert!(card["pending_pod_seconds"][field].is_f64(), "{field}: {card}");
    }
    for field in ["calls", "fuel", "faults"] {
        assert!(card["policy"][field].is_u64(), "{field}: {card}");
    }
    assert_eq!(card["violations"], Value::Array(Vec::new()));
    assert_eq!((&card["pods"], &card["cycles"]), (&6.into(), &40.into()));
    assert!(card["cost_usd"].as_f64() >= card["lower_bound_usd"].as_f64());
}

#[test]
fn the_same_seed_plays_the_same_day_from_a_file_and_from_stdin() {
    let room = folder(&[("lunch.yaml", LUNCH)]);
    let play =
        |args: &[&str]| plimsoll(&room, &[&["simulate", "lunch.yaml", "-o", "json"], args].concat()).stdout;
    let first = play(&[]);
    assert_eq!(first, play(&["--seed", "5"]));
    let piped = with_stdin(&room, &["simulate", "-", "-o", "json"], LUNCH.as_bytes());
    assert_eq!((piped.code, piped.stdout), (0, first));
}

#[test]
fn what_was_written_can_be_decided_again() {
    let room = folder(&[("lunch.yaml", LUNCH)]);
    let run = plimsoll(
        &room,
        &["simulate", "lunch.yaml", "--log", "log", "--report", "day.html"],
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("cost"), "{}", run.stdout);
    assert!(room.path().join("day.html").is_file());
    let again = plimsoll(&room, &["replay", "log", "-o", "json"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(again.json()["identical"], 40);
    // A daemon named by the environment is no reason not to read a log.
    let explained = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["explain", "workload", "default/kitchen", "--log", "log"])
        .env("PLIMSOLL_SERVER", "127.0.0.1:1")
        .current_dir(room.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&explained.stderr);
    assert_eq!(explained.status.code(), Some(0), "{said}");
    assert!(String::from_utf8_lossy(&explained.stdout).contains("default/kitchen"));
}

/// Exit code 2, nothing on stdout, and lines that name file and field: all mistakes at once.
#[test]
fn a_broken_scenario_names_file_and_field() {
    let table: [(&str, &[&str]); 5] = [
        ("duration: 20m\ngroups: []\n", &["bad.yaml: name"]),
        (
            &LUNCH
                .replace("duration: 20m", "duration: soon")
                .replace("500m", "1x"),
            &[
                "bad.yaml: duration: must be a span",
                "bad.yaml: deployments[0].cpu: \"1x\"",
            ],
        ),
        (
            &LUNCH.replace("replicas", "replica"),
            &["bad.yaml: deployments[0].replica: unknown field"],
        ),
        (
            &format!("{LUNCH}offers: {{file: none.csv}}\n"),
            &["bad.yaml: offers.file", "none.csv"],
        ),
        ("name: [", &["bad.yaml"]),
    ];
    for (text, wanted) in table {
        let room = folder(&[("bad.yaml", text)]);
        let run = plimsoll(&room, &["simulate", "bad.yaml", "-o", "json"]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{text}\n{}", run.stderr);
        for part in wanted {
            assert!(run.stderr.contains(part), "wanted {part}\ngot {}", run.stderr);
        }
    }
    let room = folder(&[]);
    let run = plimsoll(&room, &["simulate", "absent.yaml"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("absent.yaml"), "{}", run.stderr);
}

#[test]
fn stdin_is_read_once() {
    let room = folder(&[]);
    let run = with_stdin(&room, &["simulate", "-", "--policy", "-"], LUNCH.as_bytes());
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("stdin: is named twice"), "{}", run.stderr);
}
