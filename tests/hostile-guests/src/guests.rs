//! Guests written by hand, as core modules in text: quick to make hostile, and no toolchain needed.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where a guest cannot be made"
)]

use std::path::Path;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, WorldId};

/// Version of the contract as it is now.
pub const NOW: &str = "0.2.0";

/// What a guest is made of, as WebAssembly text; empty parts are harmless ones.
///
/// Memory holds an Ok with nine empty lists at 1024 and an Err("") at 2048; the question gets the view's handle in local 0
/// and returns the address of its answer.
#[derive(Clone, Copy, Default)]
pub struct Parts<'a> {
    /// Beside the functions.
    pub declarations: &'a str,
    /// Body of `configure`, which gets address and length of the configuration.
    pub configure: &'a str,
    /// Body of `cabi_realloc`.
    pub realloc: &'a str,
    /// Body of the hook's question.
    pub body: &'a str,
}

/// A policy of one hook, by the hook's name.
///
/// # Panics
/// Where there is no such hook, or the text is no WebAssembly.
pub fn policy(hook: &str, parts: Parts<'_>) -> Vec<u8> {
    let question = match hook {
        "scaler" => "scale",
        "placement" => "place",
        "headroom" => "reserve",
        "disruption" => "judge",
        "review" => "review",
        _ => panic!("no hook {hook}"),
    };
    component(NOW, [&format!("{hook}-policy"), hook, question], parts)
}

fn of(hook: &str, declarations: &str, body: &str) -> Vec<u8> {
    let parts = Parts {
        declarations,
        body,
        ..Parts::default()
    };
    policy(hook, parts)
}

/// A placement policy out of the body of its `place`, with what it declares beside.
pub fn placement(declarations: &str, place: &str) -> Vec<u8> {
    of("placement", declarations, place)
}

/// The same built against a released version of the contract.
pub fn old_placement(version: &str, body: &str) -> Vec<u8> {
    let parts = Parts {
        body,
        ..Parts::default()
    };
    component(version, ["placement-policy", "placement", "place"], parts)
}

/// A disruption policy out of the body of its `judge`; an Ok with five empty lists is at 1024.
pub fn disruption(declarations: &str, judge: &str) -> Vec<u8> {
    of("disruption", declarations, judge)
}

/// A review policy out of the body of its `review`; an Ok with two empty lists is at 1024.
pub fn review(declarations: &str, review: &str) -> Vec<u8> {
    of("review", declarations, review)
}

/// A scaler out of the body of its `scale`; an Ok with three empty lists is at 1024.
pub fn scaler(declarations: &str, scale: &str) -> Vec<u8> {
    of("scaler", declarations, scale)
}

/// A policy that can do nothing but be loaded, with an import of every function of this version of the contract.
///
/// # Panics
/// Where that version was not released.
pub fn everything_imported(version: &str) -> Vec<u8> {
    let (resolve, world) = contract(version, "placement-policy");
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    encode(&module)
}

/// A component of a contract of its own: WIT, and one of its worlds.
///
/// # Panics
/// Where the text is no WIT.
pub fn foreign(wit: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("foreign.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    encode(&module)
}

/// The allocator of a guest that means no harm: takes more memory where it needs some, gives nothing back.
const REALLOC: &str = "(local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (block $enough (loop $more
      (br_if $enough (i32.ge_u (i32.mul (memory.size) (i32.const 65536)) (global.get $free)))
      (drop (memory.grow (i32.const 1)))
      (br $more)))
    (local.get $at)";

fn or<'a>(text: &'a str, harmless: &'a str) -> &'a str {
    if text.trim().is_empty() { harmless } else { text }
}

fn component(version: &str, [world, interface, question]: [&str; 3], parts: Parts<'_>) -> Vec<u8> {
    let declarations = parts.declarations;
    let configure = or(parts.configure, "(i32.const 1024)");
    let realloc = or(parts.realloc, REALLOC);
    let body = or(parts.body, "(call $drop (local.get 0)) (i32.const 1024)");
    let newer = format!(
        r#"(import "plimsoll:policy/host@{NOW}" "keep" (func $keep (param i32 i32)))
          (import "plimsoll:policy/view@{NOW}" "[method]view.state" (func $state (param i32 i32)))"#
    );
    let newer = if version == NOW { newer.as_str() } else { "" };
    let text = format!(
        r#"(module
          {newer}
          (import "plimsoll:policy/host@{version}" "log" (func $log (param i32 i32 i32)))
          (import "plimsoll:policy/host@{version}" "explain" (func $explain (param i32 i32 i32 i32)))
          (import "plimsoll:policy/view@{version}" "[method]view.class-cpu"
            (func $class-cpu (param i32 i32 i32 i32)))
          (import "plimsoll:policy/view@{version}" "[method]view.class-label"
            (func $class-label (param i32 i32 i32 i32 i32 i32)))
          (import "plimsoll:policy/view@{version}" "[method]view.now-ms" (func $now-ms (param i32) (result i64)))
          (import "plimsoll:policy/view@{version}" "[method]view.seed" (func $seed (param i32) (result i64)))
          (import "plimsoll:policy/view@{version}" "[method]view.cluster" (func $cluster (param i32) (result i32)))
          (import "plimsoll:policy/view@{version}" "[method]view.classes" (func $classes (param i32) (result i32)))
          (import "plimsoll:policy/view@{version}" "[method]view.intern"
            (func $intern (param i32 i32 i32) (result i32)))
          (import "plimsoll:policy/view@{version}" "[method]view.resolve" (func $resolve (param i32 i32 i32 i32)))
          (import "plimsoll:policy/view@{version}" "[resource-drop]view" (func $drop (param i32)))
          (memory (export "memory") 2)
          (global $free (mut i32) (i32.const 65536))
          {declarations}
          (data (i32.const 2048) "\01\00\00\00")
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            {realloc})
          (func (export "plimsoll:policy/{interface}@{version}#configure") (param i32 i32) (result i32)
            {configure})
          (func (export "plimsoll:policy/{interface}@{version}#{question}") (param i32) (result i32)
            {body}))"#
    );
    let mut module = wat::parse_str(&text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    let (resolve, world) = contract(version, world);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    encode(&module)
}

fn contract(version: &str, world: &str) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/wit");
    let folder = if version == NOW {
        wit
    } else {
        wit.join("released").join(version)
    };
    let (package, _) = resolve.push_dir(&folder).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    (resolve, world)
}

/// Unchecked: a guest may be hostile to the checker, too.
fn encode(module: &[u8]) -> Vec<u8> {
    ComponentEncoder::default()
        .validate(false)
        .module(module)
        .unwrap()
        .encode()
        .unwrap()
}
