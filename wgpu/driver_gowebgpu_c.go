//go:build cgo && !wgpu29 && ((linux && amd64) || (windows && amd64) || darwin)

package wgpu

// What the binding's Go code, or Go, cannot do is called here in C.
//
// Its Buffer.MapAsync hands the library the address of a Go variable that
// nothing keeps alive until the callback runs; a collection in between ends
// the process. Here the callback writes into memory that C owns.
//
// Errors that belong to no returning call go to the device's uncaptured error
// callback, whose default ends the process. Here they are kept in memory that
// C owns, and the next check of the device returns them.
//
// A dispatch is three calls of the library. They cross from Go to C together,
// as a step of decoding is a hundred dispatches.
//
// The binding's types do not export their handles. They are read by position:
// the first word of Device, ComputePipeline and BindGroup and the second of
// Buffer and ComputePassEncoder, which TestBindingLayout pins.

/*
#include <stdlib.h>
#include "native.h"

typedef void (*map_callback)(int32_t status, void *userdata);
typedef void (*error_callback)(int32_t type, char const *message, void *userdata);
extern void wgpuBufferMapAsync(void *buffer, uint32_t mode, size_t offset, size_t size, map_callback callback, void *userdata);
extern void wgpuDeviceSetUncapturedErrorCallback(void *device, error_callback callback, void *userdata);

extern void wgpuComputePassEncoderSetPipeline(void *pass, void *pipeline);
extern void wgpuComputePassEncoderSetBindGroup(void *pass, uint32_t index, void *group, size_t count, uint32_t const *offsets);
extern void wgpuComputePassEncoderDispatchWorkgroups(void *pass, uint32_t x, uint32_t y, uint32_t z);

static void dispatch(void *pass, void *pipeline, void *group, uint32_t x, uint32_t y, uint32_t z) {
	wgpuComputePassEncoderSetPipeline(pass, pipeline);
	wgpuComputePassEncoderSetBindGroup(pass, 0, group, 0, NULL);
	wgpuComputePassEncoderDispatchWorkgroups(pass, x, y, z);
}

static void on_mapped(int32_t status, void *slot) { *(int32_t *)slot = status; }

static void on_error(int32_t type, char const *message, void *userdata) {
	keep_error(userdata, message, strlen(message));
}

static void map_read(void *buffer, size_t size, int32_t *slot) {
	wgpuBufferMapAsync(buffer, 1, 0, size, on_mapped, slot);
}

static void catch_errors(void *device, error_slot *slot) {
	wgpuDeviceSetUncapturedErrorCallback(device, on_error, slot);
}
*/
import "C"

import (
	"fmt"
	"unsafe"

	native "github.com/rajveermalviya/go-webgpu/wgpu"
)

// firstWord and secondWord read a handle out of a binding's object.
func firstWord[T any](p *T) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(p))
}

func secondWord[T any](p *T) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(p), unsafe.Sizeof(uintptr(0))))
}

// dispatch appends a dispatch to an open compute pass.
func dispatch(pass *native.ComputePassEncoder, p *native.ComputePipeline, g *native.BindGroup, grid [3]uint32) {
	C.dispatch(secondWord(pass), firstWord(p), firstWord(g), C.uint32_t(grid[0]), C.uint32_t(grid[1]), C.uint32_t(grid[2]))
}

// catchErrors has the device report errors to a slot.
func catchErrors(d *native.Device) *errorSlot {
	slot := newErrorSlot()
	C.catch_errors(firstWord(d), slot.c)
	return slot
}

func (d *nativeDevice) read(b driverBuffer, dst []byte) error {
	buf := b.(nativeBuffer).Buffer
	status := answer(func() { d.ref.Poll(false, nil) }, d.spin, func(slot *C.int32_t) { C.map_read(secondWord(buf), C.size_t(len(dst)), slot) })
	if status != 0 {
		return d.check(fmt.Errorf("wgpu: mapping failed with status %d", int32(status)))
	}
	copy(dst, buf.GetMappedRange(0, uint(len(dst))))
	return d.check(buf.Unmap())
}
