// Guest of the bench: reads three uint32 columns and answers one row for each class. The same as ../src/lib.rs.
package main

import (
	"plimsoll.io/sdk"
	"plimsoll.io/sdk/placement"
)

type columns struct{}

func configure(json string) (placement.Policy, error) {
	return columns{}, sdk.Config(json, sdk.Fields{})
}

func (columns) Place(view *sdk.View, prices *placement.Prices) error {
	if len(view.SetKind()) == 0 {
		return nil
	}
	cpu, memory, pending := view.ClassCPU(), view.ClassMemory(), view.ClassPending()
	prices.BanClasses = make([]uint32, len(cpu))
	prices.BanSets = make([]uint32, len(cpu))
	prices.BanCodes = make([]uint16, len(cpu))
	for row := range cpu {
		prices.BanClasses[row] = uint32(row)
		prices.BanCodes[row] = uint16((cpu[row] + memory[row] + pending[row]) & 1)
	}
	return nil
}

func init() { placement.Export(configure) }

func main() {}
