//go:build cgo && !wgpu29 && ((linux && amd64) || (windows && amd64) || darwin)

package wgpu

import (
	"time"

	native "github.com/rajveermalviya/go-webgpu/wgpu"
)

type nativeDevice struct {
	ref   *native.Device
	queue *native.Queue
	*errorSlot
	spin time.Duration // how long a wait may keep a processor busy
}

type (
	nativeBuffer    struct{ *native.Buffer }
	nativeBindGroup struct{ *native.BindGroup }
	nativeQuerySet  struct{ *native.QuerySet }
	nativePipeline  struct {
		*native.ComputePipeline
		layout *native.BindGroupLayout
	}
)

func (b nativeBuffer) release()    { b.Release() }
func (g nativeBindGroup) release() { g.Release() }
func (q nativeQuerySet) release()  { q.Release() }
func (p nativePipeline) release()  { p.layout.Release(); p.Release() }

var nativeUsage = map[bufferUsage]native.BufferUsage{
	usageStorage:  native.BufferUsage_Storage | native.BufferUsage_CopySrc | native.BufferUsage_CopyDst,
	usageUniform:  native.BufferUsage_Uniform | native.BufferUsage_CopyDst,
	usageReadback: native.BufferUsage_MapRead | native.BufferUsage_CopyDst,
	usageQuery:    native.BufferUsage_QueryResolve | native.BufferUsage_CopySrc,
}

func (d *nativeDevice) newBuffer(label string, size uint64, usage bufferUsage) (driverBuffer, error) {
	b, err := d.ref.CreateBuffer(&native.BufferDescriptor{Label: label, Size: size, Usage: nativeUsage[usage]})
	if err = d.check(err); err != nil {
		return nil, err
	}
	return nativeBuffer{b}, nil
}

var nativeBinding = map[bindingKind]native.BufferBindingType{
	bindUniform:   native.BufferBindingType_Uniform,
	bindRead:      native.BufferBindingType_ReadOnlyStorage,
	bindReadWrite: native.BufferBindingType_Storage,
}

func (d *nativeDevice) newPipeline(label, wgsl string, bindings []bindingKind) (driverPipeline, error) {
	module, err := d.ref.CreateShaderModule(&native.ShaderModuleDescriptor{
		Label:          label,
		WGSLDescriptor: &native.ShaderModuleWGSLDescriptor{Code: wgsl},
	})
	if err = d.check(err); err != nil {
		return nil, err
	}
	defer module.Release()
	entries := make([]native.BindGroupLayoutEntry, len(bindings))
	for i, k := range bindings {
		entries[i] = native.BindGroupLayoutEntry{
			Binding: uint32(i), Visibility: native.ShaderStage_Compute,
			Buffer: native.BufferBindingLayout{Type: nativeBinding[k]},
		}
	}
	group, err := d.ref.CreateBindGroupLayout(&native.BindGroupLayoutDescriptor{Label: label, Entries: entries})
	if err = d.check(err); err != nil {
		return nil, err
	}
	layout, err := d.ref.CreatePipelineLayout(&native.PipelineLayoutDescriptor{
		Label: label, BindGroupLayouts: []*native.BindGroupLayout{group},
	})
	if err = d.check(err); err != nil {
		group.Release()
		return nil, err
	}
	defer layout.Release()
	pipe, err := d.ref.CreateComputePipeline(&native.ComputePipelineDescriptor{
		Label: label, Layout: layout,
		Compute: native.ProgrammableStageDescriptor{Module: module, EntryPoint: "main"},
	})
	if err = d.check(err); err != nil {
		group.Release()
		return nil, err
	}
	return nativePipeline{pipe, group}, nil
}

func (d *nativeDevice) newBindGroup(label string, p driverPipeline, bindings []driverBinding) (driverBindGroup, error) {
	entries := make([]native.BindGroupEntry, len(bindings))
	for i, b := range bindings {
		entries[i] = native.BindGroupEntry{
			Binding: uint32(i), Buffer: b.buffer.(nativeBuffer).Buffer, Offset: b.offset, Size: b.size,
		}
	}
	g, err := d.ref.CreateBindGroup(&native.BindGroupDescriptor{
		Label: label, Layout: p.(nativePipeline).layout, Entries: entries,
	})
	if err = d.check(err); err != nil {
		return nil, err
	}
	return nativeBindGroup{g}, nil
}

func (d *nativeDevice) newQuerySet(count uint32) (driverQuerySet, error) {
	q, err := d.ref.CreateQuerySet(&native.QuerySetDescriptor{Type: native.QueryType_Timestamp, Count: count})
	if err = d.check(err); err != nil {
		return nil, err
	}
	return nativeQuerySet{q}, nil
}

func (d *nativeDevice) newEncoder(label string) (driverEncoder, error) {
	e, err := d.ref.CreateCommandEncoder(&native.CommandEncoderDescriptor{Label: label})
	if err = d.check(err); err != nil {
		return nil, err
	}
	return &nativeEncoder{ref: e}, nil
}

func (d *nativeDevice) write(b driverBuffer, offset uint64, data []byte) error {
	return d.check(d.queue.WriteBuffer(b.(nativeBuffer).Buffer, offset, data))
}

func (d *nativeDevice) submit(e driverEncoder) error {
	if e == nil {
		d.queue.Submit()
		return d.check(nil)
	}
	cmd, err := e.(*nativeEncoder).ref.Finish(nil)
	e.release()
	if err = d.check(err); err != nil {
		return err
	}
	d.queue.Submit(cmd)
	cmd.Release()
	return d.check(nil)
}

func (d *nativeDevice) wait() error {
	var waiting backoff
	for !d.ref.Poll(false, nil) {
		waiting.next(d.spin, pause)
	}
	return d.check(nil)
}

func (d *nativeDevice) release() {
	d.queue.Release()
	d.ref.Release()
	d.errorSlot.free()
}

type nativeEncoder struct {
	ref  *native.CommandEncoder
	pass *native.ComputePassEncoder
}

func (e *nativeEncoder) beginPass() { e.pass = e.ref.BeginComputePass(nil) }

func (e *nativeEncoder) dispatch(p driverPipeline, g driverBindGroup, grid [3]uint32) {
	dispatch(e.pass, p.(nativePipeline).ComputePipeline, g.(nativeBindGroup).BindGroup, grid)
}

func (e *nativeEncoder) endPass() error {
	err := e.pass.End()
	e.pass.Release()
	e.pass = nil
	return err
}

func (e *nativeEncoder) copyBuffer(dst driverBuffer, dstOffset uint64, src driverBuffer, srcOffset, size uint64) error {
	return e.ref.CopyBufferToBuffer(src.(nativeBuffer).Buffer, srcOffset, dst.(nativeBuffer).Buffer, dstOffset, size)
}

func (e *nativeEncoder) clear(b driverBuffer, offset, size uint64) error {
	return e.ref.ClearBuffer(b.(nativeBuffer).Buffer, offset, size)
}

func (e *nativeEncoder) timestamp(q driverQuerySet, index uint32) error {
	return e.ref.WriteTimestamp(q.(nativeQuerySet).QuerySet, index)
}

func (e *nativeEncoder) resolve(q driverQuerySet, count uint32, dst driverBuffer) error {
	return e.ref.ResolveQuerySet(q.(nativeQuerySet).QuerySet, 0, count, dst.(nativeBuffer).Buffer, 0)
}

func (e *nativeEncoder) release() { e.ref.Release() }
