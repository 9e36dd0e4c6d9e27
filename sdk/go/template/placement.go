// Placement policy: keeps batch pods off Fargate.
package main

import (
	"plimsoll.io/sdk"
	"plimsoll.io/sdk/placement"
)

type policy struct {
	// Label whose value "batch" marks such pods.
	label string
}

func configure(json string) (placement.Policy, error) {
	p := policy{label: "tier"}
	return &p, sdk.Config(json, sdk.Fields{"label": &p.label})
}

func (p *policy) Place(view *sdk.View, prices *placement.Prices) error {
	for class := range view.Classes() {
		if class.Label(p.label) != "batch" {
			continue
		}
		for set := range view.Sets() {
			if set.IsFargate() {
				prices.Forbid(class, set, 1)
			}
		}
	}
	return nil
}

func init() { placement.Export(configure) }

func main() {}
