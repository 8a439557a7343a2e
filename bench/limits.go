package bench

// limits says, by a target's work, what keeps it from being reached on an NVIDIA
// H100, and by which measurement that is known. The page of results shows it beside
// lines that are not reached.
var limits = map[string]string{
	"LM 130m f16 weights decode batch 1": "A dispatch that waits for the one before costs 2.06 us empty, 2.40 with one load and store, 3.5 reading 2.3 MB " +
		"and 4.3 reading 4.6 MB; the scan with a single group takes 3.5. So the three of a layer take 11.3 us and a token with its head 312, before " +
		"convolution, x_proj and sums (measured: 13.9 us a layer).",
	"LM 130m f16 weights decode batch 64": "The reference multiplies on tensor cores, which WGSL has no access to. Alone, in_proj with its norm takes " +
		"16.8 us in float32, x_proj 4.7, the scan 7.9, out_proj 12.5: 42 us a layer, 1.0 ms of 24, and the head 130 us. The best of some 100 ways to " +
		"share (64,3072,768) among invocations took 15.6 us, 19 TFLOP/s; its multiply-adds at the measured peak are 4.7.",
	"LM 2.8b int8 weights decode batch 1": "out_proj's product takes 8.1 us: 2.06 the dispatch, 2.4 arithmetic, 4.6 its bytes at the speed of a copy. " +
		"in_proj_step takes 11.4, its flat product 8: a workgroup must own 16 channels so that x_proj's sums stay few, which leaves 320 unevenly " +
		"spread workgroups, and convolution and x_proj add 2.8.",
	"LM 2.8b int4 weights decode batch 1": "out_proj's product takes 7.5 us: 2.06 the dispatch, 2.5 unpacking and multiplying with no weight loaded, 2.6 " +
		"its bytes at the speed of a copy; from the second-level cache it still takes 6.3. in_proj_step takes 13 us, its flat product 8: a workgroup " +
		"must own 16 channels so that x_proj's sums stay few, which leaves 320 unevenly spread workgroups, and convolution and x_proj add 2.8.",
}

// remarks says of a report, by its name, what a reader of its numbers has to know.
var remarks = map[string]string{
	"h100-wgpu29": "Its warm-up of 50 ms a case was too short for a card that had been idle: some cases ran at a low clock throughout " +
		"(mamba_block 2.07 ms, the scan of 64 sequences 2.20 ms, most products but (2048,3072,768)). Where both ran at full clock, as the scans of " +
		"(8,2048,1024,16), (1,2048,1536,16) and (1,65536,1536,16), prefill and decoding, the bindings are within about 10% of each other, either way.",
}

// projectionLimit says what keeps projections from 80% of the roof on an NVIDIA H100.
const projectionLimit = "What stands in the way: 80% of the multiply-add peak would be more than cuBLAS reaches at 4096^3 (49.5 TFLOP/s, 77%). An\n" +
	"invocation with 8 x 8 sums takes 145 to 165 registers and leaves room for one workgroup a processor, with nothing to hide its\n" +
	"barriers; with 16 x 8 sums it takes 214 to 229 and two fit (45.6 TFLOP/s, 71%). x_proj has too few tiles for 132 processors,\n" +
	"so that its sums are split, and the addition of their parts is a dispatch of 5 to 6 us; dt_proj has 48 to 160 columns to walk,\n" +
	"and writes its result for most of its time."
