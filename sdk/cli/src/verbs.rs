//! The verbs, one module each: an `Args` for clap and a `run`.

pub(crate) mod explain;
pub(crate) mod fargate;
pub(crate) mod iam;
pub(crate) mod limits;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod remote;
pub(crate) mod replay;
pub(crate) mod sim;
pub(crate) mod simulate;
