package mamba

import (
	"errors"
	"io"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// streamChunk bounds the bytes of a tensor that are in host memory at a time,
// twice.
const streamChunk = 8 << 20

// stream reads a tensor from its start to its end in chunks of whole rows of
// rowBytes and hands each, checked for numbers that are not finite, to use
// while the next one is read. The chunk is use's only until it returns.
func stream(t *checkpoint.Tensor, rowBytes int, use func(raw []byte) error) error {
	size := max(streamChunk/rowBytes, 1) * rowBytes
	chunks := make(chan chunk)
	free := make(chan []byte, 2)
	free <- nil
	free <- nil
	done := make(chan struct{})
	// The reader has ended when stream returns: t's file may then be closed.
	defer func() {
		close(done)
		for range chunks {
		}
	}()
	go readChunks(t, size, chunks, free, done)
	for c := range chunks {
		if c.err != nil {
			return c.err
		}
		if err := use(c.raw); err != nil {
			return err
		}
		free <- c.raw
	}
	return nil
}

type chunk struct {
	raw []byte
	err error
}

// readChunks sends the tensor's chunks, or an error, until done is closed.
func readChunks(t *checkpoint.Tensor, size int, chunks chan<- chunk, free <-chan []byte, done <-chan struct{}) {
	defer close(chunks)
	total := t.Bytes()
	for off := int64(0); off < total; off += int64(size) {
		var buf []byte
		select {
		case buf = <-free:
		case <-done:
			return
		}
		n := int(min(int64(size), total-off))
		if cap(buf) < n {
			buf = make([]byte, n)
		}
		c := chunk{raw: buf[:n]}
		c.err = readChecked(t, c.raw, off)
		select {
		case chunks <- c:
		case <-done:
			return
		}
		if c.err != nil {
			return
		}
	}
}

func readChecked(t *checkpoint.Tensor, raw []byte, off int64) error {
	if n, err := t.ReadAt(raw, off); err != nil && !(errors.Is(err, io.EOF) && n == len(raw)) {
		return err
	}
	if storageType(t).Quantized() {
		return nil // integers are all finite
	}
	return checkpoint.CheckFinite(t, raw, int(off)/t.DType.Size())
}

// readFloats decodes a whole tensor, checked for numbers that are not finite.
func readFloats(t *checkpoint.Tensor) ([]float32, error) {
	out := make([]float32, t.Elements())
	rest := out
	size := t.DType.Size()
	err := stream(t, size, func(raw []byte) error {
		n := len(raw) / size
		part := rest[:n]
		rest = rest[n:]
		return checkpoint.Decode(t.DType, part, raw)
	})
	return out, err
}

// counted is a source that reports the bytes of the tensors asked for.
type counted struct {
	source
	done, total int64
	progress    func(done, total int64)
}

func (c *counted) Tensor(name string) (*checkpoint.Tensor, error) {
	t, err := c.source.Tensor(name)
	if err == nil && c.progress != nil {
		c.done = min(c.done+t.Bytes(), c.total)
		c.progress(c.done, c.total)
	}
	return t, err
}
