package shaders

import "fmt"

// ShapeError is returned when a kernel's parameters or buffers do not fit
// together.
type ShapeError struct {
	Kernel string // as in the shader's file name
	Arg    string // the parameter or buffer
	Got    string
	Want   string
}

// Error names the kernel, the argument and what was expected.
func (e *ShapeError) Error() string {
	return fmt.Sprintf("shaders: %s: %s is %s, want %s", e.Kernel, e.Arg, e.Got, e.Want)
}

// check collects the first error among a kernel's conditions.
type check struct {
	kernel string
	err    error
}

// size requires lo <= v <= hi.
func (c *check) size(arg string, v, lo, hi int) {
	if c.err == nil && (v < lo || v > hi) {
		c.err = &ShapeError{c.kernel, arg, fmt.Sprint(v), fmt.Sprintf("%d to %d", lo, hi)}
	}
}

// maxElements bounds every count of elements, so that a shader's 32-bit
// indices never wrap.
const maxElements = 1<<31 - 1

// words requires that a buffer holds n elements of 4 bytes.
func (c *check) words(arg string, have uint64, n int) {
	switch {
	case c.err != nil:
	case n < 0 || n > maxElements:
		c.err = &ShapeError{c.kernel, arg, fmt.Sprintf("%d elements", n), fmt.Sprintf("at most %d", maxElements)}
	case have < uint64(n)*4:
		c.err = &ShapeError{c.kernel, arg, fmt.Sprintf("%d bytes", have), fmt.Sprintf("%d", uint64(n)*4)}
	}
}

// off requires that a switch is not set, which the kernel does not have.
func (c *check) off(arg string, set bool) {
	if c.err == nil && set {
		c.err = &ShapeError{c.kernel, arg, "true", "false"}
	}
}

// float32Only requires weights of 32-bit floats.
func (c *check) float32Only(arg string, t DType) {
	if c.err == nil && t != F32 {
		c.err = &ShapeError{c.kernel, arg, t.String(), F32.String()}
	}
}

// on requires that a switch is set, without which the kernel does not work.
func (c *check) on(arg string, set bool) {
	if c.err == nil && !set {
		c.err = &ShapeError{c.kernel, arg, "false", "true"}
	}
}

// multiple requires a multiple of n.
func (c *check) multiple(arg string, v, n int) {
	if c.err == nil && v%n != 0 {
		c.err = &ShapeError{c.kernel, arg, fmt.Sprint(v), fmt.Sprintf("a multiple of %d", n)}
	}
}
