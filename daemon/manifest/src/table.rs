//! CSV tables: columns by name, numbers that are not negative, prices.
//!
//! What a column means is its reader's business. A cell that is wrong is told by its column.

use crate::problem::{Problem, Problems, of_file, quoted};
use model::money::UsdPerHour;

/// The head of a table.
pub(crate) struct Columns {
    head: csv::StringRecord,
}

/// One row under its head.
pub(crate) struct Row<'r> {
    pub(crate) columns: &'r Columns,
    pub(crate) record: &'r csv::StringRecord,
}

/// What is wrong with a cell, by column.
pub(crate) type CellProblem = (&'static str, String);

impl Columns {
    /// A reader of the rows, and the head.
    pub(crate) fn open<'b>(file: &str, bytes: &'b [u8]) -> Result<(csv::Reader<&'b [u8]>, Self), Problems> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(bytes);
        let head = reader
            .headers()
            .map_err(|error| csv_problem(file, &error))?
            .clone();
        Ok((reader, Self { head }))
    }

    /// A problem for each of these columns that is missing.
    pub(crate) fn require(&self, file: &str, wanted: &[&str]) -> Result<(), Problems> {
        let mut problems = Problems::default();
        for wanted in wanted {
            if self.index(wanted).is_none() {
                problems.push(of_file(file, Some(1), format_args!("column {wanted} is missing")));
            }
        }
        problems.or(())
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.head.iter().position(|column| column == name)
    }
}

impl Row<'_> {
    /// A cell; empty where it or its column is missing.
    pub(crate) fn text(&self, column: &str) -> &str {
        self.columns
            .index(column)
            .and_then(|ix| self.record.get(ix))
            .unwrap_or_default()
    }

    /// A number that is not negative; `None` for an empty cell.
    pub(crate) fn number(&self, column: &'static str) -> Result<Option<f64>, CellProblem> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() && (0.0..1e12).contains(&number) => Ok(Some(number)),
            Ok(_) => Err((column, format!("{}: out of range", quoted(text)))),
            Err(_) => Err((column, format!("{}: not a number", quoted(text)))),
        }
    }

    /// Likewise, rounded down.
    #[expect(clippy::cast_possible_truncation, reason = "`number` bounds it by 10^12")]
    pub(crate) fn integer(&self, column: &'static str) -> Result<Option<i64>, CellProblem> {
        Ok(self.number(column)?.map(|number| number.floor() as i64))
    }

    /// Dollars per hour above zero; `None` for an empty cell and for zero.
    pub(crate) fn price(&self, column: &'static str) -> Result<Option<UsdPerHour>, CellProblem> {
        let dollars = self.number(column)?;
        let price = dollars
            .and_then(UsdPerHour::from_dollars)
            .filter(|price| price.0 > 0);
        match dollars {
            Some(dollars) if dollars > 1e9 => Err((column, format!("{dollars}: out of range"))),
            _ => Ok(price),
        }
    }
}

/// What the CSV reader complains of.
pub(crate) fn csv_problem(file: &str, error: &csv::Error) -> Problem {
    let line = error.position().map(csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "not text: not UTF-8".to_owned(),
        _ => error.to_string().chars().take(200).collect(),
    };
    of_file(file, line, what)
}
