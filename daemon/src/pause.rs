//! The kill switch by other ways than gRPC. Not here: the pause file (`serve`).

#[cfg(feature = "live")]
pub(crate) mod annotation;
