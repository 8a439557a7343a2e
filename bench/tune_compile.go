package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// workshop has the kernels that a tuning compiles and runs: each family on a device of its
// own, as far as there are some, since one device compiles one pipeline after the other.
type workshop struct {
	dev  *wgpu.Device
	more func() (*wgpu.Device, error) // may be nil

	mu      sync.Mutex
	kernels map[string]*shaders.Kernels // by family
	opened  []*wgpu.Device
}

func newWorkshop(dev *wgpu.Device, more func() (*wgpu.Device, error)) *workshop {
	return &workshop{dev: dev, more: more, kernels: map[string]*shaders.Kernels{}}
}

// family names the dispatches that have pipelines in common, whatever their shapes.
func family(s step) string {
	if p, ok := s.params.(shaders.MatmulParams); ok {
		return fmt.Sprint(s.kernel, p.Weights, p.TransA, p.TransW)
	}
	return s.kernel
}

// pipelines names the dispatches of a family that have all pipelines in common: those that
// differ by the number of rows, or of sequences and their lengths.
func pipelines(s step) string {
	switch p := s.params.(type) {
	case shaders.MatmulParams:
		if p.TransA { // the rows that add up
			p.K = 0
		} else {
			p.M = 0
		}
		return fmt.Sprint(s.kernel, p)
	case shaders.SelectiveScanParams:
		p.Batch, p.Length = 0, 0
		return fmt.Sprint(s.kernel, p)
	}
	return tuningKey(s)
}

// of is the kernels of a family, on the device that there is anyway for the first family,
// and where no other can be opened.
func (w *workshop) of(family string) *shaders.Kernels {
	w.mu.Lock()
	defer w.mu.Unlock()
	if k := w.kernels[family]; k != nil {
		return k
	}
	dev := w.dev
	if len(w.kernels) > 0 && w.more != nil {
		if d, err := w.more(); err == nil {
			dev = d
			w.opened = append(w.opened, d)
		}
	}
	w.kernels[family] = shaders.New(dev)
	return w.kernels[family]
}

// close closes the devices that were opened.
func (w *workshop) close() {
	for _, d := range w.opened {
		d.Close()
	}
}

// compile compiles the pipelines of all variants, those of different families side by side.
// What does not compile shows when it is measured. told is called for each variant.
func (w *workshop) compile(ctx context.Context, items []tuneItem, told func(done, total int)) error {
	byFamily, total := map[string][]tuneItem{}, 0
	for _, item := range templates(items) {
		f := family(item.c.steps[0])
		byFamily[f] = append(byFamily[f], item)
		total += len(item.variants)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed error
	done := 0
	for f, some := range byFamily {
		group.Go(func() {
			err := compileOn(ctx, w.of(f), some, func() {
				mu.Lock()
				defer mu.Unlock()
				done++
				told(done, total)
			})
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		})
	}
	group.Wait()
	return failed
}

// templates is one case for each set of pipelines: that with the most variants, and of these
// the smallest.
func templates(items []tuneItem) []tuneItem {
	at := map[string]int{}
	var out []tuneItem
	for _, item := range items {
		key := pipelines(item.c.steps[0])
		i, ok := at[key]
		if !ok {
			at[key] = len(out)
			out = append(out, item)
			continue
		}
		if n, most := len(item.variants), len(out[i].variants); n > most || n == most && item.c.bytes < out[i].c.bytes {
			out[i] = item
		}
	}
	return out
}

// compileOn makes the dispatches of all variants, and closes them again.
func compileOn(ctx context.Context, kernels *shaders.Kernels, items []tuneItem, told func()) error {
	for _, item := range items {
		buffers, err := item.c.allocate(kernels.Device())
		for _, name := range item.variants {
			if err == nil {
				err = (&VariantTime{}).judge(compileVariant(item, name, kernels, buffers))
			}
			if err == nil {
				err = ctx.Err()
			}
			told()
		}
		closeBuffers(buffers)
		if err != nil && !noRoom(err) {
			return fmt.Errorf("%s: %w", item.key, err)
		}
	}
	return nil
}

// compileVariant makes the dispatches of a variant, on arrays with nothing in them.
func compileVariant(item tuneItem, name string, kernels *shaders.Kernels, buffers []*wgpu.Buffer) error {
	var scratch []*wgpu.Buffer
	kernels.Tune(shaders.Tuning{item.key: name})
	run, err := item.c.steps[0].dispatch(kernels, buffers, &scratch)
	for _, d := range run {
		d.Close()
	}
	closeBuffers(scratch)
	return err
}
