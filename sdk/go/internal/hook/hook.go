// Package hook is what the exported interfaces of all hooks have in common: a policy is configured, then asked once.
package hook

import (
	"unsafe"

	"plimsoll.io/sdk"
	"plimsoll.io/sdk/internal/contract"
)

// Hook is the exported interface of one hook, answered by a Policy.
type Hook[Policy any] struct {
	configure  func(configJSON string) (Policy, error)
	policy     Policy
	configured bool
}

// Export says how the policy is made of its configuration.
func (h *Hook[Policy]) Export(configure func(configJSON string) (Policy, error)) {
	h.configure = configure
}

// Configure is `configure` of the contract.
func (h *Hook[Policy]) Configure(text, length uint32) unsafe.Pointer {
	defer logPanic()
	if h.configure == nil {
		return contract.Failure("the policy is not exported: call Export in an init function")
	}
	policy, err := h.configure(contract.Text(text, length))
	if err != nil {
		return contract.Failure(err.Error())
	}
	h.policy, h.configured = policy, true
	return contract.Success()
}

// Ask is the question of the contract: it has the policy answer about a picture that is lent to it.
func (h *Hook[Policy]) Ask(picture uint32, answer func(Policy, *sdk.View) ([]contract.List, error)) unsafe.Pointer {
	defer logPanic()
	defer contract.DropView(picture)
	if !h.configured {
		return contract.Failure("not configured")
	}
	lists, err := answer(h.policy, sdk.NewView(picture))
	if err != nil {
		return contract.Failure(err.Error())
	}
	return contract.Success(lists...)
}

// logPanic says what a panic was about before it ends the instance: a trap alone says little.
func logPanic() {
	panicked := recover()
	if panicked == nil {
		return
	}
	said := "something"
	switch panicked := panicked.(type) {
	case error:
		said = panicked.Error()
	case string:
		said = panicked
	}
	sdk.Log(sdk.Error, "panic: "+said)
	panic(panicked)
}
