//! A new policy in a language beside Rust, out of the folder of its SDK (`sdk/<language>`): the SDK itself, and what is in
//! its `template`.

use super::{Hooks, write};
use crate::verbs::policy::LanguageArg;
use include_dir::{Dir, DirEntry, File, include_dir};
use model::advice::Hook;
use policy_build::MANIFEST;
use std::io;
use std::path::Path;

static ASSEMBLYSCRIPT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../assemblyscript");
static C: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../c");
static GO: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../go");
static JS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../js");
static PYTHON: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../python");
static ZIG: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../zig");

const TEMPLATE: &str = "template";
/// What a policy has no use for: what shows the SDK, and what tools leave in its folder.
const LEFT_OUT: [&str; 6] = [
    TEMPLATE,
    "examples",
    "tests",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
];

/// How a language's policies look.
#[derive(Clone, Copy)]
pub(super) struct Kit {
    language: &'static str,
    files: &'static Dir<'static>,
    /// Where the SDK goes.
    sdk: &'static str,
    /// The policy's own file.
    source: &'static str,
    /// What stands in that file where the policy has several hooks, each in a file of its own.
    joined: fn(Hooks<'_>) -> Option<String>,
    /// What has to be changed in a template for that.
    part: fn(Hook, &str) -> (String, String),
}

/// The kit of a language.
pub(super) fn of(language: LanguageArg) -> Kit {
    let usual = Kit {
        language: "c",
        files: &C,
        sdk: "vendor/plimsoll-sdk",
        source: "policy.c",
        joined: |_| None,
        part: |hook, text| (format!("{hook}.c"), text.to_owned()),
    };
    match language {
        LanguageArg::C | LanguageArg::Rust => usual,
        LanguageArg::Assemblyscript => Kit {
            language: "assemblyscript",
            files: &ASSEMBLYSCRIPT,
            source: "policy.ts",
            joined: |hooks| {
                let head = "// A policy of several hooks, each in a file of its own; each reads its fields of the \
                            configuration.\n\nimport { Config } from \"plimsoll-sdk\";\n";
                let imports = lines(hooks, |hook| format!("import * as {hook} from \"./{hook}\";\n"));
                let exports = lines(hooks, |hook| {
                    format!("export {{ {} }} from \"./{hook}\";\n", question(*hook))
                });
                let each = lines(hooks, |hook| format!("  {hook}.configure(config);\n"));
                let configure = format!("export function configure(config: Config): void {{\n{each}}}\n");
                Some(format!("{head}{imports}\n{exports}\n{configure}"))
            },
            part: |hook, text| (format!("{hook}.ts"), text.to_owned()),
            ..usual
        },
        LanguageArg::Go => Kit {
            language: "go",
            files: &GO,
            // Go has its own idea of what a folder `vendor` is.
            sdk: "plimsoll-sdk",
            source: "policy.go",
            joined: |hooks| {
                let imports = lines(hooks, |hook| format!("\t_ \"policy/{hook}\"\n"));
                let head = "// A policy of several hooks, each in a package of its own.\npackage main\n\n";
                Some(format!("{head}import (\n{imports})\n\nfunc main() {{}}\n"))
            },
            part: |hook, text| {
                let package = text.replace("package main", &format!("package {hook}"));
                let package = package.replace("\nfunc main() {}\n", "");
                (format!("{hook}/policy.go"), package.trim_end().to_owned() + "\n")
            },
        },
        LanguageArg::Js => Kit {
            language: "js",
            files: &JS,
            source: "policy.ts",
            joined: |hooks| {
                Some(lines(hooks, |hook| {
                    format!("export {{ {hook} }} from \"./{hook}\";\n")
                }))
            },
            part: |hook, text| (format!("{hook}.ts"), text.to_owned()),
            ..usual
        },
        LanguageArg::Python => Kit {
            language: "python",
            files: &PYTHON,
            source: "policy.py",
            joined: |hooks| {
                let imports = lines(hooks, |hook| format!("import policy_{hook}\n"));
                Some(format!(
                    "\"\"\"A policy of several hooks, each in a module of its own.\"\"\"\n\n{imports}"
                ))
            },
            part: |hook, text| (format!("policy_{hook}.py"), text.to_owned()),
            ..usual
        },
        LanguageArg::Zig => Kit {
            language: "zig",
            files: &ZIG,
            source: "policy.zig",
            joined: |hooks| {
                let each = lines(hooks, |hook| {
                    format!("    .{hook} = @import(\"{hook}.zig\").hooks.{hook},\n")
                });
                let head = "//! A policy of several hooks, each in a file of its own.\n\n";
                Some(format!("{head}pub const hooks = .{{\n{each}}};\n"))
            },
            part: |hook, text| (format!("{hook}.zig"), text.to_owned()),
            ..usual
        },
    }
}

/// The function that answers a hook.
const fn question(hook: Hook) -> &'static str {
    match hook {
        Hook::Scaler => "scale",
        Hook::Placement => "place",
        Hook::Headroom => "reserve",
        Hook::Disruption => "judge",
        Hook::Review => "review",
    }
}

fn lines(hooks: Hooks<'_>, line: impl Fn(&Hook) -> String) -> String {
    hooks.iter().map(line).collect::<Vec<_>>().concat()
}

impl Kit {
    /// Writes a folder and tells where the policy is in it.
    pub(super) fn write_all(self, folder: &Path, name: &str, hooks: Hooks<'_>) -> io::Result<&'static str> {
        for entry in self.files.entries() {
            copy(entry, &folder.join(self.sdk))?;
        }
        for file in self.templates() {
            let (path, text) = (file_name(file), file.contents_utf8().unwrap_or_default());
            if self.hook_of(&path).is_none() {
                write(folder, &path, text.replace("NAME", name))?;
            }
        }
        self.write_policy(folder, hooks)?;
        let listed: Vec<&str> = hooks.iter().map(|hook| hook.as_str()).collect();
        let (language, sdk, listed) = (self.language, self.sdk, listed.join(", "));
        write(
            folder,
            MANIFEST,
            format!("name: {name}\nlanguage: {language}\nhooks: [{listed}]\nsdk: {sdk}\n"),
        )?;
        write(folder, ".gitignore", "*.wasm\n__pycache__/\n")?;
        Ok(self.source)
    }

    fn write_policy(self, folder: &Path, hooks: Hooks<'_>) -> io::Result<()> {
        for file in self.templates() {
            let Some(hook) = self.hook_of(&file_name(file)).filter(|hook| hooks.contains(hook)) else {
                continue;
            };
            let text = file.contents_utf8().unwrap_or_default();
            if hooks.len() == 1 {
                return write(folder, self.source, text);
            }
            let (path, text) = (self.part)(hook, text);
            write(folder, &path, text)?;
        }
        match (self.joined)(hooks) {
            Some(text) => write(folder, self.source, text),
            None => Ok(()),
        }
    }

    fn templates(self) -> impl Iterator<Item = &'static File<'static>> {
        self.files.get_dir(TEMPLATE).into_iter().flat_map(Dir::files)
    }

    /// The hook that a file of the templates is for: `scaler.c`.
    fn hook_of(self, path: &str) -> Option<Hook> {
        let (stem, ending) = path.split_once('.')?;
        let of_policies = self.source.split_once('.').is_some_and(|(_, own)| own == ending);
        Hook::ALL
            .into_iter()
            .find(|hook| of_policies && hook.as_str() == stem)
    }
}

fn copy(entry: &DirEntry<'_>, to: &Path) -> io::Result<()> {
    let name = entry
        .path()
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if LEFT_OUT.contains(&name.as_str()) || name.ends_with("_test.go") {
        return Ok(());
    }
    match entry {
        DirEntry::Dir(dir) => dir
            .entries()
            .iter()
            .try_for_each(|entry| copy(entry, &to.join(&name))),
        DirEntry::File(file) => write(to, &name, file.contents()),
    }
}

fn file_name(file: &File<'_>) -> String {
    file.path()
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
