package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/wgpu"
)

// The two things that a language model does.
const (
	prefillName = "prefill" // a prompt to the logits after its last token
	decodeName  = "decode"  // one token of each sequence to the next one
)

// modelSpec is a model to time: a folder, or an architecture with random
// weights.
type modelSpec struct {
	name   string
	dir    string
	config mamba.ModelConfig // of random weights
	bytes  float64           // of all weights
}

// model130m has the sizes of state-spaces/mamba-130m, in float32.
func model130m() modelSpec {
	c := mamba.ModelConfig{
		Layout: checkpoint.HuggingFace, DModel: 768, NLayer: 24, DInner: 1536, DState: 16, DConv: 4, DTRank: 48,
		VocabSize: 50280, NormEps: 1e-5, Tied: true, UseConvBias: true,
	}
	return modelSpec{name: "130m", config: c, bytes: 4 * float64(c.Parameters())}
}

// folderModel is the model in a folder.
func folderModel(dir string) (modelSpec, error) {
	c, err := checkpoint.Open(dir)
	if err != nil {
		return modelSpec{}, err
	}
	defer c.Close()
	s := modelSpec{name: dir, dir: dir, config: c.Config}
	for _, name := range c.Names() {
		t, err := c.Tensor(name)
		if err != nil {
			return modelSpec{}, err
		}
		s.bytes += float64(t.Bytes())
	}
	return s, nil
}

// open loads the model onto a device, or where there is none onto the Go
// backend.
func (s *modelSpec) open(dev *wgpu.Device) (*mamba.Model, error) {
	opts := &mamba.Options{Device: dev, Notices: io.Discard}
	if dev == nil {
		opts.Adapter = mamba.GoAdapter
	}
	if s.dir != "" {
		return mamba.Load(s.dir, opts)
	}
	return mamba.New(s.config, 1, opts)
}

// modelCase is a model at one shape: (batch, length) of a prompt, or decoding
// of batch sequences.
type modelCase struct {
	name          string
	batch, length int
	always        bool // whatever the device has time for
}

// modelCases lists the shapes at which the reference was timed, and a small
// one. Decoding of one sequence is first: how long it takes tells what a
// device without roofs has time for.
func modelCases() []modelCase {
	return []modelCase{
		{decodeName, 1, 1, true}, {decodeName, 8, 1, false}, {decodeName, 64, 1, false},
		{prefillName, 1, 64, true}, {prefillName, 1, 512, false}, {prefillName, 1, 2048, false}, {prefillName, 8, 2048, false},
	}
}

func (c modelCase) shape(model string) string {
	if c.name == decodeName {
		return fmt.Sprintf("%s batch %d", model, c.batch)
	}
	return fmt.Sprintf("%s (%d,%d)", model, c.batch, c.length)
}

// work is the bytes that a run of the case must move and the operations that
// it must do: every weight is read once, but of the embedding only the rows
// looked up, and every state is read and replaced.
func (c modelCase) work(s *modelSpec) (bytes, flops float64) {
	m := s.config
	tokens, table := float64(c.batch*c.length), float64(m.VocabSize)*float64(m.DModel)
	all := float64(m.Parameters())
	used, blocks := all, all-table
	if !m.Tied {
		used, blocks = all-table, all-2*table
	}
	scan := 6 * float64(m.NLayer) * float64(m.DInner) * float64(m.DState)
	bytes = s.bytes*used/all + 2*float64(c.batch)*float64(mamba.StateSize(m))
	return bytes, tokens*(2*blocks+scan) + 2*table*float64(c.batch)
}

// ids is a prompt, another one for each row.
func ids(vocabulary, row, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = ((i+1009*row)*7919 + 13) % vocabulary
	}
	return out
}

// differError says that a model contradicts itself.
type differError struct{ worst float64 }

func (e *differError) Error() string {
	return fmt.Sprintf("bench: logits of a prompt at once and token by token differ by %.2g of the largest, more than %.0e", e.worst, modelTolerance)
}

// modelTolerance bounds the difference of the same logits through other
// kernels, relative to the largest.
const modelTolerance = 1e-3

// checkModel compares a prompt at once, which is long enough for the kernels
// of prefill, with the same prompt token by token.
func checkModel(ctx context.Context, m *mamba.Model) error {
	prompt := ids(m.Config().VocabSize, 0, 12)
	s, err := m.NewState()
	if err != nil {
		return err
	}
	defer s.Close()
	once, err := m.Prefill(ctx, s, prompt)
	if err != nil {
		return err
	}
	if err := s.Reset(); err != nil {
		return err
	}
	var last []float32
	for i := range prompt {
		if last, err = m.Prefill(ctx, s, prompt[i:i+1]); err != nil {
			return err
		}
	}
	largest, worst := 0.0, 0.0
	for i, v := range once {
		largest = max(largest, math.Abs(float64(v)))
		worst = max(worst, math.Abs(float64(v)-float64(last[i])))
	}
	if !(worst <= modelTolerance*largest) {
		return &differError{worst / largest}
	}
	return nil
}

// modelTimes is the samples of a model's case.
type modelTimes struct {
	samples []float64
	stats   stats
}

// time samples the case.
func (c modelCase) time(ctx context.Context, m *mamba.Model, e effort) (modelTimes, error) {
	var states []*mamba.State
	defer func() {
		for _, s := range states {
			s.Close()
		}
	}()
	for range c.batch {
		s, err := m.NewState()
		if err != nil {
			return modelTimes{}, err
		}
		states = append(states, s)
	}
	var t modelTimes
	run := c.prefill
	if c.name == decodeName {
		run = c.decode
	}
	start := time.Now()
	first, err := run(ctx, m, states, &stats{})
	if err != nil {
		return t, err
	}
	if time.Since(start) < e.budget {
		first = nil // it only warmed up; what takes so long needs no warming up
	}
	t.samples, err = e.sampling(ctx, first, func() ([]float64, error) { return run(ctx, m, states, &t.stats) })
	return t, err
}

// prefill takes prompts into empty states.
func (c modelCase) prefill(ctx context.Context, m *mamba.Model, states []*mamba.State, stats *stats) ([]float64, error) {
	prompts := make([][]int, c.batch)
	for i := range prompts {
		prompts[i] = ids(m.Config().VocabSize, i, c.length)
		if err := states[i].Reset(); err != nil {
			return nil, err
		}
	}
	before := m.Usage()
	start := time.Now()
	_, err := m.PrefillBatch(ctx, states, prompts)
	took := time.Since(start)
	stats.note(before, m.Usage())
	return []float64{microseconds(took)}, err
}

// decodeRun is the number of tokens that sequences are taken on by at a time.
const decodeRun = 4

// decode takes every sequence on greedily, the tokens chosen on the device, as
// Generate does.
func (c modelCase) decode(ctx context.Context, m *mamba.Model, states []*mamba.State, stats *stats) ([]float64, error) {
	next := ids(m.Config().VocabSize, 0, c.batch)
	var samples []float64
	for range decodeRun {
		before := m.Usage()
		start := time.Now()
		chosen, err := m.StepGreedy(ctx, states, next)
		if err != nil {
			return nil, err
		}
		samples = append(samples, microseconds(time.Since(start)))
		stats.note(before, m.Usage())
		next = chosen
	}
	return samples, nil
}

// stats is what a model tells about its runs beside their time.
type stats struct {
	dispatches, submissions int
	host                    []float64 // microseconds
}

// note takes down what a call added to what the model's device did.
func (s *stats) note(before, after wgpu.Usage) {
	s.dispatches = after.Dispatches - before.Dispatches
	s.submissions = after.Submissions - before.Submissions
	s.host = append(s.host, microseconds(after.HostTime-before.HostTime))
}

func (s *stats) settle(r *Result) {
	r.Dispatch, r.Submits = s.dispatches, s.submissions
	if len(s.host) > 0 {
		r.HostUS = Summarize(s.host).Median
	}
}
