//! What kube-scheduler makes of a plan: mixed pods wait on a real control plane, the product's own eyes, cycle and
//! hands buy exactly the planned nodes, and the real scheduler binds, with nominations or left alone.
//!
//! A room of its own because it needs the ends without AWS. Not here: prices of a plan beside its bound (tests/perf),
//! single placements (tests/referee), stories of the daemon (tests/e2e).

pub mod halved;
pub mod market;
pub mod mix;
pub mod slack;
pub mod trial;
