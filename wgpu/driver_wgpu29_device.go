//go:build cgo && wgpu29 && (linux || windows || darwin) && (amd64 || arm64)

package wgpu

import (
	"time"

	native "github.com/oliverbestmann/webgpu/wgpu"
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
	usageStorage:  native.BufferUsageStorage | native.BufferUsageCopySrc | native.BufferUsageCopyDst,
	usageUniform:  native.BufferUsageUniform | native.BufferUsageCopyDst,
	usageReadback: native.BufferUsageMapRead | native.BufferUsageCopyDst,
	usageQuery:    native.BufferUsageQueryResolve | native.BufferUsageCopySrc,
}

func (d *nativeDevice) newBuffer(label string, size uint64, usage bufferUsage) (driverBuffer, error) {
	b, err := owned(d.ref.TryCreateBuffer(&native.BufferDescriptor{Label: label, Size: size, Usage: nativeUsage[usage]}))
	if err = d.check(err); err != nil {
		b.Release()
		return nil, err
	}
	return nativeBuffer{b}, nil
}

var nativeBinding = map[bindingKind]native.BufferBindingType{
	bindUniform:   native.BufferBindingTypeUniform,
	bindRead:      native.BufferBindingTypeReadOnlyStorage,
	bindReadWrite: native.BufferBindingTypeStorage,
}

func (d *nativeDevice) newPipeline(label, wgsl string, bindings []bindingKind) (driverPipeline, error) {
	module, err := d.newModule(label, wgsl)
	if err != nil {
		return nil, err
	}
	defer module.Release()
	entries := make([]native.BindGroupLayoutEntry, len(bindings))
	for i, k := range bindings {
		entries[i] = native.BindGroupLayoutEntry{
			Binding: uint32(i), Visibility: native.ShaderStageCompute,
			Buffer: native.BufferBindingLayout{Type: nativeBinding[k]},
		}
	}
	group, err := owned(d.ref.TryCreateBindGroupLayout(&native.BindGroupLayoutDescriptor{Label: label, Entries: entries}))
	if err = d.check(err); err != nil {
		group.Release()
		return nil, err
	}
	layout, err := owned(d.ref.TryCreatePipelineLayout(&native.PipelineLayoutDescriptor{
		Label: label, BindGroupLayouts: []*native.BindGroupLayout{group},
	}))
	defer layout.Release()
	if err = d.check(err); err != nil {
		group.Release()
		return nil, err
	}
	pipe, err := owned(d.ref.TryCreateComputePipeline(&native.ComputePipelineDescriptor{
		Label: label, Layout: layout,
		Compute: native.ProgrammableStageDescriptor{Module: module, EntryPoint: "main"},
	}))
	if err = d.check(err); err != nil {
		pipe.Release()
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
	g, err := owned(d.ref.TryCreateBindGroup(&native.BindGroupDescriptor{
		Label: label, Layout: p.(nativePipeline).layout, Entries: entries,
	}))
	if err = d.check(err); err != nil {
		g.Release()
		return nil, err
	}
	return nativeBindGroup{g}, nil
}

func (d *nativeDevice) newQuerySet(count uint32) (driverQuerySet, error) {
	q, err := owned(d.ref.TryCreateQuerySet(&native.QuerySetDescriptor{Type: native.QueryTypeTimestamp, Count: count}))
	if err = d.check(err); err != nil {
		q.Release()
		return nil, err
	}
	return nativeQuerySet{q}, nil
}

func (d *nativeDevice) newEncoder(label string) (driverEncoder, error) {
	e, err := owned(d.ref.TryCreateCommandEncoder(&native.CommandEncoderDescriptor{Label: label}))
	if err = d.check(err); err != nil {
		e.Release()
		return nil, err
	}
	return &nativeEncoder{ref: e}, nil
}

func (d *nativeDevice) write(b driverBuffer, offset uint64, data []byte) error {
	return d.check(d.queue.TryWriteBuffer(b.(nativeBuffer).Buffer, offset, data))
}

func (d *nativeDevice) submit(e driverEncoder) error {
	if e == nil {
		d.queue.Submit()
		return d.check(nil)
	}
	cmd, err := owned(e.(*nativeEncoder).ref.TryFinish(nil))
	defer cmd.Release()
	e.release()
	if err = d.check(err); err != nil {
		return err
	}
	d.queue.Submit(cmd)
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

func (e *nativeEncoder) beginPass() { e.pass = own(e.ref.BeginComputePass(nil)) }

func (e *nativeEncoder) dispatch(p driverPipeline, g driverBindGroup, grid [3]uint32) {
	e.pass.SetPipeline(p.(nativePipeline).ComputePipeline)
	e.pass.SetBindGroup(0, g.(nativeBindGroup).BindGroup, nil)
	e.pass.DispatchWorkgroups(grid[0], grid[1], grid[2])
}

func (e *nativeEncoder) endPass() error {
	err := e.pass.TryEnd()
	e.pass.Release()
	e.pass = nil
	return err
}

func (e *nativeEncoder) copyBuffer(dst driverBuffer, dstOffset uint64, src driverBuffer, srcOffset, size uint64) error {
	return e.ref.TryCopyBufferToBuffer(src.(nativeBuffer).Buffer, srcOffset, dst.(nativeBuffer).Buffer, dstOffset, size)
}

func (e *nativeEncoder) clear(b driverBuffer, offset, size uint64) error {
	return e.ref.TryClearBuffer(b.(nativeBuffer).Buffer, offset, size)
}

// timestamp writes at the start of an empty pass: this way needs no more than
// WebGPU's own feature, writing into the encoder one of the library's.
func (e *nativeEncoder) timestamp(q driverQuerySet, index uint32) error {
	pass := own(e.ref.BeginComputePass(&native.ComputePassDescriptor{
		TimestampWrites: &native.PassTimestampWrites{
			QuerySet:                  q.(nativeQuerySet).QuerySet,
			BeginningOfPassWriteIndex: index,
			EndOfPassWriteIndex:       native.QuerySetIndexUndefined,
		},
	}))
	defer pass.Release()
	return pass.TryEnd()
}

func (e *nativeEncoder) resolve(q driverQuerySet, count uint32, dst driverBuffer) error {
	return e.ref.TryResolveQuerySet(q.(nativeQuerySet).QuerySet, 0, count, dst.(nativeBuffer).Buffer, 0)
}

func (e *nativeEncoder) release() { e.ref.Release() }
