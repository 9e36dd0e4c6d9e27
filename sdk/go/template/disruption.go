// Disruption policy: nodes with young pods of Jobs stay, and moving a pod of a namespace that is named costs extra.
package main

import (
	"plimsoll.io/sdk"
	"plimsoll.io/sdk/disruption"
)

// Reason codes.
const (
	youngJob      = 1
	dearNamespace = 2
)

type policy struct {
	// Pods of Jobs are young for so many minutes.
	minutes uint32
	// Dollars per hour that a pod of a namespace counts beyond what every eviction counts.
	usdPerHour map[string]float64
}

func configure(json string) (disruption.Policy, error) {
	p := policy{minutes: 30}
	return &p, sdk.Config(json, sdk.Fields{"minutes": &p.minutes, "usd_per_hour": &p.usdPerHour})
}

func (p *policy) Judge(view *sdk.View, verdicts *disruption.Verdicts) error {
	for candidate := range view.Candidates() {
		job, sum := "", 0.0
		for pod := range candidate.Movers() {
			if job == "" && pod.OwnerKind() == "Job" && pod.AgeMs()/60000 < p.minutes {
				job = pod.OwnerName()
			}
			sum += p.usdPerHour[pod.Namespace()]
		}
		if job != "" {
			verdicts.DenyBecause(candidate, youngJob, "Job "+job+" has just begun")
		}
		if sum != 0 {
			verdicts.Add(candidate, sum, dearNamespace)
		}
	}
	return nil
}

func init() { disruption.Export(configure) }

func main() {}
