//! What comes of a build.

use std::time::Duration;

/// A component that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// Name of the package, or of the policy in `policy.yaml`.
    pub package: String,
    /// The component, as it came out of the compiler: it does not say anything of itself yet (`metadata`).
    pub bytes: Vec<u8>,
    /// From the first question to a compiler to the component.
    pub took: Duration,
    /// Language and compiler, for people: `Rust, native`.
    pub tool: String,
}
