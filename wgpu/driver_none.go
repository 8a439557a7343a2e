//go:build !cgo || !((linux && amd64) || (windows && amd64) || darwin)

package wgpu

// enumerate finds nothing: this build has no WebGPU binding.
func enumerate([]string) []driverAdapter { return nil }
