package sdk

// What a policy may say beside its answer.

import (
	"unsafe"

	"plimsoll.io/sdk/internal/contract"
)

// Level is how much a log line matters.
type Level uint32

// Levels of log lines.
const (
	Debug   Level = iota // for authors
	Info                 // for operators
	Warning              // something is odd
	Error                // something is wrong
)

// Log writes a line into the record of the cycle. What a policy prints goes nowhere.
func Log(level Level, message string) { contract.Log(uint32(level), message) }

// Explain puts words beside a reason code, for people to read: about a workload, a class, a candidate, a step, or a
// position in the answer of a headroom policy. The last words about a row count.
func Explain(row uint32, code uint16, text string) { contract.Explain(row, uint32(code), text) }

// Keep keeps bytes, at most 65536, for the next cycle, in which View.State gives them back at the same hook. The last
// call counts; without one, what was kept stays as it is, and an empty state forgets it.
func Keep(state []byte) { contract.Keep(unsafe.SliceData(state), uint32(len(state))) }
