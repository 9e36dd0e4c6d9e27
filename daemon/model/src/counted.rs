//! Amounts in the words that people read: `1 pod`, `2 pods`. Nouns whose plural takes no plain `s` are not meant.

use std::fmt;

/// So many of what the noun names; the noun stands in the singular.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'n, N>(pub N, pub &'n str);

impl<N: fmt::Display + PartialEq + From<u8>> fmt::Display for Counted<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(amount, noun) = self;
        let plural = if *amount == N::from(1) { "" } else { "s" };
        write!(f, "{amount} {noun}{plural}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        let said = [0_u32, 1, 2].map(|amount| Counted(amount, "pod").to_string());
        assert_eq!(said, ["0 pods", "1 pod", "2 pods"]);
    }
}
