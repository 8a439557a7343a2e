package checkpoint

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"unicode/utf8"

	"golang.org/x/exp/mmap"
)

const (
	metadataName = "__metadata__"
	// maxHeader is the limit of the format's own implementation, in bytes.
	maxHeader = 100_000_000
)

// File is one open safetensors file: 8 bytes of header length, a JSON header
// that says where each tensor lies, and the data. It may be read from several
// goroutines at once; nothing may be read during Close or after it.
type File struct {
	path     string
	tensors  map[string]*Tensor
	metadata map[string]string
	closer   io.Closer
}

// OpenFile opens the safetensors file at path and checks its header as
// [OpenReader] does. The file is mapped into memory, so it must not be
// shortened while it is open.
func OpenFile(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, ioError(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &FormatError{Path: path, Got: "no regular file", Want: "a safetensors file"}
	}
	m, err := mmap.Open(path)
	if err != nil {
		return nil, ioError(path, err)
	}
	f, err := OpenReader(path, m, int64(m.Len()))
	if err != nil {
		m.Close()
		return nil, err
	}
	f.closer = m
	return f, nil
}

// OpenReader opens a safetensors file of size bytes in r. The path is used in
// messages only.
//
// The header is checked completely: the tensors must tile the data, without
// holes or overlaps, up to the end of the file, and each must be as large as
// its shape and dtype say. What is wrong is a [*FormatError]; a file that is
// plainly of another format is an [*UnsupportedError] that names it.
func OpenReader(path string, r io.ReaderAt, size int64) (*File, error) {
	header, err := readHeader(path, r, size)
	if err != nil {
		if other := sniff(path, r, size); other != nil {
			err = other
		}
		return nil, err
	}
	f := &File{path: path, tensors: map[string]*Tensor{}}
	spans, err := f.parseHeader(header)
	if err != nil {
		return nil, err
	}
	start := int64(8 + len(header))
	if err := checkTiling(path, spans, size-start); err != nil {
		return nil, err
	}
	for _, s := range spans {
		s.tensor.data = io.NewSectionReader(r, start+s.begin, s.end-s.begin)
	}
	return f, nil
}

// Tensor returns the tensor of that name; false when there is none.
func (f *File) Tensor(name string) (*Tensor, bool) {
	t, ok := f.tensors[name]
	return t, ok
}

// Names returns the names of all tensors, sorted.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.tensors)) }

// Metadata returns a copy of the file's own key-value pairs.
func (f *File) Metadata() map[string]string { return maps.Clone(f.metadata) }

// Close releases the file. Closing again does nothing.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	c := f.closer
	f.closer = nil
	if err := c.Close(); err != nil {
		return ioError(f.path, err)
	}
	return nil
}

func readHeader(path string, r io.ReaderAt, size int64) ([]byte, error) {
	bad := func(got, want string) error { return &FormatError{Path: path, Got: got, Want: want} }
	if size < 8 {
		return nil, bad(fmt.Sprintf("a file of %d bytes", size),
			fmt.Sprintf("the header's length in the first 8: at least %d bytes are missing", 8-size))
	}
	var prefix [8]byte
	if err := readFull(path, r, prefix[:], 0); err != nil {
		return nil, err
	}
	n := le.Uint64(prefix[:])
	switch {
	case n == 0 || n > maxHeader:
		return nil, bad(fmt.Sprintf("a header of %d bytes", n), fmt.Sprintf("1 to %d", maxHeader))
	case int64(n) > size-8:
		return nil, bad(fmt.Sprintf("a header of %d bytes in a file of %d", n, size),
			fmt.Sprintf("a file of at least %d: %d bytes are missing", 8+n, int64(n)-(size-8)))
	}
	header := make([]byte, n)
	if err := readFull(path, r, header, 8); err != nil {
		return nil, err
	}
	if header[0] != '{' || !utf8.Valid(header) {
		return nil, bad(fmt.Sprintf("a header that begins with %q", header[:min(n, 8)]), "a JSON object in UTF-8")
	}
	return header, nil
}

func readFull(path string, r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return ioError(path, err)
}

// span is where a tensor lies, in bytes from the start of the data.
type span struct {
	tensor     *Tensor
	begin, end int64
}

// parseHeader fills f with the header's tensors and returns where they lie, in
// the order of the data.
func (f *File) parseHeader(header []byte) ([]span, error) {
	var spans []span
	err := eachMember(header, func(name string, value json.RawMessage) (err error) {
		if name == metadataName {
			f.metadata, err = parseMetadata(f.path, value)
			return err
		}
		s, err := parseSpan(f.path, name, value)
		if err == nil {
			spans = append(spans, s)
			f.tensors[name] = s.tensor
		}
		return err
	})
	if _, ok := errors.AsType[*FormatError](err); err != nil && !ok {
		twice, _ := errors.AsType[duplicateError](err)
		err = &FormatError{Path: f.path, Tensor: string(twice), Got: "in the header " + err.Error(),
			Want: "a JSON object with each tensor once"}
	}
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.tensor.Name, b.tensor.Name))
	})
	return spans, err
}

func parseMetadata(path string, raw json.RawMessage) (map[string]string, error) {
	metadata := map[string]string{}
	err := eachMember(raw, func(name string, value json.RawMessage) error {
		s, ok := parseString(value)
		if !ok {
			return fmt.Errorf("%s: %s", clip(name), clip(string(value)))
		}
		metadata[name] = s
		return nil
	})
	if err != nil {
		return nil, &FormatError{Path: path, Got: metadataName + " with " + err.Error(), Want: "an object of strings"}
	}
	return metadata, nil
}

func parseSpan(path, name string, raw json.RawMessage) (span, error) {
	bad := func(got, want string) (span, error) {
		return span{}, &FormatError{Path: path, Tensor: name, Got: got, Want: want}
	}
	member := map[string]json.RawMessage{}
	if err := eachMember(raw, func(key string, value json.RawMessage) error {
		member[key] = value
		return nil
	}); err != nil {
		return bad(err.Error(), "an object with dtype, shape and data_offsets, each once")
	}
	field := func(key string) string {
		if member[key] == nil {
			return "no " + key
		}
		return key + " " + clip(string(member[key]))
	}
	text, _ := parseString(member["dtype"])
	dtype, ok := parseDType(text)
	if !ok {
		return bad(field("dtype"), "a dtype of whole bytes such as F32, F16 or BF16")
	}
	dims, ok := parseInts(member["shape"], math.MaxInt)
	if !ok {
		return bad(field("shape"), "a list of integers, none negative, in the range of int")
	}
	offsets, ok := parseInts(member["data_offsets"], math.MaxInt64)
	if !ok || len(offsets) != 2 || offsets[0] > offsets[1] {
		return bad(field("data_offsets"), "[begin, end] with 0 <= begin <= end")
	}
	shape := make([]int, len(dims))
	for i, d := range dims {
		shape[i] = int(d)
	}
	bytes, ok := byteSize(dtype, shape)
	if !ok {
		return bad(field("shape"), "a product in the range of int")
	}
	if got := offsets[1] - offsets[0]; got != bytes {
		return bad(fmt.Sprintf("%s, %d bytes", field("data_offsets"), got),
			fmt.Sprintf("%d bytes for %v of shape %v", bytes, dtype, shape))
	}
	t := &Tensor{Name: name, DType: dtype, Shape: shape, path: path}
	return span{t, offsets[0], offsets[1]}, nil
}

// checkTiling checks that the spans, sorted, cover size bytes of data exactly.
func checkTiling(path string, spans []span, size int64) error {
	end := int64(0)
	for _, s := range spans {
		bad := func(got, want string) error {
			return &FormatError{Path: path, Tensor: s.tensor.Name, Got: got, Want: want}
		}
		if s.begin != end {
			kind := "a hole"
			if s.begin < end {
				kind = "an overlap"
			}
			return bad(fmt.Sprintf("data from byte %d, %s", s.begin, kind), fmt.Sprintf("data from byte %d", end))
		}
		if s.end > size {
			last := spans[len(spans)-1].end
			return bad(fmt.Sprintf("%d bytes of data in the file", size),
				fmt.Sprintf("at least %d: %d bytes are missing", max(s.end, last), max(s.end, last)-size))
		}
		end = s.end
	}
	if end != size {
		return &FormatError{Path: path, Got: fmt.Sprintf("%d bytes of data in the file", size),
			Want: fmt.Sprintf("%d: %d bytes belong to no tensor", end, size-end)}
	}
	return nil
}
