//! Columns and tables by name, as the contract calls them (sdk/wit/view.wit).
//!
//! Not here: what stands in them.

/// One column, by what it shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Number(Number),
    Amount(Amount),
    Signed(Signed),
    Text(Text),
    Keyed(Keyed, Box<str>),
    Extended(Extended, Box<str>),
}

macro_rules! columns {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $function:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum $name { $($variant,)* }

        impl $name {
            /// Every column with the name of its function in the contract.
            pub(crate) const ALL: &'static [(&'static str, Self)] = &[$(($function, Self::$variant),)*];
        }
    };
}

columns!(
    /// Columns of `u32`.
    Number {
        ClassCpu = "class-cpu",
        ClassMemory = "class-memory",
        ClassPending = "class-pending",
        ClassToCome = "class-to-come",
        ClassHeadroom = "class-headroom",
        SetKind = "set-kind",
        SetPurchase = "set-purchase",
        SetOffers = "set-offers",
        SetNodes = "set-nodes",
        SetCpuRequested = "set-cpu-requested",
        SetMemoryRequested = "set-memory-requested",
        SetCpuUsed = "set-cpu-used",
        SetMemoryUsed = "set-memory-used",
        SetBoot = "set-boot-ms",
        WorkloadReplicas = "workload-replicas",
        WorkloadReady = "workload-ready",
        WorkloadMin = "workload-min",
        WorkloadMax = "workload-max",
        WorkloadAge = "workload-age-ms",
        WorkloadPods = "workload-pods",
        WorkloadRecentMax = "workload-recent-max",
        CandidateAge = "candidate-age-ms",
        CandidateMoves = "candidate-moves",
        CandidateCpuRequested = "candidate-cpu-requested",
        CandidateMemoryRequested = "candidate-memory-requested",
        CandidateCpuUsed = "candidate-cpu-used",
        CandidateMemoryUsed = "candidate-memory-used",
        CandidateUnneeded = "candidate-unneeded-ms",
        CandidateDue = "candidate-due",
        MoverCandidate = "mover-candidate",
        MoverCpu = "mover-cpu",
        MoverMemory = "mover-memory",
        MoverAge = "mover-age-ms",
        StepFrom = "step-from",
        StepTo = "step-to",
        StepPods = "step-pods",
        GroupKind = "group-kind",
        GroupMin = "group-min",
        GroupMax = "group-max",
        GroupDesired = "group-desired",
        GroupNodes = "group-nodes",
        GroupForeign = "group-foreign",
        GroupCpuRequested = "group-cpu-requested",
        GroupMemoryRequested = "group-memory-requested",
        GroupCpuUsed = "group-cpu-used",
        GroupMemoryUsed = "group-memory-used",
        GroupBoot = "group-boot-ms",
        GroupShort = "group-short-ms",
        OfferGroup = "offer-group",
        OfferPurchase = "offer-purchase",
        OfferCpu = "offer-cpu",
        OfferMemory = "offer-memory",
        OfferPods = "offer-pods",
        OfferConfidence = "offer-confidence",
        OfferInterruptions = "offer-interruptions",
        OfferBarred = "offer-barred-ms",
        NodeGroup = "node-group",
        NodeOffer = "node-offer",
        NodeState = "node-state",
        NodeAge = "node-age-ms",
        NodeCpu = "node-cpu",
        NodeMemory = "node-memory",
        NodePods = "node-pods",
        NodeCpuUsed = "node-cpu-used",
        NodeMemoryUsed = "node-memory-used",
        PodNode = "pod-node",
        PodPhase = "pod-phase",
        PodAge = "pod-age-ms",
        PodCpu = "pod-cpu",
        PodMemory = "pod-memory",
        PodCpuUsed = "pod-cpu-used",
        PodMemoryUsed = "pod-memory-used",
        MetricAge = "metric-age-ms",
        MetricPods = "metric-pods",
        SampleWorkload = "sample-workload",
        SampleAge = "sample-age-ms",
        HistoryAge = "history-age-ms",
        HistoryPending = "history-pending",
    }
);

columns!(
    /// Columns of `f64`.
    Amount {
        ClassEc2Price = "class-ec2-price",
        ClassFargatePrice = "class-fargate-price",
        SetMinPrice = "set-min-price",
        WorkloadTarget = "workload-target",
        WorkloadValue = "workload-value",
        WorkloadRequest = "workload-request",
        CandidatePrice = "candidate-price",
        StepAdds = "step-adds",
        StepSaves = "step-saves",
        OfferPrice = "offer-price",
        NodePrice = "node-price",
        MetricValue = "metric-value",
        SampleValue = "sample-value",
    }
);

columns!(
    /// Columns of text.
    Text {
        ClassNamespace = "class-namespace",
        ClassOwnerKind = "class-owner-kind",
        ClassOwnerName = "class-owner-name",
        SetName = "set-name",
        SetGroup = "set-group",
        SetArch = "set-arch",
        WorkloadKind = "workload-kind",
        WorkloadNamespace = "workload-namespace",
        WorkloadName = "workload-name",
        WorkloadMetric = "workload-metric",
        CandidateName = "candidate-name",
        CandidateGroup = "candidate-group",
        MoverNamespace = "mover-namespace",
        MoverName = "mover-name",
        MoverOwnerKind = "mover-owner-kind",
        MoverOwnerName = "mover-owner-name",
        StepKind = "step-kind",
        StepGroup = "step-group",
        StepNamespace = "step-namespace",
        StepObject = "step-object",
        GroupName = "group-name",
        OfferType = "offer-type",
        OfferZone = "offer-zone",
        OfferArch = "offer-arch",
        NodeName = "node-name",
        PodNamespace = "pod-namespace",
        PodName = "pod-name",
        PodOwnerKind = "pod-owner-kind",
        PodOwnerName = "pod-owner-name",
        MetricName = "metric-name",
        MetricKind = "metric-kind",
        MetricNamespace = "metric-namespace",
        MetricWorkload = "metric-workload",
    }
);

columns!(
    /// Columns of text that are asked for by a key.
    Keyed {
        ClassLabel = "class-label",
        ClassAnnotation = "class-annotation",
        SetLabel = "set-label",
        WorkloadLabel = "workload-label",
        WorkloadAnnotation = "workload-annotation",
        CandidateLabel = "candidate-label",
        MoverLabel = "mover-label",
        MoverAnnotation = "mover-annotation",
        GroupLabel = "group-label",
        OfferLabel = "offer-label",
        NodeLabel = "node-label",
        PodLabel = "pod-label",
        PodAnnotation = "pod-annotation",
    }
);

columns!(
    /// Columns of `s32`.
    Signed {
        ClassPriority = "class-priority",
        PodPriority = "pod-priority",
    }
);

columns!(
    /// Columns of `u32` that are asked for by the name of an extended resource.
    Extended {
        Class = "class-extended",
        Offer = "offer-extended",
        Node = "node-extended",
        Pod = "pod-extended",
    }
);

columns!(
    /// Tables.
    Table {
        Classes = "classes",
        Sets = "sets",
        Workloads = "workloads",
        Candidates = "candidates",
        Movers = "movers",
        Steps = "steps",
        Groups = "groups",
        Offers = "offers",
        Nodes = "nodes",
        Pods = "pods",
        Metrics = "metrics",
        Samples = "samples",
        History = "history",
    }
);
