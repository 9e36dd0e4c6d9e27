//! The text of rules before anybody reads it: what is refused at sight, comments, words outside quotes.
//!
//! What expressions mean is read elsewhere (`compile`).

use crate::error::{Piece, RulesError};

/// Most bytes of a text.
const BYTES: usize = 64 << 10;
/// Most characters of a line.
const LINE: usize = 1024;
/// Digits that floating point keeps.
const DIGITS: usize = 15;

/// The lines that say something, without comments.
pub(crate) fn lines(bytes: &[u8]) -> Result<Vec<Piece<'_>>, RulesError> {
    let first = |what: String| RulesError {
        line: 1,
        column: 1,
        what,
    };
    if bytes.len() > BYTES {
        return Err(first(format!(
            "{} bytes are more than the {BYTES} allowed",
            bytes.len()
        )));
    }
    let text = std::str::from_utf8(bytes).map_err(|why| {
        let line = bytes
            .iter()
            .take(why.valid_up_to())
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        RulesError {
            line,
            column: 1,
            what: "not text (UTF-8)".to_owned(),
        }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let whole = Piece {
            text: line,
            line: at + 1,
            column: 1,
        };
        if let Some((place, hidden)) = line.chars().enumerate().find(|(_, c)| hides(*c)) {
            return Err(whole.error_at(place, format_args!("{hidden:?} does not show and is not allowed")));
        }
        if line.chars().count() > LINE {
            return Err(whole.error_at(LINE, format_args!("a line has at most {LINE} characters")));
        }
        let end = scan(whole)?.comment.unwrap_or(line.len());
        let said = whole.part(0, end);
        if !said.text.is_empty() {
            lines.push(said);
        }
    }
    Ok(lines)
}

/// Control characters, and marks that let a line show something else than it says.
fn hides(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// What stands outside quotes.
#[derive(Default)]
pub(crate) struct Scan {
    /// Bytes at which words outside quotes and brackets begin, with their ends.
    pub(crate) words: Vec<(usize, usize)>,
    /// Byte of the `#`.
    comment: Option<usize>,
    levels: usize,
    deepest: usize,
    questions: usize,
}

/// Walks over a line once.
pub(crate) fn scan(piece: Piece<'_>) -> Result<Scan, RulesError> {
    let mut scan = Scan::default();
    let mut characters = piece.text.char_indices().enumerate().peekable();
    let mut before = ' ';
    let mut word = None;
    while let Some((place, (at, c))) = characters.next() {
        let blank = c.is_whitespace();
        if let Some(begin) = word.filter(|_| blank || c == '#') {
            scan.words.push((begin, at));
            word = None;
        }
        match c {
            '#' => {
                scan.comment = Some(at);
                return Ok(scan);
            }
            '"' | '\'' => {
                if before.is_alphanumeric() || before == c {
                    return Err(piece.error_at(place, "a text stands between two plain quotes, \"…\" or '…'"));
                }
                let mut escaped = false;
                let end = characters.by_ref().find(|(_, (_, next))| {
                    let ends = !escaped && *next == c;
                    escaped = !escaped && *next == '\\';
                    ends
                });
                if end.is_none() {
                    return Err(piece.error_at(place, format_args!("this quote has no end: {c} is missing")));
                }
                word = None;
            }
            '(' | '[' | '{' => {
                scan.levels += 1;
                scan.deepest = scan.deepest.max(scan.levels);
                word = None;
            }
            ')' | ']' | '}' => {
                scan.levels = scan.levels.saturating_sub(1);
                word = None;
            }
            '?' => scan.questions += 1,
            _ if !blank && before.is_whitespace() && scan.levels == 0 => word = Some(at),
            _ => {}
        }
        before = c;
    }
    scan.words.extend(word.map(|begin| (begin, piece.text.len())));
    Ok(scan)
}

/// Refuses what the parser of expressions does not bound by itself, or would not read exactly.
pub(crate) fn measured(piece: Piece<'_>, levels: usize) -> Result<(), RulesError> {
    let scan = scan(piece)?;
    if scan.deepest > levels || scan.questions > levels {
        return Err(piece.error(format_args!("more than {levels} levels of brackets or of ? :")));
    }
    let (mut quote, mut escaped) = (None, false);
    let (mut digits, mut point) = (0, false);
    for (place, c) in piece.text.chars().enumerate() {
        if quote == Some(c) && !escaped {
            quote = None;
        } else if quote.is_none() && matches!(c, '"' | '\'') {
            quote = Some(c);
        }
        escaped = quote.is_some() && !escaped && c == '\\';
        match c {
            _ if quote.is_some() => (digits, point) = (0, false),
            '0'..='9' => digits += 1,
            '.' => point = true,
            _ => (digits, point) = (0, false),
        }
        if point && digits > DIGITS {
            return Err(piece.error_at(
                place,
                format_args!("a decimal number has at most {DIGITS} digits"),
            ));
        }
    }
    Ok(())
}
