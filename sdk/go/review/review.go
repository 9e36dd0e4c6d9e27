// Package review answers the hook review: which steps of the finished plan wait. Importing it exports the hook.
package review

import (
	"unsafe"

	"plimsoll.io/sdk"
	"plimsoll.io/sdk/internal/contract"
	"plimsoll.io/sdk/internal/hook"
)

// Policy answers the hook.
type Policy interface {
	// Review says which steps wait. With an error, nothing new shrinks in this cycle.
	Review(view *sdk.View, holds *Holds) error
}

// Export makes a component of a policy; call it in an init function. configure takes the operator's configuration, a
// JSON object (see sdk.Config); its error refuses the policy and names the mistake.
func Export(configure func(configJSON string) (Policy, error)) { exported.Export(configure) }

// Holds is the answer: parallel lists, one entry for each step that waits. A step that does not stand there is begun;
// none stands twice.
type Holds struct {
	Rows  []uint32 // rows of steps
	Codes []uint16 // reason codes
}

// Hold has the step wait for a later cycle, with a reason code of your own (0: none).
func (h *Holds) Hold(step sdk.Step, code uint16) {
	h.Rows = append(h.Rows, step.Row())
	h.Codes = append(h.Codes, code)
}

// HoldBecause is Hold with words, which people read in "explain".
func (h *Holds) HoldBecause(step sdk.Step, code uint16, why string) {
	sdk.Explain(step.Row(), code, why)
	h.Hold(step, code)
}

var exported hook.Hook[Policy]

//go:wasmexport plimsoll:policy/review@0.2.0#configure
func configure(text, length uint32) unsafe.Pointer { return exported.Configure(text, length) }

//go:wasmexport plimsoll:policy/review@0.2.0#review
func review(picture uint32) unsafe.Pointer {
	return exported.Ask(picture, func(policy Policy, view *sdk.View) ([]contract.List, error) {
		var holds Holds
		err := policy.Review(view, &holds)
		return []contract.List{
			contract.ListOf(holds.Rows),
			contract.ListOf(holds.Codes),
		}, err
	})
}
