// Package scaler answers the hook scaler: how many replicas each workload needs. Importing it exports the hook.
package scaler

import (
	"unsafe"

	"plimsoll.io/sdk"
	"plimsoll.io/sdk/internal/contract"
	"plimsoll.io/sdk/internal/hook"
)

// Policy answers the hook.
type Policy interface {
	// Scale says how many replicas workloads need. With an error, the built-in default answers instead.
	Scale(view *sdk.View, replicas *Replicas) error
}

// Export makes a component of a policy; call it in an init function. configure takes the operator's configuration, a
// JSON object (see sdk.Config); its error refuses the policy and names the mistake.
func Export(configure func(configJSON string) (Policy, error)) { exported.Export(configure) }

// Replicas is the answer: parallel lists, one entry for each workload that is to change or be explained. A workload
// that is left out keeps its replicas; none stands twice.
type Replicas struct {
	Rows   []uint32 // rows of workloads
	Wanted []uint32 // replicas wanted, at most 1000000
	Codes  []uint16 // reason codes
}

// Set wants this many replicas for a workload, with a reason code of your own (0: none).
func (r *Replicas) Set(workload sdk.Workload, replicas uint32, code uint16) {
	r.Rows = append(r.Rows, workload.Row())
	r.Wanted = append(r.Wanted, replicas)
	r.Codes = append(r.Codes, code)
}

// SetBecause is Set with words, which people read in "explain".
func (r *Replicas) SetBecause(workload sdk.Workload, replicas uint32, code uint16, why string) {
	sdk.Explain(workload.Row(), code, why)
	r.Set(workload, replicas, code)
}

var exported hook.Hook[Policy]

//go:wasmexport plimsoll:policy/scaler@0.2.0#configure
func configure(text, length uint32) unsafe.Pointer { return exported.Configure(text, length) }

//go:wasmexport plimsoll:policy/scaler@0.2.0#scale
func scale(picture uint32) unsafe.Pointer {
	return exported.Ask(picture, func(policy Policy, view *sdk.View) ([]contract.List, error) {
		var replicas Replicas
		err := policy.Scale(view, &replicas)
		return []contract.List{
			contract.ListOf(replicas.Rows),
			contract.ListOf(replicas.Wanted),
			contract.ListOf(replicas.Codes),
		}, err
	})
}
