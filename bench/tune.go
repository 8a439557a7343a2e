package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// TuneOptions choose what is tuned. nil means the zero value.
type TuneOptions struct {
	// Options have the meaning that they have in [Run]; Progress counts variants, and the
	// name "train" in Only means the products and the scan of training, which are not tuned
	// unless it is there. Tuning and Measured are not used.
	Options
	// More, if set, opens another device on the same adapter, of an instance of the library
	// of its own ([wgpu.Options]), so that kernels are compiled side by side. Tune closes
	// it. Without it, and where it fails, they are compiled one after the other.
	More func() (*wgpu.Device, error)
	// Known, if set, reports whether a kernel was measured at a shape before, as
	// [shaders.Tuning] names them, with the variants that it has now. It is passed over
	// then.
	Known func(key string, variants []string) bool
	// Chosen, if set, is given each choice as soon as it is made, so that a run that does
	// not come to its end was not for nothing. An error ends the run.
	Chosen func(Choice, TuneProgress) error
}

// TuneProgress is how far a run of [Tune] is.
type TuneProgress struct {
	Done, Total int           // shapes: measured, and to be measured
	Left        time.Duration // until the end, as it looks by those measured so far
}

// Tune measures every variant of the kernels that have some, at the shapes that
// models run them at: the model in Options.Model, or those of Options.Sizes, by
// default all published ones. First all are compiled, then they are timed one shape after
// the other, when nothing else goes on. A variant is timed after its result was checked; one
// that does not compile or is wrong is in the choice with its error. One is chosen where it
// is faster than the default by more than the spread of both, or where the default does not
// run. Errors: those of the device, of Chosen and of ctx, with what was found before them.
func Tune(ctx context.Context, dev *wgpu.Device, opts *TuneOptions) (*Tuned, error) {
	if opts == nil {
		opts = &TuneOptions{}
	}
	if err := opts.Check(); err != nil {
		return nil, err
	}
	models, err := opts.tuneModels()
	if err != nil {
		return nil, err
	}
	roofs, err := measureRoofs(ctx, dev, effort{samples: 10, least: 3})
	if err != nil {
		return nil, err
	}
	w := newWorkshop(dev, opts.More)
	defer w.close()
	t := newTuner(w, roofs, opts.tuneEffort(dev.Info().Kind))
	return t.run(ctx, opts.tuneCases(models), opts)
}

// tuneEffort is that of the last heat of a race.
func (o *Options) tuneEffort(kind wgpu.Kind) effort {
	e := o.effort(kind)
	e.samples, e.least, e.budget = 15, 5, 100*time.Millisecond
	e.longest = min(e.longest, 100*time.Millisecond)
	if kind == wgpu.CPU {
		e.longest = 2 * time.Millisecond
	}
	return e
}

// tuner is one run of Tune.
type tuner struct {
	effort   effort
	unfit    func(c *kernelCase) string // why a case is not measured, or nothing
	variants func(s step) []string
	compile  func(ctx context.Context, items []tuneItem, told func(done, total int)) error
	prepare  func(c *kernelCase) (*trial, error)
}

// trial is a case whose variants can be made ready to run. What add has made is closed
// by close.
type trial struct {
	add   func(variant string) (runner func(n int) (us float64, err error), err error)
	close func()
}

func newTuner(w *workshop, roofs *Roofs, e effort) *tuner {
	dev := w.dev
	return &tuner{
		effort: e,
		unfit: func(c *kernelCase) string {
			if why := c.unfit(dev.Limits()); why != "" {
				return why
			}
			least, _ := roofs.Least(c.bytes, c.flops)
			return e.tooLong(least)
		},
		variants: func(s step) []string { return shaders.Variants(s.kernel, s.params, dev.Limits(), dev.Info().Kind) },
		compile:  w.compile,
		prepare:  func(c *kernelCase) (*trial, error) { return newTrial(c, w.of(family(c.steps[0]))) },
	}
}

// tuneItem is a case to be measured with the variants that there are.
type tuneItem struct {
	c        *kernelCase
	key      string // of a tuning
	variants []string
}

// items lists the cases whose kernels have variants, each key once, without those that
// are known, and counts these.
func (t *tuner) items(list []kernelCase, opts *TuneOptions) (items []tuneItem, known int) {
	seen := map[string]bool{}
	for i := range list {
		c := &list[i]
		item := tuneItem{c, tuningKey(c.steps[0]), t.variants(c.steps[0])}
		if !opts.wants(c.name) || seen[item.key] || len(item.variants) < 2 {
			continue
		}
		seen[item.key] = true
		if opts.Known != nil && opts.Known(item.key, item.variants) {
			known++
			continue
		}
		items = append(items, item)
	}
	return items, known
}

// run compiles and measures the cases.
func (t *tuner) run(ctx context.Context, list []kernelCase, opts *TuneOptions) (*Tuned, error) {
	items, known := t.items(list, opts)
	out := &Tuned{Tuning: shaders.Tuning{}, Known: known}
	done, total := 0, 0
	for _, item := range items {
		total += len(item.variants)
	}
	progress := func(name string) {
		if opts.Progress != nil {
			opts.Progress(name, done, total)
		}
	}
	compiled := func(n, of int) { progress(fmt.Sprintf("compiling variant %d of %d", n, of)) }
	if err := t.compile(ctx, slices.DeleteFunc(slices.Clone(items), t.leavesOut), compiled); err != nil {
		return out, err
	}
	start := time.Now()
	for i, item := range items {
		choice, err := t.choose(ctx, item, func() { progress(item.key); done++ })
		if err != nil {
			return out, err
		}
		out.add(choice)
		if opts.Chosen != nil {
			left := remaining(time.Since(start), i+1, len(items))
			if err := opts.Chosen(choice, TuneProgress{Done: i + 1, Total: len(items), Left: left}); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// leavesOut reports whether a case is not measured.
func (t *tuner) leavesOut(item tuneItem) bool { return t.unfit(item.c) != "" }

// remaining is the time that the rest of the shapes take, if they take as long as those
// that are done.
func remaining(elapsed time.Duration, done, total int) time.Duration {
	return time.Duration(float64(elapsed) / float64(max(done, 1)) * float64(total-done))
}

// tuningKey is the key of a dispatch in a tuning.
func tuningKey(s step) string { return s.kernel + " " + shaders.Shape(s.params) }

// choose measures the variants of one case. next is called before each variant.
func (t *tuner) choose(ctx context.Context, item tuneItem, next func()) (Choice, error) {
	begin, s := time.Now(), item.c.steps[0]
	choice := Choice{Kernel: s.kernel, Shape: shaders.Shape(s.params), Names: item.variants}
	if choice.Skipped = t.unfit(item.c); choice.Skipped == "" {
		trial, err := t.prepare(item.c)
		switch {
		case noRoom(err):
			choice.Skipped = err.Error()
		case err != nil:
			return choice, fmt.Errorf("%s: %w", item.key, err)
		default:
			defer trial.close()
			err := t.measure(ctx, &choice, trial, next)
			choice.Took = time.Since(begin)
			return choice, err
		}
	}
	for range item.variants {
		next()
	}
	return choice, nil
}

// measure has the variants that compile and whose result is right race.
func (t *tuner) measure(ctx context.Context, choice *Choice, trial *trial, next func()) error {
	var field []*racer
	for i, name := range choice.Names {
		if err := ctx.Err(); err != nil {
			return err
		}
		next()
		run, err := trial.add(name)
		v := VariantTime{Name: name}
		if err := v.judge(err); err != nil {
			return fmt.Errorf("%s: %s: %w", choice.Key(), name, err)
		}
		choice.Variants = append(choice.Variants, v)
		if v.Error == "" {
			field = append(field, &racer{variant: i, run: run})
		}
	}
	return t.settle(ctx, choice, field)
}

// settle has the variants race and takes down how they did.
func (t *tuner) settle(ctx context.Context, choice *Choice, field []*racer) error {
	if len(field) == 0 {
		choice.Skipped = "no variant runs"
		return nil
	}
	final, err := race(ctx, field, t.effort)
	if err != nil {
		return fmt.Errorf("%s: %w", choice.Key(), err)
	}
	for _, r := range field {
		choice.Variants[r.variant].Summary = r.summary()
	}
	for _, r := range final {
		choice.Variants[r.variant].Final = true
	}
	choice.Best = best(choice.Variants)
	return nil
}
