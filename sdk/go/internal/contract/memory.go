// Package contract is the raw contract plimsoll:policy@0.2.0: its functions as the canonical ABI passes them, and the
// memory that passes with them. Nothing here is for authors; package sdk makes rows and texts of it.
package contract

import (
	"structs"
	"unsafe"
)

// All as a count of rows is the whole column.
const All = 1<<32 - 1

// List is a list as the canonical ABI hands it over: where it begins in memory, and how many elements it has.
type List struct {
	_     structs.HostLayout
	data  uint32
	count uint32
}

// Elements is the list that the host has put into memory.
func Elements[T any](list *List) []T {
	if list.count == 0 {
		return []T{}
	}
	return unsafe.Slice((*T)(at(list.data)), list.count)
}

// Texts is a list of strings that the host has put into memory.
func Texts(list *List) []string {
	lists := Elements[List](list)
	texts := make([]string, len(lists))
	for i, text := range lists {
		texts[i] = Text(text.data, text.count)
	}
	return texts
}

// Text is a string that the host has put into memory.
func Text(data, count uint32) string {
	return unsafe.String((*byte)(at(data)), count)
}

// ListOf is a list for the host, good until the export that it is made in has returned.
func ListOf[T any](elements []T) List {
	if len(elements) == 0 {
		return List{}
	}
	first := unsafe.Pointer(unsafe.SliceData(elements))
	lent = append(lent, first)
	return List{data: uint32(uintptr(first)), count: uint32(len(elements))}
}

// lent is what the host is about to read: the collector does not see its pointers.
var lent []unsafe.Pointer

// returned is where the host finds what an export returns: whether it is an error, and then its text or the lists of
// the answer. No answer has more than nine.
var returned struct {
	_     structs.HostLayout
	error uint32
	lists [9]List
}

// Success is what an export returns with an answer.
func Success(lists ...List) unsafe.Pointer {
	returned.error = 0
	copy(returned.lists[:], lists)
	return unsafe.Pointer(&returned)
}

// Failure is what an export returns without one.
func Failure(why string) unsafe.Pointer {
	returned.error = 1
	returned.lists[0] = ListOf([]byte(why))
	return unsafe.Pointer(&returned)
}

// given is everything that the host has put into memory. An instance lives for one evaluation and columns are cached
// for as long, so none of it is given back.
var given [][]uint64

// room is what is left of the last block.
var room []uint64

// A block, in words. What is larger gets one of its own.
const block = 8 << 10

// realloc is where the host asks for memory: once for a list, and once for each string in it.
//
//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	// Nothing in the contract is aligned to more than a word, and an empty list needs an address, too.
	memory := unsafe.Pointer(unsafe.SliceData(words(max(int(size+7)/8, 1))))
	copy(unsafe.Slice((*byte)(memory), size), unsafe.Slice((*byte)(old), oldSize))
	return memory
}

func words(count int) []uint64 {
	if count > block {
		given = append(given, make([]uint64, count))
		return given[len(given)-1]
	}
	if count > len(room) {
		room = make([]uint64, block)
		given = append(given, room)
	}
	taken := room[:count]
	room = room[count:]
	return taken
}

// at is the pointer to an address that the host has named.
func at(address uint32) unsafe.Pointer {
	return unsafe.Add(nil, address)
}
