package mamba

import (
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
)

// blockValues is the number of values that a rowReader converts at a time.
const blockValues = 1 << 20

// rowReader reads a tensor's bytes in another type, as files hold it. It converts
// some rows at a time, on all processors, and keeps the last of them: it is for
// reading from the start to the end, by one goroutine.
type rowReader struct {
	tensor       *checkpoint.Tensor
	to           shaders.DType
	rows, cols   int
	elementBytes int // of a converted row in a file
	scaleBytes   int // of a row's scales

	first, end int    // the rows in block
	block      []byte // their elements
	scales     []byte // of integers, of all rows up to done
	done       int
	raw        []byte // a block as it is stored
	values     []float32
}

// newRowReader reads a tensor as rows along its last axis.
func newRowReader(t *checkpoint.Tensor, to shaders.DType) *rowReader {
	cols := t.Shape[len(t.Shape)-1]
	r := &rowReader{tensor: t, to: to, rows: t.Elements() / cols, cols: cols,
		elementBytes: cols * to.Bits() / 8, scaleBytes: shaders.ScaleBytes(to, cols)}
	if to == shaders.Q4 { // files have those padded as memory has
		r.elementBytes = shaders.RowBytes(to, cols)
	}
	r.scales = make([]byte, r.rows*r.scaleBytes)
	return r
}

// ReadAt reads converted bytes from byte off on.
func (r *rowReader) ReadAt(p []byte, off int64) (int, error) {
	total := int64(r.rows) * int64(r.elementBytes)
	n := 0
	for n < len(p) && off+int64(n) < total {
		at := off + int64(n)
		if row := int(at / int64(r.elementBytes)); row < r.first || row >= r.end {
			if err := r.load(row); err != nil {
				return n, err
			}
		}
		n += copy(p[n:], r.block[at-int64(r.first)*int64(r.elementBytes):])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// load converts the block that begins with a row.
func (r *rowReader) load(first int) error {
	n := min(max(blockValues/r.cols, 1), r.rows-first)
	r.raw = resize(r.raw, n*r.cols*r.tensor.DType.Size())
	r.values = resize(r.values, n*r.cols)
	r.block = resize(r.block, n*r.elementBytes)
	if err := r.convert(first, n); err != nil {
		return err
	}
	r.first, r.end = first, first+n
	if first == r.done {
		r.done = r.end
	}
	return nil
}

// convert converts n rows, each processor some of them.
func (r *rowReader) convert(first, n int) error {
	workers := min(runtime.GOMAXPROCS(0), n)
	errs := make([]error, workers)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() { errs[w] = r.convertRows(first, n*w/workers, n*(w+1)/workers) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// convertRows converts rows from to end of the block that begins with row first.
func (r *rowReader) convertRows(first, from, end int) error {
	rowBytes := r.cols * r.tensor.DType.Size()
	raw, values := r.raw[from*rowBytes:end*rowBytes], r.values[from*r.cols:end*r.cols]
	if err := readChecked(r.tensor, raw, int64(first+from)*int64(rowBytes)); err != nil {
		return err
	}
	if err := checkpoint.Decode(r.tensor.DType, values, raw); err != nil {
		return err
	}
	most := shaders.Limit(r.to)
	for i, v := range values {
		if v > most || v < -most {
			return &checkpoint.FormatError{Path: r.tensor.Path(), Tensor: r.tensor.Name,
				Got:  fmt.Sprintf("%g at element %d", v, (first+from)*r.cols+i),
				Want: fmt.Sprintf("at most %g for weights in %v", most, r.to)}
		}
	}
	out := r.block[from*r.elementBytes : end*r.elementBytes]
	if !r.to.Quantized() {
		copy(out, shaders.Encode(r.to, values))
		return nil
	}
	clear(out)
	scales := r.scales[(first+from)*r.scaleBytes : (first+end)*r.scaleBytes]
	shaders.QuantizeRows(r.to, out, scales, values, r.cols)
	return nil
}

// resize is a slice of n elements, whatever they are.
func resize[T any](s []T, n int) []T {
	if n > cap(s) {
		return make([]T, n)
	}
	return s[:n]
}

// scaleReader reads the scales of a matrix of integers, which are known when the
// integers have been read.
type scaleReader rowReader

// ReadAt reads scales from byte off on.
func (r *scaleReader) ReadAt(p []byte, off int64) (int, error) {
	if r.done < r.rows {
		return 0, fmt.Errorf("the scales were read before row %d of %d", r.done, r.rows)
	}
	if off >= int64(len(r.scales)) {
		return 0, io.EOF
	}
	n := copy(p, r.scales[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
