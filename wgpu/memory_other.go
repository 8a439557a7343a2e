//go:build !linux

package wgpu

// availableMemory is 0: how much the system can give is not known.
func availableMemory() uint64 { return 0 }
