package train

import "github.com/mambagpu/mambagpu/mamba"

// layerRunner is what a layer's trainer has an engine do.
type layerRunner interface {
	updater
	// forward makes y of x, (B, L, d) each.
	forward(m micro, x, y []float32) error
	// backward makes dx of dy after a forward of the same shape, and adds the
	// parameters' gradients.
	backward(m micro, dy, dx []float32) error
}

// layerEngine is a layer on a machine. The engine's network has the layer's
// parameters and their update.
type layerEngine[A any] struct {
	engine[A]
	layer *layerNetwork[A]
	room  struct{ tokens, rows int } // that the activations have
}

func newLayerEngine[A any](m machine[A], w mamba.LayerWeights, o *Options) (*layerEngine[A], error) {
	layer, net, err := newLayerNetwork(m, w, o)
	if err != nil {
		return nil, err
	}
	e := &layerEngine[A]{engine: engine[A]{machine: m, net: net, opts: o}, layer: layer}
	return e, e.fill(func(name string) ([]float32, error) { return w.Tensors[name].Data, nil })
}

func (e *layerEngine[A]) forward(m micro, x, y []float32) error {
	if err := e.makeRoom(m); err != nil {
		return err
	}
	if err := e.machine.write(e.layer.act.x, 0, x); err != nil {
		return err
	}
	err := e.machine.run(plan{stage: evaluating, shape: m}, func(s operations[A]) { e.layer.forward(s.(layerOperations[A]), m) })
	if err != nil {
		return err
	}
	return e.machine.read(e.layer.act.y, 0, y)
}

func (e *layerEngine[A]) backward(m micro, dy, dx []float32) error {
	if err := e.machine.write(e.layer.act.dy, 0, dy); err != nil {
		return err
	}
	err := e.machine.run(plan{stage: learning, shape: m}, func(s operations[A]) { e.layer.backward(s.(layerOperations[A]), m) })
	if err != nil {
		return err
	}
	return e.machine.read(e.layer.act.dy, 0, dx)
}

// makeRoom makes the activations if there is no room for a pass of that shape.
func (e *layerEngine[A]) makeRoom(m micro) error {
	tokens, rows := max(m.tokens(), e.room.tokens), max(m.rows, e.room.rows)
	if tokens == e.room.tokens && rows == e.room.rows {
		return nil
	}
	e.machine.forget()
	e.room.tokens, e.room.rows = 0, 0
	for _, a := range e.layer.perToken() {
		if err := e.replace(a, a.words*tokens, e.machine.newArray); err != nil {
			return err
		}
	}
	for _, a := range e.layer.perRow() {
		if err := e.replace(a, a.words*rows, e.machine.newArray); err != nil {
			return err
		}
	}
	slots := make([]uint32, rows)
	for i := range slots {
		slots[i] = uint32(i)
	}
	if err := e.replace(activation[A]{&e.layer.act.slots, "slots", 1}, rows, e.machine.newWords); err != nil {
		return err
	}
	if err := e.machine.writeWords(e.layer.act.slots, slots); err != nil {
		return err
	}
	e.room.tokens, e.room.rows = tokens, rows
	return nil
}
