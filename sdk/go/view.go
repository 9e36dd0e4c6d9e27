// Package sdk is what the author of a Plimsoll policy in Go imports, beside the package of the hook that the policy
// answers: scaler, placement, headroom, disruption or review. See README.md for a complete policy.
//
// It makes rows, texts and absent values of the raw columns of plimsoll:policy@0.2.0. It has no clock, no randomness
// and no memory: View.NowMs, View.Seed and View.State are the only ones.
package sdk

import (
	"iter"
	"slices"

	"plimsoll.io/sdk/internal/contract"
)

// Absent stands in a raw column of whole numbers for a value that is not known. In a column of prices -1 does.
const Absent = 1<<32 - 1

// View is the one immutable picture of cluster and cloud that a policy is shown.
//
// A column is fetched when it is first read, whole, and kept: reading a million rows costs one call. Tables that the
// hook is not about have no rows.
type View struct {
	handle uint32
	columns
	counts
	// Texts by sym. Syms are numbered as the policy meets them, so this is about as long as there are texts.
	words []word
}

type word struct {
	text  string
	known bool
}

// NewView is for the packages of the hooks: the picture is lent to them.
func NewView(handle uint32) *View { return &View{handle: handle} }

// NowMs is when the picture was taken: milliseconds since 1970-01-01T00:00:00Z. The only time there is.
func (v *View) NowMs() uint64 { return contract.NowMs(v.handle) }

// Seed is the recorded random number of the cycle. The only randomness there is.
func (v *View) Seed() uint64 { return contract.Seed(v.handle) }

// Cluster is the name of the cluster.
func (v *View) Cluster() string { return v.Text(contract.Cluster(v.handle)) }

// State is what this policy kept at the same hook in the last cycle that had an answer of it (see Keep); empty where
// nothing was kept, and after its component or its name has changed.
func (v *View) State() []byte {
	contract.State(v.handle, &fetched)
	return contract.Elements[byte](&fetched)
}

// Sym is the number that stands for a text in the columns of this View, so that labels can be compared as numbers.
func (v *View) Sym(text string) uint32 { return contract.Intern(v.handle, text) }

// Text is the text of a sym of this View; empty for a number that is none.
func (v *View) Text(sym uint32) string { return v.resolve([]uint32{sym})[0] }

// History is the demand of recent cycles, oldest first: how many milliseconds ago, and how many pods waited.
func (v *View) History() iter.Seq2[uint32, uint32] {
	return func(yield func(ageMs, pending uint32) bool) {
		pending := v.HistoryPending()
		for row, ageMs := range v.HistoryAgeMs() {
			if !yield(ageMs, pending[row]) {
				return
			}
		}
	}
}

// resolve is the text of each sym; the host is asked for each once.
func (v *View) resolve(syms []uint32) []string {
	most := slices.Max(syms)
	if int(most) > 2*(len(v.words)+len(syms)+1024) {
		// The host numbers otherwise than we know it to: no room for a table.
		return v.lookUp(syms)
	}
	if int(most) >= len(v.words) {
		v.words = append(v.words, make([]word, int(most)+1-len(v.words))...)
	}
	var missing []uint32
	for _, sym := range syms {
		if word := &v.words[sym]; !word.known {
			word.known = true
			missing = append(missing, sym)
		}
	}
	for i, text := range v.lookUp(missing) {
		v.words[missing[i]].text = text
	}
	texts := make([]string, len(syms))
	for row, sym := range syms {
		texts[row] = v.words[sym].text
	}
	return texts
}

func (v *View) lookUp(syms []uint32) []string {
	if len(syms) == 0 {
		return nil
	}
	contract.Resolve(v.handle, &syms[0], uint32(len(syms)), &fetched)
	return contract.Texts(&fetched)
}

// fetched is where the host says what it has put into memory. Not on the stack, which may move while it does so.
var fetched contract.List

// read is a column, fetched if it was not before.
func read[T any](v *View, kept *[]T, fetch func(view, start, count uint32, into *contract.List)) []T {
	if *kept == nil {
		fetch(v.handle, 0, contract.All, &fetched)
		*kept = contract.Elements[T](&fetched)
	}
	return *kept
}

// textColumn is a column of text: the syms, and the texts once one was asked for, which are resolved all at once.
type textColumn struct {
	syms  []uint32
	texts []string
}

func (c *textColumn) text(v *View, row uint32, fetch func(view, start, count uint32, into *contract.List)) string {
	if c.texts == nil {
		c.texts = v.resolve(read(v, &c.syms, fetch))
	}
	return c.texts[row]
}

// keyed are columns that are asked for by a key; there are a handful at most.
type keyed []*keyedColumn

type keyedColumn struct {
	key string
	textColumn
}

// ask has the host give a column by a key.
type ask func(view uint32, key string, start, count uint32, into *contract.List)

func (k *keyed) of(v *View, key string, fetch ask) *keyedColumn {
	for _, known := range *k {
		if known.key == key {
			return known
		}
	}
	fetch(v.handle, key, 0, contract.All, &fetched)
	column := &keyedColumn{key, textColumn{syms: contract.Elements[uint32](&fetched)}}
	*k = append(*k, column)
	return column
}

func (k *keyed) read(v *View, key string, fetch ask) []uint32 { return k.of(v, key, fetch).syms }

func (k *keyed) text(v *View, row uint32, key string, fetch ask) string {
	column := k.of(v, key, fetch)
	if column.texts == nil {
		column.texts = v.resolve(column.syms)
	}
	return column.texts[row]
}

// count is how many rows a table has.
type count struct {
	rows    uint32
	counted bool
}

func (c *count) read(v *View, ask func(view uint32) uint32) uint32 {
	if !c.counted {
		*c = count{ask(v.handle), true}
	}
	return c.rows
}

// counts are how many rows the tables have.
type counts struct {
	classes, sets, workloads, samples, candidates, movers, steps count
	groups, offers, nodes, pods, metrics                         count
}

// run is where a number stands in a column that never falls from row to row.
func run(column []uint32, number uint32) (begin, end uint32) {
	first, _ := slices.BinarySearch(column, number)
	last, _ := slices.BinarySearch(column, number+1)
	return uint32(first), uint32(last)
}

// known tells a whole number from Absent.
func known(value uint32) (uint32, bool) {
	if value == Absent {
		return 0, false
	}
	return value, true
}

// perhaps tells a price or an amount from -1.
func perhaps(value float64) (float64, bool) {
	if value < 0 {
		return 0, false
	}
	return value, true
}
