package cases

import (
	"fmt"
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
)

// flowInStepCases are those of in_proj_step whose results go through bins.
func flowInStepCases() []Case {
	var list []Case
	add := func(edit func(p *shaders.FlowInStepParams)) {
		p := shaders.FlowInStepParams{
			Width: 36, Channels: 40, Taps: 4, Outputs: 21, Group: 16, Eps: 1e-5, Weights: shaders.F16, XWeights: shaders.F16, ConvBias: true,
		}
		edit(&p)
		list = append(list, flowInStepCase(p))
	}
	for i, t := range dtypes {
		add(func(p *shaders.FlowInStepParams) { p.Weights, p.XWeights, p.First = t, t, i%2 == 0 })
		add(func(p *shaders.FlowInStepParams) {
			p.Weights, p.XWeights, p.Width, p.Channels = t, dtypes[(i+1)%5], 260, 100
		})
		add(func(p *shaders.FlowInStepParams) { p.Weights, p.Width, p.First, p.Outputs = t, 768, i%2 == 1, 80 })
	}
	add(func(p *shaders.FlowInStepParams) {
		p.Width, p.Channels, p.Group, p.ConvBias, p.Taps = 4, 4, 8, false, 2
	})
	add(func(p *shaders.FlowInStepParams) { p.Channels, p.Group, p.Outputs = 8*shaders.MaxFlowParts, 8, 1 })
	return list
}

// flowInStepCase has the inputs and errors of inProjStepCase, whose parts are added up:
// those of up to 511 groups.
func flowInStepCase(p shaders.FlowInStepParams) Case {
	name := fmt.Sprintf("flow, width %d, %d channels, %d taps, %d outputs, groups of %d, %v and %v%s%s",
		p.Width, p.Channels, p.Taps, p.Outputs, p.Group, p.Weights, p.XWeights, on(p.ConvBias, ", conv bias"), on(p.First, ", first"))
	tol := Tolerance{Abs: 8 * 0x1p-24 * sqrt(p.Width+p.Channels), Rel: 4e-6}
	return Case{Name: name, Params: p, Tol: tol, fill: func(s *source) []Arg {
		slots, count := s.slots(1)
		before := in("before", s.normal(p.Width))
		if !p.First {
			before = s.flow("before", p.Flow(), true, true)
		}
		return []Arg{
			before,
			s.weights("w", 2*p.Channels, p.Width, p.Weights, 1/sqrt(p.Width)),
			in("small", append(s.uniform(p.Width, 0.5, 1.5), s.taps(p.Channels, p.Taps, p.ConvBias)...)),
			ints("slots", slots),
			turned(s.weights("wx", p.Outputs, p.Channels, p.XWeights, 1/sqrt(p.Group))),
			s.state(slots, count, p.Channels*(p.Taps-1), false),
			s.flow("next", p.Flow(), true, false),
		}
	}}
}

// flow is a flow that a kernel adds to, with the sums of out_proj and, or x_proj, zero.
func (s *source) flow(name string, f shaders.StepFlow, zeroX, sums bool) Arg {
	x := s.normal(f.Numbers())
	if zeroX {
		clear(x[f.Width : f.Numbers()-f.Width-2*f.Channels])
	}
	if !sums {
		clear(x[:f.Width])
	}
	return Arg{Name: name, F32: x, Flow: f, Out: true}
}

func flowOutStepCases() []Case {
	var list []Case
	add := func(edit func(p *shaders.FlowOutStepParams)) {
		p := shaders.FlowOutStepParams{Width: 36, Channels: 48, Rank: 5, States: 16, DtWeights: shaders.F16, OutWeights: shaders.F16}
		edit(&p)
		list = append(list, flowOutStepCase(p))
	}
	for i, t := range floats {
		add(func(p *shaders.FlowOutStepParams) { p.DtWeights, p.OutWeights = t, floats[(i+1)%3] })
		add(func(p *shaders.FlowOutStepParams) { p.DtWeights, p.OutWeights, p.Width, p.Channels = t, t, 260, 160 })
	}
	for _, states := range []int{1, 3, 20, 64, 128} {
		add(func(p *shaders.FlowOutStepParams) { p.States = states })
	}
	for _, rank := range []int{1, 8, 48, 500} {
		add(func(p *shaders.FlowOutStepParams) { p.Rank, p.Channels = rank, 208 })
	}
	add(func(p *shaders.FlowOutStepParams) { p.Width, p.Channels, p.Rank = 768, 1536, 48 })
	add(func(p *shaders.FlowOutStepParams) { p.Width, p.Channels, p.OutWeights = 4, 16, shaders.F32 })
	return list
}

// flowOutStepCase has the scan of dtScanStepCase, whose y, of order 1, goes through a
// product of matmul's cases.
func flowOutStepCase(p shaders.FlowOutStepParams) Case {
	name := fmt.Sprintf("width %d, %d channels, rank %d, d_state %d, %v and %v", p.Width, p.Channels, p.Rank, p.States, p.DtWeights, p.OutWeights)
	scan := dtScanStepCase(shaders.DtScanStepParams{
		Rows: 1, Channels: p.Channels, Rank: p.Rank, States: p.States, Groups: 1, Weights: p.DtWeights,
	})
	tol := Tolerance{Abs: scan.Tol.Abs + 8*0x1p-24*sqrt(p.Channels), Rel: scan.Tol.Rel}
	return Case{Name: name, Params: p, Tol: tol, fill: func(s *source) []Arg {
		args := scan.fill(s)
		w := s.weights("w", p.Width, p.Channels, p.OutWeights, 1/sqrt(p.Channels))
		w.Image = shaders.BlockColumns(image(w), w.Rows)
		return []Arg{
			s.flow("flow", p.Flow(), false, true), args[2], args[3], args[4], args[5], w,
		}
	}}
}

func flowEndCases() []Case {
	var list []Case
	for layers := 1; layers <= 5; layers++ {
		p := shaders.FlowEndParams{Layers: layers, Flow: shaders.StepFlow{Width: 36 * layers, Channels: 8, Outputs: 21}}
		list = append(list, Case{
			Name: fmt.Sprintf("%d layers, width %d", layers, p.Flow.Width), Params: p, Tol: Tolerance{Rel: 1e-6},
			fill: func(s *source) []Arg {
				array := func(name string, n int) Arg {
					var all []float32
					for range n {
						all = slices.Concat(all, s.normal(p.Flow.Numbers()))
					}
					return Arg{Name: name, F32: all, Flow: p.Flow, Out: true}
				}
				n := (layers + 1) / 2
				return []Arg{array("even", n), array("odd", n), out("residual", poison(p.Flow.Width))}
			},
		})
	}
	return list
}
