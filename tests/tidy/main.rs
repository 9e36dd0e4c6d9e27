//! Checks the house: arrows between all members of the workspace (H1), who may make and take a `Cleared` (H2), that eyes
//! do not touch and hands do not decide (H3), who names the five stages (H6), cycles of imports, budgets of files and
//! functions, file headers, names, and the order of the dependency table.
//!
//! Reads `cargo metadata` and source text; it runs none of the code. What the compiler and clippy already
//! refuse is not repeated here.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot be read fails the test"
)]

mod imports;
mod shape;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const FILE_LINES: usize = 800;
const FUNCTION_LINES: usize = 100;
const PURE: [&str; 8] = [
    "model", "manifest", "packing", "fit", "decide", "guard", "logbook", "rules",
];

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

/// Who may depend on whom, outside tests: every member of the workspace but plugins and guests, which have the SDK alone.
/// `workspace-hack` is anybody's.
const ARROWS: &[(&str, &[&str])] = &[
    ("act", &["guard", "model"]),
    (
        "binding",
        &[
            "act", "cycle", "decide", "guard", "logbook", "manifest", "model", "observe", "perf", "tests",
        ],
    ),
    ("cycle", &["decide", "guard", "logbook", "machine", "model"]),
    ("decide", &["fit", "model", "packing"]),
    ("fit", &["model"]),
    (
        "fuzz",
        &[
            "cycle",
            "decide",
            "host",
            "hostile-guests",
            "manifest",
            "model",
            "registry",
            "rules",
            "serve",
            "sim",
        ],
    ),
    ("guard", &["model"]),
    ("host", &["decide", "machine", "model"]),
    ("hostile-guests", &["decide", "host", "model"]),
    ("logbook", &["model"]),
    ("machine", &[]),
    ("manifest", &["model"]),
    ("model", &[]),
    ("observe", &["manifest", "model"]),
    ("openb", &[]),
    ("packing", &[]),
    ("perf", &["cycle", "decide", "guard", "manifest", "model", "sim"]),
    (
        "plimsoll",
        &[
            "cycle",
            "decide",
            "guard",
            "host",
            "logbook",
            "machine",
            "manifest",
            "model",
            "policy-build",
            "proto",
            "registry",
            "rules",
            "sim",
            "sim-aws",
        ],
    ),
    (
        "plimsolld",
        &[
            "act", "cycle", "decide", "guard", "host", "logbook", "machine", "manifest", "model", "observe",
            "registry", "rules", "serve", "sim",
        ],
    ),
    ("policy-build", &["model"]),
    ("proto", &[]),
    ("referee", &["decide", "fit", "manifest", "model"]),
    ("registry", &["machine"]),
    ("rules", &["decide", "model"]),
    ("sdk", &[]),
    ("serve", &["cycle", "logbook", "manifest", "model", "proto"]),
    (
        "sim",
        &["cycle", "decide", "guard", "logbook", "manifest", "model"],
    ),
    ("sim-aws", &["manifest", "model"]),
    ("skip", &[]),
    (
        "tests",
        &["act", "decide", "model", "observe", "proto", "sim-aws", "skip"],
    ),
    ("workspace-hack", &[]),
];

#[test]
fn the_arrows_of_the_house() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let arrows = arrows();
    let mut offences: Vec<String> = allowed
        .keys()
        .filter(|room| !arrows.contains_key(**room))
        .map(|room| format!("{room} is no member of the workspace"))
        .collect();
    for (room, deps) in &arrows {
        let may: &[&str] = match allowed.get(room.as_str()) {
            Some(may) => may,
            None if is_guest(room) => &["sdk"],
            None => {
                offences.push(format!("{room} is in no row of ARROWS"));
                continue;
            }
        };
        let rooms = deps.iter().filter(|dep| arrows.contains_key(*dep));
        let wrong = rooms.filter(|dep| *dep != "workspace-hack" && !may.contains(&dep.as_str()));
        offences.extend(wrong.map(|dep| format!("{room} -> {dep}")));
    }
    report("arrows that ARCHITECTURE.md does not have", &offences);
}

/// Plugins and the guests of tests: what stands in their folders.
fn is_guest(package: &str) -> bool {
    let plugin = root().join("plugins").join(package);
    plugin.is_dir() || package.starts_with("guest-")
}

/// Members that ARCHITECTURE.md's table of rooms may do without: it names them by their folder together.
#[test]
fn the_page_has_the_same_arrows() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut offences = Vec::new();
    for (room, may) in ARROWS.iter().filter(|(room, _)| PURE.contains(room)) {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `daemon/{room}` |")));
        let Some(row) = row else {
            offences.push(format!("daemon/{room} has no row"));
            continue;
        };
        let told: BTreeSet<&str> = row
            .rsplit('|')
            .nth(1)
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|name| *name != "—")
            .collect();
        if told != may.iter().copied().collect() {
            offences.push(format!(
                "daemon/{room}: the page says {told:?}, Cargo may {may:?}"
            ));
        }
    }
    report("ARCHITECTURE.md's table of rooms", &offences);
}

/// Files of one crate that may import each other in a circle.
const MOST_IN_A_CYCLE: usize = 3;

/// Crates that are above it still, and by how much. A figure may fall, and goes once it is within the budget.
const CYCLES_LEFT: &[(&str, usize)] = &[
    ("manifest", 4),
    ("observe", 12),
    ("perf", 6),
    ("plimsoll", 5),
    ("referee", 4),
    ("serve", 5),
];

#[test]
fn imports_do_not_go_in_circles() {
    let mut offences = Vec::new();
    let mut largest = (0, String::new());
    for package in metadata().workspace_packages() {
        let short = short(&package.name);
        let crates = package
            .targets
            .iter()
            .filter(|target| target.is_lib() || target.is_bin());
        for target in crates {
            let cycles = imports::Imports::of(target.src_path.as_std_path()).cycles();
            let Some(cycle) = cycles.first() else { continue };
            if cycle.len() > largest.0 {
                largest = (cycle.len(), format!("{short}: {}", cycle.join(", ")));
            }
            let left = CYCLES_LEFT.iter().find(|(room, _)| *room == short);
            let may = left.map_or(MOST_IN_A_CYCLE, |(_, files)| *files);
            if cycle.len() > may {
                offences.push(format!(
                    "{short}: {} files, at most {may}: {}",
                    cycle.len(),
                    cycle.join(", ")
                ));
            }
            if left.is_some() && cycle.len() < may {
                offences.push(format!(
                    "{short}: {} files now: lower its figure in CYCLES_LEFT",
                    cycle.len()
                ));
            }
        }
    }
    println!("largest cycle of imports: {} files ({})", largest.0, largest.1);
    report("files that import each other", &offences);
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
        if path.starts_with("tests/tidy/") {
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
    let mut found = BTreeMap::new();
    for (path, text) in sources() {
        for shape in shape::functions(&text) {
            if shape.lines > FUNCTION_LINES {
                offences.push(format!(
                    "{path}: fn {} has {} lines, at most {FUNCTION_LINES}",
                    shape.name, shape.lines
                ));
            }
            let wide = shape.parameters > MOST_PARAMETERS;
            if !path.contains("/tests") && (wide || shape.tuples > 0) {
                *found.entry(room_of(&path)).or_insert(0) += 1;
            }
        }
    }
    let left: BTreeMap<String, usize> = WIDE_LEFT
        .iter()
        .map(|(room, count)| ((*room).to_owned(), *count))
        .collect();
    println!("functions of more than {MOST_PARAMETERS} parameters, or of tuples: {found:?}");
    for (room, count) in &found {
        let may = left.get(room).copied().unwrap_or(0);
        if *count != may {
            offences.push(format!(
                "{room}: {count} functions of more than {MOST_PARAMETERS} parameters or of tuples, {may} are counted"
            ));
        }
    }
    let gone = left.keys().filter(|room| !found.contains_key(*room));
    offences.extend(gone.map(|room| format!("{room}: none are left: take it out of WIDE_LEFT")));
    report("functions", &offences);
}

/// Parameters of a function but `self`, tuples counted by their parts.
const MOST_PARAMETERS: usize = 5;

/// Functions above that, or with tuples as parameters, that are left: a figure may only fall.
const WIDE_LEFT: &[(&str, usize)] = &[
    ("daemon", 9),
    ("daemon/act", 4),
    ("daemon/cycle", 4),
    ("daemon/decide", 98),
    ("daemon/fit", 1),
    ("daemon/guard", 10),
    ("daemon/model", 4),
    ("daemon/observe", 16),
    ("daemon/serve", 4),
    ("daemon/sim", 3),
    ("sdk/cli", 8),
    ("sdk/policy-build", 1),
    ("tests/admission", 2),
    ("tests/binding", 1),
    ("tests/e2e", 1),
    ("tests/ends", 1),
    ("tests/incidents", 6),
    ("tests/perf", 5),
    ("tests/referee", 11),
    ("tests/support", 3),
];

/// The folder of the crate that a file belongs to.
fn room_of(path: &str) -> String {
    let folders: Vec<&str> = path.split('/').collect();
    let known = folders
        .iter()
        .position(|folder| ["src", "benches"].contains(folder));
    folders[..known.unwrap_or(folders.len() - 1)].join("/")
}

#[test]
fn the_function_reader_reads() {
    let text = "impl A {\n    pub fn one(&self, (a, b): (u8, u8), c: u8) {\n        x;\n    }\n}\nfn two() {\n}\n\
                #[cfg(test)]\nmod tests { fn three() {} }\n";
    let shapes = shape::functions(text);
    let told: Vec<_> = shapes
        .iter()
        .map(|of| (of.name.as_str(), of.lines, of.parameters, of.tuples))
        .collect();
    assert_eq!(told, [("one", 3, 3, 1), ("two", 2, 0, 0)]);
}

#[test]
fn the_reader_of_imports_finds_a_circle() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("lib.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\n");
    write("a.rs", "use crate::b::B;\npub struct A(B);\n");
    write("b.rs", "pub struct B;\nimpl B { fn of(_: &crate::A) {} }\n");
    write(
        "c.rs",
        "pub(crate) fn c(_: crate::A) {}\n#[cfg(test)]\nmod tests { use super::c; }\n",
    );
    let cycles = imports::Imports::of(&folder.path().join("lib.rs")).cycles();
    assert_eq!(cycles, [vec!["a.rs".to_owned(), "b.rs".to_owned()]]);
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

/// What CONTRIBUTING.md tells a newcomer to open is there.
#[test]
fn the_guide_for_changes_names_files_that_are_there() {
    let page = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let guide = page.split("## I want to change").nth(1).unwrap();
    let guide = guide.split("\n## ").next().unwrap();
    let rows = guide
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains('`'));
    let files: Vec<&str> = rows.filter_map(|row| row.rsplit('`').nth(1)).collect();
    assert!(files.len() >= 12, "only {} rows", files.len());
    let gone = files.iter().filter(|file| !root().join(file).is_file());
    let gone: Vec<String> = gone.map(|file| format!("there is no {file}")).collect();
    report("CONTRIBUTING.md's guide", &gone);
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

/// What another crate has is that crate's to give: a dependency, never a file of its folder.
#[test]
fn no_module_reaches_into_another_crate() {
    // The daemon is a binary alone, and its configuration is read there: nothing could depend on it.
    let binary = "tests/fuzz/fuzz_targets/config.rs";
    let mut offences = Vec::new();
    for (path, text) in sources().into_iter().filter(|(path, _)| path != binary) {
        for line in text
            .lines()
            .filter(|line| line.trim_start().starts_with("#[path"))
        {
            let crate_root = root().join(room_of(&path));
            let own = root().join(&path);
            let target = own
                .parent()
                .unwrap()
                .join(line.split('"').nth(1).unwrap_or_default());
            let inside = target
                .canonicalize()
                .is_ok_and(|target| target.starts_with(&crate_root));
            if !inside {
                offences.push(format!("{path}: {}", line.trim()));
            }
        }
    }
    report("modules from other crates", &offences);
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
