package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// eachMember calls fn for each member of the JSON object raw, in order. Unlike
// [json.Unmarshal] it refuses a name that comes twice, and names match exactly.
func eachMember(raw []byte, fn func(name string, value json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if open, err := dec.Token(); err != nil {
		return jsonError(err)
	} else if open != json.Delim('{') {
		return errors.New("not an object")
	}
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return jsonError(err)
		}
		name, ok := key.(string)
		if !ok {
			return errors.New("a name that is no string")
		}
		if seen[name] {
			return duplicateError(name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return jsonError(err)
		}
		if err := fn(name, value); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return jsonError(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("more after the closing brace")
	}
	return nil
}

// duplicateError is the name that an object holds twice.
type duplicateError string

func (e duplicateError) Error() string { return clip(string(e)) + " twice" }

func jsonError(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("invalid JSON: %w", err)
}

// parseString reads a JSON string, and nothing else.
func parseString(raw json.RawMessage) (string, bool) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

// parseInts reads a JSON array of integers, none negative, none above most.
func parseInts(raw json.RawMessage, most int64) ([]int64, bool) {
	var parts []json.RawMessage
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &parts) != nil {
		return nil, false
	}
	ints := make([]int64, len(parts))
	for i, part := range parts {
		var ok bool
		if ints[i], ok = parseInt(part, most); !ok {
			return nil, false
		}
	}
	return ints, true
}

func parseInt(raw json.RawMessage, most int64) (int64, bool) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	return n, err == nil && n >= 0 && n <= most
}

// objectWriter writes a JSON object member by member. The zero value is ready.
type objectWriter struct{ text []byte }

// member adds a member, each name once.
func (w *objectWriter) member(name string, value any) error {
	key, err := json.Marshal(name)
	if err != nil {
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	separator := byte(',')
	if w.text == nil {
		separator = '{'
	}
	w.text = append(append(append(append(w.text, separator), key...), ':'), text...)
	return nil
}

// end is the whole object; nothing can be added after it.
func (w *objectWriter) end() []byte {
	if w.text == nil {
		w.text = []byte{'{'}
	}
	return append(w.text, '}')
}
