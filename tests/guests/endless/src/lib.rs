//! Guest of the end-to-end tests: answers all three hooks, each by looping for ever.

use plimsoll_sdk::{Headroom, Placement, Prices, Replicas, Room, Scaler, View};
use plimsoll_sdk::{export_headroom, export_placement, export_scaler};

/// No configuration.
pub struct Endless;

fn for_ever() -> ! {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

impl Placement for Endless {
    fn configure(_json: &str) -> Result<Self, String> {
        Ok(Self)
    }

    fn place(&self, _view: &View<'_>) -> Result<Prices, String> {
        for_ever()
    }
}

impl Scaler for Endless {
    fn configure(_json: &str) -> Result<Self, String> {
        Ok(Self)
    }

    fn scale(&self, _view: &View<'_>) -> Result<Replicas, String> {
        for_ever()
    }
}

impl Headroom for Endless {
    fn configure(_json: &str) -> Result<Self, String> {
        Ok(Self)
    }

    fn reserve(&self, _view: &View<'_>) -> Result<Room, String> {
        for_ever()
    }
}

export_placement!(Endless);
export_scaler!(Endless);
export_headroom!(Endless);
