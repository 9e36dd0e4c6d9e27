//! Names that are nearly what somebody typed.
//!
//! Only to be shown in a complaint; nothing is ever chosen by them.

use std::collections::BTreeSet;

/// Names shown.
const SHOWN: usize = 3;
/// Names less alike than this are no help.
const ALIKE: f64 = 0.8;

/// `; near: …` where names come near, else nothing.
pub(crate) fn hint<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near = misses(typed, names);
    if near.is_empty() {
        return String::new();
    }
    format!("; near: {}", near.join(", "))
}

/// The names nearest to `typed`, nearest first; `names` and `typed` are `namespace/name`.
fn misses<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut ranked: Vec<(u8, u64, &str)> = names
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter_map(|name| {
            let (rank, apart) = distance(typed, name)?;
            Some((rank, apart, name))
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().take(SHOWN).map(|(_, _, name)| name).collect()
}

/// How far apart: 0 the same name elsewhere, 1 a pod of what was named, 2 nearly the same text.
fn distance(typed: &str, name: &str) -> Option<(u8, u64)> {
    let bare = typed.rsplit('/').next().unwrap_or(typed);
    let own = name.rsplit('/').next().unwrap_or(name);
    if bare.is_empty() {
        return None;
    }
    if own == bare {
        return Some((0, 0));
    }
    let whole = if typed.contains('/') { name } else { own };
    if let Some(rest) = whole.strip_prefix(typed.trim_end_matches('/'))
        && rest.starts_with(['-', '/'])
    {
        return Some((1, rest.len() as u64));
    }
    let alike = strsim::normalized_damerau_levenshtein(typed, whole);
    (alike >= ALIKE).then(|| (2, edits(typed, whole)))
}

fn edits(a: &str, b: &str) -> u64 {
    strsim::damerau_levenshtein(a, b) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_probably_meant_is_found() {
        let names = ["shop/web-0", "shop/web-1", "shop/db-0", "other/api", "web/x"];
        let of = |typed| misses(typed, names.into_iter());
        assert_eq!(of("default/api"), ["other/api"]);
        assert_eq!(of("shop/web"), ["shop/web-0", "shop/web-1"]);
        assert_eq!(of("web-1"), ["shop/web-1", "shop/web-0"]);
        assert_eq!(of("shop/wbe-1"), ["shop/web-1", "shop/web-0"]);
        assert_eq!(of("nothing/like-it"), [""; 0]);
        assert_eq!(of(""), [""; 0]);
    }
}
