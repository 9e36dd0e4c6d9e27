//! From the text of an expression to what is evaluated: the parser of `cel` reads it; names, kinds and keys are
//! settled here, once, at load.
//!
//! `cel`'s own interpreter is not used: it looks names up by text for each row, finds a wrong kind only where a row
//! comes by it, and computes money as floating point. Its parser has unbounded corners as well, so the text is measured
//! before (`text::measured`).

mod calls;

use crate::error::{Piece, RulesError, nearest};
use crate::expression::{Comparison, Node, Reader};
use crate::number::Number;
use crate::text;
use crate::value::Kind;
use crate::words::{ANYWHERE, Keyed, Row, Word, rows_of};
use cel::common::ast::{Expr, IdedExpr, LiteralValue};
use cel::parser::PrattParser;
use model::advice::Hook;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Most nodes of one expression.
const NODES: usize = 256;
/// Most levels of brackets.
const LEVELS: u16 = 32;

/// An expression with its kind and the rows that it speaks of.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) node: Node,
    pub(crate) kind: Kind,
    /// Bits of `Row`.
    pub(crate) uses: u8,
}

impl Expression {
    pub(crate) const fn uses(&self, row: Row) -> bool {
        self.uses & row.bit() != 0
    }
}

/// What is asked by a key: one column for all rules that ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) row: Row,
    pub(crate) what: Keyed,
    pub(crate) key: String,
}

/// What all expressions of a text share.
pub(crate) struct Shared {
    pub(crate) config: Map<String, Json>,
    pub(crate) columns: Vec<Column>,
    /// Names of the configuration that some rule asks for.
    pub(crate) asked: BTreeSet<String>,
}

/// Reads an expression of a hook.
pub(crate) fn expression(
    piece: Piece<'_>,
    hook: Hook,
    shared: &mut Shared,
) -> Result<Expression, RulesError> {
    if piece.text.is_empty() {
        return Err(piece.error("an expression is missing here"));
    }
    text::measured(piece, LEVELS.into())?;
    let parsed = parsed(piece)?;
    let mut reading = Reading {
        piece,
        hook,
        shared,
        nodes: 0,
        uses: 0,
        mover: None,
    };
    let (node, kind) = reading.node(&parsed)?;
    let uses = reading.uses;
    Ok(Expression { node, kind, uses })
}

fn parsed(piece: Piece<'_>) -> Result<IdedExpr, RulesError> {
    let parser = PrattParser::new()
        .max_recursion_depth(LEVELS)
        .max_expression_node_count(NODES * 2)
        .enable_ident_escape_syntax(true);
    // The parser is large and other people's: a defect in it refuses a rule and ends nothing.
    let parsed = catch_unwind(AssertUnwindSafe(|| parser.parse(piece.text)));
    let parsed = parsed.map_err(|_| piece.error("the parser of expressions failed"))?;
    parsed.map_err(|errors| {
        let first = errors
            .errors
            .iter()
            .find(|error| error.pos.0 > 0)
            .or_else(|| errors.errors.first());
        let Some(first) = first else {
            return piece.error("not an expression");
        };
        let before = usize::try_from(first.pos.1).unwrap_or(1).saturating_sub(1);
        let column = piece
            .text
            .get(..before)
            .map_or(0, |before| before.chars().count());
        let what = first.msg.strip_prefix("Syntax error: ").unwrap_or(&first.msg);
        piece.error_at(
            column,
            format_args!("not an expression: {}", what.replace("<EOF>", "the end")),
        )
    })
}

/// Reads one expression.
struct Reading<'r, 't> {
    piece: Piece<'t>,
    hook: Hook,
    shared: &'r mut Shared,
    nodes: usize,
    uses: u8,
    /// What a mover is called within `exists` or `all`.
    mover: Option<String>,
}

type Read = Result<(Node, Kind), RulesError>;

impl Reading<'_, '_> {
    fn node(&mut self, of: &IdedExpr) -> Read {
        self.nodes += 1;
        if self.nodes > NODES {
            return Err(self
                .piece
                .error(format_args!("more than {NODES} operations in one expression")));
        }
        match &of.expr {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Ident(name) => self.path(&[name]),
            Expr::Select(select) => {
                let mut path = self.path_of(&select.operand)?;
                path.push(&select.field);
                if select.test {
                    self.has(&path)
                } else {
                    self.path(&path)
                }
            }
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(over) => self.movers(over),
            Expr::List(_) => Err(self.piece.error("a list can stand only after `in`")),
            Expr::Map(_) | Expr::Struct(_) => Err(self.piece.error("rules know no { } values")),
            Expr::Unspecified => Err(self.piece.error("not an expression")),
        }
    }

    /// A node that must be of a kind.
    fn of_kind(&mut self, of: &IdedExpr, wanted: Kind) -> Result<Node, RulesError> {
        let (node, kind) = self.node(of)?;
        if kind == wanted {
            return Ok(node);
        }
        Err(self.error_at(
            of,
            format_args!("{} was expected, this is {}", wanted.name(), kind.name()),
        ))
    }

    fn literal(&self, literal: &LiteralValue) -> Read {
        let number = |text: String| {
            let number = Number::parse(&text);
            number
                .map(|number| (Node::Number(number), Kind::Number))
                .ok_or_else(|| {
                    self.piece.error_by(
                        &text,
                        format_args!("{text}: a number has at most nine decimal places"),
                    )
                })
        };
        match literal {
            LiteralValue::Int(int) => number(int.inner().to_string()),
            LiteralValue::UInt(int) => number(int.inner().to_string()),
            // The shortest text that means this number: what was written, up to 15 digits (`text::measured`).
            LiteralValue::Double(double) => number(double.inner().to_string()),
            LiteralValue::String(text) => Ok((Node::Text(text.inner().into()), Kind::Text)),
            LiteralValue::Boolean(truth) => Ok((Node::Truth(*truth.inner()), Kind::Truth)),
            LiteralValue::Null => Err(self
                .piece
                .error_by("null", "rules know no null: ask has(…) for what can be absent")),
            LiteralValue::Bytes(_) => Err(self.piece.error("rules know no bytes")),
        }
    }

    /// The names of `a.b.c`.
    fn path_of<'e>(&self, of: &'e IdedExpr) -> Result<Vec<&'e str>, RulesError> {
        let mut path = Vec::new();
        let mut of = of;
        loop {
            match &of.expr {
                Expr::Ident(name) => {
                    path.push(name.as_str());
                    path.reverse();
                    return Ok(path);
                }
                Expr::Select(select) if !select.test => {
                    path.push(select.field.as_str());
                    of = &select.operand;
                }
                _ => return Err(self.piece.error("only a name can stand before a dot")),
            }
        }
    }

    fn has(&mut self, path: &[&str]) -> Read {
        if let ["config", name] = path {
            let there = self.shared.config.contains_key(*name);
            self.shared.asked.insert((*name).to_owned());
            return Ok((Node::Truth(there), Kind::Truth));
        }
        let (node, _) = self.path(path)?;
        let units = matches!(path, [root, table, _] if self.row(root).is_ok_and(|row| keyed(row, table) == Some(Keyed::Extended)));
        Ok(if units {
            // Units are zero where there are none.
            let none = Node::Number(Number::of(0));
            (
                Node::Compare(Comparison::Greater, Box::new([node, none])),
                Kind::Truth,
            )
        } else {
            (Node::Has(Box::new(node)), Kind::Truth)
        })
    }

    /// What a dotted name means.
    fn path(&mut self, path: &[&str]) -> Read {
        let whole = path.join(".");
        if let Some(word) = ANYWHERE.iter().find(|word| word.name == whole) {
            return Ok(read(word));
        }
        match path {
            ["config", name] => self.config(name),
            [root, field] => {
                let row = self.row(root)?;
                let Some(word) = row.words().iter().find(|word| word.name == *field) else {
                    return Err(self.no_word(row, root, field));
                };
                self.uses |= row.bit();
                Ok(read(word))
            }
            [root, table, key] => {
                let row = self.row(root)?;
                match keyed(row, table) {
                    Some(what) => Ok(self.keyed(row, what, key)),
                    None => Err(self.no_word(row, root, table)),
                }
            }
            [root] if self.row(root).is_ok() => {
                Err(self.piece.error_by(root, format_args!("ask for something of it, as in {root}.{}", self.example(root))))
            }
            [root] => Err(self.no_root(root)),
            _ => Err(self.piece.error_by(
                path.first().copied().unwrap_or_default(),
                format_args!("{whole} means nothing; a key with dots stands in quotes, as in class.label(\"app.kubernetes.io/name\")"),
            )),
        }
    }

    fn example(&self, root: &str) -> &'static str {
        let row = self.row(root).ok();
        row.and_then(|row| row.words().first())
            .map_or("name", |word| word.name)
    }

    fn config(&mut self, name: &str) -> Read {
        self.shared.asked.insert(name.to_owned());
        let constant = self.shared.config.get(name).map(constant);
        match constant {
            Some(Some(constant)) => Ok(constant),
            Some(None) => Err(self.piece.error_by(
                name,
                format_args!("config.{name} is neither a number of at most nine decimal places nor a text, true or false"),
            )),
            None => {
                let known = self.shared.config.keys().map(String::as_str);
                let near = nearest(name, known);
                Err(self.piece.error_by(
                    name,
                    format_args!("the configuration has no {name}{near} (has(config.{name}) asks for it)"),
                ))
            }
        }
    }

    /// The kind of row that a name stands for.
    fn row(&self, root: &str) -> Result<Row, RulesError> {
        if self.mover.as_deref() == Some(root) {
            return Ok(Row::Mover);
        }
        let shown = rows_of(self.hook);
        if let Some(row) = shown.iter().find(|row| row.name() == root) {
            return Ok(*row);
        }
        if root == Row::Mover.name() && self.hook == Hook::Disruption {
            let what = "movers are many: candidate.movers.exists(m, …) or candidate.movers.all(m, …)";
            return Err(self.piece.error_by(root, what));
        }
        if Row::ALL.iter().any(|row| row.name() == root) {
            let known: Vec<&str> = shown.iter().map(|row| row.name()).collect();
            let what = format!(
                "{} rules are shown no {root}, but {}",
                self.hook,
                known.join(" and ")
            );
            return Err(self.piece.error_by(root, what));
        }
        Err(self.no_root(root))
    }

    fn no_root(&self, root: &str) -> RulesError {
        let rows = rows_of(self.hook).iter().map(|row| row.name());
        let words = ANYWHERE.iter().map(|word| word.name);
        let near = nearest(root, rows.clone().chain(words).chain(["config"]));
        let rows: Vec<&str> = rows.collect();
        let what = format!(
            "there is no {root} here, but {}, now, cluster and config{near}",
            rows.join(", ")
        );
        self.piece.error_by(root, what)
    }

    fn no_word(&self, row: Row, root: &str, field: &str) -> RulesError {
        let keyed = row.keyed().iter().flat_map(|what| what.names());
        let words: Vec<&str> = row.words().iter().map(|word| word.name).chain(keyed).collect();
        let near = match nearest(field, words.iter().copied()) {
            none if none.is_empty() => format!(", but {}", words.join(", ")),
            near => near,
        };
        self.piece
            .error_by(field, format_args!("{root} has no {field}{near}"))
    }

    fn keyed(&mut self, row: Row, what: Keyed, key: &str) -> (Node, Kind) {
        self.uses |= row.bit();
        let column = Column {
            row,
            what,
            key: key.to_owned(),
        };
        let columns = &mut self.shared.columns;
        let at = columns
            .iter()
            .position(|known| *known == column)
            .unwrap_or_else(|| {
                columns.push(column);
                columns.len() - 1
            });
        (Node::Keyed(at, row), what.kind())
    }

    /// At a name or a number of an expression, where one shows.
    fn error_at(&self, of: &IdedExpr, what: impl std::fmt::Display) -> RulesError {
        match &of.expr {
            Expr::Ident(name) => self.piece.error_by(name, what),
            Expr::Select(select) => self.piece.error_by(&select.field, what),
            Expr::Literal(LiteralValue::Int(int)) => self.piece.error_by(&int.inner().to_string(), what),
            Expr::Literal(LiteralValue::Double(double)) => {
                self.piece.error_by(&double.inner().to_string(), what)
            }
            Expr::Literal(LiteralValue::String(text)) => self.piece.error_by(text.inner(), what),
            _ => self.piece.error(what),
        }
    }
}

fn read(word: &'static Word) -> (Node, Kind) {
    let Word { name, kind, read, .. } = word;
    (Node::Word(Reader { name, read: *read }), *kind)
}

/// What a row is asked by a key under this name.
fn keyed(row: Row, name: &str) -> Option<Keyed> {
    row.keyed()
        .iter()
        .find(|what| what.names().contains(&name))
        .copied()
}

/// A value of the configuration.
fn constant(value: &Json) -> Option<(Node, Kind)> {
    Some(match value {
        Json::Bool(truth) => (Node::Truth(*truth), Kind::Truth),
        Json::String(text) => (Node::Text(text.as_str().into()), Kind::Text),
        Json::Number(number) => {
            let text = match number.as_i64() {
                Some(whole) => whole.to_string(),
                None => number.as_f64()?.to_string(),
            };
            (Node::Number(Number::parse(&text)?), Kind::Number)
        }
        Json::Null | Json::Array(_) | Json::Object(_) => return None,
    })
}
