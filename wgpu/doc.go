// Package wgpu is a small portable compute runtime on WebGPU: Vulkan, Metal
// and DX12 through one API. It knows adapters, devices, buffers, pipelines and
// passes, and nothing of what runs on them.
//
// # Overview
//
// A [Device] is opened on one of the machine's adapters. [Buffer]s hold data
// in its memory, a [Pipeline] is a compiled WGSL shader, a [Dispatch] is a
// pipeline bound to its parameters and buffers with a grid of workgroups, and
// a [Pass] is a list of dispatches that is recorded once and submitted any
// number of times:
//
//	dev, err := wgpu.Open(nil)
//	buf, err := dev.NewBuffer("x", 4*n)
//	err = wgpu.Upload(buf, 0, x)
//	pipe, err := dev.Pipeline("double", source)
//	run, err := dev.NewDispatch(pipe, params, []*wgpu.Buffer{buf}, [3]uint32{groups, 1, 1})
//	pass := dev.NewPass("double")
//	pass.Dispatch(run)
//	err = pass.Submit()
//	err = wgpu.Download(buf, 0, x)
//
// A read waits for everything submitted before. A [Readback] is where one pass
// leaves what the host reads later, with other passes under way behind it.
//
// # Goroutines
//
// Every method of [Device] and [Buffer], [Dispatch.Close] and [Pass.Submit]
// may be called from any goroutine: the device serialises them. Recording into
// one Pass belongs to one goroutine at a time.
//
// # Memory
//
// Sizes are checked against the device's limits and the memory budget before
// the driver is asked, and what the driver still refuses comes back as a
// [MemoryError]. Close releases a handle; memory that a submission still uses
// lives until that submission has finished.
//
// # Drivers
//
// One of two bindings is behind the unexported driver interface: go-webgpu, or
// with the build tag wgpu29 oliverbestmann/webgpu. [Binding] names it. Built
// without cgo, or for a platform that the binding has no library for, the
// package compiles all the same and finds no adapter.
package wgpu
