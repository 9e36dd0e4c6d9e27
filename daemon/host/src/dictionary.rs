//! Text of a View as numbers: each word once, told apart by its place. Word 0 is "".
//!
//! Belongs to the View and is shared by all policies that are asked about it. What a guest sees are syms of its own
//! evaluation (`session`), so that it cannot tell which columns others have read.

use std::collections::HashMap;
use std::sync::Arc;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Dictionary {
    by_word: HashMap<Arc<str>, u32>,
    words: Vec<Arc<str>>,
}

impl Dictionary {
    pub(crate) fn new() -> Self {
        let empty: Arc<str> = Arc::from("");
        Self {
            by_word: HashMap::from([(Arc::clone(&empty), 0)]),
            words: vec![empty],
        }
    }

    /// Codes the values of a column.
    pub(crate) fn code<'a>(&mut self, values: impl Iterator<Item = &'a str>) -> Arc<[u32]> {
        let mut last = ("", 0);
        values
            .map(|word| {
                // Neighbours are often alike (one namespace, one owner).
                if word != last.0 {
                    last = (word, self.add(word));
                }
                last.1
            })
            .collect()
    }

    /// Place of a word, a new one where it has none.
    pub(crate) fn add(&mut self, word: &str) -> u32 {
        if let Some(id) = self.by_word.get(word) {
            return *id;
        }
        let id = u32::try_from(self.words.len()).unwrap_or(0);
        let word: Arc<str> = Arc::from(word);
        self.words.push(Arc::clone(&word));
        self.by_word.insert(word, id);
        id
    }

    pub(crate) fn find(&self, word: &str) -> Option<u32> {
        self.by_word.get(word).copied()
    }

    pub(crate) fn word(&self, id: u32) -> Option<&Arc<str>> {
        self.words.get(id as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coding_is_lossless_and_begins_with_the_empty_word() {
        let values = ["a", "", "b", "a", "a", ""];
        let mut words = Dictionary::new();
        let coded = words.code(values.into_iter());
        let back: Vec<&str> = coded.iter().map(|id| &**words.word(*id).unwrap()).collect();
        assert_eq!(back, values);
        assert_eq!((&**words.word(0).unwrap(), words.len()), ("", 3));
        assert_eq!((words.find("b"), words.find("c")), (Some(2), None));
    }
}
