// Package opsfile reads files of reference vectors, safetensors in the format
// of testdata/ops.safetensors, and runs them on a device or through the
// kernels' twins.
//
//	f, err := opsfile.Open("ops.safetensors")
//	if err != nil {
//		return err
//	}
//	defer f.Close()
//	for _, c := range f.Cases {
//		outputs, err := c.RunGPU(kernels) // or c.RunTwin()
//		...
//		for _, out := range outputs {
//			fmt.Println(c.Name, out.Tensor, out.Compare().Pass)
//		}
//	}
//
// # Format
//
// A case is all tensors of one prefix scan.K or conv.K, where K is any text
// without a dot. Shapes are row-major, the last axis contiguous: B batch, L
// length, D channels, N states (1 to 256), K filter width (2 to 8). Elements
// are F32, F16, BF16 or F64, which are rounded to float32.
//
//	scan.K.  u, delta     (B, D, L)  delta before bias and softplus
//	         A            (D, N)
//	         B, C         (B, N, L)
//	         D            (D)        may be missing
//	         z            (B, D, L)  may be missing
//	         delta_bias   (D)        may be missing
//	         h0           (B, D, N)  may be missing: zeros
//	         y            (B, D, L)  expected
//	         last_state   (B, D, N)  expected, may be missing
//	         dy           (B, D, L)  gradient of y, may be missing
//	         grad.X                  expected gradient of u, delta, A, B, C, D, z, delta_bias
//	                                 or h0, of X's shape; any may be missing
//	         delta_softplus          flag, may be missing: true
//	conv.K.  x            (B, D, L)
//	         weight       (D, K)
//	         bias         (D)        may be missing
//	         silu                    flag
//	         y            (B, D, L)  expected
//
// If A is complex, so are B, C, h0 and last_state, and their gradients; of each there are
// two tensors, with .re and .im after the name, and y = 2 Re(C h) + D u, gated.
//
// A flag is a tensor of one element, true unless zero. Where it is missing,
// the file's metadata may say true or false under the same name, or, for all
// cases, under the name without prefix.
//
// A case with dy and gradients runs the backward pass too. Where no kernel does, as with
// a gradient of the last state (dlast_state), these tensors are listed in
// [Case.Unchecked] and not looked at. Any other name in a case is an error, because a
// misspelt optional tensor would change what the case means. Tensors outside of cases
// are counted in [File.Others].
//
// # Errors
//
// A file that is not in this format is a [*checkpoint.FormatError] or a
// [*checkpoint.UnsupportedError], found by [Open] from names, types and shapes
// alone. Running a case adds those of packages shaders and wgpu.
package opsfile
