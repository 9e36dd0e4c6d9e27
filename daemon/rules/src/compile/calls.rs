//! Operators and functions of an expression.

use super::{Read, Reading, constant, keyed};
use crate::error::{RulesError, nearest};
use crate::expression::{Comparison, Node, Operation, Rounding, TextTest};
use crate::value::Kind;
use crate::words::{Row, Word, rows_of};
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators as cel_names};

/// Functions by name, as an error lists them.
const FUNCTIONS: [&str; 12] = [
    "min",
    "max",
    "ceil",
    "floor",
    "round",
    "abs",
    "has",
    "startsWith",
    "endsWith",
    "contains",
    "exists",
    "all",
];

const COMPARISONS: [(&str, Comparison); 6] = [
    (cel_names::EQUALS, Comparison::Equal),
    (cel_names::NOT_EQUALS, Comparison::Unequal),
    (cel_names::LESS, Comparison::Less),
    (cel_names::LESS_EQUALS, Comparison::AtMost),
    (cel_names::GREATER, Comparison::Greater),
    (cel_names::GREATER_EQUALS, Comparison::AtLeast),
];

const OPERATIONS: [(&str, Operation); 5] = [
    (cel_names::ADD, Operation::Plus),
    (cel_names::SUBSTRACT, Operation::Minus),
    (cel_names::MULTIPLY, Operation::Times),
    (cel_names::DIVIDE, Operation::Over),
    (cel_names::MODULO, Operation::Modulo),
];

const ROUNDINGS: [(&str, Rounding); 4] = [
    ("ceil", Rounding::Up),
    ("floor", Rounding::Down),
    ("round", Rounding::Near),
    ("abs", Rounding::Magnitude),
];

const TEXT_TESTS: [(&str, TextTest); 3] = [
    ("startsWith", TextTest::Begins),
    ("endsWith", TextTest::Ends),
    ("contains", TextTest::Contains),
];

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, meant)| *meant)
}

impl Reading<'_, '_> {
    pub(super) fn call(&mut self, call: &CallExpr) -> Read {
        let name = call.func_name.as_str();
        match (&call.target, call.args.as_slice()) {
            (Some(target), [argument]) => self.method(target, name, argument),
            (None, [left, right]) => self.binary(name, left, right),
            (None, [condition, then, otherwise]) if name == cel_names::CONDITIONAL => {
                self.choice(condition, then, otherwise)
            }
            (None, [of]) if name == cel_names::LOGICAL_NOT => {
                let of = self.of_kind(of, Kind::Truth)?;
                Ok((Node::Not(Box::new(of)), Kind::Truth))
            }
            (None, [of]) if name == cel_names::NEGATE => {
                let of = self.of_kind(of, Kind::Number)?;
                Ok((Node::Negate(Box::new(of)), Kind::Number))
            }
            (None, arguments) => self.function(name, arguments),
            (Some(_), _) => Err(self.no_function(name)),
        }
    }

    fn function(&mut self, name: &str, arguments: &[IdedExpr]) -> Read {
        if matches!(name, "min" | "max") && !arguments.is_empty() {
            let of = arguments
                .iter()
                .map(|argument| self.of_kind(argument, Kind::Number));
            let of = of.collect::<Result<Vec<_>, _>>()?;
            return Ok((Node::Extreme(name == "max", of), Kind::Number));
        }
        match (named(&ROUNDINGS, name), arguments) {
            (Some(how), [of]) => {
                let of = self.of_kind(of, Kind::Number)?;
                Ok((Node::Round(how, Box::new(of)), Kind::Number))
            }
            (Some(_), _) => Err(self.piece.error_by(name, format_args!("{name} takes one number"))),
            (None, _) => Err(self.no_function(name)),
        }
    }

    fn no_function(&self, name: &str) -> RulesError {
        let shown = name.trim_matches(['_', '@', '?', '[', ']']);
        let near = nearest(name, FUNCTIONS.into_iter());
        self.piece.error_by(
            shown,
            format_args!(
                "no function {shown} of this shape, but {}{near}",
                FUNCTIONS.join(", ")
            ),
        )
    }

    /// `text.startsWith("x")`, `class.label("x")`.
    fn method(&mut self, target: &IdedExpr, name: &str, argument: &IdedExpr) -> Read {
        if let Some(test) = named(&TEXT_TESTS, name) {
            let (text, part) = (
                self.of_kind(target, Kind::Text)?,
                self.of_kind(argument, Kind::Text)?,
            );
            return Ok((Node::TextTest(test, Box::new([text, part])), Kind::Truth));
        }
        if let Expr::Ident(root) = &target.expr {
            let row = self.row(root)?;
            if let Some(what) = keyed(row, name) {
                let key = self.key(argument)?;
                return Ok(self.keyed(row, what, key));
            }
        }
        Err(self.no_function(name))
    }

    /// A key in quotes.
    fn key<'e>(&self, of: &'e IdedExpr) -> Result<&'e str, RulesError> {
        match &of.expr {
            Expr::Literal(LiteralValue::String(key)) => Ok(key.inner()),
            _ => Err(self
                .piece
                .error("a key must stand in quotes, so that it is known before any row is")),
        }
    }

    fn binary(&mut self, name: &str, left: &IdedExpr, right: &IdedExpr) -> Read {
        if let Some(how) = named(&COMPARISONS, name) {
            return self.comparison(how, left, right);
        }
        if let Some(what) = named(&OPERATIONS, name) {
            let (left, right) = (
                self.of_kind(left, Kind::Number)?,
                self.of_kind(right, Kind::Number)?,
            );
            return Ok((Node::Arithmetic(what, Box::new([left, right])), Kind::Number));
        }
        match name {
            cel_names::LOGICAL_AND => self.both(left, right, false),
            cel_names::LOGICAL_OR => self.both(left, right, true),
            cel_names::IN => self.among(left, right),
            cel_names::INDEX => {
                let path = self.path_of(left)?;
                let key = self.key(right)?;
                match path.as_slice() {
                    [root, table] => self.path(&[*root, *table, key]),
                    _ => Err(self
                        .piece
                        .error("[ ] stands after labels, annotations, extended and metrics only")),
                }
            }
            _ => self.function(name, &[left.clone(), right.clone()]),
        }
    }

    /// `&&` and `||`: where the first is settled already, as a question about the configuration is, the second is not
    /// read.
    fn both(&mut self, left: &IdedExpr, right: &IdedExpr, settles: bool) -> Read {
        let left = self.of_kind(left, Kind::Truth)?;
        if let Node::Truth(truth) = &left
            && *truth == settles
        {
            return Ok((left, Kind::Truth));
        }
        let both = Box::new([left, self.of_kind(right, Kind::Truth)?]);
        Ok((
            if settles { Node::Or(both) } else { Node::And(both) },
            Kind::Truth,
        ))
    }

    fn choice(&mut self, condition: &IdedExpr, then: &IdedExpr, otherwise: &IdedExpr) -> Read {
        let condition = self.of_kind(condition, Kind::Truth)?;
        match condition {
            Node::Truth(true) => return self.node(then),
            Node::Truth(false) => return self.node(otherwise),
            _ => {}
        }
        let (then, kind) = self.node(then)?;
        let otherwise = self.of_kind(otherwise, kind)?;
        Ok((Node::If(Box::new([condition, then, otherwise])), kind))
    }

    fn comparison(&mut self, how: Comparison, left: &IdedExpr, right: &IdedExpr) -> Read {
        let (first, kind) = self.node(left)?;
        let second = self.of_kind(right, kind)?;
        let ordered = !matches!(how, Comparison::Equal | Comparison::Unequal);
        if ordered && kind != Kind::Number {
            return Err(self.error_at(
                left,
                format_args!("only numbers are smaller or larger, this is {}", kind.name()),
            ));
        }
        self.possible(&first, &second)?;
        self.possible(&second, &first)?;
        Ok((Node::Compare(how, Box::new([first, second])), Kind::Truth))
    }

    /// A word that can be but a few texts is not compared with another one.
    fn possible(&self, word: &Node, with: &Node) -> Result<(), RulesError> {
        let (Node::Word(reader), Node::Text(text)) = (word, with) else {
            return Ok(());
        };
        let words = rows_of(self.hook).iter().flat_map(|row| row.words());
        let mut meant =
            words.filter(|word| word.name == reader.name && std::ptr::fn_addr_eq(word.read, reader.read));
        match meant.next() {
            Some(Word { only, .. }) if !only.is_empty() && !only.contains(&&**text) => {
                let near = nearest(text, only.iter().copied());
                let what = format!(
                    "{} is never {text:?}, but one of {}{near}",
                    reader.name,
                    only.join(", ")
                );
                Err(self.piece.error_by(text, what))
            }
            _ => Ok(()),
        }
    }

    /// `x in [a, b]`, `x in config.list`, `"key" in class.labels`.
    fn among(&mut self, of: &IdedExpr, list: &IdedExpr) -> Read {
        if let Expr::List(list) = &list.expr {
            let (of, kind) = self.node(of)?;
            let elements = list.elements.iter().map(|element| self.of_kind(element, kind));
            let elements = elements.collect::<Result<Vec<_>, _>>()?;
            for element in &elements {
                self.possible(&of, element)?;
            }
            return Ok((Node::OneOf(Box::new(of), elements), Kind::Truth));
        }
        let path = self.path_of(list)?;
        match path.as_slice() {
            ["config", name] => self.among_config(of, name),
            [root, table] => {
                let key = self.key(of)?;
                self.has(&[*root, *table, key])
            }
            _ => Err(self
                .piece
                .error("a list, or the labels of a row, was expected after `in`")),
        }
    }

    fn among_config(&mut self, of: &IdedExpr, name: &str) -> Read {
        self.shared.asked.insert(name.to_owned());
        let (of, kind) = self.node(of)?;
        let list = self.shared.config.get(name).and_then(|list| list.as_array());
        let elements = list.and_then(|list| list.iter().map(constant).collect::<Option<Vec<_>>>());
        let alike =
            elements.filter(|list| list.len() <= super::NODES && list.iter().all(|(_, of)| *of == kind));
        let Some(elements) = alike else {
            let what = format!(
                "config.{name} must be a list of {}, at most {} of them",
                kind.name(),
                super::NODES
            );
            return Err(self.piece.error_by(name, what));
        };
        let elements = elements.into_iter().map(|(node, _)| node).collect();
        Ok((Node::OneOf(Box::new(of), elements), Kind::Truth))
    }

    /// `candidate.movers.exists(m, …)` and `.all(m, …)`.
    pub(super) fn movers(&mut self, over: &ComprehensionExpr) -> Read {
        let range = self.path_of(&over.iter_range).unwrap_or_default();
        let candidates = rows_of(self.hook).contains(&Row::Candidate);
        if range != ["candidate", "movers"] || !candidates || self.mover.is_some() {
            let what =
                "only candidate.movers, of disruption rules, are many: candidate.movers.exists(m, m.…)";
            return Err(self.piece.error(what));
        }
        let (Expr::Call(step), Expr::Literal(LiteralValue::Boolean(all))) =
            (&over.loop_step.expr, &over.accu_init.expr)
        else {
            return Err(self
                .piece
                .error("of candidate.movers only exists and all can be asked"));
        };
        let whole = matches!(
            step.func_name.as_str(),
            cel_names::LOGICAL_OR | cel_names::LOGICAL_AND
        );
        let [_, condition] = step.args.as_slice() else {
            return Err(self
                .piece
                .error("of candidate.movers only exists and all can be asked"));
        };
        if !whole || over.iter_var2.is_some() {
            return Err(self
                .piece
                .error("of candidate.movers only exists and all can be asked"));
        }
        self.mover = Some(over.iter_var.clone());
        let condition = self.of_kind(condition, Kind::Truth);
        self.mover = None;
        self.uses |= Row::Candidate.bit();
        Ok((Node::Movers(*all.inner(), Box::new(condition?)), Kind::Truth))
    }
}
