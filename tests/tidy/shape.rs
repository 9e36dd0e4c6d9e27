//! Shapes of functions in production code: how long they are, and what they take.

use crate::imports::is_test;
use syn::spanned::Spanned;
use syn::visit::Visit;

/// One function.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) name: String,
    /// From its first line to its last.
    pub(crate) lines: usize,
    /// Parameters but `self`, tuples counted by their parts.
    pub(crate) parameters: usize,
    /// Parameters that are tuples.
    pub(crate) tuples: usize,
}

/// Functions of a file, tests left out.
pub(crate) fn functions(text: &str) -> Vec<Shape> {
    let mut shapes = Shapes(Vec::new());
    shapes.visit_file(&syn::parse_file(text).unwrap());
    shapes.0
}

struct Shapes(Vec<Shape>);

impl Shapes {
    fn add(&mut self, signature: &syn::Signature, lines: usize) {
        let types = || {
            signature.inputs.iter().filter_map(|input| match input {
                syn::FnArg::Typed(typed) => Some(&*typed.ty),
                syn::FnArg::Receiver(_) => None,
            })
        };
        self.0.push(Shape {
            name: signature.ident.to_string(),
            lines,
            parameters: types().map(parts).sum(),
            tuples: types().filter(|of| parts(of) > 1).count(),
        });
    }
}

/// Of how many parts a tuple is made; one for anything else.
fn parts(of: &syn::Type) -> usize {
    match of {
        syn::Type::Tuple(tuple) => tuple.elems.iter().map(parts).sum::<usize>().max(1),
        syn::Type::Reference(reference) => parts(&reference.elem),
        _ => 1,
    }
}

fn lines(signature: &syn::Signature, block: &syn::Block) -> usize {
    block.span().end().line - signature.span().start().line + 1
}

impl<'ast> Visit<'ast> for Shapes {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test(&function.attrs) {
            self.add(&function.sig, lines(&function.sig, &function.block));
            syn::visit::visit_item_fn(self, function);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_test(&function.attrs) {
            self.add(&function.sig, lines(&function.sig, &function.block));
            syn::visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        let lines = function
            .default
            .as_ref()
            .map_or(1, |block| lines(&function.sig, block));
        self.add(&function.sig, lines);
        syn::visit::visit_trait_item_fn(self, function);
    }
}
