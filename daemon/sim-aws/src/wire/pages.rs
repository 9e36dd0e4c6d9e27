//! Pages of long answers: sizes within their bounds, tokens that only this account has given.
//!
//! Not here: how a service words a refusal; callers turn `BadPage` into it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// What every token begins with before it is encoded: anything else was never given.
const MARK: &str = "after:";

/// How many rows a page may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageSize {
    /// Where none is asked for.
    pub(super) usual: usize,
    /// Fewest that may be asked for.
    pub(super) fewest: usize,
    /// Most that may be asked for.
    pub(super) most: usize,
}

/// Why no page can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadPage {
    /// The size is not a number within these bounds.
    Size {
        /// As asked.
        asked: String,
        /// What may be asked for.
        size: PageSize,
    },
    /// The token was never given.
    Token(String),
}

/// A page that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    rows: usize,
    after: Option<String>,
}

impl Page {
    /// Of a number of rows and a token as they came.
    pub(super) fn asked(rows: Option<&str>, token: Option<&str>, size: PageSize) -> Result<Self, BadPage> {
        let bounds = size.fewest..=size.most;
        let rows = match rows {
            None => size.usual,
            Some(text) => {
                let rows = text.parse().ok().filter(|rows| bounds.contains(rows));
                rows.ok_or_else(|| BadPage::Size {
                    asked: text.to_owned(),
                    size,
                })?
            }
        };
        let after = token
            .map(|token| key(token).ok_or_else(|| BadPage::Token(token.to_owned())))
            .transpose()?;
        Ok(Self { rows, after })
    }

    /// The rows of the page, and the token of the next. Rows come in the order of their keys.
    pub(super) fn of<T>(&self, mut rows: Vec<(String, T)>) -> (Vec<T>, Option<String>) {
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let begin = self
            .after
            .as_ref()
            .map_or(0, |after| rows.partition_point(|(key, _)| key <= after));
        let mut rows = rows.into_iter().skip(begin);
        let taken: Vec<(String, T)> = rows.by_ref().take(self.rows).collect();
        let next = rows.next().and_then(|_| taken.last().map(|(key, _)| token(key)));
        (taken.into_iter().map(|(_, row)| row).collect(), next)
    }
}

fn token(key: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("{MARK}{key}"))
}

fn key(token: &str) -> Option<String> {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.strip_prefix(MARK).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: PageSize = PageSize {
        usual: 10,
        fewest: 1,
        most: 100,
    };

    fn rows() -> Vec<(String, u32)> {
        [("b", 2), ("a", 1), ("c", 3)]
            .map(|(key, row)| (key.to_owned(), row))
            .to_vec()
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let (first, next) = Page::asked(Some("2"), None, SIZE).unwrap().of(rows());
        assert_eq!(first, [1, 2]);
        let (second, end) = Page::asked(Some("2"), next.as_deref(), SIZE).unwrap().of(rows());
        assert_eq!((second, end), (vec![3], None));
    }

    #[test]
    fn sizes_and_tokens_are_checked() {
        for size in ["0", "101", "-1", "many"] {
            assert!(
                matches!(Page::asked(Some(size), None, SIZE), Err(BadPage::Size { .. })),
                "{size}"
            );
        }
        for token in ["a", "2", "YWZ0ZXI", "not base64!"] {
            assert!(
                matches!(Page::asked(None, Some(token), SIZE), Err(BadPage::Token(_))),
                "{token}"
            );
        }
    }
}
