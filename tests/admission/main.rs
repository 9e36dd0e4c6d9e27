//! Placement at admission on a real API server: the chart's own registration, the daemon behind it, EKS' webhook (as
//! `support::eks` plays it) behind that.
//!
//! `stories` is what must hold; `rows` are figures. The figures are generous and short unless
//! `PLIMSOLL_ADMISSION_SECONDS` says how long each part of them should take: then the limits are those of the targets.

#![expect(clippy::print_stdout, reason = "the figures")]
#![expect(clippy::panic, reason = "all of this is test code")]

mod load;
mod rows;
mod stories;
mod world;
