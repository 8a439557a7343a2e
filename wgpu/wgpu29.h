// The part of wgpu-native 29's C API (webgpu.h and wgpu.h of
// https://github.com/gfx-rs/wgpu-native, BSD-3-Clause) that the Go binding
// does not give access to. Names and layouts are the library's; handles are
// plain pointers here.

#ifndef MAMBAGPU_WGPU29_H
#define MAMBAGPU_WGPU29_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
	char const *data;
	size_t length;
} WGPUStringView;

typedef struct WGPUChainedStruct {
	struct WGPUChainedStruct *next;
	uint32_t sType;
} WGPUChainedStruct;

typedef struct {
	uint64_t id;
} WGPUFuture;

enum {
	WGPUCallbackMode_AllowSpontaneous = 3,
	WGPUSType_ShaderSourceWGSL = 2,
	WGPURequestDeviceStatus_Success = 1,
	WGPUStatus_Success = 1, // of a mapping and of the queue's work
	WGPUMapMode_Read = 1,
	WGPUShaderRuntimeChecks_None = 0,
};

typedef struct {
	WGPUChainedStruct *nextInChain;
	uint32_t maxTextureDimension1D;
	uint32_t maxTextureDimension2D;
	uint32_t maxTextureDimension3D;
	uint32_t maxTextureArrayLayers;
	uint32_t maxBindGroups;
	uint32_t maxBindGroupsPlusVertexBuffers;
	uint32_t maxBindingsPerBindGroup;
	uint32_t maxDynamicUniformBuffersPerPipelineLayout;
	uint32_t maxDynamicStorageBuffersPerPipelineLayout;
	uint32_t maxSampledTexturesPerShaderStage;
	uint32_t maxSamplersPerShaderStage;
	uint32_t maxStorageBuffersPerShaderStage;
	uint32_t maxStorageTexturesPerShaderStage;
	uint32_t maxUniformBuffersPerShaderStage;
	uint64_t maxUniformBufferBindingSize;
	uint64_t maxStorageBufferBindingSize;
	uint32_t minUniformBufferOffsetAlignment;
	uint32_t minStorageBufferOffsetAlignment;
	uint32_t maxVertexBuffers;
	uint64_t maxBufferSize;
	uint32_t maxVertexAttributes;
	uint32_t maxVertexBufferArrayStride;
	uint32_t maxInterStageShaderVariables;
	uint32_t maxColorAttachments;
	uint32_t maxColorAttachmentBytesPerSample;
	uint32_t maxComputeWorkgroupStorageSize;
	uint32_t maxComputeInvocationsPerWorkgroup;
	uint32_t maxComputeWorkgroupSizeX;
	uint32_t maxComputeWorkgroupSizeY;
	uint32_t maxComputeWorkgroupSizeZ;
	uint32_t maxComputeWorkgroupsPerDimension;
	uint32_t maxImmediateSize;
} WGPULimits;

typedef void (*WGPUUncapturedErrorCallback)(void *const *device, uint32_t type, WGPUStringView message, void *userdata1, void *userdata2);
typedef void (*WGPURequestDeviceCallback)(uint32_t status, void *device, WGPUStringView message, void *userdata1, void *userdata2);
// WGPUStatusCallback stands for WGPUBufferMapCallback and
// WGPUQueueWorkDoneCallback, which are alike, as are their infos.
typedef void (*WGPUStatusCallback)(uint32_t status, WGPUStringView message, void *userdata1, void *userdata2);

typedef struct {
	WGPUChainedStruct *nextInChain;
	uint32_t mode;
	void (*callback)(void);
	void *userdata1;
	void *userdata2;
} WGPUDeviceLostCallbackInfo;

typedef struct {
	WGPUChainedStruct *nextInChain;
	WGPUUncapturedErrorCallback callback;
	void *userdata1;
	void *userdata2;
} WGPUUncapturedErrorCallbackInfo;

typedef struct {
	WGPUChainedStruct *nextInChain;
	uint32_t mode;
	WGPURequestDeviceCallback callback;
	void *userdata1;
	void *userdata2;
} WGPURequestDeviceCallbackInfo;

typedef struct {
	WGPUChainedStruct *nextInChain;
	uint32_t mode;
	WGPUStatusCallback callback;
	void *userdata1;
	void *userdata2;
} WGPUStatusCallbackInfo;

typedef struct {
	WGPUChainedStruct *nextInChain;
	WGPUStringView label;
} WGPUQueueDescriptor;

typedef struct {
	WGPUChainedStruct *nextInChain;
	WGPUStringView label;
	size_t requiredFeatureCount;
	uint32_t const *requiredFeatures;
	WGPULimits const *requiredLimits;
	WGPUQueueDescriptor defaultQueue;
	WGPUDeviceLostCallbackInfo deviceLostCallbackInfo;
	WGPUUncapturedErrorCallbackInfo uncapturedErrorCallbackInfo;
} WGPUDeviceDescriptor;

typedef struct {
	WGPUChainedStruct chain;
	WGPUStringView code;
} WGPUShaderSourceWGSL;

typedef struct {
	WGPUChainedStruct *nextInChain;
	WGPUStringView label;
} WGPUShaderModuleDescriptor;

extern uint32_t wgpuAdapterGetLimits(void *adapter, WGPULimits *limits);
extern WGPUFuture wgpuAdapterRequestDevice(void *adapter, WGPUDeviceDescriptor const *descriptor, WGPURequestDeviceCallbackInfo callback);
extern void *wgpuDeviceCreateShaderModuleTrusted(void *device, WGPUShaderModuleDescriptor const *descriptor, uint64_t checks);
extern WGPUFuture wgpuBufferMapAsync(void *buffer, uint64_t mode, size_t offset, size_t size, WGPUStatusCallbackInfo callback);
extern WGPUFuture wgpuQueueOnSubmittedWorkDone(void *queue, WGPUStatusCallbackInfo callback);

#endif
