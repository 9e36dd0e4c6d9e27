//! Nothing but features: with them the demo and the tests resolve every shared crate alike, so that wasmtime is
//! compiled once and not once for each. No code, and nothing may call it.
