package cpu

import "github.com/mambagpu/mambagpu/shaders"

// MatmulLanes is Matmul. On a GPU a product of some rows has its own kernel, in which
// invocations share sums; here the same loops serve all.
func MatmulLanes(p shaders.MatmulParams, a, w, bias, c []float32) {
	Matmul(p, a, w, bias, c)
}
