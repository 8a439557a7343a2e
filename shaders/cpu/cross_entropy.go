package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// CrossEntropy is the cross-entropy of rows of logits:
//
//	losses[OffLoss+r] = log sum_v exp(logits[r,v]) - logits[r,target]
//
// with target = targets[OffTarget+r], and 0 where it is not below Vocab, as
// [shaders.NoTarget]. With Gradient the logits are then replaced by
//
//	Scale (exp(logits[r,v]) / sum_w exp(logits[r,w]) - [v = target])
//
// logits is (Rows, Vocab).
func CrossEntropy(p shaders.CrossEntropyParams, logits []float32, targets []uint32, losses []float32) {
	parallel(p.Rows, 20*p.Vocab, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := logits[r*p.Vocab : (r+1)*p.Vocab]
			target := targets[p.OffTarget+r]
			if uint64(target) >= uint64(p.Vocab) {
				losses[p.OffLoss+r] = 0
				if p.Gradient {
					clear(row)
				}
				continue
			}
			top, sum := math.Inf(-1), 0.0
			for _, v := range row {
				top = math.Max(top, float64(v))
			}
			for _, v := range row {
				sum += math.Exp(float64(v) - top)
			}
			losses[p.OffLoss+r] = float32(top - float64(row[target]) + math.Log(sum))
			if !p.Gradient {
				continue
			}
			for v := range row {
				share := math.Exp(float64(row[v])-top) / sum
				if v == int(target) {
					share -= 1
				}
				row[v] = float32(float64(p.Scale) * share)
			}
		}
	})
}
