// Every table and every column of the contract (sdk/wit/view.wit), one line each: kind, name in C, name in WIT.
//
// plimsoll.h reads this file twice, with two meanings of TABLE and COLUMN: once for the fields of a view that keep what
// was fetched, once for the functions. Not to be included by authors, and nothing but the table: no include guard.
//
// number, number_by   whole numbers (u32); `_by` asks for one column by a key
// known               whole numbers that can be absent
// amount              amounts (f64)
// perhaps             amounts that can be absent
// signed              whole numbers that can be negative
// word, word_by       text, coded as syms; empty where absent

// ---- classes of demand: pods that no scheduling rule can tell apart (hooks placement and headroom; none elsewhere)
TABLE(classes, "classes")
COLUMN(number, class_cpu, "class-cpu")                     // Request of one pod, millicores.
COLUMN(number, class_memory, "class-memory")               // Request of one pod, MiB, rounded up.
COLUMN(number_by, class_extended, "class-extended")        // Request of one pod of the named extended resource.
COLUMN(number, class_pending, "class-pending")             // Pods that wait now.
COLUMN(number, class_to_come, "class-to-come")             // Replicas that are decided but have no pod yet.
COLUMN(number, class_headroom, "class-headroom")           // Virtual pods that keep room.
COLUMN(perhaps, class_ec2_price, "class-ec2-price")        // Cheapest EC2 price of one pod on a full node.
COLUMN(perhaps, class_fargate_price, "class-fargate-price") // Price of one pod on Fargate.
COLUMN(signed, class_priority, "class-priority")           // `spec.priority`.
COLUMN(word, class_namespace, "class-namespace")           // Namespace; empty for virtual pods.
COLUMN(word, class_owner_kind, "class-owner-kind")         // Kind of the owner (`Deployment`, `Job`, …).
COLUMN(word, class_owner_name, "class-owner-name")         // Name of the owner.
COLUMN(word_by, class_label, "class-label")                // Value of one pod label.
COLUMN(word_by, class_annotation, "class-annotation")      // Value of one `plimsoll.io/…` annotation.

// ---- offer sets: all offers of a group that are bought alike (hooks placement and headroom; none elsewhere)
TABLE(sets, "sets")
COLUMN(word, set_name, "set-name")                         // `group` or `group/arch/purchase`.
COLUMN(word, set_group, "set-group")                       // Name of the group.
COLUMN(number, set_kind, "set-kind")                       // Kind of the group: enum pl_group_kind.
COLUMN(word, set_arch, "set-arch")                         // `amd64`, `arm64`, …; empty where it has several.
COLUMN(number, set_purchase, "set-purchase")               // How its instances are paid: enum pl_purchase.
COLUMN(number, set_offers, "set-offers")                   // Offers in it.
COLUMN(amount, set_min_price, "set-min-price")             // Price of its cheapest offer, dollars per hour.
COLUMN(number, set_nodes, "set-nodes")                     // Nodes that the group has.
COLUMN(number, set_cpu_requested, "set-cpu-requested")     // Requested share of the group's CPU, thousandths.
COLUMN(number, set_memory_requested, "set-memory-requested") // Requested share of the group's memory, thousandths.
COLUMN(known, set_cpu_used, "set-cpu-used")                // Used share of the group's CPU, thousandths.
COLUMN(known, set_memory_used, "set-memory-used")          // Used share of the group's memory, thousandths.
COLUMN(known, set_boot_ms, "set-boot-ms")                  // Median of the group's last boot times, milliseconds.
COLUMN(word_by, set_label, "set-label")                    // Value of one label of the group's nodes.

// ---- workloads that may be scaled (hook scaler; none elsewhere)
TABLE(workloads, "workloads")
COLUMN(word, workload_kind, "workload-kind")               // `Deployment`, `StatefulSet`, …
COLUMN(word, workload_namespace, "workload-namespace")     // Namespace.
COLUMN(word, workload_name, "workload-name")               // Name.
COLUMN(number, workload_replicas, "workload-replicas")     // Replicas now.
COLUMN(number, workload_ready, "workload-ready")           // Ready pods.
COLUMN(number, workload_min, "workload-min")               // Fewest replicas allowed.
COLUMN(number, workload_max, "workload-max")               // Most replicas allowed.
COLUMN(word, workload_metric, "workload-metric")           // Metric to hold at the target: `cpu`, `memory`, or another.
COLUMN(amount, workload_target, "workload-target")         // Share of the request (`cpu`, `memory`), else units each.
COLUMN(perhaps, workload_value, "workload-value")          // Value of the metric, summed over the pods.
COLUMN(number, workload_age_ms, "workload-age-ms")         // Age of the value, milliseconds.
COLUMN(number, workload_pods, "workload-pods")             // Pods that contributed to the value.
COLUMN(amount, workload_request, "workload-request")       // Request of one pod in the unit of the value; else 0.
COLUMN(number, workload_recent_max, "workload-recent-max") // Highest recommendation of the last five minutes.
COLUMN(word_by, workload_label, "workload-label")          // Value of one label of its pods.
COLUMN(word_by, workload_annotation, "workload-annotation") // Value of one `plimsoll.io/…` annotation of its pods.

// ---- nodes that could be given up (hook disruption; none elsewhere)
TABLE(candidates, "candidates")
COLUMN(word, candidate_name, "candidate-name")             // Name of the node.
COLUMN(word, candidate_group, "candidate-group")           // Name of its group.
COLUMN(perhaps, candidate_price, "candidate-price")        // Price, dollars per hour; absent: nobody knows it.
COLUMN(number, candidate_age_ms, "candidate-age-ms")       // Age, milliseconds.
COLUMN(number, candidate_moves, "candidate-moves")         // Pods that would have to move.
COLUMN(number, candidate_cpu_requested, "candidate-cpu-requested") // Requested share of its CPU, thousandths.
COLUMN(number, candidate_memory_requested, "candidate-memory-requested") // Requested share of its memory, thousandths.
COLUMN(known, candidate_cpu_used, "candidate-cpu-used")    // Used share of its CPU, thousandths.
COLUMN(known, candidate_memory_used, "candidate-memory-used") // Used share of its memory, thousandths.
COLUMN(known, candidate_unneeded_ms, "candidate-unneeded-ms") // For how long it could have gone; absent: not until now.
COLUMN(number, candidate_due, "candidate-due")             // Why another should take its place: enum pl_due.
COLUMN(word_by, candidate_label, "candidate-label")        // Value of one label of the node.

// ---- pods that would have to move, in the order of the candidates (hook disruption; none elsewhere)
TABLE(movers, "movers")
COLUMN(number, mover_candidate, "mover-candidate")         // Candidate row of its node; never falls from row to row.
COLUMN(word, mover_namespace, "mover-namespace")           // Namespace.
COLUMN(word, mover_name, "mover-name")                     // Name of the pod.
COLUMN(word, mover_owner_kind, "mover-owner-kind")         // Kind of the owner (`Deployment`, `Job`, …).
COLUMN(word, mover_owner_name, "mover-owner-name")         // Name of the owner.
COLUMN(number, mover_cpu, "mover-cpu")                     // Request, millicores.
COLUMN(number, mover_memory, "mover-memory")               // Request, MiB, rounded up.
COLUMN(number, mover_age_ms, "mover-age-ms")               // Age of the pod, milliseconds.
COLUMN(word_by, mover_label, "mover-label")                // Value of one label.
COLUMN(word_by, mover_annotation, "mover-annotation")      // Value of one `plimsoll.io/…` annotation.

// ---- steps of the plan that begin something (hook review; none elsewhere)
TABLE(steps, "steps")
COLUMN(word, step_kind, "step-kind")                       // `GrowGroup`, `Cordon`, `ScaleWorkload`, …
COLUMN(word, step_group, "step-group")                     // Group or Fargate profile that it changes.
COLUMN(word, step_namespace, "step-namespace")             // Namespace of the workload or pod that it is about.
COLUMN(word, step_object, "step-object")                   // Name of the workload, pod, node or instance.
COLUMN(number, step_from, "step-from")                     // Replicas, size or maximum before; 0 elsewhere.
COLUMN(number, step_to, "step-to")                         // The same after.
COLUMN(number, step_pods, "step-pods")                     // Pods that it is for, or that would have to move.
COLUMN(perhaps, step_adds, "step-adds")                    // What it adds to the bill, dollars per hour.
COLUMN(perhaps, step_saves, "step-saves")                  // What it takes off the bill, dollars per hour.

// ---- groups, whatever capacity is changed in, sorted by name (every hook)
TABLE(groups, "groups")
COLUMN(word, group_name, "group-name")                     // Name.
COLUMN(number, group_kind, "group-kind")                   // enum pl_group_kind.
COLUMN(number, group_min, "group-min")                     // Fewest instances.
COLUMN(number, group_max, "group-max")                     // Most instances.
COLUMN(number, group_desired, "group-desired")             // Instances that the provider was asked for last.
COLUMN(number, group_nodes, "group-nodes")                 // Nodes of it that are in the cluster.
COLUMN(number, group_foreign, "group-foreign")             // 1 where somebody else owns its size; 0 elsewhere.
COLUMN(number, group_cpu_requested, "group-cpu-requested") // Requested share of its CPU, thousandths, smoothed.
COLUMN(number, group_memory_requested, "group-memory-requested") // Requested share of its memory, the same way.
COLUMN(known, group_cpu_used, "group-cpu-used")            // Used share of its CPU, thousandths, smoothed.
COLUMN(known, group_memory_used, "group-memory-used")      // Used share of its memory, the same way.
COLUMN(known, group_boot_ms, "group-boot-ms")              // Median of its last boot times, milliseconds.
COLUMN(known, group_short_ms, "group-short-ms")            // For how long capacity has been wanting.
COLUMN(word_by, group_label, "group-label")                // Value of one label of its nodes.

// ---- offers: what can be bought in which group (every hook)
TABLE(offers, "offers")
COLUMN(number, offer_group, "offer-group")                 // Group row.
COLUMN(word, offer_type, "offer-type")                     // Instance type; empty for a Fargate size.
COLUMN(word, offer_zone, "offer-zone")                     // Zone; empty for a Fargate size.
COLUMN(word, offer_arch, "offer-arch")                     // `amd64` or `arm64`; empty for a Fargate size.
COLUMN(number, offer_purchase, "offer-purchase")           // How it is paid: enum pl_purchase; 0 for a Fargate size.
COLUMN(number, offer_cpu, "offer-cpu")                     // What pods can use of one, millicores.
COLUMN(number, offer_memory, "offer-memory")               // What pods can use of one, MiB, rounded down.
COLUMN(number, offer_pods, "offer-pods")                   // Most pods on one; 1 for a Fargate size.
COLUMN(number_by, offer_extended, "offer-extended")        // What pods can use of one of the named extended resource.
COLUMN(amount, offer_price, "offer-price")                 // Price, dollars per hour.
COLUMN(number, offer_confidence, "offer-confidence")       // How far the price can be trusted: enum pl_confidence.
COLUMN(known, offer_interruptions, "offer-interruptions")  // Chance that it is taken back within a month, thousandths.
COLUMN(number, offer_barred_ms, "offer-barred-ms")         // For how long it will not be bought; 0 where it may be.
COLUMN(word_by, offer_label, "offer-label")                // Value of one label of a node bought so.

// ---- nodes, sorted by name (every hook)
TABLE(nodes, "nodes")
COLUMN(word, node_name, "node-name")                       // Name.
COLUMN(known, node_group, "node-group")                    // Group row.
COLUMN(known, node_offer, "node-offer")                    // Offer row.
COLUMN(number, node_state, "node-state")                   // A sum of enum pl_node_state.
COLUMN(perhaps, node_price, "node-price")                  // Price, dollars per hour; absent: nobody knows it.
COLUMN(number, node_age_ms, "node-age-ms")                 // Age, milliseconds.
COLUMN(number, node_cpu, "node-cpu")                       // What pods can use, millicores.
COLUMN(number, node_memory, "node-memory")                 // What pods can use, MiB, rounded down.
COLUMN(number, node_pods, "node-pods")                     // Most pods.
COLUMN(number_by, node_extended, "node-extended")          // What pods can use of the named extended resource.
COLUMN(known, node_cpu_used, "node-cpu-used")              // CPU in use, millicores.
COLUMN(known, node_memory_used, "node-memory-used")        // Memory in use, MiB, rounded up.
COLUMN(word_by, node_label, "node-label")                  // Value of one label.

// ---- pods, sorted by namespace and name, finished ones among them (every hook)
TABLE(pods, "pods")
COLUMN(word, pod_namespace, "pod-namespace")               // Namespace.
COLUMN(word, pod_name, "pod-name")                         // Name.
COLUMN(known, pod_node, "pod-node")                        // Node row; absent where it has none.
COLUMN(number, pod_phase, "pod-phase")                     // enum pl_phase.
COLUMN(number, pod_age_ms, "pod-age-ms")                   // Age, milliseconds.
COLUMN(number, pod_cpu, "pod-cpu")                         // Request, millicores.
COLUMN(number, pod_memory, "pod-memory")                   // Request, MiB, rounded up.
COLUMN(number_by, pod_extended, "pod-extended")            // Request of the named extended resource.
COLUMN(known, pod_cpu_used, "pod-cpu-used")                // CPU in use, millicores.
COLUMN(known, pod_memory_used, "pod-memory-used")          // Memory in use, MiB, rounded up.
COLUMN(signed, pod_priority, "pod-priority")               // `spec.priority`.
COLUMN(word, pod_owner_kind, "pod-owner-kind")             // Kind of the owner (`Deployment`, `Job`, …).
COLUMN(word, pod_owner_name, "pod-owner-name")             // Name of the owner.
COLUMN(word_by, pod_label, "pod-label")                    // Value of one label.
COLUMN(word_by, pod_annotation, "pod-annotation")          // Value of one `plimsoll.io/…` annotation.

// ---- metrics: every figure that is known about a workload, scaled or not (every hook)
TABLE(metrics, "metrics")
COLUMN(word, metric_name, "metric-name")                   // `cpu`, `memory`, or a name of the operator's.
COLUMN(word, metric_kind, "metric-kind")                   // Kind of the workload.
COLUMN(word, metric_namespace, "metric-namespace")         // Namespace of the workload.
COLUMN(word, metric_workload, "metric-workload")           // Name of the workload.
COLUMN(amount, metric_value, "metric-value")               // Value, summed over the pods.
COLUMN(number, metric_age_ms, "metric-age-ms")             // Age of the value, milliseconds.
COLUMN(number, metric_pods, "metric-pods")                 // Pods that contributed to it.

// ---- past values of the workloads, in their order, oldest first (hook scaler; none elsewhere)
TABLE(samples, "samples")
COLUMN(number, sample_workload, "sample-workload")         // Workload row; never falls from row to row.
COLUMN(number, sample_age_ms, "sample-age-ms")             // How long before now it was measured, milliseconds.
COLUMN(amount, sample_value, "sample-value")               // The value, in the unit of `workload-value`.

// ---- demand history: recent cycles, oldest first (every hook)
TABLE(history, "history")
COLUMN(number, history_age_ms, "history-age-ms")           // How long before now, milliseconds.
COLUMN(number, history_pending, "history-pending")         // Pods that waited.

#undef TABLE
#undef COLUMN
