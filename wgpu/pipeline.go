package wgpu

import (
	"fmt"
	"regexp"
	"strconv"
)

// Pipeline is a compiled compute shader.
type Pipeline struct {
	label    string
	bindings []bindingKind
	driver   driverPipeline
}

// Label is the label that the pipeline was made with.
func (p *Pipeline) Label() string { return p.label }

// Pipeline compiles a WGSL compute shader whose entry point is main, or
// returns the one compiled before from the same label and source. The
// bindings are those the source declares, all in group 0 and numbered from 0
// without gaps. Errors: [ShaderError], [LimitError], [ErrClosed].
func (d *Device) Pipeline(label, wgsl string) (*Pipeline, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, ErrClosed
	}
	key := label + "\x00" + wgsl
	if p := d.pipelines[key]; p != nil {
		return p, nil
	}
	bindings, err := declaredBindings(wgsl)
	if err != nil {
		return nil, &ShaderError{label, err}
	}
	storage := uint64(0)
	for _, k := range bindings {
		if k != bindUniform {
			storage++
		}
	}
	if storage > uint64(d.limits.MaxStorageBuffers) {
		return nil, &LimitError{label, "MaxStorageBuffers", storage, uint64(d.limits.MaxStorageBuffers)}
	}
	dp, err := d.driver.newPipeline(label, wgsl, bindings)
	if err != nil {
		return nil, &ShaderError{label, err}
	}
	p := &Pipeline{label, bindings, dp}
	d.pipelines[key] = p
	return p, nil
}

var bindingDecl = regexp.MustCompile(`@group\(0\)\s*@binding\((\d+)\)\s*var<\s*(uniform|storage)\s*(?:,\s*(read|read_write)\s*)?>`)

// declaredBindings reads the kinds of a shader's buffers off its source.
func declaredBindings(wgsl string) ([]bindingKind, error) {
	var kinds []bindingKind
	for _, m := range bindingDecl.FindAllStringSubmatch(wgsl, -1) {
		if n, err := strconv.Atoi(m[1]); err != nil || n != len(kinds) {
			return nil, fmt.Errorf("binding %s is declared where %d is expected", m[1], len(kinds))
		}
		switch {
		case m[2] == "uniform":
			kinds = append(kinds, bindUniform)
		case m[3] == "read_write":
			kinds = append(kinds, bindReadWrite)
		default:
			kinds = append(kinds, bindRead)
		}
	}
	return kinds, nil
}
