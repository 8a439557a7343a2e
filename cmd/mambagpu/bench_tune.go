package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mambagpu/mambagpu/bench"
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// tune measures the variants of kernels and stores the choice for this adapter.
func (a *app) tune(ctx context.Context, o benchOptions) error {
	dev, err := a.openBench(o.adapter)
	if err != nil {
		return err
	}
	if dev == nil {
		return errors.New("the Go backend has no kernels to tune")
	}
	defer dev.Close()
	bar := a.newProgress("tuning", unitCases)
	defer bar.close()
	o.bench.Progress = func(name string, done, total int) {
		bar.rename("tuning " + name)
		bar.update(int64(done), int64(total))
	}
	tuned, err := await(ctx, func() (*bench.Tuned, error) { return bench.Tune(ctx, dev, &o.bench) })
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return err
	}
	bar.close()
	return a.storeTuning(dev.Info(), tuned)
}

// storeTuning prints the choices and stores them.
func (a *app) storeTuning(info wgpu.AdapterInfo, tuned *bench.Tuned) error {
	wrong, skipped := tuned.Faults()
	if t := tuned.Table(); len(t.Rows) > 0 {
		a.printTable(t)
		fmt.Fprintln(a.stdout)
	}
	if lines := append(wrong, skipped...); len(lines) > 0 {
		fmt.Fprintf(a.stdout, "%s\n\n", strings.Join(lines, "\n"))
	}
	path, err := mamba.StoreTuning(info, tuned.Tuning)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%d of %d shapes run faster on %s by another variant than the default; stored in %s\n",
		len(tuned.Tuning), len(tuned.Choices), info.Name, path)
	if len(wrong) > 0 {
		return fmt.Errorf("%d variants are wrong on %s; they are not used", len(wrong), info.Name)
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
