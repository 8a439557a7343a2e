package shaders

import (
	"math/bits"
	"slices"

	"github.com/mambagpu/mambagpu/wgpu"
)

// Tuning names the variants of kernels to use in place of the defaults: by a
// kernel and a shape as [Shape] writes it, "matmul 2048x3072x768 F16", or by a
// kernel alone, for all its other shapes. A variant that the kernel does not have
// at a shape, or that asks for more than the device has, is passed over.
type Tuning map[string]string

// Tune sets the tuning of dispatches made from now on; nil means the defaults. The
// tuning must not be changed afterwards.
func (k *Kernels) Tune(t Tuning) { k.tuning.Store(&t) }

// choose is the variant of a kernel at a shape, out of those that there are, the
// default first.
func (k *Kernels) choose(kernel, shape string, variants []string) string {
	t := k.tuning.Load()
	if t == nil {
		return variants[0]
	}
	for _, key := range []string{kernel + " " + shape, kernel} {
		if v, ok := (*t)[key]; ok && slices.Contains(variants, v) {
			return v
		}
	}
	return variants[0]
}

// tunable is implemented by the Params of kernels that have variants.
type tunable interface {
	// shape is what the choice of a variant depends on.
	shape() string
	// variants lists what there is within the limits, the default of a kind of device
	// first.
	variants(kernel string, l wgpu.Limits, kind wgpu.Kind) []string
}

// near is the power of two from n up: sizes that a choice is the same for.
func near(n int) int { return 1 << bits.Len(uint(max(n, 1)-1)) }

// Shape is the part of a [Tuning] key that says what a kernel is asked for; it is
// empty for Params of kernels without variants.
func Shape(params any) string {
	if p, ok := params.(tunable); ok {
		return p.shape()
	}
	return ""
}

// Variants lists the variants of a kernel for its Params within a device's limits,
// the default of its kind first. A kernel without variants has none.
func Variants(kernel string, params any, l wgpu.Limits, kind wgpu.Kind) []string {
	if p, ok := params.(tunable); ok {
		return p.variants(kernel, l, kind)
	}
	return nil
}
