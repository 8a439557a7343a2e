package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// FormatError says that a file does not hold what it should.
type FormatError struct {
	Path   string // the file, or the folder when a whole file is amiss
	Tensor string // name in the file; empty when no tensor is concerned
	Field  string // field of config.json; empty when none is concerned
	Got    string // what was found
	Want   string // what was expected
}

// Error gives "checkpoint: PATH: tensor NAME: config field FIELD: got X, want
// Y" without the parts that are empty.
func (e *FormatError) Error() string {
	var b strings.Builder
	b.WriteString("checkpoint: ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	if e.Tensor != "" {
		b.WriteString("tensor " + clip(e.Tensor) + ": ")
	}
	if e.Field != "" {
		b.WriteString("config field " + clip(e.Field) + ": ")
	}
	fmt.Fprintf(&b, "got %s, want %s", e.Got, e.Want)
	return b.String()
}

// UnsupportedError says that a checkpoint, though perhaps sound, is of a kind
// that this package does not read.
type UnsupportedError struct {
	Path string // the file that showed it
	What string // what it is, by name
	Way  string // what can be done about it
}

// Error gives "checkpoint: PATH: WHAT is not supported: WAY".
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("checkpoint: %s: %s is not supported: %s", e.Path, e.What, e.Way)
}

// ioError wraps err with the path as the caller knows it, in place of the
// path that package fs put there.
func ioError(path string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return fmt.Errorf("checkpoint: %s: %w", path, err)
}

// clip makes foreign text fit for a message: one line, printable, short.
func clip(s string) string {
	const most = 120
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}
