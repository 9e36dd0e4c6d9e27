// Package disruption answers the hook disruption: which nodes may be given up, and for how much. Importing it exports the hook.
package disruption

import (
	"unsafe"

	"plimsoll.io/sdk"
	"plimsoll.io/sdk/internal/contract"
	"plimsoll.io/sdk/internal/hook"
)

// Policy answers the hook.
type Policy interface {
	// Judge says which nodes may be given up. With an error, nothing new is given up in this cycle.
	Judge(view *sdk.View, verdicts *Verdicts) error
}

// Export makes a component of a policy; call it in an init function. configure takes the operator's configuration, a
// JSON object (see sdk.Config); its error refuses the policy and names the mistake.
func Export(configure func(configJSON string) (Policy, error)) { exported.Export(configure) }

// Verdicts is the answer: parallel lists in two groups. A candidate stands in a group once at most; one that stands
// in none may go as it is.
type Verdicts struct {
	Denied        []uint32  // rows of candidates
	DenialCodes   []uint16  // reason codes
	AddCandidates []uint32  // rows of candidates
	AddUSD        []float64 // dollars per hour, -1000000 to 1000000
	AddCodes      []uint16  // reason codes
}

// Deny keeps the node, with a reason code of your own (0: none).
func (v *Verdicts) Deny(candidate sdk.Candidate, code uint16) {
	v.Denied = append(v.Denied, candidate.Row())
	v.DenialCodes = append(v.DenialCodes, code)
}

// DenyBecause is Deny with words, which people read in "explain".
func (v *Verdicts) DenyBecause(candidate sdk.Candidate, code uint16, why string) {
	sdk.Explain(candidate.Row(), code, why)
	v.Deny(candidate, code)
}

// Add has giving the node up bring so many dollars per hour more than it must anyway; less, where negative.
func (v *Verdicts) Add(candidate sdk.Candidate, usdPerHour float64, code uint16) {
	v.AddCandidates = append(v.AddCandidates, candidate.Row())
	v.AddUSD = append(v.AddUSD, usdPerHour)
	v.AddCodes = append(v.AddCodes, code)
}

var exported hook.Hook[Policy]

//go:wasmexport plimsoll:policy/disruption@0.2.0#configure
func configure(text, length uint32) unsafe.Pointer { return exported.Configure(text, length) }

//go:wasmexport plimsoll:policy/disruption@0.2.0#judge
func judge(picture uint32) unsafe.Pointer {
	return exported.Ask(picture, func(policy Policy, view *sdk.View) ([]contract.List, error) {
		var verdicts Verdicts
		err := policy.Judge(view, &verdicts)
		return []contract.List{
			contract.ListOf(verdicts.Denied),
			contract.ListOf(verdicts.DenialCodes),
			contract.ListOf(verdicts.AddCandidates),
			contract.ListOf(verdicts.AddUSD),
			contract.ListOf(verdicts.AddCodes),
		}, err
	})
}
