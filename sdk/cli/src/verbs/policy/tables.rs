//! Table tests of a policy: pictures and what it must answer, as YAML, in `tests/` of its folder. The same tables hold a
//! policy to its word in whatever language it is written.
//!
//! A case says what is expected itself, or its answer stands in a file of answers beside it, which `--bless` writes.
//! Only what is named under `expect` is compared. What is seen is a picture whose rows the case makes up (`picture`), or
//! what the engine finds in a snapshot or at a moment of a scenario (`moment`); an answer's form is in `answer`.

mod answer;
mod moment;
mod picture;

use super::subject::Subject;
use super::unhurried;
use crate::exit::Unreadable;
use crate::input;
use crate::output;
use host::Limits;
use model::advice::Hook;
use moment::{Asked, MomentOf, SnapshotOf};
use picture::Picture;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Ends the names of files with answers.
const ANSWERS: &str = ".answers.yaml";
const NOT_ALIKE: &str = "not the same answer and fuel twice";

/// What came of running tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u32,
    pub(super) failed: u32,
    pub(super) blessed: u32,
}

/// A file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// The question, where its cases do not say.
    hook: Option<Hook>,
    /// The operator's configuration, where its cases do not say.
    #[serde(default)]
    config: Option<Map<String, Value>>,
    #[serde(default)]
    limits: Ceiling,
    cases: Vec<Case>,
}

/// Limits beyond the daemon's own, for tables of more rows than a language gets through in a second.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ceiling {
    fuel_per_row: Option<u64>,
    deadline_ms: Option<u64>,
}

impl Ceiling {
    fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            fuel_per_row: self.fuel_per_row.unwrap_or(usual.fuel_per_row),
            deadline: self.deadline_ms.map_or(usual.deadline, Duration::from_millis),
            ..usual
        }
    }
}

/// What is seen, with what is to be answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    hook: Option<Hook>,
    config: Option<Map<String, Value>>,
    /// What is seen: one of these, or nothing at all.
    picture: Option<Value>,
    snapshot: Option<SnapshotOf>,
    scenario: Option<MomentOf>,
    /// What the policy kept in the cycle before, as text.
    #[serde(default)]
    state: String,
    expect: Option<Map<String, Value>>,
}

/// The files of tables in a folder, in the order of their names; none where there is no such folder.
pub(super) fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let fail = |why: std::io::Error| Unreadable::new(format_args!("{}: {why}", folder.display()));
    let entries = fs::read_dir(folder).map_err(fail)?;
    let paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(fail)?;
    let mut tables: Vec<PathBuf> = paths.into_iter().filter(|path| is_table(path)).collect();
    tables.sort();
    Ok(tables)
}

fn is_table(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    matches!(ending, Some("yaml" | "yml")) && name.is_some_and(|name| !name.ends_with(ANSWERS))
}

/// Runs every case of the tables against a policy and prints what is not as expected.
pub(super) fn run(subject: &Subject, tables: &[PathBuf], bless: bool) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for table in tables {
        run_table(subject, table, bless, &mut tally)?;
    }
    Ok(tally)
}

fn run_table(subject: &Subject, file: &Path, bless: bool, tally: &mut Tally) -> anyhow::Result<()> {
    let table: Table = yaml(file)?;
    let answers = file.with_extension("").to_string_lossy().into_owned() + ANSWERS;
    let answers = PathBuf::from(answers);
    let mut known: BTreeMap<String, Map<String, Value>> = if answers.is_file() && !bless {
        yaml(&answers)?
    } else {
        BTreeMap::new()
    };
    let (before, nothing) = (tally.failed, Map::new());
    for case in &table.cases {
        let fail =
            |why: &str| Unreadable::new(format_args!("{}: case `{}`: {why}", file.display(), case.name));
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        let got = answer_of(subject, &table, case, folder).map_err(|why| fail(&why))?;
        let expected = match (&case.expect, bless) {
            (Some(expected), _) => expected,
            (None, true) => {
                known.insert(case.name.clone(), got);
                tally.blessed += 1;
                continue;
            }
            (None, false) => known.get(&case.name).unwrap_or(&nothing),
        };
        let apart = if expected.is_empty() {
            vec!["expects nothing: name it under `expect`, or write the answers with --bless".to_owned()]
        } else {
            difference(expected, &got)
        };
        if apart.is_empty() {
            tally.passed += 1;
            continue;
        }
        tally.failed += 1;
        output::line(format_args!("failed  {}: {}", file.display(), case.name))?;
        for line in apart {
            output::line(format_args!("        {line}"))?;
        }
    }
    if bless && !known.is_empty() {
        let head = "# Written by `plimsoll policy test --bless`; read it before you believe it.\n";
        let text = serde_saphyr::to_string(&known)?;
        fs::write(&answers, format!("{head}{text}"))
            .map_err(|why| Unreadable::new(format_args!("{}: {why}", answers.display())))?;
    }
    if tally.failed == before {
        output::line(format_args!(
            "ok      {}: {} cases",
            file.display(),
            table.cases.len()
        ))?;
    }
    Ok(())
}

/// What the policy answers, the same twice.
fn answer_of(
    subject: &Subject,
    table: &Table,
    case: &Case,
    folder: &Path,
) -> Result<Map<String, Value>, String> {
    let config = case.config.as_ref().or(table.config.as_ref());
    let config = config.map_or_else(
        || "{}".to_owned(),
        |config| Value::Object(config.clone()).to_string(),
    );
    let hook = case
        .hook
        .or(table.hook)
        .ok_or("names no hook, and neither does its table")?;
    let configured = match subject.configured(&config, &table.limits.limits()) {
        Ok(configured) => configured,
        Err(why) => return Ok(answer::refused(&why)),
    };
    if !configured.policy.hooks().contains(&hook) {
        return Err(format!("the policy has no hook {hook}"));
    }
    let asked = Asked {
        name: subject.policy_name(),
        policy: configured,
        hook,
        state: case.state.as_bytes(),
        folder,
    };
    match (&case.picture, &case.snapshot, &case.scenario) {
        (picture, None, None) => over_picture(&asked, picture.as_ref().unwrap_or(&Value::Null)),
        (None, Some(snapshot), None) => asked.over(snapshot),
        (None, None, Some(moment)) => asked.at(moment),
        _ => Err("has more than one of `picture`, `snapshot` and `scenario`".to_owned()),
    }
}

fn over_picture(asked: &Asked<'_>, picture: &Value) -> Result<Map<String, Value>, String> {
    let picture = Picture::read(picture)?;
    let view = picture.view(asked.hook);
    let policy = &asked.policy.policy;
    let first = policy.advise(&view, asked.state);
    if !unhurried::alike(&policy.advise(&view, asked.state), &first) {
        return Err(NOT_ALIKE.to_owned());
    }
    Ok(answer::shown(&first, &view))
}

fn yaml<T: serde::de::DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    let bytes = input::read(file)?;
    let fail = |why: &dyn std::fmt::Display| Unreadable::new(format_args!("{}: {why}", file.display()));
    let text = std::str::from_utf8(&bytes).map_err(|why| fail(&why))?;
    Ok(serde_saphyr::from_str(text).map_err(|why| fail(&why))?)
}

/// What is expected and not so.
fn difference(expected: &Map<String, Value>, got: &Map<String, Value>) -> Vec<String> {
    let mut apart = Vec::new();
    for (field, wanted) in expected {
        let found = got.get(field).unwrap_or(&Value::Null);
        match (wanted, found) {
            (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
                let pairs = wanted.iter().zip(found).enumerate();
                let odd = pairs.filter(|(_, (wanted, found))| !same(wanted, found));
                apart.extend(odd.map(|(at, (wanted, found))| {
                    format!("{field}[{at}]: expected {wanted}, answered {found}")
                }));
            }
            _ if same(wanted, found) => {}
            _ => apart.push(format!("{field}: expected {wanted}, answered {found}")),
        }
    }
    apart
}

/// Whether a value is as expected: of an object, as far as it is named; whole numbers may be written either way; `true`
/// stands for any text.
fn same(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => wanted
            .iter()
            .all(|(field, wanted)| same(wanted, found.get(field).unwrap_or(&Value::Null))),
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len()
                && wanted
                    .iter()
                    .zip(found)
                    .all(|(wanted, found)| same(wanted, found))
        }
        (Value::Number(wanted), Value::Number(found)) => wanted.as_f64() == found.as_f64(),
        // That there is something to say, whatever it says.
        (Value::Bool(true), Value::String(_)) => true,
        _ => wanted == found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_named_is_compared() {
        let got = json!({"replicas": [{"row": 0, "wanted": 3, "code": 1}], "kept": null});
        let got = got.as_object().unwrap();
        let apart = |expected: Value| difference(expected.as_object().unwrap(), got);
        assert!(apart(json!({"replicas": [{"wanted": 3.0}]})).is_empty());
        assert!(apart(json!({"kept": null, "fault": null})).is_empty());
        assert_eq!(
            apart(json!({"replicas": [{"wanted": 4}]})),
            [r#"replicas[0]: expected {"wanted":4}, answered {"code":1,"row":0,"wanted":3}"#]
        );
        assert_eq!(apart(json!({"replicas": []})).len(), 1);
        assert_eq!(
            apart(json!({"fault": "trap"})),
            [r#"fault: expected "trap", answered null"#]
        );
    }

    #[test]
    fn answers_are_no_tables() {
        for (name, is) in [
            ("a.yaml", true),
            ("a.yml", true),
            ("a.answers.yaml", false),
            ("a.md", false),
        ] {
            assert_eq!(is_table(Path::new(name)), is, "{name}");
        }
    }
}
