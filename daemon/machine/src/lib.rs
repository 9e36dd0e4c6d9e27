//! What the machine, or the container around this process, lets it have: memory, and files that are whole after it died.
//!
//! What is shared out of it, and to whom, is decided by those who take it, and what stands in a file is theirs; nobody is held
//! to anything here.

mod memory;
pub mod whole;

pub use memory::MemoryLimit;
