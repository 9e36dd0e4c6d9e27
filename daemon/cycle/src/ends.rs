//! The two ends of a cycle. Swapping them gives the products: live, dry-run, simulator, replay.

/// Eyes and hands.
#[derive(Clone, Copy, Debug)]
pub struct Ends<O, A> {
    /// What looks.
    pub eyes: O,
    /// What acts.
    pub hands: A,
}
