package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// ScanGateStepParams are the sizes of the second part of a layer's step whose first part
// was an InProjStep with Split:
//
//	(dt, B, C) = sum_g parts[g]              (Rank + 2 States)
//	d = softplus(W_dt dt + bias)             (Channels)
//	h = exp(d A) . h + (d u) B               (Channels, States)
//	y = sum_n h C + D u                      (Channels)
//	gate = silu(W_z x)                       (Channels)
//
// W_z is the second half of W_in's rows. Arrays are laid out as those of DtScanStep;
// behind the sums parts has x (Rows, Width), as planes ([Plane]) for W_in, yet to be
// multiplied by the factors (Rows) that come last. y and the gate are planes for W_out.
type ScanGateStepParams struct {
	Rows       int // sequences, 1 to MaxInProjStepRows
	Width      int // d_model, up to MaxScanGateStepWidth
	Channels   int // d_inner
	Rank       int // dt_rank
	States     int // d_state, 1 to 256
	Groups     int
	Weights    DType // of W_in; Width is a multiple of Stride(Weights, 1)
	DtWeights  DType // of W_dt, floats
	OutWeights DType // of W_out; Channels is a multiple of Stride(OutWeights, 1)
}

// MaxScanGateStepWidth is the largest Width that ScanGateStep takes.
const MaxScanGateStepWidth = 8192

type scanGateStepVariant struct {
	Scan       dtScanStepVariant
	Product    rowDots
	ScanGroups int // workgroups of a sequence's scan
	Memory     int
}

// ScanGateStep dispatches the half step of parts with wdt, laid out by
// [TransposePairs], and w, W_in (2 Channels, Width), from and to the state of the given
// slots (Rows), from u (Rows, Channels) into yz (Rows, 2 Channels): y, then the gate.
func (k *Kernels) ScanGateStep(p ScanGateStepParams, parts, wdt, weights, slots, w, u, state, yz *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check(parts, wdt, weights, slots, w, u, state, yz); err != nil {
		return nil, err
	}
	v := p.variant()
	grid := spread(p.Rows*v.ScanGroups + ceilDiv(p.Channels, v.Product.Columns))
	return k.dispatch("scan_gate_step", v, uniform(p.Rows), grid, parts, wdt, weights, slots, w, u, state, yz)
}

// scan is the part that DtScanStep does.
func (p ScanGateStepParams) scan() DtScanStepParams {
	return DtScanStepParams{
		Rows: p.Rows, Channels: p.Channels, Rank: p.Rank, States: p.States, Groups: p.Groups, Weights: p.DtWeights,
	}
}

func (p ScanGateStepParams) variant() scanGateStepVariant {
	v := scanGateStepVariant{
		Scan:    p.scan().variant(),
		Product: rowShape{p.Rows, 2 * p.Channels, p.Width, p.Weights, false}.planarRows(256),
	}
	v.Scan.Gate, v.Scan.Planes = true, 32/p.OutWeights.Bits()
	v.ScanGroups = ceilDiv(p.Channels, v.Scan.Columns)
	v.Product.Pool = max(v.Product.Pool, v.Scan.ScanPool)
	v.Memory = v.Product.memory()
	return v
}

// PartsCount is the number of elements of parts.
func (p ScanGateStepParams) PartsCount() int {
	return p.Groups*p.Rows*partsStride(p.Rank+2*p.States) + normCount(p.Rows, p.Width)
}

// normCount is the number of elements of normalised rows and their factors.
func normCount(rows, width int) int { return rows*width + 4 }

func (p ScanGateStepParams) check(parts, wdt, weights, slots, w, u, state, yz *wgpu.Buffer) error {
	c := check{kernel: "scan_gate_step"}
	c.size("Rows", p.Rows, 1, MaxInProjStepRows)
	c.size("Width", p.Width, 1, MaxScanGateStepWidth)
	c.size("Channels", p.Channels, 1, maxElements/2)
	c.size("States", p.States, 1, 256)
	c.size("Rank", p.Rank, 1, MaxDtScanStepOutputs-2*p.States)
	c.size("Groups", p.Groups, 1, maxElements)
	c.whole("Width", p.Width, p.Weights)
	c.whole("Channels", p.Channels, p.OutWeights)
	c.off("quantised weights of W_dt", p.DtWeights.Quantized())
	if c.err != nil {
		return c.err
	}
	c.words("parts", size(parts), p.PartsCount())
	c.words("wdt", size(wdt), p.Rank*ceilDiv(p.Channels, 2)*2*p.DtWeights.Bits()/32)
	c.words("weights", size(weights), p.Channels*(p.States+2))
	c.words("slots", size(slots), p.Rows)
	c.words("w", size(w), int(MatrixBytes(p.Weights, 2*p.Channels, p.Width)/4))
	c.words("state", size(state), p.Channels*p.States)
	c.words("u", size(u), p.Rows*p.Channels)
	c.words("yz", size(yz), p.Rows*2*p.Channels)
	return c.err
}
