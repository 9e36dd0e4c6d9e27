// Scaler policy: every workload keeps its replicas, within its bounds.
//
// Decides nothing; it shows the fastest way over whole columns, and speed is measured with it.
package main

import (
	"plimsoll.io/sdk"
	"plimsoll.io/sdk/scaler"
)

// No answer may want more replicas.
const mostReplicas = 1000000

type withinBounds struct{}

func configure(json string) (scaler.Policy, error) {
	return withinBounds{}, sdk.Config(json, sdk.Fields{})
}

func (withinBounds) Scale(view *sdk.View, replicas *scaler.Replicas) error {
	now, least, most := view.WorkloadReplicas(), view.WorkloadMin(), view.WorkloadMax()
	// Whole lists at once instead of Set for each row.
	replicas.Rows = make([]uint32, len(now))
	replicas.Wanted = make([]uint32, len(now))
	replicas.Codes = make([]uint16, len(now))
	for row, count := range now {
		replicas.Rows[row] = uint32(row)
		replicas.Wanted[row] = min(max(count, least[row]), most[row], mostReplicas)
	}
	return nil
}

func init() { scaler.Export(configure) }

func main() {}
