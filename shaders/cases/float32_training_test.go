package cases

import (
	"maps"
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

func init() {
	maps.Copy(float32Kernels, map[string]func(params any, a []Arg){
		"rms_norm_backward":    rmsNormBackward32,
		"layer_norm_backward":  layerNormBackward32,
		"causal_conv_backward": causalConvBackward32,
		"cross_entropy":        crossEntropy32,
		"square_sums":          squareSums32,
		"adamw":                adamW32,
		"log_decays":           logDecays32,
		"sum":                  sum32,
	})
}

// sumOf is a sum as a workgroup takes it: 256 strided ones, then these.
func sumOf(n int, at func(i int) float32) (sum float32) {
	var lanes [256]float32
	for i := range n {
		lanes[i%256] += at(i)
	}
	for half := 128; half > 0; half /= 2 {
		for i := range half {
			lanes[i] += lanes[i+half]
		}
	}
	return lanes[0]
}

// inParts is a sum in parts of 64 terms.
type inParts struct {
	all, part float32
	count     int
}

func (s *inParts) add(v float32) {
	s.part += v
	if s.count++; s.count%64 == 0 {
		s.all, s.part = s.all+s.part, 0
	}
}

func addParts(to []float32, sums []inParts) {
	for i, s := range sums {
		to[i] += s.all + s.part
	}
}

func sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }

func add32(to *float32, v float32, add bool) {
	if add {
		v += *to
	}
	*to = v
}

func rmsNormBackward32(params any, a []Arg) {
	p := params.(shaders.RMSNormBackwardParams)
	x, weight, dy, dx, dweight := a[0].F32, a[1].F32, a[2].F32, a[3].F32, a[4].F32
	sums := make([]inParts, p.Width)
	for t := range p.Rows {
		in, grad := x[t*p.Width:][:p.Width], dy[t*p.Width:][:p.Width]
		squares := sumOf(p.Width, func(i int) float32 { return in[i] * in[i] })
		products := sumOf(p.Width, func(i int) float32 { return grad[i] * weight[i] * in[i] })
		s := 1 / sqrt32(squares/float32(p.Width)+p.Eps)
		along := s * (s * (products / float32(p.Width)))
		for i := range p.Width {
			add32(&dx[t*p.Width+i], s*(grad[i]*weight[i]-in[i]*along), p.Add)
			sums[i].add(grad[i] * (in[i] * s))
		}
	}
	addParts(dweight, sums)
}

func layerNormBackward32(params any, a []Arg) {
	p := params.(shaders.LayerNormBackwardParams)
	x, weight, dy, dx, dweight, dbias := a[0].F32, a[1].F32, a[2].F32, a[3].F32, a[4].F32, a[5].F32
	sums, biases, width := make([]inParts, p.Width), make([]inParts, p.Width), float32(p.Width)
	for t := range p.Rows {
		in, grad := x[t*p.Width:][:p.Width], dy[t*p.Width:][:p.Width]
		mean := sumOf(p.Width, func(i int) float32 { return in[i] - in[0] }) / width
		c := func(i int) float32 { return in[i] - in[0] - mean }
		g := func(i int) float32 { return grad[i] * weight[i] }
		s := 1 / sqrt32(sumOf(p.Width, func(i int) float32 { return c(i) * c(i) })/width+p.Eps)
		along := s * (s * (sumOf(p.Width, func(i int) float32 { return g(i) * c(i) }) / width))
		level := sumOf(p.Width, g) / width
		for i := range p.Width {
			add32(&dx[t*p.Width+i], s*(g(i)-level-c(i)*along), p.Add)
			sums[i].add(grad[i] * (c(i) * s))
			biases[i].add(grad[i])
		}
	}
	addParts(dweight, sums)
	addParts(dbias, biases)
}

func causalConvBackward32(params any, a []Arg) {
	p := params.(shaders.CausalConvParams)
	x, weights, dy, dx, dweights := a[0].F32, a[1].F32, a[2].F32, a[3].F32, a[4].F32
	sums := make([]inParts, len(weights))
	for i, grad := range dy {
		row, e := i/p.Channels, i%p.Channels
		steps := min(p.Width, row%p.Length+1)
		at := func(back int) int { return (row-back)*p.Stride + p.Offset + e }
		var s float32
		if p.Bias {
			s = weights[p.Channels*p.Width+e]
		}
		w := weights[e*p.Width:][:p.Width]
		for back := range steps {
			s += w[p.Width-1-back] * x[at(back)]
		}
		if p.SiLU {
			q := 1 / (1 + exp32(-s))
			grad *= q * (1 + s*(1-q))
		}
		if p.Bias {
			sums[p.Channels*p.Width+e].add(grad)
		}
		for back := range steps {
			k := p.Width - 1 - back
			add32(&dx[at(back)], w[k]*grad, back > 0) // the first to come is its own row's
			sums[e*p.Width+k].add(x[at(back)] * grad)
		}
	}
	addParts(dweights, sums)
}

func crossEntropy32(params any, a []Arg) {
	p := params.(shaders.CrossEntropyParams)
	for r := range p.Rows {
		row, target := a[0].F32[r*p.Vocab:][:p.Vocab], a[1].U32[p.OffTarget+r]
		scale, loss := p.Scale, &a[2].F32[p.OffLoss+r]
		top := float32(math.Inf(-1))
		for _, v := range row {
			top = max(top, v)
		}
		sum := sumOf(p.Vocab, func(i int) float32 { return exp32(row[i] - top) })
		if *loss = 0; target < uint32(p.Vocab) {
			*loss = top - row[target] + float32(math.Log(float64(sum)))
		} else {
			scale = 0
		}
		if !p.Gradient {
			continue
		}
		for v := range row {
			row[v] = exp32(row[v]-top) * (scale / sum)
			if v == int(target) {
				row[v] -= scale
			}
		}
	}
}

func squareSums32(params any, a []Arg) {
	p := params.(shaders.SquareSumsParams)
	for r := range p.Runs {
		run := a[0].U32[4*r:]
		x := a[1].F32[run[0] : run[0]+run[1]]
		a[2].F32[p.OffOut+r] = sumOf(len(x), func(i int) float32 { return x[i] * x[i] })
	}
}

func adamW32(params any, a []Arg) {
	p := params.(shaders.AdamWParams)
	gradient, control, parameter, m, v := a[1].F32, a[2].F32, a[3].F32, a[4].F32, a[5].F32
	if control[shaders.ControlScale] == 0 {
		return
	}
	for r := range p.Runs {
		run := a[0].U32[4*r:]
		decay := float32(p.WeightDecay) * float32(run[2])
		for i := run[0]; i < run[0]+run[1]; i++ {
			g := control[shaders.ControlScale] * gradient[i]
			m[i] = float32(p.Beta1)*m[i] + float32(1-p.Beta1)*g
			v[i] = float32(p.Beta2)*v[i] + float32(1-p.Beta2)*g*g
			step := control[shaders.ControlFirst] * m[i] / (sqrt32(control[shaders.ControlSecond]*v[i]) + float32(p.Eps))
			parameter[i] -= control[shaders.ControlRate] * (decay*parameter[i] + step)
		}
	}
}

func logDecays32(params any, a []Arg) {
	p := params.(shaders.LogDecaysParams)
	for i, v := range a[0].F32 {
		if i < p.Channels*p.States {
			v = -exp32(v)
		}
		a[1].F32[i] = v
	}
}

func sum32(params any, a []Arg) {
	p := params.(shaders.SumParams)
	a[1].F32[p.OffOut] = sumOf(p.Count, func(i int) float32 { return a[0].F32[p.First+i] })
}
