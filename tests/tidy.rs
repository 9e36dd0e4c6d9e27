//! Checks the house: arrows between rooms (H1), who may make and take a `Cleared` (H2), that eyes do not
//! touch and hands do not decide (H3), who names the five stages (H6), budgets of files and functions, file
//! headers, names, and the order of the dependency table.
//!
//! Reads `cargo metadata` and source text; it runs none of the code. What the compiler and clippy already
//! refuse is not repeated here.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const FILE_LINES: usize = 800;
const FUNCTION_LINES: usize = 100;
const PURE: [&str; 6] = ["model", "manifest", "decide", "guard", "logbook", "rules"];

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// Every committed or committable Rust file of ours, with its text. Generated code is left out.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && !["target", ".git", "generated", "node_modules"].contains(&name.as_str()) {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let shown = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((shown, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(found.len() > 50, "the walk found only {} files", found.len());
    found
}

/// Members of the workspace only: resolving everything would want crates of other platforms, which a machine that
/// has just built this one does not have.
fn metadata() -> Metadata {
    MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .other_options(vec!["--offline".into()])
        .exec()
        .unwrap()
}

/// Normal dependencies of each workspace crate, by the short name of the room.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let deps = package
                .dependencies
                .iter()
                .filter(|d| d.kind == DependencyKind::Normal);
            (short(&package.name), deps.map(|d| short(&d.name)).collect())
        })
        .collect()
}

fn short(package: &str) -> String {
    package.strip_prefix("plimsoll-").unwrap_or(package).to_owned()
}

fn report(what: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{what}:\n  {}", offences.join("\n  "));
}

/// Source without tests: everything before a test module that stands in the file itself.
fn production(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    production(text)
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn h1_pure_rooms_depend_on_nothing_impure() {
    let banned = [
        "tokio",
        "kube",
        "k8s-openapi",
        "wasmtime",
        "tonic",
        "axum",
        "rand",
        "hyper",
    ];
    let arrows = arrows();
    let mut offences = Vec::new();
    for room in PURE {
        let deps = arrows
            .get(room)
            .unwrap_or_else(|| panic!("room {room} is missing"));
        for dep in deps {
            if banned.contains(&dep.as_str()) || dep.starts_with("aws-") {
                offences.push(format!("{room} depends on {dep}"));
            }
        }
    }
    report("pure rooms may not", &offences);
}

#[test]
fn h1_pure_rooms_have_no_async_clock_or_hash_order() {
    let banned = [
        "async fn",
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "Zoned::now",
        "TimeZone::system",
        "HashMap",
        "HashSet",
        "thread_rng",
        "rand::",
    ];
    let mut offences = Vec::new();
    for (path, text) in sources() {
        let pure = PURE
            .iter()
            .any(|room| path.starts_with(&format!("daemon/{room}/src")));
        if !pure || path.contains("/tests") {
            continue;
        }
        for line in code_lines(&text) {
            if let Some(word) = banned.iter().find(|word| line.contains(**word)) {
                offences.push(format!("{path}: {word}: {}", line.trim()));
            }
        }
    }
    report("pure rooms may not contain", &offences);
}

#[test]
fn the_arrows_of_the_house() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("model", &[][..]),
        ("manifest", &["model"]),
        ("decide", &["model"]),
        ("guard", &["model"]),
        ("logbook", &["model"]),
        ("host", &["decide", "machine", "model"]),
        ("machine", &[]),
        ("rules", &["decide", "model"]),
        ("cycle", &["machine", "model", "decide", "guard", "logbook"]),
        ("observe", &["model", "manifest"]),
        ("act", &["model", "guard"]),
        ("registry", &["machine"]),
        ("serve", &["model", "manifest", "cycle", "logbook", "proto"]),
        (
            "sim",
            &["model", "guard", "cycle", "decide", "logbook", "manifest"],
        ),
        ("sim-aws", &["model", "manifest"]),
        ("proto", &[]),
        ("sdk", &[]),
        (
            "plimsoll",
            &[
                "manifest", "decide", "guard", "host", "machine", "registry", "rules", "sim", "sim-aws",
                "cycle", "logbook", "model", "proto",
            ],
        ),
    ]);
    let arrows = arrows();
    let rooms: BTreeSet<&String> = arrows.keys().collect();
    let mut offences = Vec::new();
    for (room, may) in allowed {
        let Some(deps) = arrows.get(room) else {
            offences.push(format!("room {room} is missing"));
            continue;
        };
        for dep in deps
            .iter()
            .filter(|dep| rooms.contains(dep) && *dep != "workspace-hack")
        {
            if !may.contains(&dep.as_str()) {
                offences.push(format!("{room} -> {dep}"));
            }
        }
    }
    report("arrows that DESIGN does not have", &offences);
}

#[test]
fn aws_and_kube_stay_in_the_ends() {
    let may = ["observe", "act", "plimsolld", "tests"];
    let mut offences = Vec::new();
    for (room, deps) in arrows() {
        for dep in deps {
            let outside = dep.starts_with("aws-") || dep == "kube" || dep == "k8s-openapi";
            let ecr = room == "registry" && dep.starts_with("aws-");
            if outside && !ecr && !may.contains(&room.as_str()) {
                offences.push(format!("{room} depends on {dep}"));
            }
            if dep == "aws-sdk-ec2" && !["observe", "act"].contains(&room.as_str()) {
                offences.push(format!("{room} depends on {dep}: only observe and act may"));
            }
        }
    }
    report("heavy dependencies in the wrong room", &offences);
}

#[test]
fn h2_only_the_guard_clears_and_only_hands_act() {
    // The replays' hands are real ones on AWS, with a modelled cluster where the API server would be.
    let hands = [
        "daemon/act/src",
        "daemon/sim/src",
        "daemon/guard/src/act.rs",
        "tests/incidents/ours.rs",
    ];
    let mut offences = Vec::new();
    let mut implementations = 0;
    for (path, text) in sources() {
        if path == "tests/tidy.rs" {
            continue;
        }
        for line in code_lines(&text) {
            if line.contains("Cleared::new(") && !path.starts_with("daemon/guard/src") {
                offences.push(format!("{path} makes a Cleared"));
            }
            let implements = line.contains("Act for") && line.trim_start().starts_with("impl");
            if implements {
                implementations += 1;
                if !hands.iter().any(|hand| path.starts_with(hand)) && !path.contains("/tests/") {
                    offences.push(format!("{path} implements Act"));
                }
            }
        }
    }
    assert!(
        implementations >= 3,
        "found only {implementations} implementations of Act: is the check blind?"
    );
    report(
        "only guard clears; only act, sim and guard::Nobody act",
        &offences,
    );
    let cleared = std::fs::read_to_string(root().join("daemon/guard/src/cleared.rs")).unwrap();
    assert!(
        cleared.contains("pub struct Cleared<T>(T, Counted);"),
        "the fields of Cleared must stay private"
    );
    assert!(
        cleared.contains("pub(crate) fn new"),
        "Cleared::new must stay within guard"
    );
}

#[test]
fn h3_eyes_do_not_touch() {
    let banned = [
        ".create(",
        ".patch(",
        ".patch_status(",
        ".replace(",
        ".delete(",
        ".evict(",
        ".cordon(",
        "terminate_instance",
        "set_desired_capacity",
        "launch_instances",
        "create_fleet",
        "put_metric_data",
        "update_auto_scaling",
        "Method::POST",
        "Method::PUT",
        "Method::PATCH",
        "Method::DELETE",
    ];
    let mut offences = Vec::new();
    for (path, text) in sources() {
        if !path.starts_with("daemon/observe/src") {
            continue;
        }
        for line in code_lines(&text) {
            if let Some(word) = banned.iter().find(|word| line.contains(**word)) {
                // Text replacement is not a call to the API server.
                if *word == ".replace(" && line.contains(".replace(\'") || line.contains(".replace(\"") {
                    continue;
                }
                offences.push(format!("{path}: {word}: {}", line.trim()));
            }
        }
    }
    report("observe makes no mutating call", &offences);
}

#[test]
fn h6_one_file_names_all_stages() {
    let stages = ["look(", "deliberate(", "judge(", "carry_out(", "CycleRecord"];
    let mut found = Vec::new();
    for (path, text) in sources() {
        let inside = path.starts_with("daemon/") && path.contains("/src/") && !path.contains("/tests");
        let code: String = code_lines(&text).collect::<Vec<_>>().join("\n");
        if inside && stages.iter().all(|stage| code.contains(stage)) {
            found.push(path);
        }
    }
    assert_eq!(
        found,
        ["daemon/cycle/src/lib.rs"],
        "the order of things stands in one file"
    );
}

#[test]
fn files_open_with_what_they_do_and_keep_their_budget() {
    let mut offences = Vec::new();
    for (path, text) in sources() {
        if !text.trim_start().starts_with("//!") {
            offences.push(format!("{path} does not open with //!"));
        }
        let lines = text.lines().count();
        if lines > FILE_LINES {
            offences.push(format!("{path} has {lines} lines, at most {FILE_LINES}"));
        }
        let name = Path::new(&path)
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        if ["util", "utils", "common", "helpers", "misc", "manager"].contains(&name.as_str()) {
            offences.push(format!("{path}: {name} says nothing"));
        }
    }
    report("files", &offences);
}

#[test]
fn functions_keep_their_budget() {
    let mut offences = Vec::new();
    for (path, text) in sources() {
        for (name, lines) in functions(&text) {
            if lines > FUNCTION_LINES {
                offences.push(format!(
                    "{path}: fn {name} has {lines} lines, at most {FUNCTION_LINES}"
                ));
            }
        }
    }
    report("functions", &offences);
}

/// Name and length of every function, by the indentation of its first and last line (rustfmt's shape).
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let head = line
            .trim_start()
            .trim_start_matches("pub ")
            .trim_start_matches("pub(crate) ");
        let head = head.trim_start_matches("async ").trim_start_matches("const ");
        let Some(rest) = head.strip_prefix("fn ") else {
            continue;
        };
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let closing = format!("{}}}", " ".repeat(indent));
        if let Some(length) = lines[start..].iter().position(|l| *l == closing) {
            found.push((name, length + 1));
        }
    }
    found
}

#[test]
fn the_function_counter_counts() {
    let text = "impl A {\n    pub fn one() {\n        x;\n    }\n}\nfn two() {\n}\n";
    assert_eq!(functions(text), [("one".to_owned(), 3), ("two".to_owned(), 2)]);
}

#[test]
fn dependencies_are_sorted_and_reasoned() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let table = text.split("[workspace.dependencies]").nth(1).unwrap();
    let rows: Vec<&str> = table
        .lines()
        .skip(1)
        .take_while(|l| !l.starts_with('['))
        .filter(|l| l.contains('='))
        .collect();
    assert!(rows.len() > 30);
    let names: Vec<&str> = rows
        .iter()
        .map(|row| row.split(['=', '.']).next().unwrap().trim())
        .collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted, "[workspace.dependencies] is not sorted");
    let bare: Vec<String> = rows
        .iter()
        .filter(|row| !row.contains("path =") && !row.contains('#'))
        .map(|row| format!("{row} has no reason"))
        .collect();
    report("every outside version has its reason beside it", &bare);
}

/// Package and features of every crate that a command would build.
fn resolved(arguments: &[&str]) -> BTreeSet<String> {
    let output = std::process::Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["tree", "--offline", "--prefix", "none", "--format", "{p}|{f}"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout).replace(" (*)", "");
    text.lines()
        .filter(|line| line.contains('|'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_demo_and_the_tests_build_shared_crates_once() {
    let demo = ["--no-default-features", "-p", "plimsolld", "-p", "plimsoll", "-e"];
    let tests = ["--workspace", "-e"];
    let mut twice = Vec::new();
    // Once for what runs here alone, once with build scripts and macros: a crate may be resolved for either.
    for (edges, of_tests) in [
        ("normal,no-proc-macro", "normal,dev,no-proc-macro"),
        ("normal,build", "normal,build,dev"),
    ] {
        let demo = resolved(&[&demo[..], &[edges]].concat());
        let tests = resolved(&[&tests[..], &[of_tests]].concat());
        assert!(demo.len() > 100 && tests.len() > demo.len());
        twice.extend(
            demo.difference(&tests)
                // These two have features of their own: `live` and `registry`.
                .filter(|line| !line.starts_with("plimsolld ") && !line.starts_with("plimsoll "))
                .cloned(),
        );
    }
    report(
        "crates with other features in the demo than in the tests (see workspace-hack/README.md)",
        &twice,
    );
}

/// What `docs/safety.md` says keeps an invariant is there, and so is the test that it names.
#[test]
fn what_keeps_the_cluster_safe_is_where_the_page_says() {
    let page = std::fs::read_to_string(root().join("docs/safety.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| I")).collect();
    assert_eq!(rows.len(), 26, "I1 to I26");
    let mut offences = Vec::new();
    for (row, number) in rows.iter().zip(1..) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, id, _, kept_by, test, missing, _] = cells[..] else {
            offences.push(format!("a row of other cells: {row}"));
            continue;
        };
        if id != format!("I{number} ✔") && id != format!("I{number} ◐") {
            offences.push(format!("{id} where I{number} should be"));
        }
        if (missing == "–") != id.ends_with('✔') {
            offences.push(format!("{id}: what is missing? {missing}"));
        }
        let ticked: Vec<&str> = test.split('`').skip(1).step_by(2).collect();
        let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap_or_default();
        if read(kept_by.trim_matches('`')).is_empty() {
            offences.push(format!("{id}: there is no {kept_by}"));
        }
        if !matches!(ticked[..], [name, file] if read(file).contains(&format!("fn {name}("))) {
            offences.push(format!("{id}: there is no {test}"));
        }
    }
    report("the invariants are kept where the page says", &offences);
}

#[test]
fn every_room_says_what_it_is() {
    let metadata = metadata();
    let mut offences = Vec::new();
    for package in metadata.workspace_packages() {
        let folder = package.manifest_path.parent().unwrap();
        let guest = package.name.starts_with("guest-");
        if !guest && !folder.join("README.md").exists() {
            offences.push(format!("{} has no README.md", package.name));
        }
    }
    report("rooms without a README", &offences);
}

#[test]
fn nothing_is_left_unfinished_or_allowed_without_reason() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("#[ig", "nore"),
        concat!("#[al", "low("),
    ];
    let mut offences = Vec::new();
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            if let Some(mark) = marks.iter().find(|mark| line.contains(**mark)) {
                offences.push(format!("{path}:{}: {mark}", number + 1));
            }
        }
    }
    report("unfinished marks", &offences);
}

#[test]
fn unsafe_code_stands_in_one_function_of_the_host_at_most() {
    let mut offences = Vec::new();
    for (path, text) in sources() {
        let uses = code_lines(&text)
            .filter(|l| l.contains(concat!("unsafe", " {")) || l.contains(concat!("unsafe", " fn")))
            .count();
        let may = usize::from(path.starts_with("daemon/host/src/"));
        if uses > may {
            offences.push(format!("{path}: {uses} uses of unsafe"));
        }
    }
    report("unsafe", &offences);
}
