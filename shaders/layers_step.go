package shaders

import (
	"fmt"

	"github.com/mambagpu/mambagpu/wgpu"
)

// LayersStepParams are the sizes of a step of all layers for one sequence, whose
// workgroups wait for each other. It is what InProjStep, DtScanStep and Matvec do, layer
// by layer.
//
// The arrays of parameters have the layers' one after the other, each padded to
// [LayerBytes]. The states are (Layers, slots, ...), a layer's padded likewise.
type LayersStepParams struct {
	Layers     int
	Width      int // d_model, a multiple of 4 and of Stride(Weights, 1)
	Channels   int // d_inner, a multiple of Stride(XWeights, 1) and of Stride(OutWeights, 1)
	Taps       int // d_conv, 2 to 8
	Rank       int // dt_rank
	States     int // d_state, a multiple of 4
	Slots      int // states there are
	Eps        float32
	Weights    DType // of W_in; all types are floats
	XWeights   DType // of W_x
	DtWeights  DType // of W_dt
	OutWeights DType // of W_out
	ConvBias   bool
	Workgroups int // that the device runs at the same time
}

// LayerBytes is the size of a layer's part of an array of all layers, which may so be
// bound alone.
func LayerBytes(size uint64) uint64 { return (size + 255) / 256 * 256 }

// layersStepTries is how many times an invocation asks for what others send: a small
// part of a second on a GPU, and less than the iterations that every driver allows.
const layersStepTries = 60000

// layersStepHeld bounds the vectors of weights that an invocation holds: all it needs of
// a layer. With more there are not registers enough, and the kernel is slower than one for
// each part of a layer: with all of 2.8b's weights of 4 bits held, a layer took 42 us on an
// H100, where three dispatches take 29.
const layersStepHeld = 32

type layersPhase struct {
	rowDots
	Name    string // of its weights
	Phase   string
	First   string // of the workgroup's rows
	Vectors int    // from one layer's weights to the next
	At      int    // where its activations are in an area of mail
}

type layersStepVariant struct {
	Width, Channels, Taps, Rank, States int
	ConvBias                            bool
	Weights                             string // of W_dt
	Workgroups, Threads, Limit          int
	Own, XOwn, OutOwn                   int // channels and rows of a workgroup
	XGroups                             int // workgroups that have rows of W_x
	U, Z, X, Y                          layersPhase
	Outputs                             int
	Stages, NormQuads                   int
	Quads                               int // of a channel's states
	Pairs, Shares, PerShare             int // of W_dt dt, as in dtScanStepVariant
	ScanAt, Pool, TotalsPool, Memory    int
	PAt, YAt, RAt, AreaWords            int // of mail: u, then dt, B and C, y, the residual
	SmallWords, WeightsWords, WdtPairs  int // from one layer to the next
}

// Phases are the products in their order.
func (v layersStepVariant) Phases() []layersPhase { return []layersPhase{v.U, v.Z, v.X, v.Y} }

// LayersStepBuffers is the number of storage buffers of LayersStep's kernel, more than every device
// has.
const LayersStepBuffers = 11

// LayersStepFits reports whether LayersStep takes a model's sizes on a device: a
// workgroup's part of a layer fits its registers, and there are bindings enough.
func LayersStepFits(p LayersStepParams, l wgpu.Limits) bool {
	if p.check() != nil || l.MaxStorageBuffers < LayersStepBuffers {
		return false
	}
	v, held := p.variant(), 0
	for _, phase := range v.Phases() {
		held += phase.Each * phase.Take
	}
	return held <= layersStepHeld && v.Memory <= maxStepMemory
}

// LayersStep dispatches the step of residual (Width) through all layers, in two
// dispatches, of which each readies mail for the other. mail has MailWords, zero before the
// first step. If its first word is not zero after a step, a workgroup waited in vain: the
// states and the residual are lost. Errors: [ShapeError], [wgpu.LimitError] on a device
// with fewer than 11 storage buffers for a kernel.
func (k *Kernels) LayersStep(p LayersStepParams, residual, w, small, slots, wx, past, wdt, weights, state, wout, mail *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	return k.layersStep(p, p.Workgroups, residual, w, small, slots, wx, past, wdt, weights, state, wout, mail)
}

// layersStep is LayersStep with so many workgroups, which are fewer than p says in a test.
func (k *Kernels) layersStep(p LayersStepParams, workgroups int, residual, w, small, slots, wx, past, wdt, weights, state, wout, mail *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := p.checkBuffers(residual, w, small, slots, wx, past, wdt, weights, state, wout, mail); err != nil {
		return nil, err
	}
	if have := k.dev.Limits().MaxStorageBuffers; have < LayersStepBuffers {
		return nil, &wgpu.LimitError{Label: "layers_step", Name: "MaxStorageBuffers", Need: LayersStepBuffers, Have: uint64(have)}
	}
	v, half := p.variant(), p.half()
	set := half * v.AreaWords
	var runs []*wgpu.Dispatch
	for i, layers := range [][2]int{{0, half}, {half, p.Layers}} {
		params := uniform(p.Eps, mailHead+i*set, mailHead+(1-i)*set, set, layers[0], layers[1],
			p.pastBytes()/4, p.stateBytes()/16)
		d, err := k.dispatch("layers_step", v, params, [3]uint32{uint32(workgroups), 1, 1},
			residual, w, small, slots, wx, past, wdt, weights, state, wout, mail)
		if err != nil {
			return nil, err
		}
		runs = append(runs, d)
	}
	return runs, nil
}

// mailHead is the number of words before the first area: the flag and the rest of its
// line of memory.
const mailHead = 32

// half is the number of layers of the first dispatch.
func (p LayersStepParams) half() int { return ceilDiv(p.Layers, 2) }

// MailWords is the number of words of mail.
func (p LayersStepParams) MailWords() int { return mailHead + 2*p.half()*p.variant().AreaWords }

func (p LayersStepParams) outputs() int { return p.Rank + 2*p.States }

// The bytes from one layer to the next.
func (p LayersStepParams) matrixBytes(t DType, rows, cols int) int {
	return int(LayerBytes(MatrixBytes(t, rows, cols)))
}

func (p LayersStepParams) smallBytes() int {
	n := p.Width + p.Channels*p.Taps
	if p.ConvBias {
		n += p.Channels
	}
	return int(LayerBytes(uint64(4 * n)))
}

func (p LayersStepParams) weightsBytes() int {
	return int(LayerBytes(uint64(4 * p.Channels * (p.States + 2))))
}
func (p LayersStepParams) pastBytes() int {
	return int(LayerBytes(uint64(4 * p.Slots * p.Channels * (p.Taps - 1))))
}
func (p LayersStepParams) stateBytes() int {
	return int(LayerBytes(uint64(4 * p.Slots * p.Channels * p.States)))
}
func (p LayersStepParams) wdtBytes() int {
	return int(LayerBytes(uint64(p.Rank * ceilDiv(p.Channels, 2) * 2 * p.DtWeights.Bits() / 8)))
}

// threads is the number of invocations of a workgroup: as many whole sets of lanes for
// W_in as fit.
func (p LayersStepParams) threads() int {
	lanes := rowShape{1, 2 * p.Channels, p.Width, p.Weights, true}.heldLanes()
	return ceilDiv(max(256/lanes, 1)*lanes, 32) * 32
}

// phase shares rows of weights (n, k) that a workgroup has among its invocations.
func (p LayersStepParams) phase(phase, name, first string, n, k, rows int, t DType, norm bool) layersPhase {
	s, threads := rowShape{1, n, k, t, norm}, p.threads()
	lanes := min(s.heldLanes(), threads)
	sets := max(min(threads/lanes, rows), 1)
	each := ceilDiv(rows, sets)
	v := s.held(lanes, sets, each, each, threads)
	return layersPhase{rowDots: v, Name: name, Phase: phase, First: first, Vectors: p.matrixBytes(t, n, k) / 16}
}

func (p LayersStepParams) variant() layersStepVariant {
	v := layersStepVariant{
		Width: p.Width, Channels: p.Channels, Taps: p.Taps, Rank: p.Rank, States: p.States, ConvBias: p.ConvBias,
		Weights: p.DtWeights.String(), Workgroups: p.Workgroups, Threads: p.threads(), Limit: layersStepTries, Outputs: p.outputs(),
		NormQuads: p.Width / 4, Quads: p.States / 4,
		SmallWords: p.smallBytes() / 4, WeightsWords: p.weightsBytes() / 4, WdtPairs: p.wdtBytes() / (2 * p.DtWeights.Bits() / 8),
	}
	v.Own = ceilDiv(ceilDiv(p.Channels, p.Workgroups), 2) * 2 // pairs of them
	v.XOwn, v.OutOwn = ceilDiv(v.Outputs, p.Workgroups), ceilDiv(p.Width, p.Workgroups)
	v.XGroups = ceilDiv(v.Outputs, v.XOwn)
	own := func(n int) string { return fmt.Sprintf("g * %du", n) }
	v.U = p.phase("u", "_in", own(v.Own), 2*p.Channels, p.Width, v.Own, p.Weights, true)
	v.Z = p.phase("z", "_in", fmt.Sprintf("%du + %s", p.Channels, own(v.Own)), 2*p.Channels, p.Width, v.Own, p.Weights, true)
	v.X = p.phase("x", "_x", own(v.XOwn), v.Outputs, p.Channels, v.XOwn, p.XWeights, false)
	v.Y = p.phase("y", "_out", own(v.OutOwn), p.Width, p.Channels, v.OutOwn, p.OutWeights, false)
	v.Stages = ceilDiv(v.NormQuads, v.Threads)
	v.Pairs = v.Own / 2
	v.Shares = max(min(16, v.Threads/v.Pairs, p.Rank), 1)
	v.PerShare = ceilDiv(p.Rank, v.Shares)
	v.ScanAt = ceilDiv(v.Own*v.Shares, 4)
	v.Pool = v.ScanAt + v.Threads/4
	for _, phase := range v.Phases() {
		v.Pool = max(v.Pool, phase.Pool)
		v.TotalsPool = max(v.TotalsPool, phase.Left*phase.Totals)
	}
	v.Memory = 16*v.Pool + 4*(v.TotalsPool+v.Own+v.Outputs)
	line := func(n int) int { return ceilDiv(n, 32) * 32 }
	v.PAt = line(p.Channels)
	v.YAt = v.PAt + line(v.Outputs)
	v.RAt = v.YAt + line(p.Channels)
	v.AreaWords = v.RAt + line(p.Width)
	v.Y.At = v.YAt
	return v
}

func (p LayersStepParams) check() error {
	c := check{kernel: "layers_step"}
	c.size("Layers", p.Layers, 1, maxAxis)
	c.size("Width", p.Width, 4, 3000)
	c.size("Channels", p.Channels, 1, maxAxis)
	c.size("Taps", p.Taps, 2, 8)
	c.size("States", p.States, 4, 256)
	c.size("Rank", p.Rank, 1, MaxDtScanStepOutputs-2*p.States)
	c.size("Slots", p.Slots, 1, maxElements)
	c.size("Workgroups", p.Workgroups, 1, maxAxis)
	c.whole("Width", p.Width, p.Weights)
	c.whole("Channels", p.Channels, p.XWeights)
	c.whole("Channels", p.Channels, p.OutWeights)
	c.off("quantised weights", p.Weights.Quantized() || p.XWeights.Quantized() || p.DtWeights.Quantized() || p.OutWeights.Quantized())
	if c.err == nil && p.States%4 != 0 {
		c.err = &ShapeError{c.kernel, "States", fmt.Sprint(p.States), "a multiple of 4"}
	}
	if c.err != nil {
		return c.err
	}
	// Of every kind a workgroup has no more rows than invocations.
	threads, w := p.threads(), p.Workgroups
	c.size("Channels of a workgroup", ceilDiv(ceilDiv(p.Channels, w), 2)*2*p.States/4, 1, threads)
	c.size("rows of W_x of a workgroup", ceilDiv(p.outputs(), w), 1, threads)
	c.size("rows of W_out of a workgroup", ceilDiv(p.Width, w), 1, threads)
	if c.err == nil {
		c.size("blocks of activations", p.Width*p.Weights.Bits()/128, 1, p.variant().U.Pitch)
	}
	return c.err
}

func (p LayersStepParams) checkBuffers(residual, w, small, slots, wx, past, wdt, weights, state, wout, mail *wgpu.Buffer) error {
	c := check{kernel: "layers_step"}
	all := func(arg string, b *wgpu.Buffer, layer int) { c.words(arg, size(b), p.Layers*layer/4) }
	c.words("residual", size(residual), p.Width)
	all("w", w, p.matrixBytes(p.Weights, 2*p.Channels, p.Width))
	all("small", small, p.smallBytes())
	c.words("slots", size(slots), 1)
	all("wx", wx, p.matrixBytes(p.XWeights, p.outputs(), p.Channels))
	all("past", past, p.pastBytes())
	all("wdt", wdt, p.wdtBytes())
	all("weights", weights, p.weightsBytes())
	all("state", state, p.stateBytes())
	all("wout", wout, p.matrixBytes(p.OutWeights, p.Width, p.Channels))
	c.words("mail", size(mail), p.MailWords())
	return c.err
}
