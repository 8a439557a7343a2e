package mamba

import (
	"github.com/mambagpu/mambagpu/wgpu"
)

// backend holds a model's parameters and states on one kind of machine and
// runs chunks through them. The model serialises its calls.
type backend interface {
	info() wgpu.AdapterInfo
	// reserveSlots grows the states to at least n.
	reserveSlots(n int) error
	// reserveTokens grows the activations to n tokens and returns how many
	// there is room for, at least one and at most n.
	reserveTokens(n int) (int, error)
	// chunkTokens is the number of tokens that one chunk best has.
	chunkTokens() int
	// maxRows is the number of sequences that one chunk can have.
	maxRows() int
	clearState(slot int) error
	copyState(dst, src int) error
	// run takes ids (B, L) through the network, from and to the states of
	// slots (B).
	run(b batch, ids, slots []uint32) (result, error)
	// newDecoder returns what takes sequences on by tokens that it chooses.
	newDecoder() decoder
	// readState and writeState copy a state from and to values: of each layer
	// the convolution's, then the recurrence's.
	readState(slot int, values []float32) error
	writeState(slot int, values []float32) error
	// trace is run for one row that hands the tensors of the stages that has
	// tells of to hook, until that returns an error.
	trace(b batch, ids, slots []uint32, has func(name string) bool, hook func(Stage) error) error
	memoryInUse() uint64
	usage() wgpu.Usage
	close() error
}

// result is what a batch's output asks for.
type result struct {
	logits []float32 // (B, V) or (B, L, V)
	best   []uint32  // (B)
}

// Stage is the tensor that one stage of the network gave: "embedding",
// "layer.3.conv", "norm_f", "logits", ... Data is row-major.
type Stage struct {
	Name  string
	Shape []int
	Data  []float32
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
