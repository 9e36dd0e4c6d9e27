//! Pages of sorted rows: the token names the last row given, so a page of a newer snapshot goes on where the
//! last one ended, whatever came or went meanwhile.

use crate::limits;

/// One page.
pub(crate) struct Page<T> {
    /// Rows.
    pub(crate) rows: Vec<T>,
    /// Where the next page begins; empty on the last.
    pub(crate) next: String,
}

/// Takes a page of `rows`: those that are not `given` yet, `size` of them; `token` names a row.
pub(crate) fn page<T>(
    rows: impl Iterator<Item = T>,
    given: impl Fn(&T) -> bool,
    size: u32,
    token: impl Fn(&T) -> String,
) -> Page<T> {
    let size = match size {
        0 => limits::PAGE_DEFAULT,
        asked => asked.min(limits::PAGE),
    };
    let mut rows = rows.skip_while(given);
    let taken: Vec<T> = rows.by_ref().take(size as usize).collect();
    let next = match (rows.next(), taken.last()) {
        (Some(_), Some(last)) => token(last),
        _ => String::new(),
    };
    Page { rows: taken, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: u32) -> Vec<String> {
        (0..n).map(|i| format!("n{i:05}")).collect()
    }

    fn after(rows: &[String], size: u32, last: &str) -> Page<String> {
        page(
            rows.iter().cloned(),
            |name| name.as_str() <= last,
            size,
            Clone::clone,
        )
    }

    #[test]
    fn pages_cover_everything_once() {
        let all = names(2500);
        let (mut token, mut got) = (String::new(), Vec::new());
        loop {
            let page = after(&all, 1_000_000, &token);
            assert!(page.rows.len() <= limits::PAGE as usize);
            got.extend(page.rows);
            token = page.next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(got, all);
    }

    #[test]
    fn a_row_that_went_away_does_not_stop_the_reader() {
        let mut all = names(10);
        let token = after(&all, 3, "").next;
        all.remove(2);
        let second = after(&all, 3, &token);
        assert_eq!(second.rows.first().map(String::as_str), Some("n00003"));
    }

    #[test]
    fn an_exact_fit_is_the_last_page() {
        assert_eq!(after(&names(3), 3, "").next, "");
    }
}
