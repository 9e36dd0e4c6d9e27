//! `Cleared`: proof that the guard has let a step pass. `Fence`: proof that a lease is held.

use model::intent::Proof;

/// A step that may be carried out. Made only by `judge`, under a held Fence.
#[derive(Debug, PartialEq, Eq)]
pub struct Cleared<T>(T, Counted);

/// How a cleared step counts against the windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counted {
    /// Against the tight ones.
    #[default]
    Tight,
    /// A purchase, of which waiting pods prove this part.
    Proven(Proof),
    /// The removal of a node that was watched empty.
    Emptied,
    /// A removal that owners explain who have lowered their replicas; so many pods are moved for it.
    Explained(u32),
    /// An eviction from a node whose removal had counted as that of an empty one: it counts as any other from now on.
    Filled,
}

impl<T> Cleared<T> {
    /// Only the judge calls this.
    pub(crate) fn new(step: T, _fence: &Fence) -> Self {
        Self(step, Counted::Tight)
    }

    /// Says how it counts.
    pub(crate) fn counting(mut self, counted: Counted) -> Self {
        self.1 = counted;
        self
    }

    /// How it counts against the windows.
    pub const fn counted(&self) -> Counted {
        self.1
    }

    /// Reads what was cleared.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Takes what was cleared; it cannot be put back.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Proof that this process may act. With one replica it is always held; the lease itself comes later.
#[derive(Debug)]
pub struct Fence {
    held: bool,
}

impl Fence {
    /// The fence of a process that is alone.
    pub const fn sole() -> Self {
        Self { held: true }
    }

    /// A fence that is not held: nothing is cleared under it.
    pub const fn lost() -> Self {
        Self { held: false }
    }

    /// Whether it is held.
    pub const fn is_held(&self) -> bool {
        self.held
    }
}
