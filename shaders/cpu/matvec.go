package cpu

import "github.com/mambagpu/mambagpu/shaders"

// Matvec is Matmul. On a GPU a product of a few rows has its own kernel, one
// that reads each weight once; here the same loops serve both, and give the
// same bits for a row whatever the number of rows.
func Matvec(p shaders.MatmulParams, a, w, bias, c []float32) {
	Matmul(p, a, w, bias, c)
}
