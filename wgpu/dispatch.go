package wgpu

import "fmt"

// Dispatch is a pipeline bound to its parameters and buffers, with a grid of
// workgroups: one run of a kernel, ready to be recorded.
type Dispatch struct {
	dev      *Device
	pipeline *Pipeline
	group    driverBindGroup
	grid     [3]uint32
}

// BindingError is returned when a dispatch's buffers do not fit the bindings
// that its shader declares.
type BindingError struct {
	Label     string
	Got, Want string
}

// Error says what was given and what the shader declares.
func (e *BindingError) Error() string {
	return fmt.Sprintf("wgpu: %s: got %s, want %s", e.Label, e.Got, e.Want)
}

// NewDispatch binds params to the shader's uniform binding 0, if it declares
// one (params is empty if not), and the buffers, whole, to the bindings after
// it in their order. Errors: [BindingError], [LimitError], [ErrClosed].
func (d *Device) NewDispatch(p *Pipeline, params []byte, buffers []*Buffer, grid [3]uint32) (*Dispatch, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, ErrClosed
	}
	if err := d.checkGrid(p.label, grid); err != nil {
		return nil, err
	}
	var bindings []driverBinding
	if len(params) > 0 {
		slot, err := d.params.slot(d, params)
		if err != nil {
			return nil, err
		}
		bindings = append(bindings, slot)
	}
	for _, b := range buffers {
		if b == nil || !b.open() {
			return nil, fmt.Errorf("%s: buffer: %w", p.label, ErrClosed)
		}
		if b.size > d.limits.MaxStorageBinding {
			return nil, &LimitError{p.label + ": " + b.label, "MaxStorageBinding", b.size, d.limits.MaxStorageBinding}
		}
		bindings = append(bindings, driverBinding{b.driver, b.first, b.size})
	}
	if len(bindings) != len(p.bindings) {
		return nil, &BindingError{p.label, fmt.Sprintf("%d bindings", len(bindings)), fmt.Sprintf("%d", len(p.bindings))}
	}
	if shared := readAndWritten(p.bindings[len(p.bindings)-len(buffers):], buffers); shared != nil {
		return nil, &BindingError{p.label, "buffer " + shared.label + " to read and to write", "one or the other"}
	}
	g, err := d.driver.newBindGroup(p.label, p.driver, bindings)
	if err != nil {
		return nil, &BindingError{p.label, err.Error(), "buffers as the shader declares them"}
	}
	run := &Dispatch{d, p, g, grid}
	d.groups[run] = struct{}{}
	return run, nil
}

// readAndWritten is a buffer that is bound to be read and to be written, in parts or as a
// whole, or nil: WebGPU tracks whole buffers, and refuses the submission.
func readAndWritten(kinds []bindingKind, buffers []*Buffer) *Buffer {
	for i, b := range buffers {
		for j, other := range buffers[:i] {
			if b.whole == other.whole && kinds[i] != kinds[j] {
				return b
			}
		}
	}
	return nil
}

func (d *Device) checkGrid(label string, grid [3]uint32) error {
	for _, n := range grid {
		if n > d.limits.MaxWorkgroupsPerAxis {
			return &LimitError{label, "MaxWorkgroupsPerAxis", uint64(n), uint64(d.limits.MaxWorkgroupsPerAxis)}
		}
	}
	return nil
}

// Label is the label of the dispatch's pipeline.
func (r *Dispatch) Label() string { return r.pipeline.label }

// Grid is the number of workgroups along each axis.
func (r *Dispatch) Grid() [3]uint32 { return r.grid }

// Close gives the dispatch's bindings back. Further calls do nothing. A pass
// that holds the dispatch can no longer be submitted.
func (r *Dispatch) Close() error {
	r.dev.mu.Lock()
	defer r.dev.mu.Unlock()
	if _, open := r.dev.groups[r]; open {
		delete(r.dev.groups, r)
		r.group.release()
	}
	return nil
}

// paramArena keeps the contents of uniform bindings: constants, written once
// and shared by all dispatches with the same ones.
type paramArena struct {
	slots  map[string]driverBinding
	blocks []driverBuffer
	used   uint64 // bytes of the last block
}

// paramBlock is the size of the buffers that parameters are kept in.
const paramBlock = 64 << 10

func (a *paramArena) slot(d *Device, params []byte) (driverBinding, error) {
	if s, ok := a.slots[string(params)]; ok {
		return s, nil
	}
	size := (uint64(len(params)) + 15) / 16 * 16
	if size > min(paramBlock, d.limits.MaxUniformBinding) {
		return driverBinding{}, &LimitError{"params", "MaxUniformBinding", size, min(paramBlock, d.limits.MaxUniformBinding)}
	}
	if len(a.blocks) == 0 || a.used+size > paramBlock {
		b, err := d.allocate("mambagpu.params", paramBlock, usageUniform)
		if err != nil {
			return driverBinding{}, err
		}
		a.blocks, a.used = append(a.blocks, b), 0
	}
	s := driverBinding{a.blocks[len(a.blocks)-1], a.used, size}
	padded := make([]byte, size)
	copy(padded, params)
	if err := d.write(s.buffer, s.offset, padded); err != nil {
		return driverBinding{}, err
	}
	align := uint64(d.limits.UniformAlignment)
	a.used += (size + align - 1) / align * align
	if a.slots == nil {
		a.slots = map[string]driverBinding{}
	}
	a.slots[string(params)] = s
	return s, nil
}

func (a *paramArena) release() {
	for _, b := range a.blocks {
		b.release()
	}
	*a = paramArena{}
}
