//go:build cgo && !wgpu29 && ((linux && amd64) || (windows && amd64) || darwin)

package wgpu

import (
	"reflect"
	"testing"
	"unsafe"

	native "github.com/rajveermalviya/go-webgpu/wgpu"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBindingLayout pins where the binding keeps the handles that
// deviceHandle and bufferHandle read by position.
func TestBindingLayout(t *testing.T) {
	device := reflect.TypeFor[native.Device]()
	require.Equal(t, 1, device.NumField())
	assert.Equal(t, "ref", device.Field(0).Name)
	assert.Equal(t, unsafe.Sizeof(uintptr(0)), device.Field(0).Type.Size())

	buffer := reflect.TypeFor[native.Buffer]()
	require.Equal(t, 2, buffer.NumField())
	assert.Equal(t, "deviceRef", buffer.Field(0).Name)
	assert.Equal(t, "ref", buffer.Field(1).Name)
	assert.Equal(t, unsafe.Sizeof(uintptr(0)), buffer.Field(1).Offset)
	assert.Equal(t, unsafe.Sizeof(uintptr(0)), buffer.Field(1).Type.Size())
}
