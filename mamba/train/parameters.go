package train

// Parameter describes one tensor of a model or layer.
type Parameter struct {
	Name   string // a model's in Hugging Face layout, a layer's as [mamba.Layer] has it
	Shape  []int
	Decays bool // weight decay applies
}

// Parameters lists the tensors in the order of the computation.
func (l *learner[R]) Parameters() []Parameter {
	var list []Parameter
	for _, p := range l.run.parts() {
		if p.firstRow == 0 {
			list = append(list, p.Parameter)
		}
	}
	return list
}

// Value reads a parameter, row-major. Errors: [*ParameterError], [ErrClosed].
func (l *learner[R]) Value(name string) ([]float32, error) { return l.read(value, name) }

// Gradient reads a parameter's gradient, row-major: what Backward added up since the
// gradients were cleared, not clipped, also after an update. Errors:
// [*ParameterError], [ErrClosed].
func (l *learner[R]) Gradient(name string) ([]float32, error) { return l.read(gradient, name) }

// SetValue replaces a parameter. Errors: [*ParameterError], [ErrClosed].
func (l *learner[R]) SetValue(name string, v []float32) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	return l.run.write(value, name, v)
}

func (l *learner[R]) read(k kind, name string) ([]float32, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	return l.run.read(k, name)
}
