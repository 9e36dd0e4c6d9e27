// Package placement answers the hook placement: what places cost. Importing it exports the hook.
package placement

import (
	"unsafe"

	"plimsoll.io/sdk"
	"plimsoll.io/sdk/internal/contract"
	"plimsoll.io/sdk/internal/hook"
)

// Policy answers the hook.
type Policy interface {
	// Place says what places cost. With an error, the built-in default answers instead.
	Place(view *sdk.View, prices *Prices) error
}

// Export makes a component of a policy; call it in an init function. configure takes the operator's configuration, a
// JSON object (see sdk.Config); its error refuses the policy and names the mistake.
func Export(configure func(configJSON string) (Policy, error)) { exported.Export(configure) }

// Prices is the answer: parallel lists in three groups. A set, or a class and a set, stands in a group once at most.
type Prices struct {
	FactorSets []uint32  // rows of sets
	Factors    []float64 // what their prices are multiplied by, 0.001 to 1000
	BanClasses []uint32  // rows of classes
	BanSets    []uint32  // rows of sets where they must not go
	BanCodes   []uint16  // reason codes
	AddClasses []uint32  // rows of classes
	AddSets    []uint32  // rows of sets
	AddUSD     []float64 // dollars per hour and pod, -1000000 to 1000000
	AddCodes   []uint16  // reason codes
}

// Factor multiplies the prices of a set: 1.1 makes it 10 % dearer.
func (p *Prices) Factor(set sdk.Set, factor float64) {
	p.FactorSets = append(p.FactorSets, set.Row())
	p.Factors = append(p.Factors, factor)
}

// Forbid keeps a class off a set, with a reason code of your own (0: none).
func (p *Prices) Forbid(class sdk.Class, set sdk.Set, code uint16) {
	p.BanClasses = append(p.BanClasses, class.Row())
	p.BanSets = append(p.BanSets, set.Row())
	p.BanCodes = append(p.BanCodes, code)
}

// Add makes a set dearer for a class by dollars per hour and pod, or cheaper where negative. It counts on nodes that
// are there already, too; a price cannot fall below zero.
func (p *Prices) Add(class sdk.Class, set sdk.Set, usdPerHour float64, code uint16) {
	p.AddClasses = append(p.AddClasses, class.Row())
	p.AddSets = append(p.AddSets, set.Row())
	p.AddUSD = append(p.AddUSD, usdPerHour)
	p.AddCodes = append(p.AddCodes, code)
}

// Explain puts words about a class beside a reason code, which people read in "explain".
func (p *Prices) Explain(class sdk.Class, code uint16, why string) {
	sdk.Explain(class.Row(), code, why)
}

var exported hook.Hook[Policy]

//go:wasmexport plimsoll:policy/placement@0.2.0#configure
func configure(text, length uint32) unsafe.Pointer { return exported.Configure(text, length) }

//go:wasmexport plimsoll:policy/placement@0.2.0#place
func place(picture uint32) unsafe.Pointer {
	return exported.Ask(picture, func(policy Policy, view *sdk.View) ([]contract.List, error) {
		var prices Prices
		err := policy.Place(view, &prices)
		return []contract.List{
			contract.ListOf(prices.FactorSets),
			contract.ListOf(prices.Factors),
			contract.ListOf(prices.BanClasses),
			contract.ListOf(prices.BanSets),
			contract.ListOf(prices.BanCodes),
			contract.ListOf(prices.AddClasses),
			contract.ListOf(prices.AddSets),
			contract.ListOf(prices.AddUSD),
			contract.ListOf(prices.AddCodes),
		}, err
	})
}
