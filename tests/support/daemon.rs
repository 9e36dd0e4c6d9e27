//! The daemon as a child process. Not here: what it should do.
