//! What a search turns: a strategy is a few phases of small numbers, and one run plays it to its end.

/// Knuth's MMIX generator: the same every time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, most: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(most.max(1))).unwrap_or(0)
    }

    /// Whether something of so many percent happens.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of so many, to index with.
    pub(super) fn index(&mut self, of: usize) -> usize {
        self.below(u32::try_from(of).unwrap_or(u32::MAX)) as usize
    }
}

/// What a phase says; every gene is below `VALUES`.
#[derive(Clone, Copy)]
pub(super) enum Gene {
    /// Which pass of time (`PASSES`).
    Pass,
    /// Steps in a plan.
    Steps,
    /// Weights of the kinds of steps.
    Grow,
    Cordon,
    Evict,
    Remove,
    Scale,
    /// Nodes that one purchase asks for.
    Size,
    /// How often the dear group is bought from.
    Dear,
    /// How often pods that nobody knows are named.
    Invent,
    /// How often pods are named that have been named before, or are placed.
    Repeat,
    /// How often a node without pods is chosen to go, and not the fullest.
    Empties,
    /// Replicas that policies want.
    Target,
    /// Pods that the tenant makes wait.
    Wait,
    /// The part of its pods that it lets end, and the part that it deletes.
    End,
    Vanish,
    /// Replicas that it wants.
    Wanted,
    /// The part of the pods that wait which is placed.
    Bind,
    /// How often a pod is placed on a node that is closed.
    Tolerate,
    /// How often a pod is placed on the first nodes there are, and not on any.
    Pack,
    /// The part of the calls that fails.
    Fail,
}

pub(super) const GENES: usize = Gene::Fail as usize + 1;
pub(super) const PHASES: usize = 4;
/// Genes are percentages.
const VALUES: u32 = 100;
/// Cycles of one run.
pub(super) const CYCLES: u32 = 18;

/// Passes of time in milliseconds: short ones, and those at the edges of the windows.
pub(super) const PASSES: [i64; 12] = [
    7_000, 30_000, 60_001, 120_001, 300_000, 599_999, 600_000, 600_001, 1_200_001, 3_600_000, 3_600_001,
    21_600_000,
];

/// What one run plays.
#[derive(Clone)]
pub(super) struct Strategy {
    pub(super) phases: [[u8; GENES]; PHASES],
    /// Cycles that a phase takes.
    pub(super) length: u8,
    /// Nodes at the start.
    pub(super) nodes: u8,
    /// What the world throws its dice with.
    pub(super) luck: u64,
}

impl Strategy {
    pub(super) fn drawn(dice: &mut Dice) -> Self {
        let mut this = Self {
            phases: [[0; GENES]; PHASES],
            length: byte(1 + dice.below(9)),
            nodes: byte(dice.below(33)),
            luck: u64::from(dice.below(1 << 20)),
        };
        for gene in this.phases.iter_mut().flatten() {
            *gene = byte(dice.below(VALUES));
        }
        this
    }

    /// One that differs in a few numbers.
    pub(super) fn mutated(&self, dice: &mut Dice) -> Self {
        let mut this = self.clone();
        for _ in 0..=dice.below(4) {
            match dice.below(12) {
                0 => this.length = byte(1 + dice.below(9)),
                1 => this.nodes = byte(dice.below(33)),
                2 => this.luck = u64::from(dice.below(1 << 20)),
                3 => this.phases[dice.index(PHASES)] = this.phases[dice.index(PHASES)],
                _ => {
                    let gene = &mut this.phases[dice.index(PHASES)][dice.index(GENES)];
                    let near = [0, 3, 97, VALUES - 1, u32::from(*gene) + 8, u32::from(*gene) + 92];
                    *gene = match dice.below(12) {
                        at @ 0..=5 => byte(near[at as usize] % VALUES),
                        _ => byte(dice.below(VALUES)),
                    };
                }
            }
        }
        this
    }

    /// One that has some phases of another.
    pub(super) fn crossed(&self, other: &Self, dice: &mut Dice) -> Self {
        let mut this = self.clone();
        for (ours, theirs) in this.phases.iter_mut().zip(other.phases) {
            if dice.chance(50) {
                *ours = theirs;
            }
        }
        this
    }

    /// What is said for a cycle.
    pub(super) fn gene(&self, cycle: u32, gene: Gene) -> u32 {
        let phase = (cycle / u32::from(self.length.max(1))) as usize % PHASES;
        u32::from(self.phases[phase][gene as usize])
    }
}

fn byte(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}
