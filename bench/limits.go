package bench

// limits says, by a target's work, what keeps it from being reached on an NVIDIA
// H100, and by which measurement that is known. The page of results shows it beside
// lines that are not reached.
var limits = map[string]string{
	"LM 130m f16 weights decode batch 64": "The reference multiplies on tensor cores. WebGPU has none; wgpu-native 29 has them as cooperative matrices, which its C API refuses: " +
		"with a library changed to allow them (64,3072,768) takes 7.9 us with activations rounded to 16 bits, 9.4 with two parts of each. " +
		"In a step in_proj with norm and convolution takes 19.5 us in float32, x_proj 4.9, the scan 8.5, out_proj 11.6: 44 us a layer, 1.06 ms of 24; the head 124, the rest 21. " +
		"At the measured peak the multiply-adds of in_proj, out_proj and the head are 4.7, 2.3 and 77; the scan moves 12.6 MB, 4.5 us at the speed of a copy. " +
		"(64,3072,768) alone takes 16.7; the best of some 150 ways to share it that leaves whole sums took 15.6, and with k split among workgroups 13.6, to which adding the parts is 4 us or more.",
	"LM 2.8b int4 weights decode batch 1": "Another H100 took 1446 us by the same kernels in a run of this work alone; cards differ by a percent or two. " +
		"A layer's three dispatches take 8.7, 7.7 and 6.7 us, where their bytes at the speed of a copy are 2.6 each and an empty dispatch 2.06. " +
		"With no weights to load in_proj_step, with groups of another size, took 7.0 and out_proj_step 5.1: what is left is unpacking and multiplying, 13.1 million " +
		"weights each at about four instructions, and the exchange of sums at the end. The second is the scan: every one of its 80 workgroups first sums x_proj's shares of 128 groups; z's " +
		"product beside it takes 7.0 alone. One dispatch a layer, of workgroups that wait for each other, took 26.2 us.",
}

// remarks says of a report, by its name, what a reader of its numbers has to know.
var remarks = map[string]string{
	"h100-wgpu29": "A run with `--quick`, which leaves out models above 130m and the longest inputs. " +
		"102 of the 123 cases both bindings ran are within 5% of each other; prefills of short prompts take up to a fifth longer with this one.",
}

// projectionLimit says what keeps projections from 80% of the roof on an NVIDIA H100.
const projectionLimit = "What stands in the way: 80% of the multiply-add peak would be more than cuBLAS reaches at 4096^3 (49.5 TFLOP/s, 77%). An\n" +
	"invocation with 8 x 8 sums takes 145 to 165 registers and leaves room for one workgroup a processor, with nothing to hide its\n" +
	"barriers; with 16 x 8 sums it takes 214 to 229 and two fit (45.6 TFLOP/s, 71%). x_proj has too few tiles for 132 processors,\n" +
	"so that its sums are split, and the addition of their parts is a dispatch of 5 to 6 us; dt_proj has 48 to 160 columns to walk,\n" +
	"and writes its result for most of its time."
