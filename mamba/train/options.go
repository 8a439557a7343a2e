package train

import (
	"io"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// Options say where and how a model is trained. nil means the zero value, which is
// the recipe of the reference model.
type Options struct {
	// Adapter is the index of a WebGPU adapter, a part of its name, or "go" for the
	// pure-Go backend. The zero value means the environment variable
	// MAMBAGPU_ADAPTER, and if that is empty the best adapter there is.
	Adapter string
	// Device is an open device to train on. It is not closed with the trainer. The
	// zero value means one of the trainer's own, on Adapter.
	Device *wgpu.Device
	// MemoryBudget bounds the bytes of device memory of a device of the trainer's
	// own. The zero value means no bound but the driver's.
	MemoryBudget uint64
	// Tuning chooses variants of kernels on a GPU. The zero value means the tuning that
	// `mambagpu bench --tune` stored for the adapter, as [mamba.Options] has it; an empty
	// one means none. Other variants may give other bits.
	Tuning shaders.Tuning
	// Notices is where the use of a CPU adapter, or of none, is announced, and a stored
	// tuning that is no good. The zero value means standard error; use io.Discard for
	// none.
	Notices io.Writer

	// Batch is the number of sequences of a batch, SeqLen the number of tokens that
	// each predicts. The zero values mean 64 and 512.
	Batch, SeqLen int
	// MicroBatch is the number of sequences that go through the network at a time.
	// The zero value means as many as the device has room for.
	MicroBatch int
	// Recompute tells of which layers only the input is kept for the backward pass,
	// which then runs the layer again: less memory for a third more work. The zero
	// value means of none; see [EveryLayer].
	Recompute func(layer int) bool
	// LogitBytes bounds the memory of logits: so many rows of them are made, turned
	// into gradients and used up at a time. The zero value means 64 MiB.
	LogitBytes uint64

	// Beta1 and Beta2 are the decays of AdamW's moments. The zero values mean 0.9
	// and 0.95.
	Beta1, Beta2 float64
	// Eps is added to the root of AdamW's second moment. The zero value means 1e-8.
	Eps float64
	// WeightDecay is AdamW's decoupled decay, times the learning rate. The zero
	// value means 0.3, a negative one none.
	WeightDecay float64
	// Decays tells which parameters the decay applies to. The zero value means those
	// of two or more dimensions but A_log, the embedding and the convolution's
	// weights among them.
	Decays func(name string, shape []int) bool
	// Clip is the largest norm that the gradients of all parameters together may
	// have; larger ones are scaled down to it. The zero value means 1, a negative
	// one no bound.
	Clip float64
	// Seed chooses the initial weights of [New].
	Seed uint64
}

// EveryLayer has all layers recomputed: see [Options].
func EveryLayer(int) bool { return true }

// EveryParameter has the decay apply to all parameters: see [Options].
func EveryParameter(string, []int) bool { return true }

// DefaultDecays is what Options.Decays means if it is nil: parameters of two or
// more dimensions but A_log.
func DefaultDecays(name string, shape []int) bool {
	return len(shape) > 1 && !isLog(name)
}

// OptionError is returned for an option outside its range.
type OptionError = mamba.OptionError

// filled is the options with their defaults in place, or an *OptionError.
func (o *Options) filled() (Options, error) {
	var f Options
	if o != nil {
		f = *o
	}
	orElse(&f.Batch, 64)
	orElse(&f.SeqLen, 512)
	orElse(&f.LogitBytes, 64<<20)
	orElse(&f.Beta1, 0.9)
	orElse(&f.Beta2, 0.95)
	orElse(&f.Eps, 1e-8)
	orElse(&f.WeightDecay, 0.3)
	orElse(&f.Clip, 1)
	f.WeightDecay, f.Clip = max(f.WeightDecay, 0), max(f.Clip, 0)
	if f.Recompute == nil {
		f.Recompute = func(int) bool { return false }
	}
	if f.Decays == nil {
		f.Decays = DefaultDecays
	}
	return f, f.check()
}

func orElse[T comparable](v *T, otherwise T) {
	if *v == *new(T) {
		*v = otherwise
	}
}

func (o *Options) check() error {
	for _, c := range []struct {
		name string
		ok   bool
		got  any
		want string
	}{
		{"Batch", o.Batch > 0, o.Batch, "1 or more"},
		{"SeqLen", o.SeqLen > 0, o.SeqLen, "1 or more"},
		{"MicroBatch", o.MicroBatch >= 0, o.MicroBatch, "0 or more"},
		{"Beta1", o.Beta1 >= 0 && o.Beta1 < 1, o.Beta1, "at least 0 and less than 1"},
		{"Beta2", o.Beta2 >= 0 && o.Beta2 < 1, o.Beta2, "at least 0 and less than 1"},
		{"Eps", o.Eps > 0 && o.Eps < 1, o.Eps, "between 0 and 1"},
		{"WeightDecay", o.WeightDecay < 1e6, o.WeightDecay, "a number below 1e6"},
		{"Clip", o.Clip < 1e30, o.Clip, "a number below 1e30"},
	} {
		if !c.ok {
			return &OptionError{Name: c.name, Got: c.got, Want: c.want}
		}
	}
	return nil
}
