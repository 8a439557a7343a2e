package mamba

import (
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// plan is the recorded passes of one batch's shape.
type plan struct {
	batch batch
	steps []step
}

// step is a pass and, in a traced plan, the stage it ends with.
type step struct {
	pass   *wgpu.Pass
	name   string
	buffer *wgpu.Buffer
	first  int
	shape  []int
}

func (p *plan) close() {
	for _, s := range p.steps {
		s.pass.Close()
	}
}

// plans keeps the plans used last. Those of long prompts come and go with the
// length of their last chunk.
type plans struct{ recent []*plan }

// keptPlans is the number of plans that are kept.
const keptPlans = 12

// get returns the plan of a batch, recorded if there is none.
func (p *plans) get(b batch, record func() (*plan, error)) (*plan, error) {
	for i, r := range p.recent {
		if r.batch == b {
			copy(p.recent[1:i+1], p.recent[:i])
			p.recent[0] = r
			return r, nil
		}
	}
	r, err := record()
	if err != nil {
		return nil, err
	}
	if len(p.recent) == keptPlans {
		p.recent[keptPlans-1].close()
		p.recent = p.recent[:keptPlans-1]
	}
	p.recent = append([]*plan{r}, p.recent...)
	return r, nil
}

// drop closes all plans, as when a buffer that they use is replaced.
func (p *plans) drop() {
	for _, r := range p.recent {
		r.close()
	}
	p.recent = nil
}

// record makes a batch's plan. has, if not nil, tells which stages it traces.
func (g *gpuBackend) record(b batch, has func(name string) bool) (*plan, error) {
	if err := g.reserveScratch(b); err != nil {
		return nil, err
	}
	r := &recorder{backend: g, has: has, plan: &plan{batch: b}}
	r.next()
	forward(r, g.net, b)
	if r.err != nil {
		r.plan.close()
		return nil, r.err
	}
	return r.plan, nil
}

// recorder is the stages of a plan: each method prepares a dispatch.
type recorder struct {
	backend *gpuBackend
	has     func(name string) bool // of a traced plan: the stages
	plan    *plan
	pass    *wgpu.Pass // the last step's
	work    float64    // multiply-adds in pass
	err     error
}

// passWork is the number of multiply-adds after which a new pass begins:
// systems reset a GPU that stays busy with one submission for seconds. A slow
// integrated one does about 1e11 a second, a discrete one ten times as many at least,
// and on a fast one the gap between two submissions is worth avoiding.
func (g *gpuBackend) passWork() float64 {
	if g.dev.Info().Kind == wgpu.Discrete {
		return 2e11
	}
	return 2e10
}

func (r *recorder) next() {
	r.pass = r.backend.dev.NewPass("mamba.forward")
	r.plan.steps = append(r.plan.steps, step{pass: r.pass})
	r.work = 0
}

// add appends a dispatch unless something failed before.
func (r *recorder) add(work int, run func(k *shaders.Kernels) (*wgpu.Dispatch, error)) {
	r.addAll(work, func() ([]*wgpu.Dispatch, error) {
		d, err := run(r.backend.kernels)
		return []*wgpu.Dispatch{d}, err
	})
}

// addAll is add of several dispatches that do some work together.
func (r *recorder) addAll(work int, run func() ([]*wgpu.Dispatch, error)) {
	if r.err != nil {
		return
	}
	runs, err := run()
	if err != nil {
		r.err = err
		return
	}
	if r.work > 0 && r.work+float64(work) > r.backend.passWork() {
		r.next()
	}
	r.pass.Dispatch(runs...)
	r.work += float64(work)
}

func (r *recorder) note(name string, x *wgpu.Buffer, first int, shape ...int) {
	if r.has == nil || !r.has(name) {
		return
	}
	last := &r.plan.steps[len(r.plan.steps)-1]
	last.name, last.buffer, last.first, last.shape = name, x, first, shape
	r.next()
}

func (r *recorder) embedding(p shaders.EmbeddingParams, ids, table, out *wgpu.Buffer) {
	r.add(0, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.Embedding(p, ids, table, out) })
}

func (r *recorder) rmsNorm(p shaders.RMSNormParams, x, weight, y *wgpu.Buffer) {
	r.add(p.Rows*p.Width, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.RMSNorm(p, x, weight, y) })
}

func (r *recorder) matmul(p shaders.MatmulParams, a, w, bias, c *wgpu.Buffer) {
	k := r.backend.kernels
	if p.M >= shaders.MinLaneRows && shaders.MatmulLanesFits(p) {
		r.add(p.M*p.N*p.K, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.MatmulLanes(p, a, w, bias, c) })
		return
	}
	if p.M > shaders.MaxMatvecRows && k.MatmulScratch(p) <= r.backend.scratchWords() {
		r.addAll(p.M*p.N*p.K, func() ([]*wgpu.Dispatch, error) {
			return k.MatmulSplit(p, a, w, bias, r.backend.scratch, c)
		})
		return
	}
	r.add(p.M*p.N*p.K, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		if p.M <= shaders.MaxMatvecRows {
			return k.Matvec(p, a, w, bias, c)
		}
		return k.Matmul(p, a, w, bias, c)
	})
}

func (r *recorder) fuses() bool { return r.has == nil }

func (r *recorder) stepForm(b batch) stepForm { return r.backend.stepForm(b) }

func (r *recorder) normMatvec(p shaders.NormMatvecParams, a, gain, w, bias, c *wgpu.Buffer) {
	r.add(p.M*p.N*p.K, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.NormMatvec(p, a, gain, w, bias, c) })
}

func (r *recorder) inProjStep(p shaders.InProjStepParams, a, w, small, slots, wx, state, uz, parts *wgpu.Buffer) {
	r.add(p.Rows*p.Channels*(2*p.Width+p.Outputs), func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.InProjStep(p, a, w, small, slots, wx, state, uz, parts)
	})
}

func (r *recorder) inProjRows(p shaders.InProjRowsParams, a, w, small, slots, state, uz *wgpu.Buffer) {
	r.add(2*p.Rows*p.Channels*p.Width, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.InProjRows(p, a, w, small, slots, state, uz)
	})
}

func (r *recorder) xProjStep(p shaders.XProjStepParams, conv, slots, wx, state, uz, parts *wgpu.Buffer) {
	r.add(p.Rows*p.Channels*p.Outputs, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.XProjStep(p, conv, slots, wx, state, uz, parts)
	})
}

func (r *recorder) dtScanStep(p shaders.DtScanStepParams, uz, parts, wdt, weights, slots, state, y *wgpu.Buffer) {
	r.add(p.Rows*p.Channels*(p.Rank+p.States), func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		if p.Groups == 1 && shaders.DtScanRowsFits(p) {
			return k.DtScanRows(p, uz, parts, wdt, weights, slots, state, y)
		}
		return k.DtScanStep(p, uz, parts, wdt, weights, slots, state, y)
	})
}

func (r *recorder) scanGateStep(p shaders.ScanGateStepParams, parts, wdt, weights, slots, w, u, state, yz *wgpu.Buffer) {
	r.add(p.Rows*p.Channels*(p.Rank+p.States+p.Width), func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.ScanGateStep(p, parts, wdt, weights, slots, w, u, state, yz)
	})
}

func (r *recorder) flowInStep(p shaders.FlowInStepParams, before, w, small, slots, wx, state, next *wgpu.Buffer) {
	r.add(p.Channels*(2*p.Width+p.Outputs), func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.FlowInStep(p, before, w, small, slots, wx, state, next)
	})
}

func (r *recorder) flowOutStep(p shaders.FlowOutStepParams, flow, wdt, weights, slots, state, w *wgpu.Buffer) {
	r.add(p.Channels*(p.Rank+p.States+p.Width), func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.FlowOutStep(p, flow, wdt, weights, slots, state, w)
	})
}

func (r *recorder) flowEnd(p shaders.FlowEndParams, even, odd, residual *wgpu.Buffer) {
	r.add(0, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.FlowEnd(p, even, odd, residual) })
}

func (r *recorder) outProjStep(p shaders.OutProjStepParams, yz, w, c, gain, next *wgpu.Buffer) {
	r.add(p.Rows*p.Channels*p.Width, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.OutProjStep(p, yz, w, c, gain, next)
	})
}

func (r *recorder) matmulSum(p shaders.MatmulSumParams, parts, bias, c *wgpu.Buffer) {
	r.add(p.Parts*p.M*p.N, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.MatmulSum(p, parts, bias, c) })
}

func (r *recorder) causalConv(p shaders.CausalConvParams, x, weights, slots, state, y *wgpu.Buffer) {
	r.add(p.Batch*p.Length*p.Channels*p.Width, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		if p.Length == 1 {
			return k.CausalConvStep(p, x, weights, slots, state, y)
		}
		return k.CausalConv(p, x, weights, slots, state, y)
	})
}

func (r *recorder) dtProj(p shaders.DtProjParams, x, w, bias, delta *wgpu.Buffer) {
	r.add(p.Rows*p.Channels*p.Rank, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		return k.DtProj(p, x, w, bias, delta)
	})
}

func (r *recorder) selectiveScan(p shaders.SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) {
	work := p.Batch * p.Length * p.Channels * p.States
	if p.Length == 1 {
		r.add(work, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
			return k.SelectiveScanStep(p, u, delta, bc, z, weights, slots, state, y)
		})
		return
	}
	r.addAll(work, func() ([]*wgpu.Dispatch, error) {
		return r.backend.kernels.SelectiveScanChunked(p, u, delta, bc, z, weights, slots, state, y)
	})
}

func (r *recorder) residualAdd(p shaders.ResidualAddParams, x, y *wgpu.Buffer) {
	r.add(p.Count, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.ResidualAdd(p, x, y) })
}

func (r *recorder) lastRows(p shaders.LastRowsParams, x, slots, y *wgpu.Buffer) {
	r.add(0, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.LastRows(p, x, slots, y) })
}
