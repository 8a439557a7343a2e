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

// TestBindingLayout pins where the binding keeps the handles that firstWord and
// secondWord read by position.
func TestBindingLayout(t *testing.T) {
	word := unsafe.Sizeof(uintptr(0))
	for _, first := range []reflect.Type{
		reflect.TypeFor[native.Device](), reflect.TypeFor[native.ComputePipeline](), reflect.TypeFor[native.BindGroup](),
	} {
		require.Equal(t, 1, first.NumField(), first)
		assert.Equal(t, "ref", first.Field(0).Name, first)
		assert.Equal(t, word, first.Field(0).Type.Size(), first)
	}
	for _, second := range []reflect.Type{reflect.TypeFor[native.Buffer](), reflect.TypeFor[native.ComputePassEncoder]()} {
		require.Equal(t, 2, second.NumField(), second)
		assert.Equal(t, "deviceRef", second.Field(0).Name, second)
		assert.Equal(t, "ref", second.Field(1).Name, second)
		assert.Equal(t, word, second.Field(1).Offset, second)
		assert.Equal(t, word, second.Field(1).Type.Size(), second)
	}
}
