//! The hostile guests: one file each in `hostile`, and those that are generated because nobody would write them.
//!
//! A file says in its first lines what it tries and what must come of it: `expect:` names the stage (`load`, `run`,
//! `answers`) and words that stand in the fault, in this order. What follows is a whole component, or parts of a guest
//! (`guests::Parts`) under `;; declarations`, `;; configure`, `;; realloc`, `;; body`.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where a guest cannot be made"
)]

use crate::guests::{Parts, foreign, placement, policy};
use decide::Policy;
use host::{Engine, Limits, LoadFault, WasmPolicy, sample};
use model::advice::Hook;
use model::ids::PolicyName;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// One hostile guest.
pub struct Guest {
    /// Of its file, without the ending.
    pub name: String,
    /// The component, or what pretends to be one.
    pub bytes: Vec<u8>,
    /// What it is loaded with.
    pub limits: Limits,
    /// What it is asked.
    pub hook: Hook,
    /// How it must end: the stage, then words of the fault in order.
    pub expect: String,
}

impl Guest {
    /// What must come of it does. A guest that meets its deadline may meet it before its question comes up, where the machine
    /// is busy: the clock runs while it is loaded, too.
    pub fn is_met(&self, ended: &str) -> bool {
        are_in(&self.expect, ended) || self.expect == "run Deadline" && are_in("load Config Deadline", ended)
    }

    /// Loads it, with an empty configuration.
    pub fn load(&self, engine: &Engine) -> Result<WasmPolicy, LoadFault> {
        let loaded = engine.load(&self.bytes, &PolicyName::new("hostile"), "", &self.limits);
        loaded.map_err(|why| why.fault)
    }

    /// Loads it, asks it over three rows, and says how it ended: the stage, and the fault or the log.
    pub fn play(&self, engine: &Engine) -> String {
        let policy = match self.load(engine) {
            Ok(policy) => policy,
            Err(fault) => return format!("load {fault:?}"),
        };
        let advised = policy.advise(&sample::rows(3).view(self.hook), &[]);
        match advised.answer {
            Ok(_) => format!("answers {:?}", advised.log),
            Err(fault) => format!("run {fault:?}"),
        }
    }
}

/// Whether the words are there, in this order.
fn are_in(words: &str, text: &str) -> bool {
    let mut rest = text;
    words.split_whitespace().all(|word| {
        let found = rest.find(word);
        rest = found.map_or("", |at| &rest[at + word.len()..]);
        found.is_some()
    })
}

/// Limits of guests that do not say their own. Only those that are about the deadline may meet it, however busy the machine is.
fn patient() -> Limits {
    Limits {
        deadline: Duration::from_mins(1),
        ..Limits::default()
    }
}

/// All of them, by name.
///
/// # Panics
/// Where a file cannot be read or is no guest.
pub fn all() -> Vec<Guest> {
    let mut guests = written();
    guests.extend(generated());
    guests.sort_by(|a, b| a.name.cmp(&b.name));
    guests
}

fn written() -> Vec<Guest> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("hostile");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .map(|file| {
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&file).unwrap();
            read(name, &text)
        })
        .collect()
}

fn read(name: String, text: &str) -> Guest {
    let mut parts: BTreeMap<&str, String> = BTreeMap::new();
    let (mut part, mut hook, mut expect, mut limits) = ("", "placement", "", patient());
    for line in text.lines().skip(1) {
        if let Some(said) = line.strip_prefix(";; ") {
            match said.split_once(": ") {
                Some(("expect", words)) => expect = words,
                Some(("hook", name)) => hook = name,
                Some(("limits", words)) => limits = limited(words),
                Some(_) => panic!("{name}: {line}"),
                None => part = said,
            }
        } else {
            let _ = writeln!(parts.entry(part).or_default(), "{line}");
        }
    }
    assert!(!expect.is_empty(), "{name} expects nothing");
    let of = |part: &str| parts.get(part).map_or("", String::as_str);
    let whole = of("");
    let bytes = if whole.is_empty() {
        let guest = Parts {
            declarations: of("declarations"),
            configure: of("configure"),
            realloc: of("realloc"),
            body: of("body"),
        };
        policy(hook, guest)
    } else {
        wat::parse_str(whole).unwrap_or_else(|why| panic!("{name}: {why}"))
    };
    let hook = Hook::ALL.into_iter().find(|known| known.as_str() == hook);
    Guest {
        name,
        bytes,
        limits,
        hook: hook.unwrap(),
        expect: expect.to_owned(),
    }
}

fn limited(words: &str) -> Limits {
    let mut limits = patient();
    for word in words.split(' ') {
        let (name, amount) = word.split_once('=').unwrap();
        let number = || amount.parse::<usize>().unwrap();
        match name {
            "fuel" => limits.fuel = u64::MAX / 2,
            "deadline_ms" => limits.deadline = Duration::from_millis(amount.parse().unwrap()),
            "memory_mib" => limits.memory_bytes = number() << 20,
            "hostcall_mib" => limits.hostcall_bytes = number() << 20,
            _ => panic!("no limit {name}"),
        }
    }
    limits
}

fn generated() -> Vec<Guest> {
    let harmless = placement("", "");
    let mut guests = broken(&harmless);
    guests.extend(large());
    guests
}

fn guest(name: impl Into<String>, expect: &str, bytes: Vec<u8>) -> Guest {
    Guest {
        name: name.into(),
        bytes,
        limits: patient(),
        hook: Hook::Placement,
        expect: expect.to_owned(),
    }
}

/// Damaged files.
fn broken(harmless: &[u8]) -> Vec<Guest> {
    let mut guests: Vec<Guest> = [4, 8, 9, 40, harmless.len() / 2, harmless.len() - 1]
        .into_iter()
        .map(|cut| guest(format!("cut-off-at-{cut}"), "load", harmless[..cut].to_vec()))
        .collect();
    let mut longer = harmless.to_vec();
    longer.extend(*b"and more");
    guests.push(guest("longer-than-itself", "load", longer));
    guests.push(guest("twice", "load Malformed", [harmless, harmless].concat()));
    let mut rest: u32 = 7;
    let noise = |_| {
        rest = rest.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(rest >> 24).unwrap()
    };
    let noise: Vec<u8> = b"\0asm\x0d\0\x01\0"
        .iter()
        .copied()
        .chain((0..65_536).map(noise))
        .collect();
    guests.push(guest("noise", "load Malformed", noise));
    guests.push(guest("empty", "load NotWasm", Vec::new()));
    guests.push(guest("script", "load NotWasm", b"#!/bin/sh\nrm -rf /\n".to_vec()));
    let mut future = harmless.to_vec();
    future[4] = 0xff;
    guests.push(guest(
        "version-of-the-format",
        "load Malformed unknown version",
        future,
    ));
    // A section that claims to have four billion bytes.
    let claim = b"\0asm\x0d\0\x01\0\x07\xff\xff\xff\xff\x0f".to_vec();
    guests.push(guest("section-of-four-gib", "load Malformed", claim));
    // A section of four billion exports in a few bytes.
    let claim = b"\0asm\x0d\0\x01\0\x0b\x05\xff\xff\xff\xff\x0f".to_vec();
    guests.push(guest("four-billion-exports", "load Malformed", claim));
    guests
}

/// Things there are too many of.
fn large() -> Vec<Guest> {
    let limits = Limits::default();
    let text = |declarations: &str| placement(declarations, "");
    let each = |count: usize, line: &dyn Fn(usize) -> String| {
        (0..count).fold(String::new(), |mut all, n| {
            all.push_str(&line(n));
            all
        })
    };
    let function = format!(
        "(func {})",
        "(drop (i32.const 1))".repeat(limits.function_bytes / 3 + 1)
    );
    let functions = each(limits.functions as usize + 1, &|_| "(func)".to_owned());
    let names = each(300, &|n| format!("(export \"x{n}\" (func $f))"));
    let component = |rest: &str| {
        wat::parse_str(format!(
            "(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m)) \
             (func $f (canon lift (core func $i \"f\"))) {rest})"
        ))
        .unwrap()
    };
    let modules = each(200, &|_| "(core module)".to_owned());
    let long = "a".repeat(100_000);
    let imports = each(300, &|n| format!("(import \"i{n}\" (func))"));
    let nested = each(200, &|_| "(block ".to_owned());
    let nested = format!("(func {} (nop) {})", nested, ")".repeat(200));
    let wide = format!("(func {})", "(local i64)".repeat(49_000));
    let tables = each(100, &|n| format!("(table $t{n} 10 funcref)"));
    let segments = each(90_000, &|_| "(data (i32.const 4096) \"x\")".to_owned());
    let mut huge = component("");
    huge.resize(limits.wasm_bytes + 1, 0);
    let shaped = "package plimsoll:policy@0.2.0;
        interface placement { configure: func(config-json: string) -> result<_, string>; place: func() -> u32; }
        world w { export placement; }";
    vec![
        guest(
            "function-of-512-kib",
            "load Excessive bytes of one function",
            text(&function),
        ),
        guest("many-functions", "load Excessive functions", text(&functions)),
        guest("many-exports", "load Excessive exports", component(&names)),
        guest(
            "name-of-100-kb",
            "load Excessive bytes of one name",
            component(&format!("(export \"{long}\" (func $f))")),
        ),
        guest(
            "many-imports",
            "load Excessive imports",
            wat::parse_str(format!("(component {imports})")).unwrap(),
        ),
        guest(
            "many-modules",
            "load Excessive modules",
            wat::parse_str(format!("(component {modules})")).unwrap(),
        ),
        guest("nested-blocks", "answers", text(&nested)),
        guest("function-of-49000-locals", "answers", text(&wide)),
        guest("many-tables", "load", text(&tables)),
        guest("many-data-segments", "answers", text(&segments)),
        guest("file-of-33-mib", "load TooLarge", huge),
        guest("answer-of-another-type", "load Mismatch", foreign(shaped, "w")),
    ]
}
