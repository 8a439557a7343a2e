package wgpu

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoAdapter is returned when the machine has no WebGPU adapter at all. Its
// message says what to install.
var ErrNoAdapter = errors.New(`wgpu: no WebGPU adapter found
  Linux:   install the GPU's Vulkan driver and the loader (Debian, Ubuntu: libvulkan1 with
           mesa-vulkan-drivers for AMD, Intel and a software driver; nvidia-driver for NVIDIA;
           Fedora: vulkan-loader mesa-vulkan-drivers; Arch: vulkan-icd-loader and vulkan-radeon,
           vulkan-intel, nvidia-utils or vulkan-swrast)
  macOS:   Metal comes with the system; the machine must have a GPU that supports it
  Windows: install the GPU vendor's current driver, which brings DX12 and Vulkan`)

// ErrClosed is returned by methods of a device, and of what belongs to it,
// after Close.
var ErrClosed = errors.New("wgpu: closed")

// AdapterError is returned when the adapter asked for is not among those
// found.
type AdapterError struct {
	Want string   // what was asked for: a part of a name, or an index
	Have []string // names of the adapters found, by index
}

// Error lists what there is to choose from.
func (e *AdapterError) Error() string {
	names := make([]string, len(e.Have))
	for i, n := range e.Have {
		names[i] = fmt.Sprintf("%q (%d)", n, i)
	}
	return fmt.Sprintf("wgpu: no adapter matches %q; found %s", e.Want, strings.Join(names, ", "))
}

// LimitError is returned when something needs more than the device, or the
// memory budget, gives.
type LimitError struct {
	Label string // what was to be made
	Name  string // the limit, as Limits names it, or "memory budget"
	Need  uint64
	Have  uint64
}

// Error names the limit, the need and what there is.
func (e *LimitError) Error() string {
	return fmt.Sprintf("wgpu: %s: %s is %d, needs %d", e.Label, e.Name, e.Have, e.Need)
}

// MemoryError is returned when the driver has no memory left for a buffer.
type MemoryError struct {
	Label string
	Size  uint64 // bytes asked for
	InUse uint64 // bytes that this device's buffers held at that time
	Err   error  // what the driver said
}

// Error says how much was asked for and how much was held already.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("wgpu: out of device memory: %s needs %d bytes with %d in use: %v", e.Label, e.Size, e.InUse, e.Err)
}

// Unwrap returns what the driver said.
func (e *MemoryError) Unwrap() error { return e.Err }

// ShaderError is returned when a shader does not compile or a pipeline cannot
// be made of it.
type ShaderError struct {
	Label string
	Err   error
}

// Error names the shader and repeats the compiler's message.
func (e *ShaderError) Error() string { return fmt.Sprintf("wgpu: shader %s: %v", e.Label, e.Err) }

// Unwrap returns the compiler's message.
func (e *ShaderError) Unwrap() error { return e.Err }

// RangeError is returned when a transfer or a slice lies outside its buffer, is not
// made of whole words, or, of a slice, does not begin where a binding may.
type RangeError struct {
	Label        string
	Offset, Size uint64 // bytes asked for
	Have         uint64 // bytes of the buffer
}

// Error says which bytes were asked for and how many there are.
func (e *RangeError) Error() string {
	return fmt.Sprintf("wgpu: buffer %s of %d bytes: bytes %d to %d asked for; transfers and slices lie inside the buffer and are made of whole 4-byte words, slices begin at multiples of StorageAlignment",
		e.Label, e.Have, e.Offset, e.Offset+e.Size)
}
