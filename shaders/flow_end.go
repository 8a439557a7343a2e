package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// FlowEndParams are the sizes of what ends a step whose layers hand on what they computed by
// flows (StepFlow): the residual is that of the last layer plus out_proj's sums, and the sums
// of all flows are zero again.
//
// The flows lie in two arrays, those of even layers and those of odd ones, since a dispatch
// reads the one of the layer before and writes the next. In each they are [LayerBytes] apart.
type FlowEndParams struct {
	Layers int
	Flow   StepFlow
}

type flowEndVariant struct {
	flowPlaces
	Layers, Width int
	Stride        int // words from one flow to the next
	ZeroQuads     int // of a flow
	Last          string
	LastAt        int
}

// Sums is the sums of the last layer.
func (v flowEndVariant) Sums() binSums { return binSums{"out", v.LastAt + v.Out, v.OutCount, false} }

// ArrayWords is the size of each of the two arrays in words.
func (p FlowEndParams) ArrayWords() int { return ceilDiv(p.Layers, 2) * p.stride() }

func (p FlowEndParams) stride() int { return int(LayerBytes(4*uint64(p.Flow.Words())) / 4) }

// FlowEnd dispatches the end of a step, of the flows of even and odd layers, into residual
// (Width).
func (k *Kernels) FlowEnd(p FlowEndParams, even, odd, residual *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "flow_end"}
	c.size("Layers", p.Layers, 1, maxAxis)
	c.multiple("Width", p.Flow.Width, 4)
	if c.err == nil {
		c.words("even", size(even), p.ArrayWords())
		c.words("odd", size(odd), p.ArrayWords())
		c.words("residual", size(residual), p.Flow.Width)
	}
	if c.err != nil {
		return nil, c.err
	}
	v := flowEndVariant{
		flowPlaces: p.Flow.places(), Layers: p.Layers, Width: p.Flow.Width, Stride: p.stride(), ZeroQuads: p.Flow.SumWords() / 4,
		Last: "even", LastAt: (p.Layers - 1) / 2 * p.stride(),
	}
	if p.Layers%2 == 0 {
		v.Last = "odd"
	}
	return k.dispatch("flow_end", v, uniform(p.Layers), spread(1+ceilDiv((p.Layers-1)*v.ZeroQuads, 256)), even, odd, residual)
}
