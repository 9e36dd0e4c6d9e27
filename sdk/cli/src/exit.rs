//! Exit codes, and the one error type that chooses between them.

use std::fmt;

/// How a verb ended; the exit code is part of the public contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done.
    Done,
    /// 1: the answer is no (refusals, a difference, a failed check).
    No,
    /// 2: wrong usage or unreadable input; a policy refused at load included.
    Usage,
    /// 3: the daemon failed, or a policy faulted at run time.
    Failed,
}

impl Exit {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Failed => 3,
        }
    }

    /// 2 for an error that carries `Unreadable`, else 3.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if error.chain().any(<dyn std::error::Error>::is::<Unreadable>) {
            Self::Usage
        } else {
            Self::Failed
        }
    }
}

/// Input that cannot be read or used: return it (`return Err(Unreadable::new(…).into())`) for exit code 2.
/// The text names the file and the field; several problems are several lines.
#[derive(Debug)]
pub(crate) struct Unreadable(String);

impl Unreadable {
    /// From what went wrong.
    pub(crate) fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}
