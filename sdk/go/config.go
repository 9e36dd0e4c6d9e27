package sdk

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Reads the operator's configuration. Much less than encoding/json, which would more than double a component: no
// reflection, only the kinds of values that Fields names, and nothing that is written is ignored.

// Fields are the fields of a configuration: the name of each, and a pointer to where its value goes. What stands there
// is the default. Pointers to bool, string, uint32, int64, float64 and JSON are taken, and to lists ([]T) and objects
// (map[string]T) of these.
type Fields map[string]any

// JSON is any value, as it is written. A nested object is read with Config in turn.
type JSON string

// Config reads a configuration, a JSON object. A field that is not among fields, stands twice or has a value of another
// kind is refused, by its name.
func Config(text string, fields Fields) error {
	if !utf8.ValidString(text) {
		return errors.New("the configuration is not UTF-8")
	}
	r := &reader{text: text}
	if r.next() != '{' {
		return errors.New("the configuration is no JSON object")
	}
	err := r.object(func(name string) error {
		target, known := fields[name]
		if !known {
			return errors.New("unknown field `" + name + "`, there is " + listed(fields))
		}
		if err := r.into(target); err != nil {
			return errors.New("field `" + name + "`: " + err.Error())
		}
		return nil
	})
	if err != nil {
		return err
	}
	if r.next(); r.at < len(r.text) {
		return r.wrong("something behind the object")
	}
	return nil
}

func listed(fields Fields) string {
	var names []string
	for name := range fields {
		names = append(names, "`"+name+"`")
	}
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// into reads a value to where a pointer points.
func (r *reader) into(target any) error {
	switch target := target.(type) {
	case *bool:
		return one(target, r.bool)
	case *string:
		return one(target, r.string)
	case *uint32:
		return one(target, r.uint32)
	case *int64:
		return one(target, r.int64)
	case *float64:
		return one(target, r.float64)
	case *JSON:
		return one(target, r.json)
	case *[]bool:
		return list(r, target, r.bool)
	case *[]string:
		return list(r, target, r.string)
	case *[]uint32:
		return list(r, target, r.uint32)
	case *[]int64:
		return list(r, target, r.int64)
	case *[]float64:
		return list(r, target, r.float64)
	case *[]JSON:
		return list(r, target, r.json)
	case *map[string]bool:
		return object(r, target, r.bool)
	case *map[string]string:
		return object(r, target, r.string)
	case *map[string]uint32:
		return object(r, target, r.uint32)
	case *map[string]int64:
		return object(r, target, r.int64)
	case *map[string]float64:
		return object(r, target, r.float64)
	case *map[string]JSON:
		return object(r, target, r.json)
	}
	return errors.New("the policy gives it a type that sdk.Config does not read")
}

func one[T any](target *T, read func() (T, error)) (err error) {
	value, err := read()
	if err == nil {
		*target = value
	}
	return err
}

func list[T any](r *reader, target *[]T, read func() (T, error)) error {
	if r.next() != '[' {
		return r.unlike("a list")
	}
	values := []T{}
	err := r.array(func() error {
		value, err := read()
		values = append(values, value)
		return err
	})
	*target = values
	return err
}

func object[T any](r *reader, target *map[string]T, read func() (T, error)) error {
	if r.next() != '{' {
		return r.unlike("an object")
	}
	values := map[string]T{}
	err := r.object(func(key string) (err error) {
		values[key], err = read()
		return err
	})
	*target = values
	return err
}

// reader is somewhere in a text.
type reader struct {
	text  string
	at    int
	depth int
}

// What nests deeper is refused: the stack has an end.
const deepest = 100

// next is the byte that the next token begins with, 0 at the end of the text.
func (r *reader) next() byte {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
	if r.at == len(r.text) {
		return 0
	}
	return r.text[r.at]
}

func (r *reader) wrong(what string) error {
	return errors.New("no JSON, " + what + " at byte " + strconv.Itoa(r.at))
}

// unlike says what is there instead of what was wanted.
func (r *reader) unlike(wanted string) error {
	r.next()
	begin := r.at
	if _, err := r.json(); err != nil {
		return err
	}
	found := r.text[begin:r.at]
	if len(found) > 40 {
		found = strings.ToValidUTF8(found[:40], "") + "…"
	}
	return errors.New(wanted + " is wanted, not " + found)
}

// object reads an object; member reads the value of a name. No name stands twice.
func (r *reader) object(member func(name string) error) error {
	names := map[string]bool{}
	return r.items('}', func() error {
		if r.next() != '"' {
			return r.wrong("no name")
		}
		name, err := r.string()
		if err != nil {
			return err
		}
		if names[name] {
			return errors.New("`" + name + "` stands twice")
		}
		names[name] = true
		if r.next() != ':' {
			return r.wrong("no colon")
		}
		r.at++
		return member(name)
	})
}

func (r *reader) array(element func() error) error { return r.items(']', element) }

// items reads from the opening bracket, which is next, to the closing one.
func (r *reader) items(closing byte, item func() error) error {
	if r.depth++; r.depth > deepest {
		return r.wrong("too deeply nested")
	}
	defer func() { r.depth-- }()
	r.at++
	if r.next() == closing {
		r.at++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch r.next() {
		case closing:
			r.at++
			return nil
		case ',':
			r.at++
		default:
			return r.wrong("neither a comma nor an end")
		}
	}
}

func (r *reader) bool() (bool, error) {
	switch {
	case r.word("true"):
		return true, nil
	case r.word("false"):
		return false, nil
	}
	return false, r.unlike("true or false")
}

func (r *reader) word(word string) bool {
	r.next()
	if !strings.HasPrefix(r.text[r.at:], word) {
		return false
	}
	r.at += len(word)
	return true
}

func (r *reader) uint32() (uint32, error) {
	begin := r.at
	value, err := strconv.ParseUint(r.number(), 10, 32)
	if err != nil {
		r.at = begin
		return 0, r.unlike("a whole number from 0 to 4294967295")
	}
	return uint32(value), nil
}

func (r *reader) int64() (int64, error) {
	begin := r.at
	value, err := strconv.ParseInt(r.number(), 10, 64)
	if err != nil {
		r.at = begin
		return 0, r.unlike("a whole number")
	}
	return value, nil
}

func (r *reader) float64() (float64, error) {
	begin := r.at
	value, err := strconv.ParseFloat(r.number(), 64)
	if err != nil {
		r.at = begin
		return 0, r.unlike("a number")
	}
	return value, nil
}

// number is the number that is next, as it is written; empty where there is none.
func (r *reader) number() string {
	r.next()
	rest := r.text[r.at:]
	digits := func(at int) int {
		for at < len(rest) && rest[at] >= '0' && rest[at] <= '9' {
			at++
		}
		return at
	}
	any := func(at int, of string) bool { return at < len(rest) && strings.IndexByte(of, rest[at]) >= 0 }
	begin := 0
	if any(0, "-") {
		begin = 1
	}
	end := digits(begin)
	if end == begin || rest[begin] == '0' && end > begin+1 {
		return ""
	}
	if any(end, ".") {
		fraction := digits(end + 1)
		if fraction == end+1 {
			return ""
		}
		end = fraction
	}
	if any(end, "eE") {
		begin := end + 1
		if any(begin, "+-") {
			begin++
		}
		exponent := digits(begin)
		if exponent == begin {
			return ""
		}
		end = exponent
	}
	r.at += end
	return rest[:end]
}

func (r *reader) string() (string, error) {
	if r.next() != '"' {
		return "", r.unlike("a text")
	}
	var text []byte
	for r.at++; r.at < len(r.text); {
		switch b := r.text[r.at]; {
		case b == '"':
			r.at++
			return string(text), nil
		case b == '\\':
			letter, ok := r.escaped()
			if !ok {
				return "", r.wrong("no such escape")
			}
			text = utf8.AppendRune(text, letter)
		case b < ' ':
			return "", r.wrong("a control character in a text")
		default:
			text = append(text, b)
			r.at++
		}
	}
	return "", r.wrong("a text without an end")
}

// escaped is the letter that an escape stands for, and whether it stands for one.
func (r *reader) escaped() (rune, bool) {
	if r.at+1 == len(r.text) {
		return 0, false
	}
	letter := r.text[r.at+1]
	if plain := strings.IndexByte(`"\/bfnrt`, letter); plain >= 0 {
		r.at += 2
		return rune("\"\\/\b\f\n\r\t"[plain]), true
	}
	first, ok := r.unit()
	if !ok || !utf16.IsSurrogate(first) {
		return first, ok
	}
	second, ok := r.unit()
	letters := utf16.DecodeRune(first, second)
	return letters, ok && letters != utf8.RuneError
}

// unit is a \uXXXX.
func (r *reader) unit() (rune, bool) {
	rest := r.text[r.at:]
	if len(rest) < 6 || rest[:2] != `\u` {
		return 0, false
	}
	unit, err := strconv.ParseUint(rest[2:6], 16, 16)
	r.at += 6
	return rune(unit), err == nil
}

// json is any value as it is written, checked.
func (r *reader) json() (JSON, error) {
	skip := func() error {
		_, err := r.json()
		return err
	}
	first := r.next()
	begin := r.at
	var err error
	switch {
	case first == '{':
		err = r.object(func(string) error { return skip() })
	case first == '[':
		err = r.array(skip)
	case first == '"':
		_, err = r.string()
	case r.word("true") || r.word("false") || r.word("null") || r.number() != "":
	default:
		err = r.wrong("no value")
	}
	return JSON(r.text[begin:r.at]), err
}
