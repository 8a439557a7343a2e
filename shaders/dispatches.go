package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// dispatches collects dispatches until the first error.
type dispatches struct {
	list []*wgpu.Dispatch
	err  error
}

// add appends a dispatch as a method of Kernels returns it.
func (d *dispatches) add(one *wgpu.Dispatch, err error) {
	switch {
	case d.err != nil:
		if err == nil {
			one.Close()
		}
	case err != nil:
		d.err = err
	default:
		d.list = append(d.list, one)
	}
}

// done is the dispatches, or the first error, all dispatches closed.
func (d *dispatches) done() ([]*wgpu.Dispatch, error) {
	if d.err == nil {
		return d.list, nil
	}
	for _, one := range d.list {
		one.Close()
	}
	return nil, d.err
}
