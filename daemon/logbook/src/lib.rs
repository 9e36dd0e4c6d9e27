//! The Logbook: CycleRecords on disk, checksummed and bounded, and what can be read out of them.
//!
//! Files only, through `std`. Deliberately absent: deciding again (that is `decide`, fed by the CLI's
//! `replay`), clocks (ages are measured against the records' own time), decisions of any kind.

mod codec;
mod difference;
mod error;
pub mod explain;
pub mod fargate;
mod frame;
mod past;
mod playback;
mod reader;
mod record;
mod segments;
#[cfg(test)]
mod tests;
mod writer;

pub use difference::{Difference, difference};
pub use error::LogError;
pub use explain::{Explanation, Fact, FactKind, Subject, explain};
pub use playback::Playback;
pub use reader::Reader;
pub use record::{CycleRecord, PolicyUse, RECORD_VERSION, Trouble};
pub use writer::{Settings, Writer};
