package mamba

import "github.com/mambagpu/mambagpu/wgpu"

// readState reads array by array: saving a state takes no device memory.
func (g *gpuBackend) readState(slot int, values []float32) error {
	return g.eachPart(slot, values, wgpu.Download[float32])
}

func (g *gpuBackend) writeState(slot int, values []float32) error {
	return g.eachPart(slot, values, wgpu.Upload[float32])
}

// eachPart calls f with the bytes of slot in every array of states and the
// values that belong there, until it fails.
func (g *gpuBackend) eachPart(slot int, values []float32, f func(b *wgpu.Buffer, offset uint64, part []float32) error) (err error) {
	g.states(func(b *wgpu.Buffer, size uint64) {
		part := values[:size/4]
		values = values[len(part):]
		if err == nil {
			err = f(b, uint64(slot)*size, part)
		}
	})
	return err
}
