//! The contract against every version of it that was released (sdk/wit/released): functions only come, and what is
//! there stays as it is. A guest is linked by names and shapes, so that anything else would break those that are built.

#![expect(clippy::unwrap_used, reason = "a test ends where the contract cannot be read")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wit_parser::{Function, Resolve, Type, TypeDefKind};

#[test]
fn nothing_that_was_released_has_changed() {
    let now = functions(&wit());
    let released: Vec<PathBuf> = std::fs::read_dir(wit().join("released"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(!released.is_empty());
    for version in released {
        let then = functions(&version);
        assert!(
            then.len() > 60,
            "{}: only {} functions",
            version.display(),
            then.len()
        );
        for (name, shape) in then {
            assert_eq!(now.get(&name), Some(&shape), "{name} of {}", version.display());
        }
    }
}

#[test]
fn a_change_would_be_seen() {
    let of = |text: &str| {
        let mut resolve = Resolve::default();
        resolve.push_str("a.wit", text).unwrap();
        shapes(&resolve)
    };
    let with = |answer: &str| {
        of(&format!(
            "package a:b; interface i {{ type sym = u32; resource view {{ f: func(x: list<sym>) -> {answer}; }} }}"
        ))
    };
    let before = with("result<tuple<list<u32>, u16>, string>");
    assert_eq!(
        before["i#[method]view.f"],
        "(self: borrow<view>, x: list<u32>) -> result<tuple<list<u32>, u16>, string>"
    );
    assert_eq!(before, with("result<tuple<list<u32>, u16>, string>"));
    assert_ne!(before, with("result<tuple<list<u32>, u32>, string>"));
    assert_ne!(before, with("tuple<list<u32>, u16>"));
}

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/wit")
}

fn functions(folder: &Path) -> BTreeMap<String, String> {
    let mut resolve = Resolve::default();
    resolve.push_dir(folder).unwrap();
    shapes(&resolve)
}

/// By interface and name.
fn shapes(resolve: &Resolve) -> BTreeMap<String, String> {
    let interfaces = resolve
        .interfaces
        .iter()
        .filter_map(|(_, i)| Some((i.name.as_ref()?, i)));
    interfaces
        .flat_map(|(interface, of)| {
            let functions = of.functions.iter();
            functions.map(move |(name, function)| (format!("{interface}#{name}"), shape(resolve, function)))
        })
        .collect()
}

fn shape(resolve: &Resolve, function: &Function) -> String {
    let params = function.params.iter();
    let params = params.map(|param| format!("{}: {}", param.name, spelt(resolve, &param.ty)));
    let params: Vec<String> = params.collect();
    let result = function
        .result
        .as_ref()
        .map_or_else(String::new, |ty| spelt(resolve, ty));
    format!("({}) -> {result}", params.join(", "))
}

/// A type with its aliases resolved; only what the contract allows itself.
fn spelt(resolve: &Resolve, ty: &Type) -> String {
    let Type::Id(id) = ty else {
        return format!("{ty:?}").to_lowercase();
    };
    let def = &resolve.types[*id];
    let maybe = |ty: &Option<Type>| {
        ty.as_ref()
            .map_or_else(|| "_".to_owned(), |ty| spelt(resolve, ty))
    };
    match &def.kind {
        TypeDefKind::Type(ty) => match ty {
            Type::Id(_) if def.name.as_deref() == Some("view") => "view".to_owned(),
            ty => spelt(resolve, ty),
        },
        TypeDefKind::List(ty) => format!("list<{}>", spelt(resolve, ty)),
        TypeDefKind::Tuple(of) => {
            let types: Vec<String> = of.types.iter().map(|ty| spelt(resolve, ty)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        TypeDefKind::Result(of) => format!("result<{}, {}>", maybe(&of.ok), maybe(&of.err)),
        TypeDefKind::Handle(wit_parser::Handle::Borrow(id)) => {
            format!(
                "borrow<{}>",
                resolve.types[*id].name.as_deref().unwrap_or_default()
            )
        }
        TypeDefKind::Resource => def.name.clone().unwrap_or_default(),
        other => format!("{other:?}, which the contract does not use"),
    }
}
