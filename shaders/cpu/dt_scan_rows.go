package cpu

import "github.com/mambagpu/mambagpu/shaders"

// DtScanRows is DtScanStep of whole sums, one group. On a GPU many sequences have their
// own kernel, one that reads A and W_dt less often; here the same loops serve both.
func DtScanRows(p shaders.DtScanStepParams, uz, sums, wdt, weights []float32, slots []uint32, state, y []float32) {
	DtScanStep(p, uz, sums, wdt, weights, slots, state, y)
}
