//! Pages of long answers: sizes within their bounds, tokens that only this account has given.
//!
//! Not here: how a service words a refusal; callers turn `BadPage` into it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// What every token begins with before it is encoded: anything else was never given.
const MARK: &str = "after:";

/// Why no page can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadPage {
    /// The size is not a number within these bounds.
    Size {
        /// As asked.
        asked: String,
        /// Fewest and most rows.
        bounds: (usize, usize),
    },
    /// The token was never given.
    Token(String),
}

/// A page that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    size: usize,
    after: Option<String>,
}

impl Page {
    /// Of a size and a token as they came; `usual` rows where no size is asked for.
    pub(super) fn asked(
        size: Option<&str>,
        token: Option<&str>,
        (usual, bounds): (usize, (usize, usize)),
    ) -> Result<Self, BadPage> {
        let within = |text: &str| text.parse().ok().filter(|n| (bounds.0..=bounds.1).contains(n));
        let size = match size {
            None => usual,
            Some(text) => within(text).ok_or_else(|| BadPage::Size {
                asked: text.to_owned(),
                bounds,
            })?,
        };
        let after = token
            .map(|token| key(token).ok_or_else(|| BadPage::Token(token.to_owned())))
            .transpose()?;
        Ok(Self { size, after })
    }

    /// The rows of the page, and the token of the next. Rows come in the order of their keys.
    pub(super) fn of<T>(&self, mut rows: Vec<(String, T)>) -> (Vec<T>, Option<String>) {
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let begin = self
            .after
            .as_ref()
            .map_or(0, |after| rows.partition_point(|(key, _)| key <= after));
        let mut rows = rows.into_iter().skip(begin);
        let taken: Vec<(String, T)> = rows.by_ref().take(self.size).collect();
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

    fn rows() -> Vec<(String, u32)> {
        [("b", 2), ("a", 1), ("c", 3)]
            .map(|(key, row)| (key.to_owned(), row))
            .to_vec()
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let bounds = (10, (1, 100));
        let (first, next) = Page::asked(Some("2"), None, bounds).unwrap().of(rows());
        assert_eq!(first, [1, 2]);
        let (second, end) = Page::asked(Some("2"), next.as_deref(), bounds)
            .unwrap()
            .of(rows());
        assert_eq!((second, end), (vec![3], None));
    }

    #[test]
    fn sizes_and_tokens_are_checked() {
        for size in ["0", "101", "-1", "many"] {
            assert!(
                matches!(
                    Page::asked(Some(size), None, (10, (1, 100))),
                    Err(BadPage::Size { .. })
                ),
                "{size}"
            );
        }
        for token in ["a", "2", "YWZ0ZXI", "not base64!"] {
            assert!(
                matches!(
                    Page::asked(None, Some(token), (10, (1, 100))),
                    Err(BadPage::Token(_))
                ),
                "{token}"
            );
        }
    }
}
