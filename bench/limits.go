package bench

// limits says, by a target's work, what keeps it from being reached on an NVIDIA
// H100, and by which measurement that is known. The page of results shows it beside
// lines that are not reached.
var limits = map[string]string{
	"LM 130m f16 weights decode batch 1": "A dispatch that waits for the one before costs 2.06 us empty, 2.40 with one load and store, 3.5 reading 2.3 MB " +
		"and 4.3 reading 4.6 MB; the scan with a single group takes 3.5. So the three of a layer take 11.3 us and a token with its head 312, before " +
		"convolution, x_proj and sums. With Options.Together, off by default because WebGPU promises no progress to workgroups that wait for each other, " +
		"all layers take two dispatches, and a token less than is to be reached (decode_together below): a layer takes 7.9 us so, 5.1 with nothing to load " +
		"or wait for; an exchange between 128 workgroups costs 0.8, and there are four a layer.",
	"LM 130m f16 weights decode batch 64": "The reference multiplies on tensor cores, which WGSL has no access to. Alone, in_proj with its norm takes " +
		"16.8 us in float32, x_proj 4.7, the scan 6.5, out_proj 10.8: 39 us a layer, 0.93 ms of 24, and the head 130 us. The best of some 100 ways to " +
		"share (64,3072,768) among invocations took 15.6 us, 19 TFLOP/s; its multiply-adds at the measured peak are 4.7.",
	"LM 2.8b int4 weights decode batch 1": "A layer's three dispatches take 10.4, 8.7 and 6.5 us, where their bytes at the speed of a copy are 2.6 each and an " +
		"empty dispatch 2.06. The second is the scan: alone it takes 8.0, z's product beside it 6.9 alone; every one of its 80 workgroups first sums " +
		"x_proj's shares of 320 groups, 245 KB. In the first, 1.0 is reading W_x, of which a workgroup needs 8 bytes of each of 192 rows; of groups of 16, " +
		"20 and 40 channels, 16 is the fastest. One dispatch a layer, of workgroups that wait for each other, took 26.2 us.",
}

// remarks says of a report, by its name, what a reader of its numbers has to know.
var remarks = map[string]string{
	"h100-wgpu29": "A run with `--quick` that was stopped after 69 s, before decoding with 4 bits of eight sequences and long inputs. " +
		"Where both bindings ran, at full clock, they are within about 10% of each other, either way.",
}

// projectionLimit says what keeps projections from 80% of the roof on an NVIDIA H100.
const projectionLimit = "What stands in the way: 80% of the multiply-add peak would be more than cuBLAS reaches at 4096^3 (49.5 TFLOP/s, 77%). An\n" +
	"invocation with 8 x 8 sums takes 145 to 165 registers and leaves room for one workgroup a processor, with nothing to hide its\n" +
	"barriers; with 16 x 8 sums it takes 214 to 229 and two fit (45.6 TFLOP/s, 71%). x_proj has too few tiles for 132 processors,\n" +
	"so that its sums are split, and the addition of their parts is a dispatch of 5 to 6 us; dt_proj has 48 to 160 columns to walk,\n" +
	"and writes its result for most of its time."
