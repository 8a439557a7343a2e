//go:build cgo && wgpu29 && (linux || windows || darwin) && (amd64 || arm64)

package wgpu

import (
	"reflect"
	"testing"
	"unsafe"

	native "github.com/oliverbestmann/webgpu/wgpu"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBindingLayout pins where the binding keeps the handles that handle and
// adopt read and write by position.
func TestBindingLayout(t *testing.T) {
	for _, object := range []reflect.Type{
		reflect.TypeFor[native.Adapter](),
		reflect.TypeFor[native.Device](),
		reflect.TypeFor[native.ShaderModule](),
		reflect.TypeFor[native.Buffer](),
	} {
		assert.Equal(t, "ref", object.Field(0).Name, object)
		assert.Equal(t, unsafe.Sizeof(uintptr(0)), object.Field(0).Type.Size(), object)
	}
}

// TestLimitsLayout pins wgpu29.h's WGPULimits: what is read through it is what
// the binding reads through the library's own header, and the device has what
// was written through it.
func TestLimitsLayout(t *testing.T) {
	low := DefaultLimits()
	d := openTest(t, &Options{Limits: &low})
	want := d.adapter.(*nativeAdapter).ref.GetLimits()
	got := adapterLimits(d.adapter.(*nativeAdapter).ref)
	assert.EqualValues(t, want.MaxTextureDimension1D, got.maxTextureDimension1D)
	assert.EqualValues(t, want.MaxImmediateSize, got.maxImmediateSize)
	assert.EqualValues(t, want.MaxStorageBufferBindingSize, got.maxStorageBufferBindingSize)
	assert.EqualValues(t, want.MaxBufferSize, got.maxBufferSize)

	made := d.driver.(*nativeDevice).ref.GetLimits()
	assert.Equal(t, low, Limits{
		made.MaxBufferSize, made.MaxStorageBufferBindingSize, made.MaxStorageBuffersPerShaderStage,
		made.MaxUniformBufferBindingSize, made.MinStorageBufferOffsetAlignment, made.MinUniformBufferOffsetAlignment,
		made.MaxComputeWorkgroupStorageSize, made.MaxComputeInvocationsPerWorkgroup,
		made.MaxComputeWorkgroupSizeX, made.MaxComputeWorkgroupSizeY, made.MaxComputeWorkgroupSizeZ,
		made.MaxComputeWorkgroupsPerDimension,
	})
	require.NotZero(t, want.MaxBufferSize)
}
