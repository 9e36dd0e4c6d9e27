//! Columns and tables of a View by name, as the contract calls them (sdk/wit/view.wit).
//!
//! Not here: what they hold (`source` fetches it) and how authors read them (`view`, `rows`).

/// Rows of each table.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tables {
    pub(crate) classes: u32,
    pub(crate) sets: u32,
    pub(crate) workloads: u32,
    pub(crate) candidates: u32,
    pub(crate) movers: u32,
    pub(crate) steps: u32,
    pub(crate) groups: u32,
    pub(crate) offers: u32,
    pub(crate) nodes: u32,
    pub(crate) pods: u32,
    pub(crate) metrics: u32,
}

macro_rules! columns {
    ($(#[$doc:meta])* $kind:ident { $($variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum $kind { $($variant,)* }

        impl $kind {
            pub(crate) const COUNT: usize = [$(Self::$variant,)*].len();
        }
    };
}

columns!(
    /// Columns of `u32`.
    Number {
        ClassCpu,
        ClassMemory,
        ClassPending,
        ClassToCome,
        ClassHeadroom,
        SetKind,
        SetPurchase,
        SetOffers,
        SetNodes,
        SetCpuRequested,
        SetMemoryRequested,
        SetCpuUsed,
        SetMemoryUsed,
        SetBoot,
        WorkloadReplicas,
        WorkloadReady,
        WorkloadMin,
        WorkloadMax,
        WorkloadAge,
        WorkloadPods,
        WorkloadRecentMax,
        CandidateAge,
        CandidateMoves,
        CandidateCpuRequested,
        CandidateMemoryRequested,
        CandidateCpuUsed,
        CandidateMemoryUsed,
        CandidateUnneeded,
        CandidateDue,
        MoverCandidate,
        MoverCpu,
        MoverMemory,
        MoverAge,
        StepFrom,
        StepTo,
        StepPods,
        HistoryAge,
        HistoryPending,
        GroupKind,
        GroupMin,
        GroupMax,
        GroupDesired,
        GroupNodes,
        GroupForeign,
        GroupCpuRequested,
        GroupMemoryRequested,
        GroupCpuUsed,
        GroupMemoryUsed,
        GroupBoot,
        GroupShort,
        OfferGroup,
        OfferPurchase,
        OfferCpu,
        OfferMemory,
        OfferPods,
        OfferConfidence,
        OfferInterruptions,
        OfferBarred,
        NodeGroup,
        NodeOffer,
        NodeState,
        NodeAge,
        NodeCpu,
        NodeMemory,
        NodePods,
        NodeCpuUsed,
        NodeMemoryUsed,
        PodNode,
        PodPhase,
        PodAge,
        PodCpu,
        PodMemory,
        PodCpuUsed,
        PodMemoryUsed,
        MetricAge,
        MetricPods,
        SampleWorkload,
        SampleAge,
    }
);

columns!(
    /// Columns of `f64`.
    Amount {
        ClassEc2Price,
        ClassFargatePrice,
        SetMinPrice,
        WorkloadTarget,
        WorkloadValue,
        WorkloadRequest,
        CandidatePrice,
        StepAdds,
        StepSaves,
        OfferPrice,
        NodePrice,
        MetricValue,
        SampleValue,
    }
);

columns!(
    /// Columns of text.
    Text {
        ClassNamespace,
        ClassOwnerKind,
        ClassOwnerName,
        SetName,
        SetGroup,
        SetArch,
        WorkloadKind,
        WorkloadNamespace,
        WorkloadName,
        WorkloadMetric,
        CandidateName,
        CandidateGroup,
        MoverNamespace,
        MoverName,
        MoverOwnerKind,
        MoverOwnerName,
        StepKind,
        StepGroup,
        StepNamespace,
        StepObject,
        GroupName,
        OfferType,
        OfferZone,
        OfferArch,
        NodeName,
        PodNamespace,
        PodName,
        PodOwnerKind,
        PodOwnerName,
        MetricName,
        MetricKind,
        MetricNamespace,
        MetricWorkload,
    }
);

columns!(
    /// Columns that are asked for by a key.
    Keyed {
        ClassLabel,
        ClassAnnotation,
        ClassExtended,
        SetLabel,
        WorkloadLabel,
        WorkloadAnnotation,
        CandidateLabel,
        MoverLabel,
        MoverAnnotation,
        GroupLabel,
        OfferLabel,
        OfferExtended,
        NodeLabel,
        NodeExtended,
        PodLabel,
        PodAnnotation,
        PodExtended,
    }
);
