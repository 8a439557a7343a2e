package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// FlowOutStepParams are the sizes of the second of two dispatches of a layer's step of one
// sequence, from x_proj's sums to those of out_proj:
//
//	d = softplus(W_dt dt + bias)             (Channels)
//	h = exp(d A) . h + (d u) B               (Channels, States)
//	y = (sum_n h C + D u) silu(z)            (Channels)
//	out_proj's sums += W_out y               (Width)
//
// Weights and the state are those of DtScanStep.
type FlowOutStepParams struct {
	Width      int   // d_model, a multiple of 4
	Channels   int   // d_inner, a multiple of 16, of 32 of quantised OutWeights
	Rank       int   // dt_rank
	States     int   // d_state, 1 to 128
	DtWeights  DType // of W_dt, floats
	OutWeights DType // of W_out, floats
}

// flowOutLoads bounds the vectors of W_out that an invocation holds, flowOutWorth those with
// which it is worth it: with the six of 130m in float16 a step takes less than by three
// dispatches a layer, with the eight of 370m it does not.
const (
	flowOutLoads = 16
	flowOutWorth = 6
)

// flowOutLanes is the number of invocations that share a channel of the scan: with 16
// channels to a workgroup a small model has nearly as many as an H100 has processors.
const flowOutLanes = 16

type flowOutStepVariant struct {
	Scan    dtScanStepVariant
	Product rowDots // for the reading of W_out
	Take    int     // blocks of 16 bytes of a row of W_out that a workgroup reads
	Turns   int     // rows of each invocation
	Memory  int
}

// OutSums is the sums of out_proj.
func (v flowOutStepVariant) OutSums() binSums {
	return binSums{"out", v.Scan.Flow.Out, v.Scan.Flow.OutCount, false}
}

// FlowOutStep dispatches the half step of flow with wdt, laid out by [TransposePairs], and w,
// W_out (Width, Channels), laid out by [BlockColumns], from and to the state of the given slot
// (1), into flow.
func (k *Kernels) FlowOutStep(p FlowOutStepParams, flow, wdt, weights, slots, state, w *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check(flow, wdt, weights, slots, state, w); err != nil {
		return nil, err
	}
	v := p.variant()
	return k.dispatch("flow_out_step", v, uniform(p.Width), spread(p.Channels/v.Scan.Columns), flow, wdt, weights, slots, state, w)
}

// BlockColumns lays a matrix of so many rows of whole blocks of 16 bytes out by columns of
// blocks: neighbouring rows' parts of the same columns lie side by side.
func BlockColumns(image []byte, rows int) []byte {
	out := make([]byte, len(image))
	transposeUnits(out, image, rows, 16)
	return out
}

// FlowOutStepFits reports whether FlowOutStep takes a model's sizes and is worth it.
func FlowOutStepFits(p FlowOutStepParams) bool {
	c := check{kernel: "flow_out_step"}
	p.sizes(&c)
	return c.err == nil && p.variant().loads() <= flowOutWorth
}

// Flow is the flow of the layer.
func (p FlowOutStepParams) Flow() StepFlow { return StepFlow{p.Width, p.Channels, p.Rank + 2*p.States} }

func (p FlowOutStepParams) variant() flowOutStepVariant {
	scan := DtScanStepParams{Rows: 1, Channels: p.Channels, Rank: p.Rank, States: p.States, Groups: 1, Weights: p.DtWeights}
	v := flowOutStepVariant{Scan: scan.of(flowOutLanes)}
	v.Scan.Flow = &flowVariant{flowPlaces: p.Flow().places()}
	v.Product = rowShape{1, p.Width, p.Channels, p.OutWeights, false}.of(8, 1, 1, 256)
	v.Product.Pool = v.Scan.ScanPool
	v.Take = v.Scan.Columns * p.OutWeights.Bits() / 128
	v.Turns = ceilDiv(p.Width, 256)
	v.Memory = 16*v.Product.Pool + 4*v.Scan.Columns
	return v
}

// loads is the number of vectors of W_out of an invocation.
func (v flowOutStepVariant) loads() int { return v.Turns * v.Take }

func (p FlowOutStepParams) sizes(c *check) {
	c.size("Width", p.Width, 1, maxElements)
	c.multiple("Width", p.Width, 4)
	c.size("Channels", p.Channels, 1, maxElements/2)
	c.size("States", p.States, 1, 128)
	c.size("Rank", p.Rank, 1, MaxDtScanStepOutputs-2*p.States)
	c.off("quantised weights of W_dt", p.DtWeights.Quantized())
	c.off("quantised weights of W_out", p.OutWeights.Quantized())
	if c.err != nil {
		return
	}
	v := p.variant()
	c.multiple("Channels", p.Channels, v.Scan.Columns)
	c.size("groups of channels", p.Channels/v.Scan.Columns, 1, MaxFlowParts)
	c.size("vectors of W_out of an invocation", v.loads(), 1, flowOutLoads)
}

func (p FlowOutStepParams) check(flow, wdt, weights, slots, state, w *wgpu.Buffer) error {
	c := check{kernel: "flow_out_step"}
	p.sizes(&c)
	if c.err != nil {
		return c.err
	}
	c.words("flow", size(flow), p.Flow().Words())
	c.words("wdt", size(wdt), p.Rank*ceilDiv(p.Channels, 2)*2*p.DtWeights.Bits()/32)
	c.words("weights", size(weights), p.Channels*(p.States+2))
	c.words("slots", size(slots), 1)
	c.words("state", size(state), p.Channels*p.States)
	c.words("w", size(w), int(MatrixBytes(p.OutWeights, p.Width, p.Channels)/4))
	return c.err
}
