//! Policies in every language, as somebody new makes them: `policy new`, then `policy test` without a line changed; and
//! the examples of each SDK against the one table of answers (sdk/conformance), alike in two processes.
//!
//! Needs the compilers that tests/setup/languages.sh installs; where one is missing the test says so and does nothing,
//! except under CI.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test and say what was skipped"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Hooks of the new policies: all at once, and alone those that no example answers alone. Compiling takes nearly all of the
/// time here, so that nothing is compiled that another row shows as well.
const HOOKS: [&str; 3] = [
    "scaler,placement,headroom,disruption,review",
    "disruption",
    "review",
];
const EXAMPLES: [&str; 5] = [
    "columns",
    "fargate-or-ec2",
    "queue-depth",
    "weekend-headroom",
    "within-bounds",
];
/// Made-up pictures on which two processes must agree.
const SNAPSHOTS: usize = 50;

fn plimsoll(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).output().unwrap()
}

/// What it printed; `None` where a compiler is missing, which only under CI fails the test.
fn done(output: &Output, what: &str) -> Option<String> {
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("install") && std::env::var_os("CI").is_none() {
        println!("skipped: {what}: {said}");
        return None;
    }
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{what}: {out}\n{said}");
    Some(out)
}

fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A new policy of every hook, and one of a single hook, pass their tests as they are.
fn new_policies_pass(language: &str) {
    let room = tempfile::tempdir().unwrap();
    let dir = room.path().to_str().unwrap();
    for hooks in HOOKS {
        let name = hooks.replace(',', "-");
        let what = format!("{language}, {hooks}");
        done(
            &plimsoll(&[
                "policy", "new", &name, "--lang", language, "--hook", hooks, "--dir", dir,
            ]),
            &what,
        );
        let folder = room.path().join(&name);
        let Some(out) = done(&plimsoll(&["policy", "test", folder.to_str().unwrap()]), &what) else {
            return;
        };
        for hook in hooks.split(',') {
            let exported = out.contains(&format!("plimsoll:policy/{hook}@0.2.0"));
            let table = out.contains(&format!("ok      {}/tests/{hook}.yaml", folder.display()));
            assert!(exported && table, "{what}: {out}");
        }
        assert!(out.trim_end().ends_with("passed"), "{what}: {out}");
    }
}

/// The examples answer what every other language's do, with the same bytes and fuel in two processes.
fn examples_conform(language: &str) {
    let room = tempfile::tempdir().unwrap();
    for example in EXAMPLES {
        let what = format!("{language}, {example}");
        let folder = match (language, example) {
            ("rust", "columns" | "within-bounds") => tree("../tests/guests").join(example),
            (_, "columns") => tree("../tests/guests/columns").join(language),
            ("rust", example) => tree("../plugins").join(example),
            _ => tree(language).join("examples").join(example),
        };
        let component = room.path().join(format!("{example}.wasm"));
        let (folder, component) = (folder.to_str().unwrap(), component.to_str().unwrap());
        if done(&plimsoll(&["policy", "build", folder, "--out", component]), &what).is_none() {
            return;
        }
        let tables = tree("conformance").join(example);
        let tables = tables.to_str().unwrap();
        let out = done(
            &plimsoll(&["policy", "test", component, "--tables", tables]),
            &what,
        )
        .unwrap();
        assert!(out.contains(" cases passed, 0 failed"), "{what}: {out}");
        let told = || told(component, &what);
        let first = told();
        assert!(first.len() >= SNAPSHOTS, "{what}: {} answers", first.len());
        assert_eq!(first, told(), "{what}: two processes");
    }
}

/// Picture, digest of the answer and fuel, of every evaluation in one process.
fn told(component: &str, what: &str) -> Vec<(String, String, u64)> {
    let samples = SNAPSHOTS.to_string();
    let output = plimsoll(&["policy", "check", component, "--samples", &samples, "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&done(&output, what).unwrap()).unwrap();
    let rows = report["evaluations"].as_array().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let told = |row: &serde_json::Value| {
        assert_eq!(row["deterministic"], true, "{what}: {row}");
        (
            text(&row["sample"]),
            text(&row["sha256"]),
            row["fuel"].as_u64().unwrap(),
        )
    };
    rows.iter().map(told).collect()
}

/// What the bench says holds within an order of magnitude, on however busy a machine; `make bench` has the bounds.
#[test]
fn a_bench_tells_what_policies_cost_side_by_side() {
    let room = tempfile::tempdir().unwrap();
    let component = room.path().join("columns.wasm");
    let (folder, component) = (tree("../tests/guests/columns/c"), component.to_str().unwrap());
    let folder = folder.to_str().unwrap();
    if done(&plimsoll(&["policy", "build", folder, "--out", component]), "C").is_none() {
        return;
    }
    let output = plimsoll(&[
        "policy", "bench", component, folder, "--rows", "10000", "-o", "json",
    ]);
    let report: serde_json::Value = serde_json::from_str(&done(&output, "C").unwrap()).unwrap();
    let rows = report["policies"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["fuel"]), (2, &rows[1]["fuel"]));
    for row in rows {
        let best = |figure: &str| row[figure]["best"].as_f64().unwrap();
        let [instance, empty, call] =
            ["instance", "empty", "call"].map(|what| best(&format!("{what}_microseconds")));
        assert!(
            0.0 < instance && instance <= empty * 2.0 && empty < call && call < 1000.0,
            "{row}"
        );
        assert!(row["memory_bytes"].as_u64().unwrap() >= 64 << 10, "{row}");
        assert!(row["fault"].is_null() && row["hook"] == "placement", "{row}");
    }
}

/// A policy carries what it says of itself, and its configuration is held against the schema that it brings along.
#[test]
fn a_policy_tells_what_it_is_and_what_may_be_configured() {
    let room = tempfile::tempdir().unwrap();
    let dir = room.path().to_str().unwrap();
    let args = [
        "policy", "new", "mine", "--lang", "c", "--hook", "scaler", "--dir", dir,
    ];
    done(&plimsoll(&args), "C").unwrap();
    let folder = room.path().join("mine");
    let (manifest, component) = (folder.join("policy.yaml"), folder.join("mine.wasm"));
    let said = std::fs::read_to_string(&manifest).unwrap() + "version: 1.2.3\ndescription: Größer\n";
    std::fs::write(&manifest, said).unwrap();
    let (folder, component) = (folder.to_str().unwrap(), component.to_str().unwrap());
    if done(&plimsoll(&["policy", "build", folder]), "C").is_none() {
        return;
    }
    let seen = done(&plimsoll(&["policy", "inspect", component, "-o", "json"]), "C").unwrap();
    let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
    let metadata = &seen["metadata"];
    let texts =
        ["name", "version", "description", "language", "sdk"].map(|field| metadata[field].as_str().unwrap());
    assert_eq!(texts, ["mine", "1.2.3", "Größer", "c", "0.2.0"]);
    assert_eq!(
        (&seen["hooks"][0], &seen["signature"]),
        (&"scaler".into(), &"unsigned-file".into())
    );
    assert_eq!(
        metadata["config_schema"]["properties"]["max_age_seconds"]["default"],
        120
    );
    let checked = done(&plimsoll(&["policy", "check", component, "-o", "json"]), "C").unwrap();
    let checked: serde_json::Value = serde_json::from_str(&checked).unwrap();
    assert_eq!(
        (&checked["processes"], &checked["config_schema"]),
        (&2.into(), &true.into())
    );
    assert!(
        checked["hostile_configurations"]["tried"].as_u64() > Some(10),
        "{checked}"
    );

    // The policy would take it: only the schema knows better.
    let (config, schema) = (
        room.path().join("c.json"),
        room.path().join("mine/config.schema.json"),
    );
    std::fs::write(&config, r#"{"max_age_seconds": 7}"#).unwrap();
    let narrower = std::fs::read_to_string(&schema)
        .unwrap()
        .replace("\"minimum\": 0", "\"minimum\": 10");
    std::fs::write(&schema, narrower).unwrap();
    let output = plimsoll(&["policy", "check", folder, "--config", config.to_str().unwrap()]);
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(
        out.contains("failed: configuration: max_age_seconds: 7 is beyond the minimum of 10"),
        "{out}"
    );
}

/// A small world that buys a node or two.
const GROWING: &str = "
name: growing
duration: 10m
cycle: 30s
cluster: {name: here, zones: [a]}
groups: [{name: only, types: [m6a.large], min: 1, max: 9}]
deployments: [{name: web, namespace: shop, cpu: 900m, memory: 1Gi, replicas: 6}]
";

/// Over recorded cycles a policy that forbids the only set there is leaves pods without a place, and the page says so.
#[test]
fn recorded_cycles_tell_what_a_policy_would_have_changed() {
    let room = tempfile::tempdir().unwrap();
    let path = |name: &str| room.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("growing.yaml"), GROWING).unwrap();
    done(
        &plimsoll(&["simulate", &path("growing.yaml"), "--log", &path("log")]),
        "simulate",
    )
    .unwrap();
    let folder = tree("../tests/guests/columns/c");
    let built = plimsoll(&[
        "policy",
        "build",
        folder.to_str().unwrap(),
        "--out",
        &path("no.wasm"),
    ]);
    if done(&built, "C").is_none() {
        return;
    }
    let html = path("report.html");
    let args = [
        "policy",
        "test",
        &path("no.wasm"),
        "--log",
        &path("log"),
        "--html",
        &html,
        "-o",
        "json",
    ];
    let report: serde_json::Value = serde_json::from_str(&done(&plimsoll(&args), "C").unwrap()).unwrap();
    assert_eq!((&report["cycles"], &report["faults"]), (&20.into(), &0.into()));
    assert!(
        report["calls"].as_u64() > Some(0) && report["changed"].as_u64() > Some(0),
        "{report}"
    );
    let groups = report["groups"].as_array().unwrap();
    let of = |name: &str| groups.iter().find(|group| group["group"] == name).unwrap();
    let seconds =
        |group: &serde_json::Value, which: &str| group[which]["pending_pod_seconds"].as_u64().unwrap();
    assert!(
        seconds(of("(no place)"), "policy") > seconds(of("(no place)"), "recorded"),
        "{report}"
    );
    let bought = |which: &str| of("only")[which]["usd_per_hour"].as_f64().unwrap();
    assert!(bought("recorded") > bought("policy"), "{report}");
    assert!(of("only")["steps_dropped"].as_u64() > Some(0), "{report}");
    let page = std::fs::read_to_string(&html).unwrap();
    assert!(page.contains("<svg") && page.contains("(no place)") && !page.contains("<script"));
    let args = ["policy", "test", &path("no.wasm"), "--log", &path("growing.yaml")];
    assert_eq!(plimsoll(&args).status.code(), Some(2), "no log");
}

/// Its new policies have tests of their own (`policies`).
#[test]
fn examples_in_rust_conform() {
    examples_conform("rust");
}

macro_rules! languages {
    ($($module:ident: $language:literal,)*) => {
        $(mod $module {
            #[test]
            fn new_policies_pass() {
                super::new_policies_pass($language);
            }

            #[test]
            fn examples_conform() {
                super::examples_conform($language);
            }
        })*
    };
}

languages!(
    assemblyscript: "assemblyscript",
    c: "c",
    go: "go",
    js: "js",
    python: "python",
    zig: "zig",
);
