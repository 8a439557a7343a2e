// Package shaders holds the kernels of a Mamba model: for each one a WGSL
// compute shader, the Go method that checks its sizes and binds it, and in
// package cpu its twin, the same function in plain Go with float64 sums.
//
// # Names and shapes
//
// One word names a kernel everywhere: selective_scan is
// selective_scan.wgsl, [Kernels.SelectiveScan] in selective_scan.go,
// cpu.SelectiveScan and the label mamba.selective_scan. Arrays are row-major,
// the last axis contiguous: (B, L, D) is batch, length, channels. A method
// takes the parameters first and then the buffers in the order of the shader's
// bindings.
//
// # Variants
//
// A shader is a text/template: what changes its code (state size, storage type
// of the weights, whether there is a bias) is substituted as literals before
// it is compiled, since the oldest WGSL compiler in use takes no constant
// expressions; what only changes its loops (batch, length, widths) is in its
// uniform parameters. A pipeline is compiled once a variant.
//
// Two kernels have more than one way to do the same: the forms of a selective scan and
// the tiles of a matrix product. A rule chooses by the shape, the limits and, for
// scans, the kind of device; a [Tuning] overrides it. [Kernels.SelectiveScanChunked]
// may cut time into chunks and [Kernels.MatmulSplit] sums into parts, to fill a large
// GPU; they are two dispatches then.
//
// # Several stages in one
//
// For a step of one token, [Kernels.InProjStep] and [Kernels.DtScanStep], or for more
// sequences [Kernels.NormMatvec] and [Kernels.XProjStep] in place of the first, do
// what the kernels of the single stages do, in fewer dispatches. [Kernels.ScanGateStep]
// and [Kernels.OutProjStep] follow an InProjStep that leaves half of its product to the
// second dispatch; the last of them may make a row ready for the next InProjStep.
//
// # Limits
//
// Every kernel runs within WebGPU's default limits: eight storage buffers,
// 16 KiB of workgroup memory, 256 invocations. Some have variants that use more
// workgroup memory where the device has it. A matrix too large for one
// binding is held in several buffers by its caller, one dispatch each.
package shaders
