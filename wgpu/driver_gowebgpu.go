//go:build cgo && !wgpu29 && ((linux && amd64) || (windows && amd64) || darwin)

package wgpu

import (
	"fmt"
	"sync"

	native "github.com/rajveermalviya/go-webgpu/wgpu"
)

// The driver on go-webgpu v0.17.1 (wgpu-native 0.17).

// Binding is the module path of the WebGPU binding that this build uses.
const Binding = "github.com/rajveermalviya/go-webgpu/wgpu"

// instances holds the instances asked for, each of a set of backends. Looking at
// a backend that is not wanted costs time and, for GL without a display,
// messages of Mesa on standard error.
var instances = struct {
	sync.Mutex
	made map[instanceKey]*native.Instance
}{made: map[instanceKey]*native.Instance{}}

type instanceKey struct {
	backends native.InstanceBackend
	number   int
}

func instance(key instanceKey) *native.Instance {
	instances.Lock()
	defer instances.Unlock()
	if i := instances.made[key]; i != nil {
		return i
	}
	quietenLoader()
	native.SetLogLevel(native.LogLevel_Error) // it warns at every start
	i := native.CreateInstance(&native.InstanceDescriptor{Backends: key.backends})
	instances.made[key] = i
	return i
}

var backendBits = map[string]native.InstanceBackend{
	"vulkan": native.InstanceBackend_Vulkan,
	"metal":  native.InstanceBackend_Metal,
	"dx12":   native.InstanceBackend_DX12,
	"gl":     native.InstanceBackend_GL,
}

func enumerate(backends []string, number int) []driverAdapter {
	var bits native.InstanceBackend
	for _, b := range backends {
		bits |= backendBits[b]
	}
	if bits == 0 {
		return nil
	}
	var out []driverAdapter
	for _, a := range instance(instanceKey{bits, number}).EnumerateAdapters(&native.InstanceEnumerateAdapterOptons{Backends: bits}) {
		out = append(out, &nativeAdapter{a})
	}
	return out
}

type nativeAdapter struct{ ref *native.Adapter }

func (a *nativeAdapter) release() { a.ref.Release() }

func (a *nativeAdapter) info() AdapterInfo {
	p := a.ref.GetProperties()
	info := AdapterInfo{
		Name:    p.Name,
		Vendor:  vendorName(p.VendorId, p.VendorName),
		Backend: nativeBackend(p.BackendType),
		Kind:    nativeKind(p.AdapterType),
		Driver:  p.DriverDescription,
		Limits:  nativeLimits(a.ref.GetLimits().Limits),
	}
	for _, f := range a.ref.EnumerateFeatures() {
		info.Features = append(info.Features, nativeFeature(f))
	}
	return info
}

func nativeBackend(b native.BackendType) string {
	switch b {
	case native.BackendType_Vulkan:
		return "Vulkan"
	case native.BackendType_Metal:
		return "Metal"
	case native.BackendType_D3D12:
		return "DX12"
	case native.BackendType_OpenGL, native.BackendType_OpenGLES:
		return "GL"
	}
	return b.String()
}

func nativeKind(t native.AdapterType) Kind {
	switch t {
	case native.AdapterType_DiscreteGPU:
		return Discrete
	case native.AdapterType_IntegratedGPU:
		return Integrated
	case native.AdapterType_CPU:
		return CPU
	}
	return Other
}

func nativeFeature(f native.FeatureName) string {
	if f == native.FeatureName_TimestampQuery {
		return FeatureTimestamps
	}
	return f.String()
}

func nativeLimits(l native.Limits) Limits {
	return Limits{
		MaxBufferSize:        min(l.MaxBufferSize, largestBuffer),
		MaxStorageBinding:    l.MaxStorageBufferBindingSize,
		MaxStorageBuffers:    l.MaxStorageBuffersPerShaderStage,
		MaxUniformBinding:    l.MaxUniformBufferBindingSize,
		StorageAlignment:     l.MinStorageBufferOffsetAlignment,
		UniformAlignment:     l.MinUniformBufferOffsetAlignment,
		MaxWorkgroupMemory:   l.MaxComputeWorkgroupStorageSize,
		MaxInvocations:       l.MaxComputeInvocationsPerWorkgroup,
		MaxWorkgroupSizeX:    l.MaxComputeWorkgroupSizeX,
		MaxWorkgroupSizeY:    l.MaxComputeWorkgroupSizeY,
		MaxWorkgroupSizeZ:    l.MaxComputeWorkgroupSizeZ,
		MaxWorkgroupsPerAxis: l.MaxComputeWorkgroupsPerDimension,
	}
}

// setLimits writes ours over the adapter's, which has the graphics limits too.
func setLimits(l *native.Limits, o Limits) {
	l.MaxBufferSize = o.MaxBufferSize
	l.MaxStorageBufferBindingSize = o.MaxStorageBinding
	l.MaxStorageBuffersPerShaderStage = o.MaxStorageBuffers
	l.MaxUniformBufferBindingSize = o.MaxUniformBinding
	l.MinStorageBufferOffsetAlignment = o.StorageAlignment
	l.MinUniformBufferOffsetAlignment = o.UniformAlignment
	l.MaxComputeWorkgroupStorageSize = o.MaxWorkgroupMemory
	l.MaxComputeInvocationsPerWorkgroup = o.MaxInvocations
	l.MaxComputeWorkgroupSizeX = o.MaxWorkgroupSizeX
	l.MaxComputeWorkgroupSizeY = o.MaxWorkgroupSizeY
	l.MaxComputeWorkgroupSizeZ = o.MaxWorkgroupSizeZ
	l.MaxComputeWorkgroupsPerDimension = o.MaxWorkgroupsPerAxis
}

func (a *nativeAdapter) open(label string, limits Limits, timestamps bool) (driverDevice, error) {
	all := a.ref.GetLimits().Limits
	setLimits(&all, limits)
	desc := &native.DeviceDescriptor{Label: label, RequiredLimits: &native.RequiredLimits{Limits: all}}
	if timestamps {
		desc.RequiredFeatures = []native.FeatureName{native.FeatureName_TimestampQuery}
	}
	dev, err := a.ref.RequestDevice(desc)
	if err != nil {
		return nil, fmt.Errorf("wgpu: adapter %s: %w", a.ref.GetProperties().Name, err)
	}
	d := &nativeDevice{ref: dev, queue: dev.GetQueue(), errorSlot: catchErrors(dev)}
	if a.info().Kind != CPU {
		d.spin = spinTime
	}
	return d, nil
}
