package bench

import (
	"context"
	"math"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/wgpu"
)

// modelTimes is the samples of a model's case, and what else it tells about its
// runs.
type modelTimes struct {
	samples []float64
	cost    cost // of the last run
	host    []float64
	memory  uint64
}

// cost is what a model had its device do.
type cost struct{ dispatches, submissions, host float64 } // host in microseconds

func costOf(before, after wgpu.Usage) cost {
	return cost{
		float64(after.Dispatches - before.Dispatches), float64(after.Submissions - before.Submissions),
		microseconds(after.HostTime - before.HostTime),
	}
}

// time samples the case.
func (c modelCase) time(ctx context.Context, m *mamba.Model, e effort) (t modelTimes, err error) {
	once := c.prefill
	if c.decodes() {
		short, err := c.generate(ctx, m, e.steps)
		if err == nil && e.warm > 0 { // a GPU compiled the kernels
			short, err = c.generate(ctx, m, e.steps)
		}
		if err != nil {
			return t, err
		}
		once = func(ctx context.Context, m *mamba.Model) (float64, cost, error) {
			return c.decode(ctx, m, short, e.stepsOf(short.step()))
		}
	}
	run := func() ([]float64, error) {
		us, cost, err := once(ctx, m)
		t.cost = cost
		t.host = append(t.host, cost.host)
		return []float64{us}, err
	}
	start := time.Now()
	first, err := run()
	if err != nil {
		return t, err
	}
	// The first run only warmed up: on a GPU it compiles the kernels, and on a processor
	// what takes as long as a case may take needs no warming up.
	if e.warm > 0 || time.Since(start) < e.budget {
		for time.Since(start) < e.warm && ctx.Err() == nil {
			if _, err := run(); err != nil {
				return t, err
			}
		}
		first, t.host = nil, nil
	}
	t.samples, err = e.sampling(ctx, first, run)
	t.memory = m.MemoryInUse()
	return t, err
}

// stepsOf is how many steps of decoding, of so many microseconds each, go into a
// sample: a multiple of e.steps, so many that a few samples fill the case's time.
func (e effort) stepsOf(each float64) int {
	n := int(microseconds(e.budget)/8/max(each, 1)) / e.steps
	return e.steps * min(max(n, 1), 8)
}

func (t *modelTimes) settle(r *Result) {
	r.Dispatch, r.Submits = int(math.Round(t.cost.dispatches)), t.cost.submissions
	r.HostUS, r.Memory = max(Summarize(t.host).Median, 0), t.memory // a difference of two may be less than its error
}

// prefill takes prompts into empty states, from their ids to the logits of the last
// token of each.
func (c modelCase) prefill(ctx context.Context, m *mamba.Model) (us float64, used cost, err error) {
	prompts := make([][]int, c.batch)
	states := make([]*mamba.State, c.batch)
	for i := range prompts {
		prompts[i] = ids(m.Config().VocabSize, i, c.length)
		if states[i], err = m.NewState(); err != nil {
			return 0, cost{}, err
		}
		defer states[i].Close()
	}
	before := m.Usage()
	start := time.Now()
	_, err = m.PrefillBatch(ctx, states, prompts)
	return microseconds(time.Since(start)), costOf(before, m.Usage()), err
}
