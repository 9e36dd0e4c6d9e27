//! The library of policies (plugins/): every one passes its tables, and each scenario shows the effect that its policy
//! claims (plugins/effects.yaml), in the figures that the READMEs print. `BLESS=1` writes those figures anew.
//!
//! Needs a Rust toolchain for WebAssembly; where there is none the test says so and does nothing, except under CI.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test and say what was skipped"
)]

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Figures of the scorecard: field, words, digits after the point.
const FIGURES: [(&str, &str, usize); 6] = [
    ("cost_usd", "dollars", 2),
    ("pending_pod_seconds", "pod-seconds waited", 0),
    ("pods", "pods placed", 0),
    ("launches", "nodes bought", 0),
    ("removals", "nodes removed", 0),
    ("evictions", "evictions", 0),
];

/// What a policy claims.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Effect {
    hooks: String,
    about: String,
    /// The figure that the list of the library shows.
    shows: String,
    /// Least and most of `with ÷ without`, by figure.
    claims: BTreeMap<String, (f64, f64)>,
}

fn plugins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins")
}

fn plimsoll(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).output().unwrap()
}

fn done(args: &[&str]) -> String {
    let output = plimsoll(args);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{args:?}: {out}\n{err}");
    out.into_owned()
}

/// Every policy as a component in a folder; `None` without a toolchain.
fn built(names: &[String]) -> Option<tempfile::TempDir> {
    let room = tempfile::tempdir().unwrap();
    let folders: Vec<String> = names
        .iter()
        .map(|name| plugins().join(name).display().to_string())
        .collect();
    let out = room.path().display().to_string();
    let mut args = vec!["policy", "build", "--out-dir", &out];
    args.extend(folders.iter().map(String::as_str));
    let output = plimsoll(&args);
    let why = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(2) && std::env::var_os("CI").is_none() {
        println!("skipped: {why}");
        return None;
    }
    assert!(output.status.success(), "{why}");
    Some(room)
}

fn names() -> Vec<String> {
    let entries = std::fs::read_dir(plugins()).unwrap();
    let folders = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir());
    let mut names: Vec<String> = folders
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn the_library_does_what_it_claims() {
    let names = names();
    let Some(room) = built(&names) else { return };
    for name in &names {
        let component = room.path().join(format!("{name}.wasm")).display().to_string();
        let tables = plugins().join(name).join("tests").display().to_string();
        let config = plugins().join(name).join("config.json").display().to_string();
        let mut args = vec!["policy", "test", &component, "--tables", &tables];
        if Path::new(&config).is_file() {
            args.extend(["--config", &config]);
        }
        let out = done(&args);
        assert!(out.contains(" cases passed, 0 failed"), "{name}: {out}");
        // Every policy tells its operators which fields it knows.
        assert!(
            out.contains("the configuration is what its schema asks for"),
            "{name}: {out}"
        );
    }
    let text = std::fs::read_to_string(plugins().join("effects.yaml")).unwrap();
    let effects: BTreeMap<String, Effect> = serde_saphyr::from_str(&text).unwrap();
    let mut list =
        "| policy | hooks | what it does | in its scenario |\n| --- | --- | --- | --- |\n".to_owned();
    let mut odd = Vec::new();
    for (name, effect) in &effects {
        let folder = plugins().join(name);
        let scenario = folder.join("scenario.yaml").display().to_string();
        let mut policy = room.path().join(format!("{name}.wasm")).display().to_string();
        if folder.join("scenario.json").is_file() {
            policy = format!("{policy}={}", folder.join("scenario.json").display());
        }
        let without = played(&[&scenario]);
        let with = played(&[&scenario, "--policy", &policy]);
        odd.extend(effect.broken(name, &without, &with));
        let (_, words, digits) = FIGURES.iter().find(|(field, ..)| *field == effect.shows).unwrap();
        let shown = |card: &Value| written(figure(card, &effect.shows), *digits);
        let _ = writeln!(
            list,
            "| [`{name}`]({name}) | {} | {} | {words}: {} → {} |",
            effect.hooks,
            effect.about,
            shown(&without),
            shown(&with)
        );
        odd.extend(checked(
            &folder.join("README.md"),
            "effect",
            &table(&without, &with),
        ));
    }
    odd.extend(checked(&plugins().join("README.md"), "effects", &list));
    assert!(odd.is_empty(), "{}", odd.join("\n"));
}

/// The scorecard of a scenario that ends well.
fn played(args: &[&str]) -> Value {
    let card = done(&[&["simulate", "-o", "json"], args].concat());
    serde_json::from_str(&card).unwrap()
}

fn figure(card: &Value, field: &str) -> f64 {
    let value = &card[field];
    let value = if value.is_object() { &value["sum"] } else { value };
    value.as_f64().unwrap_or_else(|| panic!("{field} of {card}"))
}

impl Effect {
    fn broken(&self, name: &str, without: &Value, with: &Value) -> Vec<String> {
        assert!(
            self.claims.contains_key(&self.shows),
            "{name}: what it shows, it claims"
        );
        let broken = self.claims.iter().filter_map(|(field, (least, most))| {
            let (before, after) = (figure(without, field), figure(with, field));
            let ratio = if before == 0.0 { after } else { after / before };
            (!(*least..=*most).contains(&ratio)).then(|| {
                format!("{name}: {field}: {before} → {after} is not {least} to {most} times as much")
            })
        });
        broken.collect()
    }
}

fn table(without: &Value, with: &Value) -> String {
    let mut text = "| | without it | with it |\n| --- | ---: | ---: |\n".to_owned();
    for (field, words, digits) in FIGURES {
        let shown = |card: &Value| written(figure(card, field), digits);
        let _ = writeln!(text, "| {words} | {} | {} |", shown(without), shown(with));
    }
    text
}

/// With a comma between thousands.
fn written(value: f64, digits: usize) -> String {
    let plain = format!("{value:.digits$}");
    let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if rest.is_empty() {
        grouped
    } else {
        format!("{grouped}.{rest}")
    }
}

/// What is between the marks of a file must be this text; with `BLESS` it is made so.
fn checked(file: &Path, mark: &str, wanted: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let (open, close) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->"));
    let place = text.find(&open).zip(text.find(&close));
    let Some((begin, end)) = place else {
        return Some(format!("{}: has no {open}", file.display()));
    };
    let begin = begin + open.len();
    if &text[begin..end] == wanted {
        return None;
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file, format!("{}{wanted}{}", &text[..begin], &text[end..])).unwrap();
        return None;
    }
    Some(format!(
        "{}: says\n{}and it is\n{wanted}(BLESS=1 cargo test -p plimsoll --test library writes it)",
        file.display(),
        &text[begin..end]
    ))
}
