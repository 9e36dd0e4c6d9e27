package contract

// What interface host has.

//go:wasmimport plimsoll:policy/host@0.2.0 log
func Log(level uint32, message string)

//go:wasmimport plimsoll:policy/host@0.2.0 explain
func Explain(row, code uint32, text string)

//go:wasmimport plimsoll:policy/host@0.2.0 keep
func Keep(state *byte, count uint32)
