package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/mambagpu/mambagpu/bench"
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// tuneRun is a run of bench --tune.
type tuneRun struct {
	app *app
	dev *wgpu.Device
	log *mamba.TuningLog
	bar *progress

	mu   sync.Mutex // a run that is interrupted goes on until the process ends
	last bench.TuneProgress
}

// tune measures the variants of kernels and stores each choice for this adapter as soon as
// it is made.
func (a *app) tune(ctx context.Context, o benchOptions) error {
	dev, err := a.openBench(o.adapter)
	if err != nil {
		return err
	}
	if dev == nil {
		return errors.New("the Go backend has no kernels to tune")
	}
	log, err := mamba.OpenTuningLog(dev.Info())
	if log == nil {
		return err
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "mambagpu: %s; it will be replaced\n", message(err))
	}
	r := &tuneRun{app: a, dev: dev, log: log, bar: a.newProgress("tuning", unitVariants)}
	defer r.bar.close()
	tuned, err := await(ctx, func() (*bench.Tuned, error) {
		defer dev.Close()
		return bench.Tune(ctx, dev, r.options(o))
	})
	r.bar.close()
	if err != nil && ctx.Err() != nil {
		return r.interrupted()
	}
	if err != nil {
		return err
	}
	return r.summary(tuned)
}

// options are the command line's, with the run told what becomes known.
func (r *tuneRun) options(o benchOptions) *bench.TuneOptions {
	opts := &bench.TuneOptions{Options: o.bench, Chosen: r.chosen}
	instances := 0
	opts.More = func() (*wgpu.Device, error) {
		instances++
		return wgpu.Open(&wgpu.Options{Adapter: o.adapter, Notices: r.app.stderr, Instance: instances})
	}
	if !o.again {
		opts.Known = r.log.Knows
	}
	opts.Progress = func(name string, done, total int) {
		r.bar.rename(name)
		r.bar.update(int64(done), int64(total))
	}
	return opts
}

// chosen stores a choice and prints a line about it.
func (r *tuneRun) chosen(c bench.Choice, p bench.TuneProgress) error {
	if c.Skipped == "" {
		if err := r.log.Choose(c.Key(), c.Names, c.Chosen()); err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.last = p
	r.mu.Unlock()
	left := ""
	if p.Done < p.Total {
		left = fmt.Sprintf("; about %s left", p.Left.Round(time.Second))
	}
	r.bar.line(fmt.Sprintf("%d/%d %s%s", p.Done, p.Total, &c, left))
	return nil
}

// interrupted says what is stored.
func (r *tuneRun) interrupted() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last.Done == 0 {
		fmt.Fprintln(r.app.stderr, "mambagpu: interrupted before the first shape was through; nothing new is stored")
		return errInterrupted
	}
	fmt.Fprintf(r.app.stderr, "mambagpu: interrupted after %d of %d shapes, stored in %s; the same command goes on from there\n",
		r.last.Done, r.last.Total, r.log.Path())
	return errInterrupted
}

// summary prints the choices, and what else there is to know.
func (r *tuneRun) summary(tuned *bench.Tuned) error {
	a, adapter := r.app, r.dev.Info().Name
	wrong, skipped := tuned.Faults()
	if t := tuned.Table(); len(t.Rows) > 0 {
		a.printTable(t)
		fmt.Fprintln(a.stdout)
	}
	if lines := append(wrong, skipped...); len(lines) > 0 {
		fmt.Fprintf(a.stdout, "%s\n\n", strings.Join(lines, "\n"))
	}
	if len(tuned.Choices) > 0 {
		fmt.Fprintf(a.stdout, "%d of %d shapes run faster on %s by another variant than the default; stored in %s\n",
			len(tuned.Tuning), len(tuned.Choices), adapter, r.log.Path())
	}
	if tuned.Known > 0 {
		fmt.Fprintf(a.stdout, "%d shapes were measured before and are left as they are in %s; --again measures them anew\n",
			tuned.Known, r.log.Path())
	}
	if len(tuned.Choices)+tuned.Known == 0 {
		fmt.Fprintln(a.stdout, "none of the kernels has variants; nothing is stored")
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d variants are wrong on %s; they are not used", len(wrong), adapter)
	}
	return nil
}

// tuning is what kernels are tuned by: nothing where that is asked for, else what is
// stored for the adapter.
func (a *app) tuning(o benchOptions, info wgpu.AdapterInfo) shaders.Tuning {
	if o.noTune {
		return shaders.Tuning{}
	}
	t, err := mamba.StoredTuning(info)
	if err != nil {
		fmt.Fprintf(a.stderr, "mambagpu: %s; kernels run as they do by default\n", message(err))
	}
	return t
}
