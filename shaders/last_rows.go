package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// LastRowsParams are the sizes of one gathering of sequences' last rows:
//
//	y[b] = x[first + rows - 1]   of sequence b
type LastRowsParams struct {
	Batch, Length int
	Width         int // d_model
	Packing
}

// LastRows dispatches the gathering of x's last rows into y (Batch, Width).
func (k *Kernels) LastRows(p LastRowsParams, x, slots, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "last_rows"}
	c.size("Batch", p.Batch, 1, maxAxis)
	c.size("Length", p.Length, 1, maxElements)
	c.size("Width", p.Width, 1, maxElements)
	c.packing(p.Packing, p.Batch, p.Length)
	c.words("x", size(x), p.Total(p.Batch, p.Length)*p.Width)
	c.words("slots", size(slots), p.slotWords(p.Batch))
	c.words("y", size(y), p.Batch*p.Width)
	if c.err != nil {
		return nil, c.err
	}
	grid := [3]uint32{uint32(ceilDiv(p.Width, 64)), uint32(p.Batch), 1}
	return k.dispatch("last_rows", p.Packing, uniform(p.Length, p.Width), grid, x, slots, y)
}
