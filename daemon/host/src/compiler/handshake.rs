//! How the compiler's process and its parent know each other.
//!
//! Not here: what the parent asks for (its arguments), which either side writes and reads by itself.

/// What its process is called.
pub(super) const NAME: &str = "plimsoll-compiler";
/// First argument of a program that is to be the compiler.
pub(super) const VERB: &str = "compile-policy";
/// What the compiler writes before anything else: another program's output is not mistaken for an artefact.
pub(super) const GREETING: &[u8] = b"plimsoll-artefact/1\n";
