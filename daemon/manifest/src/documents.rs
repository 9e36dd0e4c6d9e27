//! A file's bytes to objects: YAML with several documents, JSON, Lists, and the Cluster Autoscaler's /snapshotz.
//!
//! Items of a list are read one at a time and handed on, so that a file's objects are never in memory as trees
//! all at once. Syntax is the libraries' work; alias bombs run into the YAML library's budget.

use crate::object::{Object, Place, object};
use crate::problem::{Problem, Problems, of_file, quoted};
use crate::tree::{Room, Tree};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Largest file, unpacked.
pub const MAX_BYTES: usize = 64 << 20;

/// Values of items that are held back because the list has not told its kind yet: those of 25,000 Pods, in at
/// most 500 MiB.
const MAX_WAITING: u32 = 2_000_000;

/// What stands at the end of a flood.
const FLOOD: &str = "too many mistakes, the rest was not read";

/// Reads a file and hands every object to `take`. `file` is used in messages only.
pub fn each_object(file: &str, bytes: &[u8], take: &mut dyn FnMut(Object)) -> Result<(), Problems> {
    let mut reader = Reader {
        file,
        take,
        problems: Problems::default(),
        count: 0,
    };
    if let Err(problem) = documents(file, bytes, &mut reader) {
        reader.problems.push(problem);
    }
    if reader.count == 0 && reader.problems.is_empty() {
        reader.problems.push(of_file(file, None, "holds no objects"));
    }
    reader.problems.or(())
}

/// Reads a file into a list of objects.
pub fn objects(file: &str, bytes: &[u8]) -> Result<Vec<Object>, Problems> {
    let mut all = Vec::new();
    each_object(file, bytes, &mut |object| all.push(object))?;
    Ok(all)
}

/// The single document of a YAML or JSON file, for files that are not Kubernetes objects.
pub fn single(file: &str, bytes: &[u8]) -> Result<Tree, Problems> {
    let text = text(file, bytes)?;
    serde_saphyr::from_str_with_options(text, yaml_options())
        .map_err(|error| yaml_problem(file, 0, &error).into())
}

struct Reader<'a> {
    file: &'a str,
    take: &'a mut dyn FnMut(Object),
    problems: Problems,
    count: usize,
}

impl Reader<'_> {
    fn object(&mut self, index: Option<usize>, kind: Option<&str>, tree: &Tree) {
        self.count += 1;
        match object(
            &Place {
                file: self.file,
                index,
                kind,
            },
            tree,
        ) {
            Ok(objects) => objects.into_iter().for_each(&mut self.take),
            Err(problems) => self.problems.extend(problems),
        }
    }

    /// Whether the next document is worth reading.
    fn go_on(&self) -> Result<(), Problem> {
        if self.problems.is_flood() {
            return Err(of_file(self.file, None, FLOOD));
        }
        Ok(())
    }
}

fn text<'b>(file: &str, bytes: &'b [u8]) -> Result<&'b str, Problem> {
    if bytes.len() > MAX_BYTES {
        return Err(of_file(
            file,
            None,
            format_args!("larger than {} MiB", MAX_BYTES >> 20),
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        of_file(
            file,
            None,
            format_args!("not text: byte {} is not UTF-8", error.valid_up_to()),
        )
    })?;
    Ok(text.trim_start_matches('\u{feff}'))
}

fn documents(file: &str, bytes: &[u8], reader: &mut Reader<'_>) -> Result<(), Problem> {
    let text = text(file, bytes)?;
    // A line of `---` is never part of JSON: such a file is YAML, whatever its documents look like.
    if text.trim_start().starts_with(['{', '[']) && !text.lines().any(is_marker) {
        match json(file, text, reader) {
            Err(_) if reader.count == 0 && !is_json(file) => reader.problems = Problems::default(),
            done => return done,
        }
    }
    yaml(file, text, reader)
}

fn is_json(file: &str) -> bool {
    std::path::Path::new(file)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

fn json(file: &str, text: &str, reader: &mut Reader<'_>) -> Result<(), Problem> {
    let mut rest = text.trim_start();
    let (mut lines, mut counted) = (0, 0);
    while !rest.is_empty() {
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Skipped>();
        let length = match stream.next() {
            Some(Ok(Skipped)) => stream.byte_offset(),
            _ => rest.len(),
        };
        let (document, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let mut deserializer = serde_json::Deserializer::from_str(document);
        let before = text.len() - rest.len();
        lines += text
            .get(counted..before)
            .unwrap_or_default()
            .matches('\n')
            .count() as u64;
        counted = before;
        DocumentSeed { reader }
            .deserialize(&mut deserializer)
            .and_then(|()| deserializer.end())
            .map_err(|error| {
                let what = error.to_string();
                let what = what.split(" at line ").next().unwrap_or_default().to_owned();
                of_file(file, Some(lines + error.line() as u64), what)
            })?;
        reader.go_on()?;
        rest = after.trim_start();
    }
    Ok(())
}

/// A value that is parsed and dropped.
struct Skipped;

impl<'de> serde::Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

fn yaml(file: &str, text: &str, reader: &mut Reader<'_>) -> Result<(), Problem> {
    for (line, document) in yaml_documents(text) {
        serde_saphyr::with_deserializer_from_str_with_options(document, yaml_options(), |deserializer| {
            DocumentSeed { reader: &mut *reader }.deserialize(deserializer)
        })
        .map_err(|error| yaml_problem(file, line, &error))?;
        reader.go_on()?;
    }
    Ok(())
}

/// The documents of a YAML stream with the number of lines before each. A line that starts with `---` is a
/// document marker wherever it stands (YAML 1.2, 9.1.2), so that no parser is needed to find them.
fn yaml_documents(text: &str) -> Vec<(u64, &str)> {
    let mut found = Vec::new();
    let (mut start, mut start_line, mut at) = (0, 0, 0);
    for (line, content) in text.split_inclusive('\n').enumerate() {
        if is_marker(content) && at > start {
            found.push((start_line, text.get(start..at).unwrap_or_default()));
            (start, start_line) = (at, line as u64);
        }
        at += content.len();
    }
    found.push((start_line, text.get(start..).unwrap_or_default()));
    found.retain(|(_, document)| document.lines().any(has_content));
    found
}

fn is_marker(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn has_content(line: &str) -> bool {
    let line = line.strip_prefix("---").unwrap_or(line).trim();
    !(line.is_empty() || line.starts_with(['#', '%']) || line == "...")
}

/// Bounds of the YAML library: generous in size, tight on what can multiply.
pub(crate) fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 64_000_000,
            max_nodes: 32_000_000,
            max_total_scalar_bytes: MAX_BYTES,
            max_depth: 64,
        },
        with_snippet: false,
        // `on` and `n` are text; only true and false are booleans (YAML 1.2), as kubectl prints them.
        strict_booleans: true,
        // A request of 1e400 is refused where it stands, with its path.
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
    }
}

fn yaml_problem(file: &str, lines_before: u64, error: &serde_saphyr::Error) -> Problem {
    let line = error.location().map(|location| lines_before + location.line());
    let what = error.to_string();
    let what = what.lines().next().unwrap_or_default();
    // The library appends the place to some of its messages; it already stands before them.
    let what = what.split(" at line ").next().unwrap_or_default();
    let what = what
        .trim_start_matches("error: ")
        .chars()
        .take(200)
        .collect::<String>();
    of_file(file, line, what)
}

/// One document: an object, a list of objects, or a /snapshotz.
struct DocumentSeed<'r, 'a> {
    reader: &'r mut Reader<'a>,
}

impl<'de> DeserializeSeed<'de> for DocumentSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DocumentSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object or a list of them (a mapping with `kind`)")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut parts = Parts::default();
        // One for all fields: they are held until the document has told what it is.
        let room = Room::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "items" => {
                    parts.is_list = true;
                    map.next_value_seed(Items {
                        reader: self.reader,
                        parts: &mut parts,
                        wrap: plain_item,
                    })?;
                }
                "NodeList" => {
                    parts.is_snapshot = true;
                    map.next_value_seed(Items {
                        reader: self.reader,
                        parts: &mut parts,
                        wrap: snapshot_node,
                    })?;
                }
                "UnscheduledPodsCanBeScheduled" => {
                    parts.is_snapshot = true;
                    map.next_value_seed(Items {
                        reader: self.reader,
                        parts: &mut parts,
                        wrap: pod_item,
                    })?;
                }
                "TemplateNodes" => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
                _ => {
                    room.take()?;
                    let value = map.next_value_seed(room.seed())?;
                    if let ("kind", Tree::Text(kind)) = (key.as_str(), &value) {
                        parts.kind = Some(kind.clone());
                    }
                    parts.rest.push((key, value));
                }
            }
        }
        parts.finish(self.reader);
        Ok(())
    }
}

/// What a document has shown so far.
#[derive(Default)]
struct Parts {
    kind: Option<String>,
    is_list: bool,
    is_snapshot: bool,
    rest: Vec<(String, Tree)>,
    waiting: Vec<(usize, Tree)>,
    /// Values in `waiting`.
    held: u32,
}

impl Parts {
    /// What `PodList` says about its items.
    fn item_kind(&self) -> Option<&str> {
        self.kind
            .as_deref()?
            .strip_suffix("List")
            .filter(|kind| !kind.is_empty())
    }

    fn finish(self, reader: &mut Reader<'_>) {
        if self.is_snapshot {
            return;
        }
        let says_list = self.kind.as_deref().is_some_and(|kind| kind.ends_with("List"));
        if !self.is_list && !says_list {
            return reader.object(None, None, &Tree::Map(self.rest));
        }
        if !says_list {
            let kind = self.kind.as_deref().map_or_else(|| "none".to_owned(), quoted);
            let what = format_args!("has items, but is not a List: its kind is {kind}");
            return reader.problems.push(of_file(reader.file, None, what));
        }
        for (ix, tree) in &self.waiting {
            reader.object(Some(*ix), self.item_kind(), tree);
        }
        // An empty list is a list: `kubectl get pods -o yaml` in an empty namespace.
        reader.count += 1;
    }
}

type Sink<'s> = dyn FnMut(Option<&str>, &Tree) + 's;

/// A list whose items are handed on one by one.
struct Items<'r, 'a, 'p> {
    reader: &'r mut Reader<'a>,
    parts: &'p mut Parts,
    wrap: fn(&Tree, &mut Sink<'_>),
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects in `items`")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut count = 0;
        loop {
            let room = Room::default();
            let Some(item) = seq.next_element_seed(room.seed())? else {
                return Ok(());
            };
            if self.reader.problems.is_flood() {
                return Err(A::Error::custom(FLOOD));
            }
            let ix = count;
            count += 1;
            let untold = self.parts.is_list && self.parts.kind.is_none();
            if untold && matches!(item, Tree::Map(_)) && item.get("kind").is_none() {
                self.parts.held += room.used() + 1;
                if self.parts.held > MAX_WAITING {
                    return Err(A::Error::custom(
                        "too many items without a kind before the list's own kind",
                    ));
                }
                self.parts.waiting.push((ix, item));
                continue;
            }
            let kind = self.parts.item_kind().map(str::to_owned);
            (self.wrap)(&item, &mut |own, tree| {
                self.reader.object(Some(ix), own.or(kind.as_deref()), tree);
            });
        }
    }
}

/// An item that tells its kind itself, or whose list does.
fn plain_item(item: &Tree, sink: &mut Sink<'_>) {
    sink(None, item);
}

fn pod_item(item: &Tree, sink: &mut Sink<'_>) {
    sink(Some("Pod"), item);
}

/// `{"Node": …, "Pods": […]}` of a /snapshotz.
fn snapshot_node(entry: &Tree, sink: &mut Sink<'_>) {
    if let Some(node) = entry.get("Node") {
        sink(Some("Node"), node);
    }
    if let Some(Tree::List(pods)) = entry.get("Pods") {
        for pod in pods {
            sink(Some("Pod"), pod);
        }
    }
}

#[cfg(test)]
mod tests;
