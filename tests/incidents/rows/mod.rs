//! The incidents, by what they are about. Each is a value; `play` plays it.

pub(crate) mod blind;
pub(crate) mod launches;
pub(crate) mod restarts;
pub(crate) mod shrinks;
