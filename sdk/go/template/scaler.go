// Scaler policy: one replica for so much of the metric, at least as many as are allowed.
package main

import (
	"math"

	"plimsoll.io/sdk"
	"plimsoll.io/sdk/scaler"
)

type policy struct {
	// Values older than this are not believed.
	maxAgeSeconds uint32
}

func configure(json string) (scaler.Policy, error) {
	p := policy{maxAgeSeconds: 120}
	return &p, sdk.Config(json, sdk.Fields{"max_age_seconds": &p.maxAgeSeconds})
}

func (p *policy) Scale(view *sdk.View, replicas *scaler.Replicas) error {
	for workload := range view.Workloads() {
		// A missing value never means zero: without one, the workload keeps what it has.
		value, known := workload.Value()
		if !known || workload.AgeMs()/1000 > p.maxAgeSeconds {
			continue
		}
		perReplica := workload.Target()
		if request := workload.Request(); request > 0 {
			perReplica *= request
		}
		if perReplica > 0 {
			wanted := uint32(min(math.Ceil(value/perReplica), 1e6))
			replicas.Set(workload, max(wanted, workload.Min()), 1)
		}
	}
	return nil
}

func init() { scaler.Export(configure) }

func main() {}
