package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func inProjStepCases() []Case {
	var list []Case
	add := func(edit func(p *shaders.InProjStepParams)) {
		p := shaders.InProjStepParams{
			Rows: 1, Width: 36, Channels: 40, Taps: 4, Outputs: 21, Group: 16, Eps: 1e-5,
			Weights: shaders.F16, XWeights: shaders.F16, ConvBias: true,
		}
		edit(&p)
		list = append(list, inProjStepCase(p))
	}
	for i, t := range dtypes {
		add(func(p *shaders.InProjStepParams) { p.Weights, p.XWeights, p.Rows = t, t, 1+i%2 })
		add(func(p *shaders.InProjStepParams) { p.Weights, p.XWeights, p.Width = t, dtypes[(i+2)%5], 257+i })
	}
	for i, group := range []int{8, 16, 32, 64} {
		add(func(p *shaders.InProjStepParams) { p.Group, p.Channels, p.Outputs = group, 65, 80 })
		add(func(p *shaders.InProjStepParams) { p.Group, p.Channels, p.Weights = group, 7, dtypes[(i+3)%5] })
	}
	for rows := 2; rows <= shaders.MaxInProjStepRows; rows++ {
		add(func(p *shaders.InProjStepParams) { p.Rows, p.Width, p.Weights = rows, 130, dtypes[rows%5] })
	}
	for taps := 2; taps <= 8; taps++ {
		add(func(p *shaders.InProjStepParams) { p.Taps, p.ConvBias, p.Bias = taps, taps%2 == 0, taps%3 == 0 })
	}
	for _, outputs := range []int{1, 127, 128, 129, 192, 256} {
		add(func(p *shaders.InProjStepParams) { p.Outputs, p.Group = outputs, 32 })
	}
	for i, t := range dtypes { // an invocation with several quads of W_x
		for _, group := range []int{16, 32, 64} {
			add(func(p *shaders.InProjStepParams) { p.XWeights, p.Group, p.Channels, p.Outputs = t, group, 70, 130+i })
		}
	}
	add(func(p *shaders.InProjStepParams) { p.Width = 1 })
	add(func(p *shaders.InProjStepParams) { p.Width, p.Channels = 3, 1 })
	add(func(p *shaders.InProjStepParams) { p.Width, p.Weights, p.XWeights = 4000, shaders.F32, shaders.F32 })
	add(func(p *shaders.InProjStepParams) { p.Width, p.Channels, p.Outputs, p.Bias = 256, 512, 48, true })
	for i, t := range dtypes {
		add(func(p *shaders.InProjStepParams) { p.Weights, p.Width, p.Group, p.Outputs = t, 768, 16<<(i%2), 80 })
		add(func(p *shaders.InProjStepParams) { p.Weights, p.Width, p.Rows, p.Bias = t, 2500, 1+i%2, true })
		add(func(p *shaders.InProjStepParams) { p.Split, p.Weights, p.Width, p.Rows = true, t, 96, 1+i%2 })
		add(func(p *shaders.InProjStepParams) { p.Split, p.Weights, p.Width, p.Group = true, t, 2560, 8<<(i%4) })
		add(func(p *shaders.InProjStepParams) {
			p.Group, p.Channels, p.Weights, p.XWeights = 24+8*(i%3), 100, t, dtypes[(i+1)%5]
		})
		add(func(p *shaders.InProjStepParams) {
			p.Split, p.Squares, p.Weights, p.XWeights, p.Width = true, 1+40*i, t, t, 96
		})
		add(func(p *shaders.InProjStepParams) {
			p.Split, p.Squares, p.Weights, p.XWeights, p.Width, p.Group, p.Channels, p.Outputs = true, 512+i, t, dtypes[(i+1)%5], 2560, 40, 100, 192
		})
	}
	return append(list, flowInStepCases()...)
}

// inProjStepCase has normalised activations and weights of order K^-1/2, so that u and
// z are of order 1. Their error is that of matmul's cases and of the norm, 1e-6; u's
// goes through silu and the sums of a group, of order 1, which add 1e-6 of their
// largest. The state takes u as it is before the convolution.
func inProjStepCase(p shaders.InProjStepParams) Case {
	name := fmt.Sprintf("%d rows, width %d, %d channels, %d taps, %d outputs, groups of %d, %v and %v%s%s%s%s",
		p.Rows, p.Width, p.Channels, p.Taps, p.Outputs, p.Group, p.Weights, p.XWeights,
		on(p.ConvBias, ", conv bias"), on(p.Bias, ", bias"), on(p.Split, ", split"), on(p.Squares > 0, fmt.Sprintf(", %d sums of squares", p.Squares)))
	tol := Tolerance{Abs: 8 * 0x1p-24 * sqrt(p.Width+p.Group), Rel: 4e-6}
	return Case{Name: name, Params: p, Tol: tol, fill: func(s *source) []Arg {
		small := append(s.uniform(p.Width, 0.5, 1.5), s.taps(p.Channels, p.Taps, p.ConvBias)...)
		if p.Bias {
			small = append(small, s.uniform(2*p.Channels, -1, 1)...)
		}
		slots, count := s.slots(p.Rows)
		outputs, behind := 2*p.Channels, []float32(nil)
		if p.Split {
			outputs = p.Channels
			behind = append(poison(p.Rows*(p.Width+1)), repeat(4-p.Rows, Untouched)...)
		}
		return []Arg{
			in("a", rowsOf(p, s.normal(p.Rows*p.Width), small)),
			s.weights("w", 2*p.Channels, p.Width, p.Weights, 1/sqrt(p.Width)),
			in("small", small),
			ints("slots", slots),
			turned(s.weights("wx", p.Outputs, p.Channels, p.XWeights, 1/sqrt(p.Group))),
			s.state(slots, count, p.Channels*(p.Taps-1), false),
			out("uz", poison(p.Rows*outputs)),
			out("parts", append(partsOf(p.Groups()*p.Rows, p.Outputs, p.PartsStride()), behind...)),
		}
	}}
}

// rowsOf is rows of a as a step takes them: with Squares as planes, with sums of about as
// many squares each, and NaN behind them.
func rowsOf(p shaders.InProjStepParams, a, gain []float32) []float32 {
	if p.Squares == 0 {
		return a
	}
	ready := make([]float32, p.Width+p.Squares)
	for i, v := range a {
		ready[shaders.Plane(p.Weights, p.Width, i)] = v * gain[i]
		ready[p.Width+i*p.Squares/p.Width] += v * v
	}
	return append(ready, poison((4-p.Squares%4)%4)...)
}

// turned is a matrix as in_proj_step reads W_x.
func turned(w Arg) Arg {
	w.Turned = true
	return w
}

// taps is the packed weights of a convolution.
func (s *source) taps(channels, taps int, bias bool) []float32 {
	n := channels * taps
	if bias {
		n += channels
	}
	return s.uniform(n, -1, 1)
}

// partsOf is unwritten parts; the ends of their rows stay as they are.
func partsOf(rows, width, stride int) []float32 {
	return place(repeat(rows*stride, Untouched), poison(rows*width), width, stride, 0)
}
