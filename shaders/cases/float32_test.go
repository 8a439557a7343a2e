package cases

import (
	"math"
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/stretchr/testify/assert"
)

// TestTolerancesCanBeMet runs plain float32 versions of the kernels, with the
// arithmetic that a GPU has and no reordering of sums. They have to be inside
// half of each tolerance, or no GPU could be expected to be inside all of it;
// and some have to be above a fiftieth, or the tolerance would find nothing.
func TestTolerancesCanBeMet(t *testing.T) {
	for _, kernel := range Kernels() {
		run := float32Kernels[kernel]
		if run == nil {
			continue
		}
		var most float64
		var worst Worst
		for _, c := range Of(kernel) {
			got, want := c.Args(), c.RunTwin()
			run(c.Params, got)
			for i, w := range want {
				if !w.Out || w.Len() == 0 {
					continue
				}
				e := WorstOf(got[i], w)
				part := e.Abs / (c.Tol.Abs + c.Tol.Rel*largest(w.F32))
				assert.LessOrEqual(t, part, 0.5, "%s: %s is off by %.3g, relative %.3g", c, w.Name, e.Abs, e.Rel)
				most, worst.Rel = max(most, part), max(worst.Rel, e.Rel)
			}
		}
		assert.Greater(t, most, 0.02, kernel)
		t.Logf("%-27s largest relative error %.1e, largest part of a tolerance %.2f", kernel, worst.Rel, most)
	}
}

var float32Kernels = map[string]func(params any, a []Arg){
	"rms_norm":            rmsNorm32,
	"matmul":              matmul32,
	"matmul_sum":          matmulSum32,
	"matvec":              matmul32,
	"causal_conv":         causalConv32,
	"causal_conv_step":    causalConv32,
	"dt_proj":             dtProj32,
	"selective_scan":      selectiveScan32,
	"selective_scan_step": selectiveScan32,

	"layer_norm":                  layerNorm32,
	"selective_scan_naive":        selectiveScan32,
	"selective_scan_tiled":        selectiveScan32,
	"selective_scan_complex":      complexScan32,
	"selective_scan_complex_step": complexScan32,
	"discretize":                  discretize32,
	"modulated_scan":              modulatedScan32,
	"modulated_scan_step":         modulatedScan32,
}

func exp2(x float32) float32  { return float32(math.Exp2(float64(x))) }
func exp32(x float32) float32 { return exp2(x * math.Log2E) }
func silu32(x float32) float32 {
	return x / (1 + exp32(-x))
}
func softplus32(x float32) float32 {
	return max(x, 0) + float32(math.Log1p(float64(exp32(-float32(math.Abs(float64(x)))))))
}

func rmsNorm32(params any, a []Arg) {
	p, x, weight, y := params.(shaders.RMSNormParams), a[0].F32, a[1].F32, a[2].F32
	for t := range p.Rows {
		var sum float32
		for _, v := range x[t*p.Width:][:p.Width] {
			sum += v * v
		}
		scale := 1 / float32(math.Sqrt(float64(sum/float32(p.Width)+p.Eps)))
		for i := range p.Width {
			y[t*p.Width+i] = x[t*p.Width+i] * scale * weight[i]
		}
	}
}

func matmul32(params any, args []Arg) {
	p, a, w, bias, c := params.(shaders.MatmulParams), args[0].F32, args[1].F32, args[2].F32, args[3].F32
	ldw := max(p.LDW, across(p.TransW, p.N, p.K))
	for m := range p.M {
		for n := range p.N {
			var sum float32
			for k := range p.K {
				sum += a[element(p.TransA, m, k, p.LDA, p.OffA)] * w[element(p.TransW, n, k, ldw, p.OffW)]
			}
			if p.Bias {
				sum += bias[p.OffBias+n]
			}
			finish32(&c[m*p.LDC+p.OffC+n], sum, p.SiLU, p.Add)
		}
	}
}

// element is where an element of a matrix or of its transpose lies.
func element(transposed bool, row, col, ld, off int) int {
	if transposed {
		row, col = col, row
	}
	return row*ld + off + col
}

func matmulSum32(params any, args []Arg) {
	p, parts, bias, c := params.(shaders.MatmulSumParams), args[0].F32, args[1].F32, args[2].F32
	for m := range p.M {
		for n := range p.N {
			var sum float32
			for z := range p.Parts {
				sum += parts[(z*p.M+m)*p.N+n]
			}
			if p.Bias {
				sum += bias[p.OffBias+n]
			}
			finish32(&c[m*p.LDC+p.OffC+n], sum, p.SiLU, p.Add)
		}
	}
}

// finish32 ends a product with silu and the addition to c, where they are asked for.
func finish32(c *float32, x float32, silu, add bool) {
	if silu {
		x = silu32(x)
	}
	if add {
		x += *c
	}
	*c = x
}

func dot32(x, y []float32) (sum float32) {
	for i := range x {
		sum += x[i] * y[i]
	}
	return sum
}

func dtProj32(params any, a []Arg) {
	p, x, w, bias, delta := params.(shaders.DtProjParams), a[0].F32, a[1].F32, a[2].F32, a[3].F32
	for t := range p.Rows {
		for e := range p.Channels {
			sum := dot32(x[t*p.Stride+p.Offset:][:p.Rank], w[e*p.Rank:][:p.Rank])
			delta[t*p.Channels+e] = softplus32(sum + bias[e])
		}
	}
}

func causalConv32(params any, a []Arg) {
	p, x, weights, slots := params.(shaders.CausalConvParams), a[0].F32, a[1].F32, a[2].U32
	state, y := a[3].F32, a[4].F32
	for b := range p.Batch {
		for e := range p.Channels {
			slot, first, rows := p.Sequence(slots, b, p.Length)
			kept := state[(slot*p.Channels+e)*(p.Width-1):][:p.Width-1]
			line := append([]float32(nil), kept...) // all inputs of the channel
			if p.Fresh {
				clear(line)
			}
			for t := range rows {
				line = append(line, x[(first+t)*p.Stride+p.Offset+e])
				sum := dot32(line[t:], weights[e*p.Width:][:p.Width])
				if p.Bias {
					sum += weights[p.Channels*p.Width+e]
				}
				if p.SiLU {
					sum = silu32(sum)
				}
				y[(first+t)*p.Channels+e] = sum
			}
			copy(kept, line[rows:])
		}
	}
}

func selectiveScan32(params any, args []Arg) {
	p := params.(shaders.SelectiveScanParams)
	u, delta, bc, z, weights := args[0].F32, args[1].F32, args[2].F32, args[3].F32, args[4].F32
	slots, state, y := args[5].U32, args[6].F32, args[7].F32
	size := p.Channels * p.States
	for b := range p.Batch {
		slot, first, rows := p.Sequence(slots, b, p.Length)
		h := state[slot*size:][:size]
		if p.Fresh {
			clear(h)
		}
		for row := first; row < first+rows; row++ {
			for e := range p.Channels {
				a, rest := weights[:p.States], weights[p.States:]
				if !p.SharedA {
					a, rest = weights[e*p.States:], weights[size:]
				}
				x, d := u[row*p.Channels+e], delta[row*p.Channels+e]
				var skip, sum float32
				if p.HasD {
					skip, rest = rest[e]*x, rest[p.Channels:]
				}
				if p.HasBias {
					d += rest[e]
				}
				if p.Softplus {
					d = softplus32(d)
				}
				for n := range p.States {
					i := e*p.States + n
					f := exp2(d * (a[n] * math.Log2E))
					if p.Modulated {
						f *= bc[row*p.BCStride+p.OffM+n]
					}
					h[i] = f*h[i] + d*x*bc[row*p.BCStride+p.OffB+n]
					sum += h[i] * bc[row*p.BCStride+p.OffC+n]
				}
				sum += skip
				if p.HasZ {
					sum *= silu32(z[row*p.ZStride+p.OffZ+e])
				}
				y[row*p.Channels+e] = sum
			}
		}
	}
}
