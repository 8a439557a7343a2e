package shaders

import (
	"encoding/binary"
	"math"
	"sync/atomic"

	"github.com/mambagpu/mambagpu/wgpu"
)

// Kernels makes dispatches of the kernels on one device. Its methods are safe
// for concurrent use. Pipelines are compiled at first use and kept by the
// device.
type Kernels struct {
	dev    *wgpu.Device
	tuning atomic.Pointer[Tuning]
}

// New returns the kernels of a device.
func New(dev *wgpu.Device) *Kernels { return &Kernels{dev: dev} }

// Device is the device that the kernels run on.
func (k *Kernels) Device() *wgpu.Device { return k.dev }

// dispatch renders and compiles a kernel's variant and binds it.
func (k *Kernels) dispatch(kernel string, variant any, params []byte, grid [3]uint32, buffers ...*wgpu.Buffer) (*wgpu.Dispatch, error) {
	source, err := Source(kernel, variant)
	if err != nil {
		return nil, err
	}
	p, err := k.dev.Pipeline("mamba."+kernel, source)
	if err != nil {
		return nil, err
	}
	return k.dev.NewDispatch(p, params, buffers, grid)
}

// uniform lays out a shader's Params: 32-bit words, padded to 16 bytes. Ints
// become u32, float32 stays.
func uniform(fields ...any) []byte {
	b := make([]byte, 0, 32)
	for _, f := range fields {
		switch v := f.(type) {
		case int:
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		case float32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	for len(b)%16 != 0 {
		b = append(b, 0)
	}
	return b
}

// maxAxis is the number of workgroups that every device takes along one axis.
const maxAxis = 65535

// spread lays n workgroups out over the x and y axes.
func spread(n int) [3]uint32 {
	if n <= maxAxis {
		return [3]uint32{uint32(max(n, 1)), 1, 1}
	}
	rows := ceilDiv(n, maxAxis)
	return [3]uint32{uint32(ceilDiv(n, rows)), uint32(rows), 1}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// orElse is b, or other where an optional buffer is not given: every binding
// that a shader declares must be bound.
func orElse(b, other *wgpu.Buffer) *wgpu.Buffer {
	if b == nil {
		return other
	}
	return b
}

// size is the number of bytes of a buffer, none if it is not there.
func size(b *wgpu.Buffer) uint64 {
	if b == nil {
		return 0
	}
	return b.Size()
}
