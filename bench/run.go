package bench

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// Options choose what is measured. nil means the zero value.
type Options struct {
	// Quick takes fewer samples and leaves out what takes long. The zero value
	// means all that the device can run in reasonable time.
	Quick bool
	// Only is the names of the kernels and models to measure, of Names. The
	// zero value means all.
	Only []string
	// Model is the folder of a model whose prefill and decoding are timed. The
	// zero value means random ones of the published sizes. Long inputs, which are
	// for the reference model, are then measured only if Only names them.
	Model string
	// Sizes is the sizes of random models to time, of Sizes. The zero value means
	// all, or where that would take long the smallest.
	Sizes []string
	// Tuning chooses variants of kernels. The zero value means the one that is stored
	// for the adapter, if there is a sound one; see [mamba.Options].
	Tuning shaders.Tuning
	// Progress, if set, is told before each case how many are done.
	Progress func(name string, done, total int)
	// Measured, if set, is given the report before each case, with what is measured
	// so far, so that a run that does not come to its end was not for nothing.
	Measured func(*Report)
}

// Names lists what Options.Only may name.
func Names() []string {
	var names []string
	for _, c := range allKernelCases() {
		if !slices.Contains(names, c.name) {
			names = append(names, c.name)
		}
	}
	return append(names, blockTrainName, trainName, prefillName, decodeName, togetherName, longName)
}

// allKernelCases is the kernels alone, then together.
func allKernelCases() []kernelCase {
	return append(kernelCases(), mambaBlock(1, 256, 512), mambaBlock(8, 1024, 512),
		seedLayer(1, 256, 512), seedLayer(8, 1024, 512))
}

func (o *Options) wants(name string) bool {
	return len(o.Only) == 0 || slices.Contains(o.Only, name)
}

// Check returns an error if a name of Only is none of Names, or one of Sizes none of
// Sizes.
func (o *Options) Check() error {
	for _, size := range o.Sizes {
		if !slices.Contains(Sizes(), size) {
			return fmt.Errorf("bench: no model has size %q; there are %s", size, strings.Join(Sizes(), ", "))
		}
	}
	for _, name := range o.Only {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("bench: nothing is named %q; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	return nil
}

// Run measures a device, or where dev is nil models on the pure-Go backend. A
// case that is wrong or does not fit is in the report; an error ends the run,
// as does the end of ctx.
func Run(ctx context.Context, dev *wgpu.Device, opts *Options) (*Report, error) {
	if opts == nil {
		opts = &Options{}
	}
	if err := opts.Check(); err != nil {
		return nil, err
	}
	r := &runner{ctx: ctx, dev: dev, opts: opts, report: newReport(dev, opts.Quick)}
	if dev != nil {
		r.tune()
	}
	r.effort = opts.effort(r.report.Kind)
	r.start, r.report.Partial = time.Now(), true
	err := r.run()
	r.settle()
	r.report.Partial = err != nil
	return r.report, err
}

// settle brings what follows from the results up to date.
func (r *runner) settle() {
	r.report.Rows, r.report.Seconds = r.report.rows(), math.Round(time.Since(r.start).Seconds())
}

func newReport(dev *wgpu.Device, quick bool) *Report {
	r := &Report{Format: Format, Build: ReadBuild(), Date: time.Now().UTC().Truncate(time.Second), Quick: quick, Results: []Result{}}
	if dev == nil {
		r.Adapter, r.Backend, r.Kind = "go", "Go", wgpu.CPU
		r.Driver = fmt.Sprintf("%s, %d threads", runtime.Version(), runtime.GOMAXPROCS(0))
		return r
	}
	info := dev.Info()
	r.Adapter, r.Vendor, r.Kind, r.Driver, r.Backend = info.Name, info.Vendor, info.Kind, info.Driver, info.Backend
	return r
}

// runner is one run.
type runner struct {
	ctx     context.Context
	dev     *wgpu.Device
	kernels *shaders.Kernels
	tuning  shaders.Tuning
	opts    *Options
	effort  effort
	report  *Report

	start       time.Time
	done, total int
}

// tune has the kernels and the models use the tuning asked for, or the stored one if
// it is sound.
func (r *runner) tune() {
	r.tuning = r.opts.Tuning
	if r.tuning == nil {
		r.tuning, _ = mamba.StoredTuning(r.dev.Info())
	}
	if r.tuning == nil {
		r.tuning = shaders.Tuning{}
	}
	r.kernels = shaders.New(r.dev)
	r.kernels.Tune(r.tuning)
	r.report.Tuning = r.tuning
}

// noDevice is why kernels are left out on the Go backend.
const noDevice = "kernels and roofs need a WebGPU adapter; the Go backend runs models only"

func (r *runner) run() error {
	var kernels []kernelCase
	for _, c := range allKernelCases() {
		if r.opts.wants(c.name) {
			kernels = append(kernels, c)
		}
	}
	models, err := r.models()
	if err != nil {
		return err
	}
	trainings := r.trainings()
	r.total = 1 + len(kernels) + len(trainings) + r.longCount()
	for _, m := range models {
		r.total += len(m.cases)
	}
	if r.dev != nil {
		r.progress("roofs")
		roofs, err := measureRoofs(r.ctx, r.dev, r.effort)
		if err != nil {
			return err
		}
		r.report.Roofs = roofs
	}
	for i := range kernels {
		if err := r.kernel(&kernels[i]); err != nil {
			return err
		}
	}
	for _, c := range trainings {
		if err := r.runTraining(c); err != nil {
			return err
		}
	}
	if err := r.runModels(models); err != nil {
		return err
	}
	return r.long()
}

func (r *runner) progress(name string) {
	if r.opts.Progress != nil {
		r.opts.Progress(name, r.done, r.total)
	}
	if r.opts.Measured != nil && len(r.report.Results) > 0 {
		r.settle()
		r.opts.Measured(r.report)
	}
	r.done++
}
