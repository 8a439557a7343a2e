package bench

import (
	"fmt"
	"slices"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// modelRun is a model and what is timed of it.
type modelRun struct {
	spec  modelSpec
	cases []modelCase
}

// models lists the models that are wanted, smallest first, with their cases.
func (r *runner) models() ([]modelRun, error) {
	specs, err := r.specs()
	if err != nil {
		return nil, err
	}
	var runs []modelRun
	for _, s := range specs {
		run := modelRun{spec: s}
		for _, c := range s.cases() {
			if r.opts.wants(c.name) {
				run.cases = append(run.cases, c)
			}
		}
		if len(run.cases) > 0 {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// specs is the model asked for, or random ones of the published sizes: on a
// processor or in a hurry the smallest, unless others are named.
func (r *runner) specs() ([]modelSpec, error) {
	if !r.opts.wants(prefillName) && !r.opts.wants(decodeName) && !r.opts.wants(togetherName) {
		return nil, nil
	}
	if r.opts.Model != "" {
		s, err := folderModel(r.opts.Model)
		return []modelSpec{s}, err
	}
	var specs []modelSpec
	for _, size := range modelSizes {
		if len(r.opts.Sizes) > 0 && !slices.Contains(r.opts.Sizes, size.name) {
			continue
		}
		small := r.opts.Quick || r.report.Kind == wgpu.CPU
		if small && len(r.opts.Sizes) == 0 && size.name != "130m" {
			continue
		}
		for _, t := range storageTypes {
			specs = append(specs, size.spec(t))
		}
		if r.report.Kind == wgpu.Discrete && size.dModel <= mostTogether {
			s := size.spec(shaders.F16)
			s.together = true
			specs = append(specs, s)
		}
	}
	return specs, nil
}

// mostTogether is the largest d_model with layers small enough for a step of all of them at
// once.
const mostTogether = 1024

// storageTypes is how the weights of random models are stored.
var storageTypes = []shaders.DType{shaders.F32, shaders.F16, shaders.Q8, shaders.Q4}

// runModels times the cases, model by model.
func (r *runner) runModels(list []modelRun) error {
	for i := range list {
		if err := r.runModel(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) runModel(run *modelRun) error {
	spec := &run.spec
	first := Result{Name: run.cases[0].name, Shape: run.cases[0].shape(spec.label())}
	r.progress(first.Key())
	r.done--
	var model *mamba.Model
	var err error
	if first.Skipped = r.tooLarge(spec); !first.failed() {
		if model, err = spec.open(r.dev, r.tuning); err == nil {
			defer model.Close()
			err = checkModel(r.ctx, model)
		}
	}
	if err := first.judge(err); err != nil {
		return err
	}
	token := 0.0 // the time of one, in microseconds
	for _, c := range run.cases {
		res := Result{
			Name: c.name, Shape: c.shape(spec.label()), Model: spec.name, Weights: spec.weights.String(),
			Batch: c.batch, Tokens: c.batch * c.length, Error: first.Error, Skipped: first.Skipped,
		}
		res.Bytes, res.Flops = c.work(spec)
		r.progress(res.Key())
		if !first.failed() {
			if err := r.model(c, model, &res, token); err != nil {
				return err
			}
		}
		if token == 0 && c.name == decodeName {
			token = res.Median
		}
		r.report.Results = append(r.report.Results, res)
		if err := r.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// largest is the bytes of weights that a device which shares its memory with
// everything else is asked to hold. A discrete GPU says itself what it cannot.
const largest = 4 << 30

// tooLarge says why a random model is left out, or nothing.
func (r *runner) tooLarge(s *modelSpec) string {
	if s.dir != "" || s.bytes <= largest || r.report.Kind == wgpu.Discrete {
		return ""
	}
	return fmt.Sprintf("its weights have %.1f GiB, the limit of a device that shares its memory is %d", s.bytes/(1<<30), largest>>30)
}

// failed reports whether nothing can be timed.
func (r *Result) failed() bool { return r.Error != "" || r.Skipped != "" }

// model times one case. token is the time of one token, if it is known.
func (r *runner) model(c modelCase, m *mamba.Model, res *Result, token float64) error {
	e := r.modelEffort()
	least, _ := r.report.Roofs.Least(res.Bytes, res.Flops)
	if r.report.Kind == wgpu.CPU { // which takes several tokens not much faster than one by one
		least = max(least, token*float64(res.Tokens)/4)
	}
	if !c.always {
		if res.Skipped = e.tooLong(least); res.Skipped != "" {
			return nil
		}
	}
	t, err := c.time(r.ctx, m, e)
	if err := res.judge(err); err != nil || res.failed() {
		return err
	}
	res.settle(t.samples, clockWall, r.report.Roofs)
	t.settle(res)
	return nil
}

// modelEffort is that of a kernel with more time: a model runs hundreds.
func (r *runner) modelEffort() effort {
	e := r.effort
	e.longest *= 12
	e.budget *= 3
	e.samples = min(e.samples, 20)
	e.least = min(e.least, 2)
	if r.report.Kind == wgpu.CPU {
		e.budget *= 2
		if r.opts.Quick {
			e.least = 1
		}
	}
	return e
}
