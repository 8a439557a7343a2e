package shaders

import (
	"math"

	"github.com/mambagpu/mambagpu/wgpu"
)

// NoTarget is the target of a row that has none: its loss and gradient are 0.
const NoTarget uint32 = math.MaxUint32

// CrossEntropyParams are the sizes of the cross-entropy of rows of logits:
//
//	losses[OffLoss+r] = log sum_v exp(logits[r,v]) - logits[r,target]
//
// with target = targets[OffTarget+r], and 0 where it is not below Vocab, as
// [NoTarget]. With Gradient the logits are then replaced by the gradient of Scale
// times the sum of the losses:
//
//	logits[r,v] = Scale (exp(logits[r,v]) / sum_w exp(logits[r,w]) - [v = target])
//
// A row with a logit that is NaN or +infinity has the loss NaN.
type CrossEntropyParams struct {
	Rows, Vocab int
	OffTarget   int
	OffLoss     int
	Scale       float32 // such as 1 over the number of targets in all, for the mean
	Gradient    bool
}

// CrossEntropy dispatches the losses (OffLoss+Rows) of logits (Rows, Vocab) with
// targets (OffTarget+Rows).
func (k *Kernels) CrossEntropy(p CrossEntropyParams, logits, targets, losses *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "cross_entropy"}
	c.size("Rows", p.Rows, 1, maxElements)
	c.size("Vocab", p.Vocab, 1, maxElements)
	c.size("OffTarget", p.OffTarget, 0, maxElements)
	c.size("OffLoss", p.OffLoss, 0, maxElements)
	c.words("logits", size(logits), p.Rows*p.Vocab)
	c.words("targets", size(targets), p.OffTarget+p.Rows)
	c.words("losses", size(losses), p.OffLoss+p.Rows)
	if c.err != nil {
		return nil, c.err
	}
	params := uniform(p.Rows, p.Vocab, p.OffTarget, p.OffLoss, p.Scale)
	return k.dispatch("cross_entropy", p.variant(), params, spread(p.Rows), logits, targets, losses)
}

// crossEntropyHeld is the most vectors of a row that an invocation holds in registers, all
// of one of 16384 logits: so few leave room for enough invocations.
const crossEntropyHeld = 16

// crossEntropyVariant is what changes the code of cross_entropy.
type crossEntropyVariant struct {
	Vec, Gradient bool
	Held          int  // vectors, or elements, of a row in an invocation's registers
	Rest          bool // there are more
}

func (p CrossEntropyParams) variant() crossEntropyVariant {
	v := crossEntropyVariant{Vec: p.Vocab%4 == 0, Gradient: p.Gradient}
	each := ceilDiv(p.Vocab, 256)
	if v.Vec {
		each = ceilDiv(p.Vocab/4, 256)
	}
	v.Held = min(crossEntropyHeld, each)
	v.Rest = each > v.Held
	return v
}
