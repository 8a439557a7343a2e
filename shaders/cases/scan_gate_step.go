package cases

import (
	"fmt"
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
)

func scanGateStepCases() []Case {
	var list []Case
	add := func(edit func(p *shaders.ScanGateStepParams)) {
		p := shaders.ScanGateStepParams{
			Rows: 1, Width: 96, Channels: 64, Rank: 5, States: 16, Groups: 3,
			Weights: shaders.F16, DtWeights: shaders.F16, OutWeights: shaders.F16,
		}
		edit(&p)
		list = append(list, scanGateStepCase(p))
	}
	for i, t := range dtypes {
		add(func(p *shaders.ScanGateStepParams) {
			p.Weights, p.OutWeights, p.DtWeights = t, dtypes[(i+1)%5], floats[i%3]
		})
		add(func(p *shaders.ScanGateStepParams) { p.Weights, p.Channels, p.Rows = t, 96+8*i, 2 })
		add(func(p *shaders.ScanGateStepParams) { p.Weights, p.Width, p.Rank, p.Groups = t, 2560, 160, 40 })
	}
	for i, states := range []int{1, 3, 20, 64, 256} {
		add(func(p *shaders.ScanGateStepParams) { p.States, p.Rows = states, 1+i%2 })
	}
	for _, rank := range []int{1, 8, 48, 500} {
		add(func(p *shaders.ScanGateStepParams) { p.Rank, p.Channels = rank, 200 })
	}
	add(func(p *shaders.ScanGateStepParams) { p.Width, p.Channels = 8, 8 })
	add(func(p *shaders.ScanGateStepParams) { p.Width, p.Weights = 4000, shaders.F32 })
	return list
}

// scanGateStepCase has the scan of dtScanStepCase and beside it a product of matmul's
// cases, which goes through silu.
func scanGateStepCase(p shaders.ScanGateStepParams) Case {
	name := fmt.Sprintf("%d rows, width %d, %d channels, rank %d, d_state %d, %d groups, %v, %v and %v",
		p.Rows, p.Width, p.Channels, p.Rank, p.States, p.Groups, p.Weights, p.DtWeights, p.OutWeights)
	scan := dtScanStepCase(shaders.DtScanStepParams{
		Rows: p.Rows, Channels: p.Channels, Rank: p.Rank, States: p.States, Groups: p.Groups, Weights: p.DtWeights,
	})
	tol := Tolerance{Abs: max(scan.Tol.Abs, 8*0x1p-24*sqrt(p.Width)), Rel: scan.Tol.Rel}
	return Case{Name: name, Params: p, Tol: tol, fill: func(s *source) []Arg {
		args := scan.fill(s)
		parts, wdt, weights, slots, state := args[1], args[2], args[3], args[4], args[5]
		parts.F32 = slices.Concat(parts.F32, s.normal(p.Rows*p.Width), s.uniform(p.Rows, 0.5, 1.5), poison(4-p.Rows))
		return []Arg{
			parts, wdt, weights, slots,
			s.weights("w", 2*p.Channels, p.Width, p.Weights, 1/sqrt(p.Width)),
			in("u", s.normal(p.Rows*p.Channels)),
			state,
			out("yz", poison(p.Rows*2*p.Channels)),
		}
	}}
}
