package cases

import (
	"fmt"
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
)

// layersStepCases have one workgroup, which waits for nobody: how many a device runs at
// the same time is its own affair.
func layersStepCases() []Case {
	var list []Case
	add := func(edit func(p *shaders.LayersStepParams)) {
		p := shaders.LayersStepParams{
			Layers: 2, Width: 32, Channels: 32, Taps: 4, Rank: 3, States: 8, Slots: 3, Eps: 1e-5, ConvBias: true, Workgroups: 1,
			Weights: shaders.F16, XWeights: shaders.F16, DtWeights: shaders.F16, OutWeights: shaders.F16,
		}
		edit(&p)
		list = append(list, LayersStepCase(p))
	}
	for i, t := range floats {
		add(func(p *shaders.LayersStepParams) { p.Weights, p.XWeights, p.OutWeights = t, t, t })
		add(func(p *shaders.LayersStepParams) {
			p.Weights, p.XWeights, p.OutWeights, p.DtWeights = t, floats[(i+1)%3], floats[(i+2)%3], floats[i]
		})
	}
	for layers := 1; layers <= 5; layers += 2 {
		add(func(p *shaders.LayersStepParams) { p.Layers = layers })
	}
	add(func(p *shaders.LayersStepParams) { p.States, p.ConvBias, p.Taps = 4, false, 2 })
	add(func(p *shaders.LayersStepParams) { p.States, p.Taps = 16, 8 })
	add(func(p *shaders.LayersStepParams) { p.Rank, p.Channels = 17, 64 })
	add(func(p *shaders.LayersStepParams) { p.Width, p.Channels, p.States = 40, 24, 12 })
	return list
}

// LayersStepCase is a case of a step of all layers. Its inputs are those of
// inProjStepCase and dtScanStepCase, and so are its errors, which go through every layer.
func LayersStepCase(p shaders.LayersStepParams) Case {
	name := fmt.Sprintf("%d layers, width %d, %d channels, %d taps, rank %d, d_state %d, %v, %v, %v and %v, %d workgroups%s",
		p.Layers, p.Width, p.Channels, p.Taps, p.Rank, p.States, p.Weights, p.XWeights, p.DtWeights, p.OutWeights, p.Workgroups,
		on(p.ConvBias, ", conv bias"))
	tol := Tolerance{Abs: float64(p.Layers) * 8 * 0x1p-24 * sqrt(p.Width+p.Channels), Rel: 1e-5}
	return Case{Kernel: "layers_step", Name: name, Params: p, Tol: tol, fill: func(s *source) []Arg {
		slots, _ := s.slots(1)
		floatsOf := func(name string, next func() []float32) Arg {
			return in(name, s.layers(p.Layers, next))
		}
		past := floatsOf("past", func() []float32 { return s.state(slots, p.Slots, p.Channels*(p.Taps-1), false).F32 })
		state := floatsOf("state", func() []float32 { return s.state(slots, p.Slots, p.Channels*p.States, false).F32 })
		past.Out, state.Out = true, true
		matrix := func(name string, rows, cols int, t shaders.DType, sigma float64, paired bool) Arg {
			return s.matrices(p.Layers, func() Arg {
				w := s.weights(name, rows, cols, t, sigma)
				w.Paired = paired
				return w
			})
		}
		return []Arg{
			out("residual", s.normal(p.Width)),
			matrix("w", 2*p.Channels, p.Width, p.Weights, 1/sqrt(p.Width), false),
			floatsOf("small", func() []float32 {
				return append(s.uniform(p.Width, 0.5, 1.5), s.taps(p.Channels, p.Taps, p.ConvBias)...)
			}),
			ints("slots", slots),
			matrix("wx", p.Rank+2*p.States, p.Channels, p.XWeights, 1/sqrt(p.Channels), false),
			past,
			matrix("wdt", p.Channels, p.Rank, p.DtWeights, 0.5/sqrt(p.Rank), true),
			floatsOf("weights", func() []float32 {
				decays := s.uniform(p.Channels*p.States, -1.5, -0.5)
				for i := range decays {
					decays[i] *= float32(i%p.States + 1)
				}
				return slices.Concat(decays, s.normal(p.Channels), s.uniform(p.Channels, -6.9, -2.3))
			}),
			state,
			matrix("wout", p.Width, p.Channels, p.OutWeights, 1/sqrt(p.Channels), false),
			ints("mail", make([]uint32, p.MailWords())),
		}
	}}
}

// layers is the arrays of so many layers, padded as [shaders.LayerBytes] says.
func (s *source) layers(n int, next func() []float32) []float32 {
	var all []float32
	for range n {
		x := next()
		all = append(all, x...)
		all = append(all, repeat(int(shaders.LayerBytes(uint64(4*len(x)))/4)-len(x), Untouched)...)
	}
	return all
}

// matrices is a weight matrix of every layer, which lie padded in GPU memory.
func (s *source) matrices(n int, next func() Arg) Arg {
	all := Arg{Weights: true}
	for range n {
		w := next()
		raw := image(w)
		all.Name, all.Type, all.Rows, all.Cols = w.Name, w.Type, all.Rows+w.Rows, w.Cols
		all.F32 = append(all.F32, w.F32...)
		all.Image = append(all.Image, raw...)
		all.Image = append(all.Image, make([]byte, int(shaders.LayerBytes(uint64(len(raw))))-len(raw))...)
	}
	return all
}
