//go:build cgo && wgpu29 && (linux || windows || darwin) && (amd64 || arm64)

package wgpu

import (
	"runtime"
	"sync"

	native "github.com/oliverbestmann/webgpu/wgpu"
)

// The driver on oliverbestmann/webgpu v1.36.0 (wgpu-native 29).

// Binding is the module path of the WebGPU binding that this build uses.
const Binding = "github.com/oliverbestmann/webgpu"

// own takes an object of the binding out of the garbage collector's hands. The
// binding gives each a finalizer, which may release it while the C call that
// uses it is still running, since the Go object is dead by then. Without
// finalizers no call needs a runtime.KeepAlive, and every object is released
// explicitly.
func own[P any](object P) P {
	runtime.SetFinalizer(object, nil)
	return object
}

// owned owns what a call returned, if it returned no error.
func owned[P any](object P, err error) (P, error) {
	if err != nil {
		return object, err
	}
	return own(object), nil
}

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
	native.SetLogLevel(native.LogLevelError)
	i := own(native.CreateInstance(&native.InstanceDescriptor{Backends: key.backends}))
	instances.made[key] = i
	return i
}

// backendBits are the library's WGPUInstanceBackend, which the binding has no
// names for.
var backendBits = map[string]native.InstanceBackend{
	"vulkan": 1 << 0,
	"gl":     1 << 1,
	"metal":  1 << 2,
	"dx12":   1 << 3,
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
		out = append(out, &nativeAdapter{own(a)})
	}
	return out
}

type nativeAdapter struct{ ref *native.Adapter }

func (a *nativeAdapter) release() { a.ref.Release() }

func (a *nativeAdapter) info() AdapterInfo {
	p := a.ref.GetInfo()
	info := AdapterInfo{
		Name:    p.Device,
		Vendor:  vendorName(p.VendorId, p.Vendor),
		Backend: nativeBackend(p.BackendType),
		Kind:    nativeKind(p.AdapterType),
		Driver:  p.Description,
		Limits:  nativeLimits(adapterLimits(a.ref)),
	}
	for _, f := range a.ref.GetFeatures() {
		info.Features = append(info.Features, nativeFeature(f))
	}
	return info
}

func nativeBackend(b native.BackendType) string {
	switch b {
	case native.BackendTypeVulkan:
		return "Vulkan"
	case native.BackendTypeMetal:
		return "Metal"
	case native.BackendTypeD3D12:
		return "DX12"
	case native.BackendTypeOpenGL, native.BackendTypeOpenGLES:
		return "GL"
	}
	return b.String()
}

func nativeKind(t native.AdapterType) Kind {
	switch t {
	case native.AdapterTypeDiscreteGPU:
		return Discrete
	case native.AdapterTypeIntegratedGPU:
		return Integrated
	case native.AdapterTypeCPU:
		return CPU
	}
	return Other
}

func nativeFeature(f native.FeatureName) string {
	if f == native.FeatureNameTimestampQuery {
		return FeatureTimestamps
	}
	return f.String()
}

func (a *nativeAdapter) open(label string, limits Limits, timestamps bool) (driverDevice, error) {
	var features []native.FeatureName
	if timestamps {
		features = append(features, native.FeatureNameTimestampQuery)
	}
	return a.request(label, limits, features)
}

// request makes a device with these features.
func (a *nativeAdapter) request(label string, limits Limits, features []native.FeatureName) (driverDevice, error) {
	dev, errs, err := requestDevice(a.ref, label, limits, features)
	if err != nil {
		return nil, err
	}
	d := &nativeDevice{ref: dev, queue: own(dev.GetQueue()), errorSlot: errs}
	if a.info().Kind != CPU {
		d.spin = spinTime
	}
	return d, nil
}
