// Placement policy: jobs and bursts go to Fargate while the EC2 groups run below break-even utilisation.
//
// Says nothing about pods that only one of the two can run. The README tells the reasoning.

#include "plimsoll.h"

enum { CHEAPER_ON_FARGATE = 1, STAYS_ON_EC2 = 2, LABELLED_FOR_EC2 = 3 };

static pl_texts job_kinds = PL_LIST(PL("Job"));
static uint32_t burst_pods = 20;
static double assumed_utilisation_percent = 65;
static bool others_stay_on_ec2 = true;
static pl_text ec2_label, label_key, label_value;

static const pl_field FIELDS[] = {
    PL_TEXTS("job_kinds", &job_kinds),
    PL_WHOLE("burst_pods", &burst_pods, 0, UINT32_MAX),
    PL_AMOUNT("assumed_utilisation_percent", &assumed_utilisation_percent, 1, 100),
    PL_FLAG("others_stay_on_ec2", &others_stay_on_ec2),
    PL_TEXT("ec2_label", &ec2_label),
};

static pl_outcome configure(pl_text json) {
    pl_outcome outcome = pl_configure(json, FIELDS, PL_COUNT(FIELDS));
    if (outcome.declined || ec2_label.len == 0) return outcome;
    if (!pl_split(ec2_label, '=', &label_key, &label_value) || label_key.len == 0) {
        return pl_decline("ec2_label must be empty or key=value");
    }
    return PL_DONE;
}

static bool comes_and_goes(pl_view *view, uint32_t row) {
    uint64_t waiting = (uint64_t)pl_class_pending(view, row) + pl_class_to_come(view, row);
    return pl_among(pl_class_owner_kind(view, row), job_kinds) || (burst_pods > 0 && waiting >= burst_pods);
}

/// Share of the EC2 groups that is requested, by their scarcer resource, weighted by nodes. Nodes and shares are the
/// group's: of a group with several sets (a fleet) the first one tells them.
static double utilisation(pl_view *view) {
    pl_map counted = {0};
    double nodes = 0, used = 0;
    for (uint32_t set = 0; set < pl_sets(view); set++) {
        uint64_t before;
        pl_text group = pl_set_group(view, set);
        if (pl_set_is_fargate(view, set) || pl_map_get(&counted, group, &before)) continue;
        pl_map_put(&counted, group, set);
        uint32_t cpu = pl_set_cpu_requested(view, set), memory = pl_set_memory_requested(view, set);
        double share = (cpu > memory ? cpu : memory) / 1000.0;
        nodes += pl_set_nodes(view, set);
        used += pl_set_nodes(view, set) * share;
    }
    return nodes > 0 ? used / nodes : assumed_utilisation_percent / 100;
}

static pl_outcome place(pl_view *view, pl_prices *answer) {
    double utilised = utilisation(view);
    for (uint32_t row = 0; row < pl_classes(view); row++) {
        double ec2, fargate;
        if (!pl_class_ec2_price(view, row, &ec2) || !pl_class_fargate_price(view, row, &fargate)) continue;
        bool labelled = ec2_label.len > 0 && pl_equal(pl_class_label(view, row, label_key), label_value);
        bool passing = comes_and_goes(view, row);
        for (uint32_t set = 0; set < pl_sets(view); set++) {
            if (!pl_set_is_fargate(view, set)) continue;
            if (labelled) {
                pl_prices_forbid(answer, row, set, LABELLED_FOR_EC2);
            } else if (passing && utilised < ec2 / fargate) {
                // Priced a hair below a node used to the full: wins against any node that would be bought.
                pl_prices_add(answer, row, set, ec2 * 0.999 - fargate, CHEAPER_ON_FARGATE);
            } else if (!passing && others_stay_on_ec2) {
                pl_prices_forbid(answer, row, set, STAYS_ON_EC2);
            }
        }
    }
    return PL_DONE;
}

PLIMSOLL_EXPORT_PLACEMENT(configure, place)
