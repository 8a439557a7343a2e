package bench

import (
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/wgpu"
)

// models lists the models' cases that are wanted.
func (r *runner) models() []modelCase {
	var list []modelCase
	for _, c := range modelCases() {
		if r.opts.wants(c.name) {
			list = append(list, c)
		}
	}
	return list
}

// runModels times the cases on one model.
func (r *runner) runModels(list []modelCase) error {
	if len(list) == 0 {
		return nil
	}
	spec, err := r.spec()
	if err != nil {
		return err
	}
	first := Result{Name: list[0].name, Shape: list[0].shape(spec.name)}
	r.progress(first.Key())
	r.done--
	model, err := spec.open(r.dev)
	if err == nil {
		defer model.Close()
		err = checkModel(r.ctx, model)
	}
	if err := first.judge(err); err != nil {
		return err
	}
	token := 0.0 // the time of one, in microseconds
	for _, c := range list {
		res := Result{Name: c.name, Shape: c.shape(spec.name), Tokens: c.batch * c.length, Error: first.Error, Skipped: first.Skipped}
		res.Bytes, res.Flops = c.work(&spec)
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

// spec is the model asked for.
func (r *runner) spec() (modelSpec, error) {
	if r.opts.Model != "" {
		return folderModel(r.opts.Model)
	}
	return model130m(), nil
}

// failed reports whether nothing can be timed.
func (r *Result) failed() bool { return r.Error != "" || r.Skipped != "" }

// model times one case. token is the time of one token, if it is known.
func (r *runner) model(c modelCase, m *mamba.Model, res *Result, token float64) error {
	e := r.modelEffort()
	least, _ := r.report.Roofs.Least(res.Bytes, res.Flops)
	if r.dev == nil { // a processor takes several tokens no faster than one by one
		least = token * float64(res.Tokens)
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
	t.stats.settle(res)
	return nil
}

// modelEffort is that of a kernel with more time: a model runs hundreds.
func (r *runner) modelEffort() effort {
	e := r.effort
	e.longest *= 12
	e.budget *= 5
	e.least = min(e.least, 3)
	if r.report.Kind == wgpu.CPU && r.opts.Quick {
		e.least = 2
	}
	return e
}
