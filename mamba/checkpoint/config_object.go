package checkpoint

import (
	"encoding/json"
	"math"
)

// object is a JSON object of a config.json. Its readers remember the first
// fault of the whole file, so that they can be called one after the other. A
// field that is null counts as missing, as it does in Python.
type object struct {
	path, prefix string
	values       map[string]json.RawMessage
	err          *error
}

func parseObject(path string, data []byte) (*object, error) {
	o := &object{path: path, values: map[string]json.RawMessage{}, err: new(error)}
	if err := o.fill(data); err != nil {
		return nil, &FormatError{Path: path, Got: err.Error(), Want: "a JSON object with each field once"}
	}
	return o, nil
}

func (o *object) fill(data []byte) error {
	return eachMember(data, func(name string, value json.RawMessage) error {
		if string(value) != "null" {
			o.values[name] = value
		}
		return nil
	})
}

func (o *object) has(name string) bool { return o.values[name] != nil }

// fail remembers that the field should be as want says.
func (o *object) fail(name, want string) {
	if *o.err != nil {
		return
	}
	got := "nothing"
	if o.has(name) {
		got = clip(string(o.values[name]))
	}
	*o.err = &FormatError{Path: o.path, Field: o.prefix + name, Got: got, Want: want}
}

// size reads a positive integer; a field without it is an error.
func (o *object) size(name string) int {
	n, ok := parseInt(o.values[name], math.MaxInt32)
	if !ok || n == 0 {
		o.fail(name, "a positive integer")
	}
	return int(n)
}

func (o *object) sizeOr(name string, missing int) int {
	if !o.has(name) {
		return missing
	}
	return o.size(name)
}

func (o *object) float(name string, missing float64) float64 {
	f := missing
	if o.has(name) && json.Unmarshal(o.values[name], &f) != nil {
		o.fail(name, "a number")
	}
	return f
}

func (o *object) bool(name string, missing bool) bool {
	b := missing
	if o.has(name) && json.Unmarshal(o.values[name], &b) != nil {
		o.fail(name, "true or false")
	}
	return b
}

func (o *object) text(name string, missing string) string {
	if !o.has(name) {
		return missing
	}
	s, ok := parseString(o.values[name])
	if !ok {
		o.fail(name, "a string")
	}
	return s
}

// ids reads a token id or a list of them.
func (o *object) ids(name string) []int {
	if !o.has(name) {
		return nil
	}
	raw := o.values[name]
	if raw[0] != '[' {
		raw = json.RawMessage("[" + string(raw) + "]")
	}
	list, ok := parseInts(raw, math.MaxInt32)
	if !ok {
		o.fail(name, "a token id or a list of them")
	}
	ids := make([]int, len(list))
	for i, id := range list {
		ids[i] = int(id)
	}
	return ids
}

// object reads a nested object, empty when missing.
func (o *object) object(name string) *object {
	nested := &object{path: o.path, prefix: o.prefix + name + ".", values: map[string]json.RawMessage{}, err: o.err}
	if o.has(name) && nested.fill(o.values[name]) != nil {
		o.fail(name, "an object with each field once")
	}
	return nested
}

// rank reads the rank of the step size: a number, or "auto" for ceil(d/16).
func (o *object) rank(name string, dModel int) int {
	if text, ok := parseString(o.values[name]); !o.has(name) || ok && text == "auto" {
		return (dModel + 15) / 16
	}
	n, ok := parseInt(o.values[name], math.MaxInt32)
	if !ok || n == 0 {
		o.fail(name, `a positive integer or "auto"`)
	}
	return int(n)
}

// expanded returns d times the field expand, which may be a fraction, rounded
// towards zero as both layouts' software does.
func (o *object) expanded(dModel int) int {
	e := o.float("expand", 2) * float64(dModel)
	if !(e >= 1 && e <= math.MaxInt32) {
		o.fail("expand", "a positive number that gives a sane size")
		return 0
	}
	return int(e)
}
