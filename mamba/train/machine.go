package train

import "github.com/mambagpu/mambagpu/wgpu"

// machine holds arrays on one kind of machine and runs operations on them.
type machine[A any] interface {
	info() wgpu.AdapterInfo
	// maxWords is the largest array that there can be, batchWords the largest that a
	// micro-batch should have.
	maxWords() int
	batchWords() int
	// newArray makes an array of numbers, newWords one of integers, both of zeros.
	newArray(label string, words int) (A, error)
	newWords(label string, words int) (A, error)
	release(x A)
	// slice is so many words of x from first on, a multiple of alignment, as an array
	// that shares them. It is released with x.
	slice(label string, x A, first, words int) (A, error)
	alignment() int
	// Reads and writes see what was run before; write does not wait for it.
	write(x A, first int, v []float32) error
	writeWords(x A, v []uint32) error
	read(x A, first int, v []float32) error
	// readLater is read of the first words of x that does not wait until the result
	// is asked for. Slots 0 and 1 may be under way at a time.
	readLater(slot int, x A, words int) (func() ([]float32, error), error)
	// stride is that of operations.
	stride(cols int) int
	// run runs what record has operations do. What has the same key is recorded once.
	run(key plan, record func(operations[A])) error
	// reserve makes what running record needs beside its arrays.
	reserve(record func(operations[A])) error
	// forget drops what was recorded: arrays are about to be replaced.
	forget()
	// timed has what is run from now on timed dispatch by dispatch, until timings
	// hands the times out.
	timed() error
	timings() []KernelTime
	memoryInUse() uint64
	close() error
}

// plan names what was recorded: what is run, on what shape.
type plan struct {
	stage stage
	shape micro
	scale float32 // of gradients
	first int     // row of logits
}

type stage uint8

const (
	clearing stage = iota
	learning
	evaluating
	updating
	presenting // the last layer's output, normalised
	heading    // logits of some rows of that
)
