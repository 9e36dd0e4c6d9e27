//! An expression as it is evaluated: words resolved, kinds settled, every node counted.
//!
//! A comparison with what is absent is absent itself, neither true nor false; `false && absent` is false, and
//! `true || absent` is true. What a text says is read elsewhere (`compile`).

use crate::number::{NoNumber, Number};
use crate::value::Value;
use crate::words::{Row, Scene};
use std::cmp::Ordering;

/// A node and what is below it.
#[derive(Debug)]
pub(crate) enum Node {
    Number(Number),
    Text(Box<str>),
    Truth(bool),
    Word(Reader),
    /// A column of what is asked by a key, by its place in the rules, and the row that it is of.
    Keyed(usize, Row),
    /// Whether it is there, and not empty.
    Has(Box<Self>),
    Not(Box<Self>),
    And(Box<[Self; 2]>),
    Or(Box<[Self; 2]>),
    /// Condition, then, else.
    If(Box<[Self; 3]>),
    Compare(Comparison, Box<[Self; 2]>),
    Arithmetic(Operation, Box<[Self; 2]>),
    Negate(Box<Self>),
    Round(Rounding, Box<Self>),
    /// The least of several, or the greatest where the flag says so.
    Extreme(bool, Vec<Self>),
    TextTest(TextTest, Box<[Self; 2]>),
    OneOf(Box<Self>, Vec<Self>),
    /// Whether a condition holds for some mover of the candidate, or for all where the flag says so.
    Movers(bool, Box<Self>),
}

/// How a word is read; equal by its name.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) name: &'static str,
    pub(crate) read: for<'v> fn(&Scene<'v>) -> Value<'v>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Plus,
    Minus,
    Times,
    Over,
    Modulo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    Up,
    Down,
    Near,
    /// No rounding: without the sign.
    Magnitude,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextTest {
    Begins,
    Ends,
    Contains,
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The budget is used up.
    Budget,
    Number(NoNumber),
}

impl From<NoNumber> for Broken {
    fn from(why: NoNumber) -> Self {
        Self::Number(why)
    }
}

/// Where expressions are evaluated: a View with its rows, what was asked by keys, and what may still be spent.
pub(crate) struct Place<'v> {
    pub(crate) scene: Scene<'v>,
    pub(crate) columns: Vec<Vec<Value<'v>>>,
    pub(crate) left: u64,
}

impl<'v> Place<'v> {
    /// What a node comes to.
    pub(crate) fn value<'n>(&mut self, node: &'n Node) -> Result<Value<'v>, Broken>
    where
        'n: 'v,
    {
        self.left = self.left.checked_sub(1).ok_or(Broken::Budget)?;
        Ok(match node {
            Node::Number(number) => Value::Number(*number),
            Node::Text(text) => Value::Text(text),
            Node::Truth(truth) => Value::Truth(*truth),
            Node::Word(word) => (word.read)(&self.scene),
            Node::Keyed(column, row) => self.keyed(*column, *row),
            Node::Has(of) => Value::Truth(!matches!(self.value(of)?, Value::Absent | Value::Text(""))),
            Node::Not(of) => match self.value(of)? {
                Value::Truth(truth) => Value::Truth(!truth),
                _ => Value::Absent,
            },
            Node::And(both) => self.either(both, false)?,
            Node::Or(both) => self.either(both, true)?,
            Node::If(parts) => {
                let [condition, then, otherwise] = &**parts;
                match self.value(condition)? {
                    Value::Truth(true) => self.value(then)?,
                    Value::Truth(false) => self.value(otherwise)?,
                    _ => Value::Absent,
                }
            }
            Node::Compare(how, both) => {
                let [left, right] = &**both;
                let (left, right) = (self.value(left)?, self.value(right)?);
                compared(*how, left, right)
            }
            Node::Arithmetic(what, both) => {
                let [left, right] = &**both;
                let (left, right) = (self.value(left)?, self.value(right)?);
                match (left, right) {
                    (Value::Number(left), Value::Number(right)) => Value::Number(what.of(left, right)?),
                    _ => Value::Absent,
                }
            }
            Node::Negate(of) => number(self.value(of)?, Number::negated),
            Node::Round(how, of) => number(self.value(of)?, how.of()),
            Node::Extreme(greatest, of) => self.extreme(*greatest, of)?,
            Node::TextTest(test, both) => {
                let [text, part] = &**both;
                match (self.value(text)?, self.value(part)?) {
                    (Value::Text(text), Value::Text(part)) => Value::Truth(test.holds(text, part)),
                    _ => Value::Absent,
                }
            }
            Node::OneOf(of, list) => self.one_of(of, list)?,
            Node::Movers(all, condition) => self.movers(*all, condition)?,
        })
    }

    fn keyed(&self, column: usize, row: Row) -> Value<'v> {
        let column = self.columns.get(column);
        let value = column.and_then(|column| column.get(self.scene.row(row)));
        value.copied().unwrap_or(Value::Absent)
    }

    /// `&&` where `false` settles it, `||` where `true` does. The second is not asked where the first settles it.
    fn either<'n: 'v>(&mut self, both: &'n [Node; 2], settles: bool) -> Result<Value<'v>, Broken> {
        let [left, right] = both;
        let left = self.value(left)?;
        if left == Value::Truth(settles) {
            return Ok(left);
        }
        let right = self.value(right)?;
        Ok(match (left, right) {
            (_, Value::Truth(truth)) if truth == settles => right,
            (Value::Absent, _) => Value::Absent,
            _ => right,
        })
    }

    fn extreme<'n: 'v>(&mut self, greatest: bool, of: &'n [Node]) -> Result<Value<'v>, Broken> {
        let mut best = None;
        for node in of {
            let Value::Number(number) = self.value(node)? else {
                return Ok(Value::Absent);
            };
            let pick = if greatest { Number::max } else { Number::min };
            best = Some(best.map_or(number, |best| pick(best, number)));
        }
        Ok(best.map_or(Value::Absent, Value::Number))
    }

    fn one_of<'n: 'v>(&mut self, of: &'n Node, list: &'n [Node]) -> Result<Value<'v>, Broken> {
        let value = self.value(of)?;
        if value == Value::Absent {
            return Ok(value);
        }
        for node in list {
            if self.value(node)? == value {
                return Ok(Value::Truth(true));
            }
        }
        Ok(Value::Truth(false))
    }

    /// Movers stand in the order of their candidates.
    fn movers<'n: 'v>(&mut self, all: bool, condition: &'n Node) -> Result<Value<'v>, Broken> {
        let candidate = self.scene.row(Row::Candidate);
        let movers = self.scene.view.movers;
        let begin = movers.partition_point(|mover| (mover.candidate as usize) < candidate);
        let end = movers.partition_point(|mover| mover.candidate as usize <= candidate);
        let mut outcome = Value::Truth(all);
        for at in begin..end {
            self.scene.turn(Row::Mover, at);
            match self.value(condition)? {
                Value::Truth(truth) if truth != all => return Ok(Value::Truth(truth)),
                Value::Truth(_) => {}
                _ => outcome = Value::Absent,
            }
        }
        Ok(outcome)
    }
}

fn number(value: Value<'_>, of: impl Fn(Number) -> Number) -> Value<'_> {
    match value {
        Value::Number(number) => Value::Number(of(number)),
        _ => Value::Absent,
    }
}

fn compared<'v>(how: Comparison, left: Value<'_>, right: Value<'_>) -> Value<'v> {
    let order = match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.cmp(&right),
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        (Value::Truth(left), Value::Truth(right)) => left.cmp(&right),
        _ => return Value::Absent,
    };
    Value::Truth(match how {
        Comparison::Equal => order == Ordering::Equal,
        Comparison::Unequal => order != Ordering::Equal,
        Comparison::Less => order == Ordering::Less,
        Comparison::AtMost => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::AtLeast => order != Ordering::Less,
    })
}

impl Operation {
    fn of(self, left: Number, right: Number) -> Result<Number, NoNumber> {
        match self {
            Self::Plus => left.plus(right),
            Self::Minus => left.minus(right),
            Self::Times => left.times(right),
            Self::Over => left.over(right),
            Self::Modulo => left.modulo(right),
        }
    }
}

impl Rounding {
    fn of(self) -> fn(Number) -> Number {
        match self {
            Self::Up => Number::ceiling,
            Self::Down => Number::floor,
            Self::Near => Number::round,
            Self::Magnitude => Number::magnitude,
        }
    }
}

impl TextTest {
    fn holds(self, text: &str, part: &str) -> bool {
        match self {
            Self::Begins => text.starts_with(part),
            Self::Ends => text.ends_with(part),
            Self::Contains => text.contains(part),
        }
    }
}
