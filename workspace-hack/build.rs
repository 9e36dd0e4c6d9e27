//! Here only so that the build-dependencies count.
fn main() {}
