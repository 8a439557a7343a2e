package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

// Tuned is what [Tune] found out.
type Tuned struct {
	Choices []Choice
	Tuning  shaders.Tuning // of the choices that are no default
}

// Choice is a kernel at a shape and the variants that were measured there.
type Choice struct {
	Kernel, Shape string
	Variants      []VariantTime // the default first
	Best          int           // index of the variant to use: 0 unless another is faster beyond the spread
	Skipped       string        // why nothing was measured
}

// VariantTime is a variant's time, or why it has none.
type VariantTime struct {
	Name string
	Summary
	Error string // its result was wrong, or it does not run
}

// Tune measures every variant of the kernels that have some, at the shapes that
// models run them at: the model in Options.Model, or those of Options.Sizes, by
// default all published ones. A variant is timed after its result was checked, and
// chosen where it is faster than the default by more than the spread of both.
// Other options have the meaning that they have in [Run].
func Tune(ctx context.Context, dev *wgpu.Device, opts *Options) (*Tuned, error) {
	if opts == nil {
		opts = &Options{}
	}
	if err := opts.Check(); err != nil {
		return nil, err
	}
	configs, err := opts.tuneConfigs()
	if err != nil {
		return nil, err
	}
	roofs, err := measureRoofs(ctx, dev, effort{samples: 10, least: 3})
	if err != nil {
		return nil, err
	}
	t := newTuner(ctx, dev, roofs, opts.tuneEffort(dev.Info().Kind))
	var list []kernelCase
	for _, c := range opts.tuneCases(configs) {
		if opts.wants(c.name) {
			list = append(list, c)
		}
	}
	return t.run(list, opts.Progress)
}

// tuneEffort is that of the few variants that are fastest at first sight.
func (o *Options) tuneEffort(kind wgpu.Kind) effort {
	e := o.effort(kind)
	e.samples, e.least, e.budget = min(e.samples, 15), min(e.least, 5), min(e.budget, 100*time.Millisecond)
	e.longest = min(e.longest, 100*time.Millisecond)
	if kind == wgpu.CPU {
		e.longest = 2 * time.Millisecond
	}
	return e
}

// first is the effort of a first sight.
func (e effort) first() effort {
	e.samples, e.least, e.budget = 2, 2, 0
	return e
}

// tuneModel is the part of an architecture that kernels' shapes depend on.
type tuneModel struct{ d, e, n, k, r, vocabulary int }

// tuneConfigs is the models whose shapes are measured.
func (o *Options) tuneConfigs() ([]tuneModel, error) {
	if o.Model != "" {
		s, err := folderModel(o.Model)
		c := s.config
		return []tuneModel{{c.DModel, c.DInner, c.DState, c.DConv, c.DTRank, c.VocabSize}}, err
	}
	var out []tuneModel
	for _, s := range modelSizes {
		if len(o.Sizes) == 0 || slices.Contains(o.Sizes, s.name) {
			c := s.config()
			out = append(out, tuneModel{c.DModel, c.DInner, c.DState, c.DConv, c.DTRank, c.VocabSize})
		}
	}
	return out, nil
}

// Numbers of tokens that kernels are tuned for, a chunk of a prompt, a short prompt
// and decoding of many sequences; and numbers of sequences.
var (
	tuneRows    = []int{16384, 2048, 256, 64}
	tuneBatches = []int{1, 8}
)

// tuneCases is the kernels of the models, each shape once; in a hurry a few of them.
func (o *Options) tuneCases(models []tuneModel) []kernelCase {
	lengths, types := tuneRows, []shaders.DType{shaders.F32, shaders.F16, shaders.Q8, shaders.Q4}
	if o.Quick {
		lengths, types = []int{256}, types[:2]
	}
	var out []kernelCase
	seen := map[string]bool{}
	add := func(c kernelCase) {
		if key := c.name + " " + c.shape; !seen[key] {
			seen[key] = true
			out = append(out, c)
		}
	}
	for _, m := range models {
		for _, rows := range lengths {
			for _, t := range types {
				add(product(rows, 2*m.e, m.d, t))
				add(product(rows, m.r+2*m.n, m.e, t))
				add(product(rows, m.d, m.e, t))
			}
			for _, batch := range tuneBatches {
				if rows > 64 {
					add(scan(batch, rows/batch, m.e, m.n))
				}
			}
		}
	}
	return out
}

// tuner is one run of Tune.
type tuner struct {
	unfit    func(c *kernelCase) string // why a case is not measured, or nothing
	variants func(s step) []string
	prepare  func(c *kernelCase) (prepared, error)
}

// prepared is a case that can be measured by one variant after the other.
type prepared struct {
	measure func(variant string, thorough bool) (timing, error)
	close   func()
}

func newTuner(ctx context.Context, dev *wgpu.Device, roofs *Roofs, e effort) *tuner {
	kernels := shaders.New(dev)
	return &tuner{
		unfit: func(c *kernelCase) string {
			least, _ := roofs.Least(c.bytes, c.flops)
			return cmp.Or(c.unfit(dev.Limits()), e.tooLong(least))
		},
		variants: func(s step) []string { return shaders.Variants(s.kernel, s.params, dev.Limits(), dev.Info().Kind) },
		prepare: func(c *kernelCase) (prepared, error) {
			buffers, err := c.prepare(dev)
			p := prepared{close: func() { closeBuffers(buffers) }}
			p.measure = func(variant string, thorough bool) (timing, error) {
				if err := c.restore(buffers); err != nil {
					return timing{}, err
				}
				kernels.Tune(shaders.Tuning{tuningKey(c.steps[0]): variant})
				if thorough {
					return c.measureOn(ctx, kernels, buffers, e)
				}
				return c.measureOn(ctx, kernels, buffers, e.first())
			}
			return p, err
		},
	}
}

// run measures the cases whose kernels have variants, each key of a tuning once.
func (t *tuner) run(list []kernelCase, progress func(name string, done, total int)) (*Tuned, error) {
	seen := map[string]bool{}
	list = slices.DeleteFunc(list, func(c kernelCase) bool {
		key := tuningKey(c.steps[0])
		if seen[key] || len(t.variants(c.steps[0])) < 2 {
			return true
		}
		seen[key] = true
		return false
	})
	out := &Tuned{Tuning: shaders.Tuning{}}
	for i := range list {
		c := &list[i]
		if progress != nil {
			progress(c.name+" "+c.shape, i, len(list))
		}
		choice, err := t.choose(c)
		if err != nil {
			return nil, err
		}
		out.Choices = append(out.Choices, choice)
		if choice.Best > 0 {
			out.Tuning[tuningKey(c.steps[0])] = choice.Variants[choice.Best].Name
		}
	}
	return out, nil
}

// tuningKey is the key of a dispatch in a tuning.
func tuningKey(s step) string { return s.kernel + " " + shaders.Shape(s.params) }

// finalists is how many variants beside the default are measured thoroughly.
const finalists = 3

// choose measures the variants of one case: all at first sight, then the fastest and
// the default thoroughly. Where the default does not run there is nothing to compare
// with.
func (t *tuner) choose(c *kernelCase) (Choice, error) {
	s := c.steps[0]
	choice := Choice{Kernel: s.kernel, Shape: shaders.Shape(s.params)}
	if choice.Skipped = t.unfit(c); choice.Skipped != "" {
		return choice, nil
	}
	p, err := t.prepare(c)
	defer p.close()
	if choice.Skipped, err = fault(err); err != nil || choice.Skipped != "" {
		return choice, err
	}
	measure := func(name string, thorough bool) (VariantTime, error) {
		timed, err := p.measure(name, thorough)
		v := VariantTime{Name: name, Summary: Summarize(timed.samples)}
		if v.Error, err = fault(err); err != nil {
			return v, fmt.Errorf("%s: %s: %w", tuningKey(s), name, err)
		}
		return v, nil
	}
	for i, name := range t.variants(s) {
		v, err := measure(name, false)
		if err != nil {
			return choice, err
		}
		if i == 0 && v.Error != "" {
			choice.Skipped = v.Error
			return choice, nil
		}
		choice.Variants = append(choice.Variants, v)
	}
	final := []int{0}
	for _, i := range byTime(choice.Variants) {
		if i != 0 && choice.Variants[i].Error == "" && len(final) <= finalists {
			final = append(final, i)
		}
	}
	for _, i := range final {
		if choice.Variants[i], err = measure(choice.Variants[i].Name, true); err != nil {
			return choice, err
		}
	}
	choice.Best = best(choice.Variants, final)
	return choice, nil
}

// byTime is the indices of variants, the fastest first.
func byTime(list []VariantTime) []int {
	order := span(0, len(list))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(list[a].Median, list[b].Median) })
	return order
}

// fault is the text of an error that belongs to a variant; any other is returned.
func fault(err error) (string, error) {
	var wrong *cases.MismatchError
	switch {
	case err == nil:
		return "", nil
	case errors.As(err, &wrong), noRoom(err):
		return err.Error(), nil
	}
	return "", err
}

// best is the fastest of some of the variants that is right, if it beats the first
// beyond the spread of both, and otherwise the first.
func best(list []VariantTime, among []int) int {
	at := 0
	for _, i := range among {
		if list[i].Error == "" && list[i].Median < list[at].Median {
			at = i
		}
	}
	if list[at].P90 < list[0].P10 {
		return at
	}
	return 0
}

// Table is the choices for people: those that are no default first, the largest gain
// before others.
func (t *Tuned) Table() Table {
	out := Table{Header: []string{"kernel", "shape", "default", "time", "fastest", "time", "gain", "", "wrong"}}
	sorted := slices.Clone(t.Choices)
	slices.SortStableFunc(sorted, func(a, b Choice) int { return cmp.Compare(b.gain(), a.gain()) })
	for _, c := range sorted {
		if c.Skipped != "" {
			continue
		}
		var wrong []string
		fastest := c.Variants[0]
		for _, v := range c.Variants {
			if v.Error != "" {
				wrong = append(wrong, v.Name)
			} else if v.Median < fastest.Median {
				fastest = v
			}
		}
		mark := ""
		if c.Best > 0 {
			mark = "taken"
		}
		first := c.Variants[0]
		out.Rows = append(out.Rows, []string{c.Kernel, c.Shape, first.Name, FormatTime(first.Median), fastest.Name, FormatTime(fastest.Median),
			fmt.Sprintf("%.0f%%", 100*(first.Median/fastest.Median-1)), mark, fmt.Sprint(len(wrong))})
	}
	return out
}

// gain is how much faster the variant to use is than the default.
func (c Choice) gain() float64 {
	if len(c.Variants) == 0 {
		return 0
	}
	return c.Variants[0].Median / c.Variants[c.Best].Median
}

// Faults is a line for each variant whose result was wrong, and for each shape that
// was left out.
func (t *Tuned) Faults() (wrong, skipped []string) {
	for _, c := range t.Choices {
		for _, v := range c.Variants {
			if v.Error != "" {
				wrong = append(wrong, fmt.Sprintf("WRONG    %s %s, %s: %s", c.Kernel, c.Shape, v.Name, v.Error))
			}
		}
		if c.Skipped != "" {
			skipped = append(skipped, fmt.Sprintf("skipped  %s %s: %s", c.Kernel, c.Shape, c.Skipped))
		}
	}
	return wrong, skipped
}
