//! Which files of a crate import from which, and the cycles among them.
//!
//! A crate is read from its root by `mod` declarations, tests left out. A path counts as an import of the file that
//! defines what it names, however many re-exports lie between; a module's declaration, `pub use` and calls of methods
//! count as none. Only paths within the crate are followed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::visit::Visit;

/// Modules and files of one crate.
pub(crate) struct Imports {
    modules: Vec<Module>,
    files: Vec<PathBuf>,
}

#[derive(Default)]
struct Module {
    file: usize,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    /// By name: the path that it is short for.
    uses: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    items: BTreeSet<String>,
    /// Paths that its code names.
    named: BTreeSet<Vec<String>>,
}

/// Re-exports of re-exports that are followed.
const MOST_STEPS: usize = 12;

impl Imports {
    /// Reads the crate whose root file this is.
    pub(crate) fn of(root: &Path) -> Self {
        let mut imports = Self {
            modules: Vec::new(),
            files: Vec::new(),
        };
        let folder = root.parent().unwrap().to_path_buf();
        imports.file(root, None, &folder);
        imports
    }

    /// Groups of files that import each other, directly or by others; the largest first.
    pub(crate) fn cycles(&self) -> Vec<Vec<String>> {
        let edges = self.edges();
        let reach: Vec<BTreeSet<usize>> = (0..self.files.len())
            .map(|file| reachable(&edges, file))
            .collect();
        let mut cycles: BTreeSet<Vec<usize>> = BTreeSet::new();
        for (file, others) in reach.iter().enumerate() {
            let mutual = others
                .iter()
                .copied()
                .filter(|other| reach[*other].contains(&file));
            let cycle: Vec<usize> = mutual.collect();
            if cycle.len() > 1 {
                cycles.insert(cycle);
            }
        }
        let mut cycles: Vec<Vec<String>> = cycles
            .into_iter()
            .map(|files| files.into_iter().map(|file| self.shown(file)).collect())
            .collect();
        cycles.sort_by_key(|files| std::cmp::Reverse(files.len()));
        cycles
    }

    fn shown(&self, file: usize) -> String {
        let base = self.files[0].parent().unwrap();
        let path = self.files[file].strip_prefix(base).unwrap_or(&self.files[file]);
        path.display().to_string()
    }

    fn file(&mut self, path: &Path, parent: Option<usize>, folder: &Path) -> usize {
        let text = std::fs::read_to_string(path).unwrap();
        let ast = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.files.push(path.to_path_buf());
        self.module(&ast.items, self.files.len() - 1, parent, folder)
    }

    fn module(&mut self, items: &[syn::Item], file: usize, parent: Option<usize>, folder: &Path) -> usize {
        let id = self.modules.len();
        self.modules.push(Module {
            file,
            parent,
            ..Module::default()
        });
        for item in items.iter().filter(|item| !is_test(attributes(item))) {
            match item {
                syn::Item::Mod(module) => self.child(id, module, folder),
                syn::Item::Use(uses) => {
                    let mut paths = Vec::new();
                    flatten(&uses.tree, &[], &mut paths);
                    for (name, path) in paths {
                        match name.as_str() {
                            "*" => self.modules[id].globs.push(path),
                            _ => drop(self.modules[id].uses.insert(name, path)),
                        }
                    }
                }
                other => {
                    self.modules[id].items.extend(name(other));
                    let mut named = Named(BTreeSet::new());
                    named.visit_item(other);
                    self.modules[id].named.extend(named.0);
                }
            }
        }
        id
    }

    fn child(&mut self, id: usize, module: &syn::ItemMod, folder: &Path) {
        let name = module.ident.to_string();
        let inner = folder.join(&name);
        let child = if let Some((_, items)) = &module.content {
            Some(self.module(items, self.modules[id].file, Some(id), &inner))
        } else {
            let places = [folder.join(format!("{name}.rs")), inner.join("mod.rs")];
            let found = places.into_iter().find(|place| place.is_file());
            found.map(|place| self.file(&place, Some(id), &inner))
        };
        if let Some(child) = child {
            self.modules[id].children.insert(name, child);
        }
    }

    /// By file: files that it imports from.
    fn edges(&self) -> BTreeMap<usize, BTreeSet<usize>> {
        let mut edges: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (id, module) in self.modules.iter().enumerate() {
            let targets = module.named.iter().filter_map(|path| self.resolve(id, path, 0));
            let files = targets.map(|target| self.modules[target].file);
            let others = files.filter(|file| *file != module.file);
            edges.entry(module.file).or_default().extend(others);
        }
        edges
    }

    /// The module in whose file stands what the path names.
    fn resolve(&self, from: usize, path: &[String], steps: usize) -> Option<usize> {
        let (mut at, mut rest) = match path.first()?.as_str() {
            _ if steps > MOST_STEPS => return None,
            "crate" => (0, &path[1..]),
            "self" => (from, &path[1..]),
            _ => (from, path),
        };
        while let Some(("super", tail)) = rest.split_first().map(|(first, tail)| (first.as_str(), tail)) {
            at = self.modules[at].parent?;
            rest = tail;
        }
        self.walk(at, rest, steps)
    }

    fn walk(&self, at: usize, rest: &[String], steps: usize) -> Option<usize> {
        let Some((name, tail)) = rest.split_first() else {
            return Some(at);
        };
        let module = &self.modules[at];
        if let Some(child) = module.children.get(name) {
            return self.walk(*child, tail, steps);
        }
        if module.items.contains(name) {
            return Some(at);
        }
        if let Some(path) = module.uses.get(name) {
            let whole = [path.as_slice(), tail].concat();
            return (path.as_slice() != [name.clone()])
                .then(|| self.resolve(at, &whole, steps + 1))
                .flatten();
        }
        let globs = module
            .globs
            .iter()
            .filter_map(|glob| self.resolve(at, glob, steps + 1));
        globs
            .filter(|target| *target != at && steps < MOST_STEPS)
            .find(|target| self.modules[*target].knows(name))
            .and_then(|target| self.walk(target, rest, steps + 1))
    }
}

impl Module {
    fn knows(&self, name: &str) -> bool {
        self.items.contains(name) || self.children.contains_key(name) || self.uses.contains_key(name)
    }
}

fn reachable(edges: &BTreeMap<usize, BTreeSet<usize>>, from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for next in edges.get(&file).into_iter().flatten() {
            if found.insert(*next) {
                open.push(*next);
            }
        }
    }
    found
}

/// Paths that code names; `use` declarations, visibilities and attributes are none.
struct Named(BTreeSet<Vec<String>>);

impl<'ast> Visit<'ast> for Named {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.insert(
            path.segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect(),
        );
        syn::visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, _: &'ast syn::ItemUse) {}

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

/// Names that a `use` declaration brings in, and the paths they are short for; `*` for a glob.
fn flatten(tree: &syn::UseTree, at: &[String], found: &mut Vec<(String, Vec<String>)>) {
    let longer = |name: &syn::Ident| [at, &[name.to_string()]].concat();
    match tree {
        syn::UseTree::Path(path) => flatten(&path.tree, &longer(&path.ident), found),
        syn::UseTree::Name(name) if name.ident == "self" => {
            found.extend(at.last().map(|last| (last.clone(), at.to_vec())));
        }
        syn::UseTree::Name(name) => found.push((name.ident.to_string(), longer(&name.ident))),
        syn::UseTree::Rename(rename) if rename.ident == "self" => {
            found.push((rename.rename.to_string(), at.to_vec()));
        }
        syn::UseTree::Rename(rename) => found.push((rename.rename.to_string(), longer(&rename.ident))),
        syn::UseTree::Glob(_) => found.push(("*".to_owned(), at.to_vec())),
        syn::UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, at, found);
            }
        }
    }
}

/// Whether these attributes keep an item for tests alone.
pub(crate) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            condition == "test" || condition.starts_with("all (test") || condition == "doctest"
        }
        meta => meta.path().is_ident("test"),
    })
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Macro(item) => item.ident.as_ref()?,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
