// What sdk.Config takes and refuses. Runs natively: nothing of the host is in it.
package sdk

import (
	"reflect"
	"strings"
	"testing"
)

type everything struct {
	flag    bool
	text    string
	whole   uint32
	signed  int64
	share   float64
	list    []string
	numbers map[string]float64
	any     JSON
	each    []JSON
}

func configured(text string, into *everything) error {
	return Config(text, Fields{
		"flag": &into.flag, "text": &into.text, "whole": &into.whole, "signed": &into.signed, "share": &into.share,
		"list": &into.list, "numbers": &into.numbers, "any": &into.any, "each": &into.each,
	})
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	text := " {\"flag\": true, \"text\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83e\\udd80ä\" ,\"whole\":4294967295,\n\"signed\":-7," +
		"\"share\":6.5e1,\"list\":[\"x\", \"\"],\"numbers\":{\"a\":1,\"b\":-0.25},\"any\":{\"n\":[null,{}]},\"each\":[1, \"y\"]} "
	want := everything{
		true, "a\"\\/\b\f\n\r\tä🦀ä", 4294967295, -7, 65, []string{"x", ""},
		map[string]float64{"a": 1, "b": -0.25}, `{"n":[null,{}]}`, []JSON{"1", `"y"`},
	}
	var got everything
	if err := configured(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestWhatIsNotWrittenKeepsItsDefault(t *testing.T) {
	got := everything{whole: 20, list: []string{"Job"}}
	if err := configured("{}", &got); err != nil || got.whole != 20 || len(got.list) != 1 {
		t.Errorf("%v, %+v", err, got)
	}
	if err := configured(`{"list":[]}`, &got); err != nil || len(got.list) != 0 {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestMistakesAreRefusedByName(t *testing.T) {
	for text, says := range map[string]string{
		`{"wohle":1}`:               "unknown field `wohle`",
		`{"whole":1,"whole":1}`:     "`whole` stands twice",
		`{"whole": -1}`:             "field `whole`: a whole number from 0 to 4294967295 is wanted, not -1",
		`{"whole":4294967296}`:      "field `whole`",
		`{"whole":1.0}`:             "not 1.0",
		`{"whole":1e1}`:             "field `whole`",
		`{"whole":"1"}`:             `not "1"`,
		`{"whole":null}`:            "not null",
		`{"signed":0.5}`:            "field `signed`: a whole number is wanted",
		`{"share":"1"}`:             "field `share`: a number is wanted",
		`{"share":1e999}`:           "field `share`",
		`{"share":true}`:            "not true",
		`{"flag":0}`:                "field `flag`: true or false is wanted, not 0",
		`{"text":{}}`:               "field `text`: a text is wanted, not {}",
		`{"list":["a",1]}`:          "field `list`: a text is wanted, not 1",
		`{"list":"a"}`:              "field `list`: a list is wanted",
		`{"numbers":[]}`:            "field `numbers`: an object is wanted",
		`{"numbers":{"a":1,"a":2}}`: "`a` stands twice",
		`[]`:                        "no JSON object",
		``:                          "no JSON object",
		`{`:                         "no JSON",
		`{"whole":01}`:              "no JSON",
		`{"whole":1,}`:              "no JSON",
		`{"whole":1} x`:             "something behind the object",
		"{}\x00":                    "something behind the object",
		`{"share":NaN}`:             "no JSON",
		`{"share":1.}`:              "no JSON",
		`{"text":"a`:                "a text without an end",
		"{\"text\":\"\n\"}":         "a control character",
		`{"text":"\x"}`:             "no such escape",
		`{"text":"\ud800"}`:         "no such escape",
		`{"text":"\udc00\ud800"}`:   "no such escape",
		"{\"text\":\"\xff\"}":       "not UTF-8",
		`{"any":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`: "too deeply nested",
	} {
		var got everything
		if err := configured(text, &got); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: %v, want %s", text, err, says)
		}
	}
}
