//go:build !cgo || (!wgpu29 && !((linux && amd64) || (windows && amd64) || darwin)) || (wgpu29 && !((linux || windows || darwin) && (amd64 || arm64)))

package wgpu

// Binding is the module path of the WebGPU binding that this build uses: none.
const Binding = ""

// enumerate finds nothing: this build has no WebGPU binding.
func enumerate([]string, int) []driverAdapter { return nil }
