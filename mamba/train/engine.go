package train

import (
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// engine is a network on a machine, with room for a micro-batch of rows sequences.
type engine[A any] struct {
	machine machine[A]
	net     *network[A]
	opts    *Options
	rows    int
}

func newEngine[A any](m machine[A], c mamba.ModelConfig, values func(name string) ([]float32, error), o *Options) (*engine[A], error) {
	net, err := newNetwork(m, c, o)
	if err != nil {
		return nil, err
	}
	net.layOut()
	e := &engine[A]{machine: m, net: net, opts: o}
	if err := e.fill(values); err != nil {
		return nil, err
	}
	rows := o.MicroBatch
	if rows == 0 {
		rows = o.Batch
	}
	return e, e.fit(min(rows, o.Batch))
}

// runner is what a model's trainer has an engine do.
type runner interface {
	updater
	// most is the number of sequences that learn, evaluate and present take.
	most() int
	// learn adds the gradients of scale times the sum of losses, and the losses.
	learn(in input, scale float32) error
	// evaluate adds the losses.
	evaluate(in input) error
	// present gives the logits, chunk by chunk.
	present(in input, use func(logits []float32)) error
	// lossSum reads the sum of losses.
	lossSum() (float64, error)
	timed() error
	timings() []KernelTime
}

// input is a micro-batch: ids and the tokens that follow, (B, L) each.
type input struct {
	micro
	ids, targets []uint32
}

// report is what an update tells: of each part the sum of the squares of its gradient.
type report struct {
	loss, norm float64 // sum of losses
	squares    []float64
}

// fill writes the parameters' values, tensor by tensor.
func (e *engine[A]) fill(values func(name string) ([]float32, error)) error {
	for _, p := range e.parts() {
		if p.firstRow > 0 {
			continue // written with the first of its rows
		}
		v, err := values(p.Name)
		if err == nil {
			err = e.write(value, p.Name, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *engine[A]) info() wgpu.AdapterInfo { return e.machine.info() }
func (e *engine[A]) memoryInUse() uint64    { return e.machine.memoryInUse() }
func (e *engine[A]) close() error           { return e.machine.close() }
func (e *engine[A]) most() int              { return e.rows }
func (e *engine[A]) timed() error           { return e.machine.timed() }
func (e *engine[A]) timings() []KernelTime  { return e.machine.timings() }

func (e *engine[A]) begin(control [3]float32) error {
	words := make([]float32, controlWords)
	words[shaders.ControlRate] = control[0]
	words[shaders.ControlFirst] = control[1]
	words[shaders.ControlSecond] = control[2]
	return e.machine.write(e.net.act.control, 0, words)
}

func (e *engine[A]) clearGradients() error {
	return e.machine.run(plan{stage: clearing}, e.net.clearGradients)
}

func (e *engine[A]) learn(in input, scale float32) error {
	if err := e.machine.writeWords(e.net.act.places, shaders.EmbeddingPlaces(in.ids)); err != nil {
		return err
	}
	return e.runOn(in, plan{stage: learning, shape: in.micro, scale: scale}, func(s operations[A]) { e.net.learn(s, in.micro, scale) })
}

func (e *engine[A]) evaluate(in input) error {
	return e.runOn(in, plan{stage: evaluating, shape: in.micro}, func(s operations[A]) { e.net.evaluate(s, in.micro) })
}

// runOn runs a plan on a micro-batch.
func (e *engine[A]) runOn(in input, key plan, record func(operations[A])) error {
	if err := e.machine.writeWords(e.net.act.ids, in.ids); err != nil {
		return err
	}
	if err := e.machine.writeWords(e.net.act.targets, in.targets); err != nil {
		return err
	}
	return e.machine.run(key, record)
}

func (e *engine[A]) present(in input, use func(logits []float32)) error {
	n, t := e.net, in.tokens()
	err := e.runOn(in, plan{stage: presenting, shape: in.micro}, func(s operations[A]) {
		n.layers(s, in.micro)
		s.rmsNorm(n.normParams(t), n.act.residual[len(n.blocks)], n.normF.value, n.act.norm)
	})
	for first := 0; first < t && err == nil; first += n.chunk {
		rows := min(n.chunk, t-first)
		err = e.machine.run(plan{stage: heading, shape: in.micro, first: first}, func(s operations[A]) {
			for _, l := range n.headRows(first, rows) {
				l.forward(s, n.act.norm, n.act.logits, false)
			}
		})
		logits := make([]float32, rows*n.config.VocabSize)
		if err == nil {
			err = e.machine.read(n.act.logits, 0, logits)
		}
		if err == nil {
			use(logits)
		}
	}
	return err
}

func (e *engine[A]) update(slot int) (func() (report, error), error) {
	n := e.net
	if err := e.machine.run(plan{stage: updating}, func(s operations[A]) { n.update(s, e.opts) }); err != nil {
		return nil, err
	}
	fetch, err := e.machine.readLater(slot, n.act.report, controlWords+n.sums())
	if err != nil {
		return nil, err
	}
	return func() (report, error) {
		words, err := fetch()
		if err != nil {
			return report{}, err
		}
		r := report{loss: float64(words[controlLoss]), norm: float64(words[shaders.ControlNorm])}
		for _, p := range e.parts() {
			var sum float64
			for _, v := range words[controlWords+p.firstSum:][:p.sums()] {
				sum += float64(v)
			}
			r.squares = append(r.squares, sum)
		}
		return r, nil
	}, nil
}

func (e *engine[A]) lossSum() (float64, error) {
	sum := make([]float32, 1)
	err := e.machine.read(e.net.act.control, controlLoss, sum)
	return float64(sum[0]), err
}

// parts lists the parameters in the order of the computation.
func (e *engine[A]) parts() []part {
	var list []part
	for _, w := range e.net.weights {
		list = append(list, w.parts...)
	}
	return list
}

// find calls use with every array that has a part of a parameter.
func (e *engine[A]) find(name string, use func(w *weight[A], p part) error) error {
	found := false
	for _, w := range e.net.weights {
		for _, p := range w.parts {
			if p.Name != name {
				continue
			}
			found = true
			if err := use(w, p); err != nil {
				return err
			}
		}
	}
	if !found {
		return &ParameterError{name, "no such name", "one of the model's, such as " + e.net.weights[0].parts[0].Name}
	}
	return nil
}

func (e *engine[A]) read(k kind, name string) ([]float32, error) {
	var all []float32
	err := e.find(name, func(w *weight[A], p part) error {
		v := make([]float32, p.span())
		if err := e.machine.read(*w.of(k), p.first, v); err != nil {
			return err
		}
		v = p.dense(v)
		if all == nil {
			all = v
		} else {
			all = append(all, v...)
		}
		return nil
	})
	return all, err
}

func (e *engine[A]) write(k kind, name string, v []float32) error {
	return e.find(name, func(w *weight[A], p part) error {
		if err := checkValues(name, p.Shape, v); err != nil {
			return err
		}
		first := p.firstRow * p.cols
		return e.machine.write(*w.of(k), p.first, p.spread(v[first:first+p.rows*p.cols]))
	})
}
