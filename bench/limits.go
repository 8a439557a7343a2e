package bench

// limits says, by a target's work, what keeps it from being reached on an NVIDIA
// H100, and by which measurement that is known. The page of results shows it beside
// lines that are not reached.
var limits = map[string]string{
	"LM 130m f32 prefill (8,2048)": "Products are 2.94 TFLOP of it: 64 ms at the 45.6 TFLOP/s of 4096^3, which is 71% of the measured " +
		"multiply-add peak (cuBLAS: 77%). In the other 17 ms are scans (about 6), step sizes (3), convolutions (2), norms, and that x_proj's 80 " +
		"columns leave a third of its tiles empty.",
	"LM 130m f16 weights decode batch 1": "76 dependent dispatches of at least 2.27 us are 173 us, and the weights' 260 MB at the speed of a copy " +
		"89 us. The other 170 us, 2.2 us a dispatch, are the chain from load to sum to store within each kernel: alone, the product of " +
		"(1,3072,768) takes 3.69 us, and its bytes 1.6.",
	"LM 2.8b f16 weights decode batch 1": "196 dispatches of at least 2.27 us are 445 us, the weights' 5.55 GB at the speed of a copy 1.9 ms. " +
		"The rest is that each kernel has to get up to speed: (1,10240,2560) reads 2.4 TB/s, 82% of a copy.",
	"LM 130m f16 weights decode batch 64": "The reference multiplies on tensor cores, which WGSL has no access to. In float32 the products of " +
		"a layer take 37 us and the head 124, 1.0 ms in all: with 64 rows there is one round of workgroups, each waiting for its loads in every " +
		"step of k (0.5 to 0.8 us against 0.2 us of arithmetic).",
	"LM 2.8b int8 weights decode batch 1": "196 dispatches are 445 us, the weights' 2.8 GB 0.97 ms. in_proj_step takes 15.6 us a layer where its " +
		"product alone takes 10.5 (2.5 TB/s): what follows the product, the convolution and x_proj's sums, waits for it.",
	"LM 2.8b int4 weights decode batch 1": "The product of (1,10240,2560) takes 13.1 us with 4 bits and 10.5 with 8: taking 32 numbers out of each " +
		"16 bytes, not reading them, is the limit (1.1 TB/s). 196 dispatches are 445 us.",
}

// remarks says of a report, by its name, what a reader of its numbers has to know.
var remarks = map[string]string{
	"h100": "2.8b (8,2048) has two samples, of which the first compiled kernels: the faster one is the time (F32 2.43 s, F16 2.31 s).",
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
