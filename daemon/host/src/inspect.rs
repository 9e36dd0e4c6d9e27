//! Looks into a component without compiling or running any of it: sizes, imports, exports.
//!
//! A component that fails here costs microseconds; one that fails in the compiler can cost seconds and
//! gigabytes. No validation of code, that is the compiler's.

use crate::error::LoadFault;
use crate::limits::Limits;
use crate::text::tame;
use model::advice::Hook;
use wasmparser::{Chunk, Parser, Payload};

const MODULE: &[u8] = b"\0asm\x01\0\0\0";
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const NESTING: usize = 16;
/// Imports, and exports, of a component; those of the contract are ten.
const NAMES: usize = 256;
const NAME_BYTES: usize = 256;
/// Core modules in a component; componentize-py makes about 30.
const MODULES: usize = 128;
const PACKAGE: &str = "plimsoll:policy/";
/// Lines of the package that are served.
const LINES: [&str; 2] = ["0.1.", "0.2."];
const IMPORTS: [&str; 2] = ["view", "host"];

/// What a component is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Size, bytes.
    pub bytes: usize,
    /// Names of its imports, in order.
    pub imports: Vec<String>,
    /// Names of its exports, in order.
    pub exports: Vec<String>,
    /// Hooks among the exports, with the name under which each is exported.
    pub hooks: Vec<(Hook, String)>,
    /// Functions in all its modules.
    pub functions: u32,
    /// Its largest function body, bytes.
    pub largest_function: usize,
}

/// Looks into a component and refuses it for what can be seen from outside.
///
/// # Errors
/// `TooLarge`, `NotWasm`, `CoreModule`, `Malformed`, `Excessive`, `Import`, `NoHook`.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Inspection, LoadFault> {
    if bytes.len() > limits.wasm_bytes {
        return Err(LoadFault::TooLarge {
            bytes: wide(bytes.len()),
            limit: wide(limits.wasm_bytes),
        });
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(LoadFault::NotWasm);
    }
    if bytes.starts_with(MODULE) {
        return Err(LoadFault::CoreModule);
    }
    if !bytes.starts_with(COMPONENT) {
        return Err(LoadFault::Malformed(
            "unknown version of the binary format".to_owned(),
        ));
    }
    let seen = walk(bytes, limits)?;
    if let Some(import) = seen.imports.iter().find(|name| !allowed(name)) {
        return Err(LoadFault::Import { import: tame(import) });
    }
    if seen.hooks.is_empty() {
        let exports = seen.exports.iter().take(8).map(|name| tame(name)).collect();
        return Err(LoadFault::NoHook { exports });
    }
    Ok(seen)
}

fn walk(bytes: &[u8], limits: &Limits) -> Result<Inspection, LoadFault> {
    let mut seen = Inspection {
        bytes: bytes.len(),
        ..Inspection::default()
    };
    let mut parsers: Vec<Parser> = Vec::new();
    let mut parser = Parser::new(0);
    let mut rest = bytes;
    let mut modules = 0;
    loop {
        let (consumed, payload) = match parser.parse(rest, true).map_err(malformed)? {
            Chunk::Parsed { consumed, payload } => (consumed, payload),
            Chunk::NeedMoreData(_) => return Err(LoadFault::Malformed("the file is cut off".to_owned())),
        };
        rest = rest.get(consumed..).unwrap_or_default();
        match payload {
            Payload::CodeSectionEntry(body) => {
                seen.functions = seen.functions.saturating_add(1);
                seen.largest_function = seen.largest_function.max(body.range().len());
                bounded(
                    "functions",
                    wide(seen.functions as usize),
                    u64::from(limits.functions),
                )?;
                bounded(
                    "bytes of one function",
                    wide(seen.largest_function),
                    wide(limits.function_bytes),
                )?;
            }
            Payload::ComponentImportSection(section) if parsers.is_empty() => {
                for import in section {
                    note("imports", &mut seen.imports, import.map_err(malformed)?.name.name)?;
                }
            }
            Payload::ComponentExportSection(section) if parsers.is_empty() => {
                for export in section {
                    let name = export.map_err(malformed)?.name.name;
                    note("exports", &mut seen.exports, name)?;
                    note_hook(&mut seen, name);
                }
            }
            Payload::ModuleSection { parser: inner, .. }
            | Payload::ComponentSection { parser: inner, .. } => {
                bounded("levels of nesting", wide(parsers.len()) + 1, wide(NESTING))?;
                modules += 1;
                bounded("modules", wide(modules), wide(MODULES))?;
                parsers.push(std::mem::replace(&mut parser, inner));
            }
            Payload::End(_) => match parsers.pop() {
                Some(outer) => parser = outer,
                None => return Ok(seen),
            },
            _ => {}
        }
    }
}

/// Keeps a name, as long as they are few and short.
fn note(what: &'static str, names: &mut Vec<String>, name: &str) -> Result<(), LoadFault> {
    bounded(what, wide(names.len()) + 1, wide(NAMES))?;
    bounded("bytes of one name", wide(name.len()), wide(NAME_BYTES))?;
    names.push(name.to_owned());
    Ok(())
}

fn note_hook(seen: &mut Inspection, name: &str) {
    let hook = Hook::ALL
        .into_iter()
        .find(|hook| of_a_line(name).is_some_and(|interface| interface == hook.as_str()));
    if let Some(hook) = hook {
        seen.hooks.push((hook, name.to_owned()));
    }
}

fn allowed(import: &str) -> bool {
    of_a_line(import).is_some_and(|interface| IMPORTS.contains(&interface))
}

/// Interface of a name of one of the lines of the package: `plimsoll:policy/view@0.1.7` is `view`.
fn of_a_line(name: &str) -> Option<&str> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    let patch = LINES.iter().find_map(|line| version.strip_prefix(line))?;
    (!patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit())).then_some(interface)
}

fn bounded(what: &'static str, amount: u64, limit: u64) -> Result<(), LoadFault> {
    if amount > limit {
        return Err(LoadFault::Excessive { what, amount, limit });
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn malformed(error: wasmparser::BinaryReaderError) -> LoadFault {
    LoadFault::Malformed(tame(&format!("{} at byte {}", error.message(), error.offset())))
}

fn wide(amount: usize) -> u64 {
    u64::try_from(amount).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_component() {
        let limits = Limits::default();
        let cases: [(&[u8], LoadFault); 5] = [
            (b"", LoadFault::NotWasm),
            (b"#!/bin/sh\necho", LoadFault::NotWasm),
            (MODULE, LoadFault::CoreModule),
            (
                b"\0asm\x09\0\x09\0",
                LoadFault::Malformed("unknown version of the binary format".to_owned()),
            ),
            (COMPONENT, LoadFault::NoHook { exports: Vec::new() }),
        ];
        for (bytes, fault) in cases {
            assert_eq!(inspect(bytes, &limits), Err(fault), "{bytes:?}");
        }
        let large = vec![0; limits.wasm_bytes + 1];
        assert!(matches!(
            inspect(&large, &limits),
            Err(LoadFault::TooLarge { .. })
        ));
    }

    #[test]
    fn only_the_lines_that_are_served_count() {
        for (name, expected) in [
            ("plimsoll:policy/view@0.1.0", Some("view")),
            ("plimsoll:policy/view@0.1.12", Some("view")),
            ("plimsoll:policy/view@0.2.0", Some("view")),
            ("plimsoll:policy/view@0.3.0", None),
            ("plimsoll:policy/view@1.2.0", None),
            ("plimsoll:policy/view@0.1.", None),
            ("plimsoll:policy/view@0.1.0-rc", None),
            ("plimsoll:policy/view", None),
            ("wasi:cli/stdout@0.2.0", None),
        ] {
            assert_eq!(of_a_line(name), expected, "{name}");
        }
        assert!(!allowed("plimsoll:policy/scaler@0.1.0"));
    }
}
