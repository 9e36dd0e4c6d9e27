// Headroom policy: keeps room for as many pods as waited at most in the last cycles.
package main

import (
	"plimsoll.io/sdk"
	"plimsoll.io/sdk/headroom"
)

type policy struct {
	// How far back to look.
	minutes uint32
	// Request of a virtual pod.
	cpuMilli, memoryMiB uint32
}

func configure(json string) (headroom.Policy, error) {
	p := policy{minutes: 30, cpuMilli: 250, memoryMiB: 512}
	return &p, sdk.Config(json, sdk.Fields{"minutes": &p.minutes, "cpu_milli": &p.cpuMilli, "memory_mib": &p.memoryMiB})
}

func (p *policy) Reserve(view *sdk.View, room *headroom.Room) error {
	var most uint32
	for ageMs, waited := range view.History() {
		if ageMs/60000 <= p.minutes {
			most = max(most, waited)
		}
	}
	room.Keep(min(most, 100), p.cpuMilli, p.memoryMiB, 1)
	return nil
}

func init() { headroom.Export(configure) }

func main() {}
