//! Pages of sorted rows: the token names the last row given, so a page of a newer snapshot goes on where the
//! last one ended, whatever came or went meanwhile.

use crate::limits;
use crate::messages::encoded;
use prost::Message;

/// One page.
pub(crate) struct Page<M> {
    /// Rows.
    pub(crate) rows: Vec<M>,
    /// Where the next page begins; empty on the last.
    pub(crate) next: String,
}

/// Takes a page of `rows`: those that are not `given` yet, `size` of them or as many as fit into an answer; `token`
/// names a row, `message` writes it.
pub(crate) fn page<T, M: Message>(
    rows: impl Iterator<Item = T>,
    given: impl Fn(&T) -> bool,
    size: u32,
    token: impl Fn(&T) -> String,
    message: impl Fn(&T) -> M,
) -> Page<M> {
    let size = match size {
        0 => limits::PAGE_DEFAULT,
        asked => asked.min(limits::PAGE),
    };
    let mut taken = Vec::new();
    let mut bytes = 0;
    let mut last = None;
    for row in rows.skip_while(given) {
        let written = message(&row);
        bytes += encoded(&written);
        let full = taken.len() >= size as usize || bytes > limits::PAGE_BYTES;
        if let Some(last) = last.filter(|_| full) {
            return Page {
                rows: taken,
                next: token(&last),
            };
        }
        taken.push(written);
        last = Some(row);
    }
    Page {
        rows: taken,
        next: String::new(),
    }
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

    #[test]
    fn a_page_of_large_rows_is_short_and_the_next_goes_on() {
        let mut all = names(20);
        for name in &mut all {
            name.push_str(&"x".repeat(1 << 20));
        }
        let first = after(&all, 1000, "");
        assert_eq!(first.rows.len(), 2);
        let second = after(&all, 1000, &first.next);
        assert_eq!(second.rows.first(), all.get(2));
        // One that is too large by itself is still a page: its reader says so.
        let alone = vec!["y".repeat(5 << 20)];
        assert_eq!(after(&alone, 1000, "").rows.len(), 1);
    }
}
