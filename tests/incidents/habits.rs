//! Habits of the naive controller, each a switch.
//!
//! Not here: what it does for them (`naive`).

/// What it does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Habits {
    /// How it asks for nodes that pods wait for.
    pub(crate) grows: Grows,
    /// What it takes to be on the way.
    pub(crate) counts: Counts,
    /// Which nodes it gives up.
    pub(crate) removes: Removes,
    /// What it does about instances and nodes that do not match.
    pub(crate) cleans: Cleans,
    /// What it makes of an answer that is an error.
    pub(crate) on_error: OnError,
    /// What it replaces.
    pub(crate) replaces: Replaces,
    /// Whose replicas it sets.
    pub(crate) scales: Scales,
}

/// See `Habits::grows`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Grows {
    /// Not at all.
    #[default]
    Never,
    /// `SetDesiredCapacity`.
    ByNumber,
    /// `LaunchInstances`, each time with another token, in the group's first zone.
    ByLaunch,
    /// `SetDesiredCapacity` to what all pods need, whatever it is now, up or down.
    ToWhatPodsNeed,
}

/// See `Habits::counts`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Counts {
    /// Nothing: every loop looks at pods alone.
    #[default]
    Nothing,
    /// What the group wants and has no node yet.
    Desired,
    /// Instances that are listed and have no node yet.
    Listed,
    /// Instances that have ever been listed and have no node that is Ready: nothing is ever forgotten.
    EverListed,
    /// What the group wants, and Nodes of it beyond that, that are not Ready.
    NotReady,
    /// What it remembers to have been given.
    Given,
    /// What it has written down to have asked for; a restart reads it back.
    Asked,
}

/// See `Habits::removes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Removes {
    /// None.
    #[default]
    Never,
    /// All without pods for so many seconds, at once.
    Empty { after: i64 },
    /// The same, cordoned in one loop and ended in the next.
    EmptyCordonedFirst { after: i64 },
}

/// See `Habits::cleans`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cleans {
    /// Nothing.
    #[default]
    Never,
    /// Placeholders, after so many seconds of less than desired; the list of instances is read once a minute.
    Placeholders { after: i64, down: Down },
    /// Instances without a node for so many seconds: desired is lowered by as many.
    Unregistered { after: i64 },
    /// Nodes that are NotReady: desired is lowered by as many.
    NotReady,
    /// Nodes whose instance no group lists are ended, or deleted where that fails.
    Unlisted,
}

/// How desired is lowered for the sake of placeholders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Down {
    /// To the number of instances in the list.
    ToListed,
    /// By what the list has less than desired, in each loop again.
    ByMissing,
}

/// See `Habits::on_error`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnError {
    /// Nothing is done in this loop.
    #[default]
    Skips,
    /// It is taken for a list without groups.
    TakesForNothing,
    /// All groups are taken to have failed, for so many seconds.
    BacksOff { seconds: i64 },
    /// It goes on running and does nothing any more.
    Stalls,
}

/// See `Habits::replaces`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Replaces {
    /// Nothing.
    #[default]
    Never,
    /// All nodes of an older template, at once.
    Outdated,
    /// One node a loop by one of another group, which is taken to be there once it is launched.
    Onto { from: &'static str, to: &'static str },
}

/// See `Habits::scales`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scales {
    /// Nobody's.
    #[default]
    Never,
    /// To half of what pods ask for in use, at once.
    ByWork,
    /// One pod for so many messages; a queue of which nothing is known is empty.
    ByQueue { each: i64 },
}
