//! Amounts as vectors of whole numbers, one place for each dimension of a problem.
//!
//! Nothing here knows what a dimension means.

/// Amounts by dimension.
pub type Amounts = Vec<i64>;

/// Calls `function` with the dimensions as a constant, so that the inner loops of search and bounds unroll. A
/// problem with more than sixteen dimensions gets sixteen, which its caller must notice.
macro_rules! in_dims {
    ($dims:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $dims {
            0..=3 => $function::<3>($($argument),*),
            4 => $function::<4>($($argument),*),
            5..=8 => $function::<8>($($argument),*),
            _ => $function::<16>($($argument),*),
        }
    };
}
pub(crate) use in_dims;

/// Whether `free` holds `ask`. What is not asked for never objects: kube-scheduler's NodeResourcesFit lets a pod that asks
/// for nothing of a resource onto a node where it is over-committed.
pub fn holds(free: &[i64], ask: &[i64]) -> bool {
    free.iter().zip(ask).all(|(free, ask)| *ask <= 0 || ask <= free)
}

/// Takes `copies` of `ask` out of `free`; held at the ends.
pub fn take(free: &mut [i64], ask: &[i64], copies: u32) {
    for (free, ask) in free.iter_mut().zip(ask) {
        *free = free.saturating_sub(ask.saturating_mul(i64::from(copies)));
    }
}

/// Puts `copies` of `ask` back into `free`; held at the ends.
pub fn put(free: &mut [i64], ask: &[i64], copies: u32) {
    for (free, ask) in free.iter_mut().zip(ask) {
        *free = free.saturating_add(ask.saturating_mul(i64::from(copies)));
    }
}

/// How many copies of `ask` fit into `free`, at most `most`.
pub fn copies(free: &[i64], ask: &[i64], most: u32) -> u32 {
    free.iter()
        .zip(ask)
        .filter(|(_, ask)| **ask > 0)
        .map(|(free, ask)| u32::try_from((*free).max(0) / ask).unwrap_or(u32::MAX))
        .fold(most, u32::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_for_never_objects() {
        assert!(holds(&[-5, 10], &[0, 10]));
        assert!(!holds(&[-5, 10], &[1, 10]));
        assert_eq!(copies(&[-5, 10], &[0, 3], 9), 3);
        assert_eq!(copies(&[-5, 10], &[1, 3], 9), 0);
    }

    #[test]
    fn hostile_requests_fit_nothing_and_do_not_wrap() {
        let ask = vec![i64::MAX, 1, 0, 1];
        let mut free = vec![4000, 1 << 33, 0, 110];
        assert!(!holds(&free, &ask));
        take(&mut free, &ask, 3);
        assert!(free[0] < 0);
    }
}
