package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// NamedData is a tensor to be written.
type NamedData struct {
	Name  string
	DType DType
	Shape []int  // row-major
	Data  []byte // little-endian; [Encode] makes it from float32
}

// WriteSafetensors writes a safetensors file that holds the tensors, in any
// order and each name once, and the metadata, which may be nil. The same
// arguments give the same bytes. Larger dtypes come first and the header is
// padded to 8 bytes, so that every tensor is aligned to its elements.
//
// A tensor whose data is not as long as dtype and shape say, a name that comes
// twice or is reserved, and text that is not UTF-8 are a [*FormatError], found
// before anything is written.
func WriteSafetensors(w io.Writer, tensors []NamedData, metadata map[string]string) error {
	sorted := slices.SortedFunc(slices.Values(tensors), func(a, b NamedData) int {
		return cmp.Or(cmp.Compare(b.DType.Size(), a.DType.Size()), cmp.Compare(a.Name, b.Name))
	})
	if err := checkData(sorted, metadata); err != nil {
		return err
	}
	header, err := makeHeader(sorted, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("checkpoint: write header: %w", err)
	}
	for _, t := range sorted {
		if _, err := w.Write(t.Data); err != nil {
			return fmt.Errorf("checkpoint: write tensor %s: %w", clip(t.Name), err)
		}
	}
	return nil
}

func checkData(tensors []NamedData, metadata map[string]string) error {
	seen := map[string]bool{}
	for _, t := range tensors {
		bad := func(got, want string) error { return &FormatError{Tensor: t.Name, Got: got, Want: want} }
		want, ok := byteSize(t.DType, t.Shape)
		switch {
		case t.Name == metadataName || !utf8.ValidString(t.Name):
			return bad("this name", "a name in UTF-8 other than "+metadataName)
		case seen[t.Name]:
			return bad("this name twice", "each name once")
		case t.DType.Size() == 0:
			return bad(t.DType.String(), "a dtype")
		case !ok:
			return bad(fmt.Sprintf("shape %v", t.Shape), "dimensions whose product is in the range of int")
		case int64(len(t.Data)) != want:
			return bad(fmt.Sprintf("%d bytes", len(t.Data)), fmt.Sprintf("%d for %v of shape %v", want, t.DType, t.Shape))
		}
		seen[t.Name] = true
	}
	for key, value := range metadata {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return &FormatError{Got: fmt.Sprintf("metadata %s: %s", clip(key), clip(value)), Want: "UTF-8"}
		}
	}
	return nil
}

// makeHeader returns the length and the JSON of the header.
func makeHeader(tensors []NamedData, metadata map[string]string) ([]byte, error) {
	var b bytes.Buffer
	separator := byte('{')
	member := func(name string, value any) error {
		b.WriteByte(separator)
		separator = ','
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		b.Write(append(key, ':'))
		text, err := json.Marshal(value)
		b.Write(text)
		return err
	}
	b.Write(make([]byte, 8))
	if len(metadata) > 0 {
		if err := member(metadataName, metadata); err != nil {
			return nil, err
		}
	}
	offset := 0
	for _, t := range tensors {
		end := offset + len(t.Data)
		if err := member(t.Name, struct {
			DType   string `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}{t.DType.String(), append([]int{}, t.Shape...), [2]int{offset, end}}); err != nil {
			return nil, err
		}
		offset = end
	}
	if separator == '{' {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	length := b.Len() - 8
	if length > maxHeader {
		return nil, &FormatError{Got: fmt.Sprintf("a header of %d bytes", length), Want: fmt.Sprintf("at most %d", maxHeader)}
	}
	le.PutUint64(b.Bytes(), uint64(length))
	return b.Bytes(), nil
}
