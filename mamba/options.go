package mamba

import (
	"io"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// Options say where a model runs and how it is loaded. nil means the zero
// value.
type Options struct {
	// Adapter is the index of a WebGPU adapter, a part of its name, or "go"
	// for the pure-Go backend. The zero value means the environment variable
	// MAMBAGPU_ADAPTER, and if that is empty the best adapter there is.
	Adapter string
	// Device is an open device to run on. It is not closed with the model. The
	// zero value means one of the model's own, on Adapter.
	Device *wgpu.Device
	// MemoryBudget bounds the bytes of device memory of a device of the
	// model's own. The zero value means no bound but the driver's.
	MemoryBudget uint64
	// ChunkLength is the most tokens that prefill takes at a time. The zero
	// value means what suits the adapter.
	ChunkLength int
	// Tuning chooses variants of kernels on a GPU. The zero value means the tuning
	// that `mambagpu bench --tune` stored for the adapter, if there is one and the
	// environment variable MAMBAGPU_TUNING is not "off"; an empty one means none.
	Tuning shaders.Tuning
	// Weights is the type that matrices are converted to while they are loaded.
	// The zero value leaves them as they are stored. Integers are not converted
	// to another type.
	Weights Weights
	// Together has all layers of a step of one sequence run in two dispatches, whose
	// workgroups wait for each other, where a layer's weights are floats and fit the
	// registers of a GPU. It is for small models, of whose tokens most of the time goes
	// into starting dispatches. WebGPU does not promise that workgroups run at the same
	// time, so how many do is tried while loading, and waiting has an end: see
	// [ErrStalled]. States are the same to within rounding. Where it cannot be, Notices
	// says so; the Go backend has no dispatches. The zero value means a dispatch for each
	// part of a layer, on which no such assumption is made.
	Together bool
	// Tokenizer is the path of a tokenizer.json. The zero value means the one
	// in the model's folder, if there is one.
	Tokenizer string
	// Notices is where the use of a CPU adapter, or of none, is announced, and a
	// stored tuning that is no good. The zero value means standard error; use
	// io.Discard for none.
	Notices io.Writer
	// Progress, if set, is told while loading how many bytes of weights were
	// read so far.
	Progress func(done, total int64)
}
