package bench

import (
	"fmt"
	"strings"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
)

// kernelCase is a kernel, or several one after the other, at one shape.
type kernelCase struct {
	name   string // the kernel's, or what the kernels make up together
	shape  string
	arrays []array
	steps  []step
	bytes  float64 // a run must move at least: every input and output once
	flops  float64 // multiply-adds, counted as two
	rel    float64 // allowed error, relative to the largest value
	// sample is a part of the output that can be computed apart: the views of
	// the arrays, and the steps as the twins take them. It is made only when
	// the case runs.
	sample func() ([]view, []step)
}

// step is one dispatch. args are indices of the case's arrays, in the order of
// the kernel's arguments.
type step struct {
	kernel string
	params any // of package shaders
	args   []int
}

// exact, close and accumulated are errors to allow: of copies and sums of two
// numbers, of sums of products, and of a recurrence over many steps.
const (
	exact       = 0
	close32     = 1e-5
	accumulated = 1e-4
)

// kernelCases lists what is timed: the shapes at which the reference
// implementation was timed, those of the 130m, 1.4b and 2.8b models, and small
// ones for devices that those are too large for.
func kernelCases() []kernelCase {
	const f16, f32 = shaders.F16, shaders.F32
	return []kernelCase{
		scan(1, 512, 512, 16), scan(8, 1024, 1024, 16), scan(8, 2048, 1024, 16), scan(1, 2048, 1536, 16),
		scan(1, 16384, 1536, 16), scan(1, 65536, 1536, 16), scan(1, 131072, 1536, 16), scan(1, 2048, 5120, 16), scan(64, 2048, 1536, 16),
		scan(4, 2048, 1024, 16), scan(4, 2048, 1024, 64), scan(4, 2048, 1024, 128),
		scan(1, 1, 1536, 16), scan(64, 1, 1536, 16), scan(1, 1, 5120, 16), scan(64, 1, 5120, 16),
		scanBothWays(1, 512, 512, 16), scanBothWays(8, 1024, 1024, 16), scanBothWays(8, 2048, 1024, 16),
		scanBothWays(1, 2048, 1536, 16), scanBothWays(1, 65536, 1536, 16),
		scanBy("selective_scan_naive", 1, 512, 512, 16), scanBy("selective_scan_naive", 8, 2048, 1024, 16),
		scanBy("selective_scan_tiled", 1, 512, 512, 16), scanBy("selective_scan_tiled", 8, 2048, 1024, 16),
		complexScan(1, 512, 512, 16), complexScan(8, 2048, 1024, 16), complexScan(1, 1, 1536, 16),
		modulatedScan(1, 512, 512, 16), modulatedScan(8, 1024, 1024, 16), modulatedScan(1, 1, 1024, 16),
		discretize(8192, 16),

		conv(1, 512, 512, 4), conv(8, 2048, 1024, 4), conv(1, 65536, 1536, 4),
		conv(1, 1, 1536, 4), conv(64, 1, 1536, 4),

		product(256, 1024, 256, f32), product(4096, 4096, 4096, f32), product(4096, 4096, 4096, f16),
		product(2048, 3072, 768, f32), product(2048, 80, 1536, f32), product(2048, 768, 1536, f32), // 130m
		product(2048, 8192, 2048, f32), product(2048, 160, 4096, f32), product(2048, 2048, 4096, f32), // 1.4b
		product(2048, 10240, 2560, f32), product(2048, 192, 5120, f32), product(2048, 2560, 5120, f32), // 2.8b
		product(64, 3072, 768, f16), product(64, 80, 1536, f16), product(64, 768, 1536, f16), product(64, 50280, 768, f16), // 130m, 64 sequences
		productBy("matmul_lanes", 64, 3072, 768, f16), productBy("matmul_lanes", 64, 80, 1536, f16), productBy("matmul_lanes", 64, 768, 1536, f16),
		product(2048, 3072, 768, f16), product(2048, 3072, 768, shaders.Q8), product(2048, 3072, 768, shaders.Q4),

		product(1, 1024, 256, f16),
		product(1, 3072, 768, f16), product(1, 80, 1536, f16), product(1, 768, 1536, f16), product(1, 50280, 768, f16),
		product(1, 10240, 2560, f32), product(1, 10240, 2560, f16), product(8, 10240, 2560, f16),
		product(1, 10240, 2560, shaders.Q8), product(1, 10240, 2560, shaders.Q4),

		dtProj(256, 512, 16, f32), dtProj(2048, 1536, 48, f32), dtProj(2048, 4096, 128, f32), dtProj(2048, 5120, 160, f32),
		dtProj(1, 1536, 48, f16),

		rmsNorm(256, 256), rmsNorm(2048, 768), rmsNorm(2048, 2560),
		layerNorm(2048, 768), layerNorm(2048, 2560), lastRows(8, 32, 768),
		embedding(256, 256, 4096, f16), embedding(2048, 768, 50280, f16),
		residualAdd(256, 256), residualAdd(2048, 768), residualAdd(2048, 2560),
		peaks(1, 50280), peaks(64, 50280),
	}
}

// single is a case of one kernel whose arguments are all its arrays.
func single(kernel string, shape []int, params any, arrays []array, sample func() (any, []view)) kernelCase {
	c := kernelCase{
		name: kernel, shape: shapeName(shape), arrays: arrays, rel: close32,
		steps:  []step{{kernel, params, span(0, len(arrays))}},
		sample: func() ([]view, []step) { return oneStep(kernel, sample) },
	}
	for i := range arrays {
		c.bytes += float64(arrays[i].bytes())
		if a := &arrays[i]; a.out && a.lo != a.hi {
			c.bytes += float64(a.bytes()) // read before it is replaced
		}
	}
	return c
}

func oneStep(kernel string, sample func() (any, []view)) ([]view, []step) {
	params, views := sample()
	return views, []step{{kernel, params, span(0, len(views))}}
}

// shapeName is a shape as papers write it: "(8,2048,1024,16)".
func shapeName(shape []int) string {
	return "(" + strings.Join(strings.Fields(strings.Trim(fmt.Sprint(shape), "[]")), ",") + ")"
}

// as names the storage type of the weights beside the shape, unless it is
// float32.
func (c kernelCase) as(t shaders.DType) kernelCase {
	if t != shaders.F32 {
		c.shape += " " + t.String()
	}
	return c
}

func (c *kernelCase) tolerance() cases.Tolerance {
	return cases.Tolerance{Abs: c.rel * 1e-2, Rel: c.rel}
}
