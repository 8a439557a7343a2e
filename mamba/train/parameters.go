package train

// Parameter describes one tensor of the model.
type Parameter struct {
	Name   string // in Hugging Face layout
	Shape  []int
	Decays bool // weight decay applies
}

// Parameters lists the model's tensors in the order of its computation.
func (t *Trainer) Parameters() []Parameter {
	var list []Parameter
	for _, p := range t.run.parts() {
		if p.firstRow == 0 {
			list = append(list, p.Parameter)
		}
	}
	return list
}

// Value reads a parameter, row-major. Errors: [*ParameterError], [ErrClosed].
func (t *Trainer) Value(name string) ([]float32, error) { return t.read(value, name) }

// Gradient reads a parameter's gradient, row-major: what Backward added up since
// the gradients were cleared. After Step it is that step's, not clipped. Errors:
// [*ParameterError], [ErrClosed].
func (t *Trainer) Gradient(name string) ([]float32, error) { return t.read(gradient, name) }

// SetValue replaces a parameter. Errors: [*ParameterError], [ErrClosed].
func (t *Trainer) SetValue(name string, v []float32) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	return t.run.write(value, name, v)
}

func (t *Trainer) read(k kind, name string) ([]float32, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, ErrClosed
	}
	return t.run.read(k, name)
}
