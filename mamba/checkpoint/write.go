package checkpoint

import (
	"cmp"
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
	shapes := make([]NamedShape, len(tensors))
	data := map[string][]byte{}
	for i, t := range tensors {
		shapes[i] = NamedShape{t.Name, t.DType, t.Shape}
		data[t.Name] = t.Data
	}
	l, err := LayOut(shapes, metadata)
	if err != nil {
		return err
	}
	for _, p := range l.Places {
		if n := int64(len(data[p.Name])); n != p.Bytes {
			return &FormatError{Tensor: p.Name, Got: fmt.Sprintf("%d bytes", n),
				Want: fmt.Sprintf("%d for %v of shape %v", p.Bytes, p.DType, p.Shape)}
		}
	}
	if _, err := w.Write(l.Header); err != nil {
		return fmt.Errorf("checkpoint: write header: %w", err)
	}
	for _, p := range l.Places {
		if _, err := w.Write(data[p.Name]); err != nil {
			return fmt.Errorf("checkpoint: write tensor %s: %w", clip(p.Name), err)
		}
	}
	return nil
}

// NamedShape is a tensor without its data.
type NamedShape struct {
	Name  string
	DType DType
	Shape []int // row-major
}

// Layout says where everything of a safetensors file lies: the header, then the
// tensors without holes.
type Layout struct {
	Header []byte
	Places []Place // in the order of the file
}

// Place is where a tensor's data lies, in bytes from the start of the file.
type Place struct {
	NamedShape
	Offset, Bytes int64
}

// LayOut lays out a safetensors file as [WriteSafetensors] writes it, so that
// tensors which are too large for memory can be written in any order. Errors are
// those of WriteSafetensors.
func LayOut(tensors []NamedShape, metadata map[string]string) (Layout, error) {
	sorted := slices.SortedFunc(slices.Values(tensors), func(a, b NamedShape) int {
		return cmp.Or(cmp.Compare(b.DType.Size(), a.DType.Size()), cmp.Compare(a.Name, b.Name))
	})
	if err := checkShapes(sorted, metadata); err != nil {
		return Layout{}, err
	}
	header, err := makeHeader(sorted, metadata)
	if err != nil {
		return Layout{}, err
	}
	l := Layout{Header: header}
	end := int64(len(header))
	for _, t := range sorted {
		n, _ := byteSize(t.DType, t.Shape)
		l.Places = append(l.Places, Place{t, end, n})
		end += n
	}
	return l, nil
}

func checkShapes(tensors []NamedShape, metadata map[string]string) error {
	seen := map[string]bool{}
	for _, t := range tensors {
		bad := func(got, want string) error { return &FormatError{Tensor: t.Name, Got: got, Want: want} }
		_, ok := byteSize(t.DType, t.Shape)
		switch {
		case t.Name == metadataName || !utf8.ValidString(t.Name):
			return bad("this name", "a name in UTF-8 other than "+metadataName)
		case seen[t.Name]:
			return bad("this name twice", "each name once")
		case t.DType.Size() == 0:
			return bad(t.DType.String(), "a dtype")
		case !ok:
			return bad(fmt.Sprintf("shape %v", t.Shape), "dimensions whose product is in the range of int")
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
func makeHeader(tensors []NamedShape, metadata map[string]string) ([]byte, error) {
	var b objectWriter
	if len(metadata) > 0 {
		if err := b.member(metadataName, metadata); err != nil {
			return nil, err
		}
	}
	offset := int64(0)
	for _, t := range tensors {
		n, _ := byteSize(t.DType, t.Shape)
		end := offset + n
		if err := b.member(t.Name, struct {
			DType   string   `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{t.DType.String(), append([]int{}, t.Shape...), [2]int64{offset, end}}); err != nil {
			return nil, err
		}
		offset = end
	}
	text := b.end()
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	if len(text) > maxHeader {
		return nil, &FormatError{Got: fmt.Sprintf("a header of %d bytes", len(text)), Want: fmt.Sprintf("at most %d", maxHeader)}
	}
	return append(le.AppendUint64(nil, uint64(len(text))), text...), nil
}
