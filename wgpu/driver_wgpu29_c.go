//go:build cgo && wgpu29 && (linux || windows || darwin) && (amd64 || arm64)

package wgpu

// What the binding does not offer is called here in C.
//
// Devices: errors that belong to no returning call (memory that is not there,
// among others) go to a callback that has to be named when the device is
// requested; its default ends the process, and the binding leaves it at that.
//
// Shader modules: the binding's own compiles checks of every index and a
// counter into every loop, which cost a matrix product 34 of 36 TFLOP/s on an
// H100. A trusted module has none: every shader guards its tails itself.
//
// Read-back and waiting: a callback answers into a word of memory that C owns.
// The library's poll is called until it has; what poll returns is not asked,
// since it says that the queue is empty while work is under way.
//
// The binding does not export its handles. They are read and written by
// position, the first word of every object, which TestBindingLayout pins.

/*
#include <stdlib.h>
#include "native.h"
#include "wgpu29.h"

static void on_error(void *const *device, uint32_t type, WGPUStringView message, void *slot, void *unused) {
	keep_error(slot, message.data, message.length);
}

typedef struct {
	void *device;
	error_slot *errs;
} device_reply;

static void on_device(uint32_t status, void *device, WGPUStringView message, void *userdata, void *unused) {
	device_reply *reply = userdata;
	if (status == WGPURequestDeviceStatus_Success) {
		reply->device = device;
	} else {
		keep_error(reply->errs, message.data, message.length);
	}
}

// request_device returns NULL and leaves the reason in errs if there is none.
// The library answers before the request returns.
static void *request_device(void *adapter, char const *label, WGPULimits const *limits,
                            uint32_t const *features, size_t count, error_slot *errs) {
	WGPUDeviceDescriptor d = {
		.label = {label, strlen(label)},
		.requiredFeatureCount = count,
		.requiredFeatures = features,
		.requiredLimits = limits,
		.uncapturedErrorCallbackInfo = {.callback = on_error, .userdata1 = errs},
	};
	device_reply reply = {NULL, errs};
	WGPURequestDeviceCallbackInfo call = {
		.mode = WGPUCallbackMode_AllowSpontaneous, .callback = on_device, .userdata1 = &reply,
	};
	wgpuAdapterRequestDevice(adapter, &d, call);
	return reply.device;
}

static void *trusted_module(void *device, char const *label, char const *wgsl) {
	WGPUShaderSourceWGSL source = {
		.chain = {.sType = WGPUSType_ShaderSourceWGSL}, .code = {wgsl, strlen(wgsl)},
	};
	WGPUShaderModuleDescriptor d = {.nextInChain = &source.chain, .label = {label, strlen(label)}};
	return wgpuDeviceCreateShaderModuleTrusted(device, &d, WGPUShaderRuntimeChecks_None);
}

static void on_status(uint32_t status, WGPUStringView message, void *slot, void *unused) {
	*(int32_t *)slot = status;
}

static WGPUStatusCallbackInfo answer_to(int32_t *slot) {
	WGPUStatusCallbackInfo call = {
		.mode = WGPUCallbackMode_AllowSpontaneous, .callback = on_status, .userdata1 = slot,
	};
	return call;
}

static void map_read(void *buffer, size_t size, int32_t *slot) {
	wgpuBufferMapAsync(buffer, WGPUMapMode_Read, 0, size, answer_to(slot));
}

static void work_done(void *queue, int32_t *slot) { wgpuQueueOnSubmittedWorkDone(queue, answer_to(slot)); }
*/
import "C"

import (
	"fmt"
	"unsafe"

	native "github.com/oliverbestmann/webgpu/wgpu"
)

// handle is the library's handle of an object of the binding.
func handle[T any](object *T) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(object))
}

// adopt makes an object of the binding around the library's handle. It has no
// finalizer.
func adopt[T any](ref unsafe.Pointer) *T {
	object := new(T)
	*(*unsafe.Pointer)(unsafe.Pointer(object)) = ref
	return object
}

func adapterLimits(a *native.Adapter) *C.WGPULimits {
	l := new(C.WGPULimits)
	C.wgpuAdapterGetLimits(handle(a), l)
	return l
}

func nativeLimits(l *C.WGPULimits) Limits {
	return Limits{
		MaxBufferSize:        min(uint64(l.maxBufferSize), largestBuffer),
		MaxStorageBinding:    uint64(l.maxStorageBufferBindingSize),
		MaxStorageBuffers:    uint32(l.maxStorageBuffersPerShaderStage),
		MaxUniformBinding:    uint64(l.maxUniformBufferBindingSize),
		StorageAlignment:     uint32(l.minStorageBufferOffsetAlignment),
		UniformAlignment:     uint32(l.minUniformBufferOffsetAlignment),
		MaxWorkgroupMemory:   uint32(l.maxComputeWorkgroupStorageSize),
		MaxInvocations:       uint32(l.maxComputeInvocationsPerWorkgroup),
		MaxWorkgroupSizeX:    uint32(l.maxComputeWorkgroupSizeX),
		MaxWorkgroupSizeY:    uint32(l.maxComputeWorkgroupSizeY),
		MaxWorkgroupSizeZ:    uint32(l.maxComputeWorkgroupSizeZ),
		MaxWorkgroupsPerAxis: uint32(l.maxComputeWorkgroupsPerDimension),
	}
}

// setLimits writes ours over the adapter's, which has the graphics limits too.
func setLimits(l *C.WGPULimits, o Limits) {
	l.maxBufferSize = C.uint64_t(o.MaxBufferSize)
	l.maxStorageBufferBindingSize = C.uint64_t(o.MaxStorageBinding)
	l.maxStorageBuffersPerShaderStage = C.uint32_t(o.MaxStorageBuffers)
	l.maxUniformBufferBindingSize = C.uint64_t(o.MaxUniformBinding)
	l.minStorageBufferOffsetAlignment = C.uint32_t(o.StorageAlignment)
	l.minUniformBufferOffsetAlignment = C.uint32_t(o.UniformAlignment)
	l.maxComputeWorkgroupStorageSize = C.uint32_t(o.MaxWorkgroupMemory)
	l.maxComputeInvocationsPerWorkgroup = C.uint32_t(o.MaxInvocations)
	l.maxComputeWorkgroupSizeX = C.uint32_t(o.MaxWorkgroupSizeX)
	l.maxComputeWorkgroupSizeY = C.uint32_t(o.MaxWorkgroupSizeY)
	l.maxComputeWorkgroupSizeZ = C.uint32_t(o.MaxWorkgroupSizeZ)
	l.maxComputeWorkgroupsPerDimension = C.uint32_t(o.MaxWorkgroupsPerAxis)
}

// requestDevice makes a device that reports errors to the slot returned.
func requestDevice(a *native.Adapter, label string, limits Limits, features []native.FeatureName) (*native.Device, *errorSlot, error) {
	all := adapterLimits(a)
	setLimits(all, limits)
	name := C.CString(label)
	defer C.free(unsafe.Pointer(name))
	errs := newErrorSlot()
	ref := C.request_device(handle(a), name, all, (*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(features))), C.size_t(len(features)), errs.c)
	if ref == nil {
		err := fmt.Errorf("wgpu: adapter %s: %w", a.GetInfo().Device, errs.take())
		errs.free()
		return nil, nil, err
	}
	return adopt[native.Device](ref), errs, nil
}

// newModule compiles a shader without run-time checks.
func (d *nativeDevice) newModule(label, wgsl string) (*native.ShaderModule, error) {
	name, source := C.CString(label), C.CString(wgsl)
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(source))
	module := adopt[native.ShaderModule](C.trusted_module(handle(d.ref), name, source))
	if err := d.check(nil); err != nil {
		module.Release()
		return nil, err
	}
	return module, nil
}

func (d *nativeDevice) answer(ask func(slot *C.int32_t)) C.int32_t {
	return answer(func() { d.ref.Poll(false, nil) }, d.spin, ask)
}

func (d *nativeDevice) wait() error {
	status := d.answer(func(slot *C.int32_t) { C.work_done(handle(d.queue), slot) })
	if status != C.WGPUStatus_Success {
		return d.check(fmt.Errorf("wgpu: waiting failed with status %d", int32(status)))
	}
	return d.check(nil)
}

func (d *nativeDevice) read(b driverBuffer, dst []byte) error {
	buf := b.(nativeBuffer).Buffer
	status := d.answer(func(slot *C.int32_t) { C.map_read(handle(buf), C.size_t(len(dst)), slot) })
	if status != C.WGPUStatus_Success {
		return d.check(fmt.Errorf("wgpu: mapping failed with status %d", int32(status)))
	}
	copy(dst, buf.GetMappedRange(0, uint(len(dst))))
	return d.check(buf.TryUnmap())
}
