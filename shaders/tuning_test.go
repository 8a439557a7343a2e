package shaders

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTuningChooses(t *testing.T) {
	k := &Kernels{}
	variants := []string{"default", "a", "b"}
	choose := func(shape string) string { return k.choose("matmul", shape, variants) }
	assert.Equal(t, "default", choose("1x2"))
	k.Tune(Tuning{"matmul 1x2": "a", "matmul": "b", "matmul 3x4": "unknown"})
	assert.Equal(t, "a", choose("1x2"))
	assert.Equal(t, "b", choose("5x6"), "the kernel's own for all other shapes")
	assert.Equal(t, "b", choose("3x4"), "what the kernel does not have is passed over")
	assert.Equal(t, "default", k.choose("matvec", "1x2", variants))
	k.Tune(nil)
	assert.Equal(t, "default", choose("1x2"))
}
