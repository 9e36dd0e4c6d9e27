// Package headroom answers the hook headroom: how much room should be kept free. Importing it exports the hook.
package headroom

import (
	"unsafe"

	"plimsoll.io/sdk"
	"plimsoll.io/sdk/internal/contract"
	"plimsoll.io/sdk/internal/hook"
)

// Policy answers the hook.
type Policy interface {
	// Reserve says how much room to keep. With an error, the built-in default answers instead.
	Reserve(view *sdk.View, room *Room) error
}

// Export makes a component of a policy; call it in an init function. configure takes the operator's configuration, a
// JSON object (see sdk.Config); its error refuses the policy and names the mistake.
func Export(configure func(configJSON string) (Policy, error)) { exported.Export(configure) }

// Room is the answer: parallel lists, one entry for each kind of virtual pod. At most 256 kinds, at most 10000 pods
// together, and every kind asks for something.
type Room struct {
	Counts    []uint32 // how many virtual pods
	CPUMilli  []uint32 // millicores of each
	MemoryMiB []uint32 // MiB of each
	Codes     []uint16 // reason codes
}

// Keep keeps room for so many pods of this size, with a reason code of your own (0: none).
func (r *Room) Keep(count, cpuMilli, memoryMiB uint32, code uint16) {
	r.Counts = append(r.Counts, count)
	r.CPUMilli = append(r.CPUMilli, cpuMilli)
	r.MemoryMiB = append(r.MemoryMiB, memoryMiB)
	r.Codes = append(r.Codes, code)
}

// KeepBecause is Keep with words, which people read in "explain".
func (r *Room) KeepBecause(count, cpuMilli, memoryMiB uint32, code uint16, why string) {
	sdk.Explain(uint32(len(r.Counts)), code, why)
	r.Keep(count, cpuMilli, memoryMiB, code)
}

var exported hook.Hook[Policy]

//go:wasmexport plimsoll:policy/headroom@0.2.0#configure
func configure(text, length uint32) unsafe.Pointer { return exported.Configure(text, length) }

//go:wasmexport plimsoll:policy/headroom@0.2.0#reserve
func reserve(picture uint32) unsafe.Pointer {
	return exported.Ask(picture, func(policy Policy, view *sdk.View) ([]contract.List, error) {
		var room Room
		err := policy.Reserve(view, &room)
		return []contract.List{
			contract.ListOf(room.Counts),
			contract.ListOf(room.CPUMilli),
			contract.ListOf(room.MemoryMiB),
			contract.ListOf(room.Codes),
		}, err
	})
}
