//! What the machine, or the container around this process, lets it have.
//!
//! Reads files of the kernel and nothing else. What is shared out of it, and to whom, is decided by those who take it; nobody is
//! held to anything here.

mod memory;

pub use memory::MemoryLimit;
