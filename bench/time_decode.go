package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
)

// generated is a run of decoding.
type generated struct {
	came []float64 // microseconds from the start until the tokens of each step were there
	cost cost
	// launched says of a step that something was submitted while the device worked on
	// it: it is the first one of its submission.
	launched []bool
}

// step is the time of a step in microseconds, what a generation takes to begin
// included.
func (g generated) step() float64 { return g.came[len(g.came)-1] / float64(len(g.came)) }

// since is the time of a step from the first submission on that begins after the
// given steps, or the last one that is seen to begin. The tokens of a submission
// come together, so that the time from the end of one to the end of another is that
// of the steps between, and what a generation takes to begin is not in it.
func (g generated) since(steps int) float64 {
	from := 1
	for k := 1; k < len(g.came); k++ {
		if g.launched[k] {
			if from = k; k >= steps {
				break
			}
		}
	}
	return (g.came[len(g.came)-1] - g.came[from-1]) / float64(len(g.came)-from)
}

// decode generates steps more than short did, and gives the time of a step of all
// sequences and what each of the steps that short did not have cost.
func (c modelCase) decode(ctx context.Context, m *mamba.Model, short generated, steps int) (us float64, used cost, err error) {
	first := len(short.came)
	g, err := c.generate(ctx, m, first+steps)
	if err != nil {
		return 0, cost{}, err
	}
	n := float64(steps)
	return g.since(first), cost{
		(g.cost.dispatches - short.cost.dispatches) / n, (g.cost.submissions - short.cost.submissions) / n, (g.cost.host - short.cost.host) / n,
	}, nil
}

// generate generates greedily after prompts of one token.
func (c modelCase) generate(ctx context.Context, m *mamba.Model, steps int) (g generated, err error) {
	prompts := make([][]int, c.batch)
	for i := range prompts {
		prompts[i] = ids(m.Config().VocabSize, i, 1)
	}
	before := m.Usage()
	submissions := before.Submissions
	start := time.Now()
	for t, err := range m.GenerateBatch(ctx, prompts, &mamba.GenerateOptions{MaxTokens: steps, IgnoreEOS: true}) {
		if err != nil {
			return generated{}, err
		}
		if t.ID == mamba.NoToken || t.Row != 0 {
			continue
		}
		now := m.Usage().Submissions
		g.came = append(g.came, microseconds(time.Since(start)))
		g.launched = append(g.launched, now == before.Submissions || now != submissions) // a backend without submissions runs step by step
		submissions = now
	}
	if len(g.came) != steps {
		return generated{}, fmt.Errorf("bench: %d steps generated, want %d", len(g.came), steps)
	}
	g.cost = costOf(before, m.Usage())
	return g, nil
}
