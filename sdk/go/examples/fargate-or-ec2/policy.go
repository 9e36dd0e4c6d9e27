// Placement policy: jobs and bursts go to Fargate while the EC2 groups run below break-even utilisation.
//
// EC2 is bought in nodes and paid for whether used or not: a pod really costs its share of a node divided by how full
// nodes get. Below a utilisation of (EC2 price ÷ Fargate price) Fargate is cheaper for what comes and goes. What stays,
// stays on EC2. Says nothing about pods that only one of the two can run.
package main

import (
	"errors"
	"slices"
	"strings"

	"plimsoll.io/sdk"
	"plimsoll.io/sdk/placement"
)

// Reason codes.
const (
	cheaperOnFargate = 1
	staysOnEC2       = 2
	labelledForEC2   = 3
)

type fargateOrEC2 struct {
	// Kinds of owners whose pods come and go.
	jobKinds []string
	// From this many pods without a place in one class on, they are a burst; 0: never.
	burstPods uint32
	// Utilisation to reckon with while there are no EC2 nodes to measure, percent.
	assumedUtilisation float64
	// Whether everything else is kept off Fargate, or left to the price.
	othersStayOnEC2 bool
	// Label of pods that never go to Fargate; an empty key: none.
	ec2Key, ec2Value string
}

func configure(json string) (placement.Policy, error) {
	p := fargateOrEC2{jobKinds: []string{"Job"}, burstPods: 20, assumedUtilisation: 65, othersStayOnEC2: true}
	var label string
	err := sdk.Config(json, sdk.Fields{
		"job_kinds":                   &p.jobKinds,
		"burst_pods":                  &p.burstPods,
		"assumed_utilisation_percent": &p.assumedUtilisation,
		"others_stay_on_ec2":          &p.othersStayOnEC2,
		"ec2_label":                   &label,
	})
	if err != nil {
		return nil, err
	}
	if p.assumedUtilisation < 1 || p.assumedUtilisation > 100 {
		return nil, errors.New("assumed_utilisation_percent must be between 1 and 100")
	}
	if label != "" {
		var found bool
		p.ec2Key, p.ec2Value, found = strings.Cut(label, "=")
		if !found || p.ec2Key == "" {
			return nil, errors.New("ec2_label must be key=value")
		}
	}
	return p, nil
}

func (p fargateOrEC2) Place(view *sdk.View, prices *placement.Prices) error {
	utilisation := p.utilisation(view)
	for class := range view.Classes() {
		ec2, onEC2 := class.EC2Price()
		fargate, onFargate := class.FargatePrice()
		if !onEC2 || !onFargate {
			continue
		}
		labelled := p.ec2Key != "" && class.Label(p.ec2Key) == p.ec2Value
		passing := p.comesAndGoes(class)
		for set := range view.Sets() {
			switch {
			case !set.IsFargate():
			case labelled:
				prices.Forbid(class, set, labelledForEC2)
			case passing && utilisation < ec2/fargate:
				// Priced a hair below a node used to the full: wins against any node that would be bought.
				prices.Add(class, set, ec2*0.999-fargate, cheaperOnFargate)
			case !passing && p.othersStayOnEC2:
				prices.Forbid(class, set, staysOnEC2)
			}
		}
	}
	return nil
}

func (p fargateOrEC2) comesAndGoes(class sdk.Class) bool {
	waiting := uint64(class.Pending()) + uint64(class.ToCome())
	return slices.Contains(p.jobKinds, class.OwnerKind()) || p.burstPods > 0 && waiting >= uint64(p.burstPods)
}

// utilisation is the share of the EC2 groups that is requested, by their scarcer resource, weighted by nodes. Nodes and
// shares are the group's: of a group with several sets (a fleet) the first one tells them.
func (p fargateOrEC2) utilisation(view *sdk.View) float64 {
	counted := map[string]bool{}
	nodes, used := 0.0, 0.0
	for set := range view.Sets() {
		if set.IsFargate() || counted[set.Group()] {
			continue
		}
		counted[set.Group()] = true
		share := float64(max(set.CPURequested(), set.MemoryRequested())) / 1000
		nodes += float64(set.Nodes())
		used += float64(set.Nodes()) * share
	}
	if nodes == 0 {
		return p.assumedUtilisation / 100
	}
	return used / nodes
}

func init() { placement.Export(configure) }

func main() {}
