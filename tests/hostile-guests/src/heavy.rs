//! A guest that is small, and dear to compile.

use crate::guests::placement;

/// A guest of 18 KB that takes half a minute and 2 GiB to compile: a thousand loops within each other, each of which may
/// find another value in each of a thousand variables.
pub fn heavy() -> Vec<u8> {
    const MANY: usize = 1000;
    use std::fmt::Write as _;
    let mut function = format!("(func (param i64) (result i64){}", "(local i64)".repeat(MANY));
    function.push_str(&"(loop ".repeat(MANY));
    for n in 1..=MANY {
        let other = n * 7 % MANY + 1;
        let _ = write!(
            function,
            "(local.set {n} (i64.add (local.get {n}) (local.get {other})))"
        );
    }
    function.push_str(&"(br_if 0 (i64.eqz (local.get 1))))".repeat(MANY));
    function.push_str("(local.get 1))");
    placement(&function, "")
}
