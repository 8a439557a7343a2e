// Package cpu holds the twin of every GPU kernel in plain Go: the same name,
// the same Params, the same arguments in the same order.
//
// The twins are what the GPU kernels are tested against, and they are the
// engine of the pure-Go backend. So they are written to be read first: each is
// the equation in the documentation of its Params, as loops. Storage is
// float32, as on a GPU; sums, exponentials and logarithms are float64, so that
// a twin's error is the rounding of its outputs.
//
// Shapes are row-major with the last axis contiguous: B batch, L length,
// E channels (d_inner), N states (d_state), K filter width (d_conv). A token's
// row number is b*L + t. A state array is (slots, ...): batch row b reads and
// replaces slot slots[b] and leaves every other slot alone, so the slots of
// one call have to be distinct.
//
// # Concurrency
//
// Every output element is computed by one goroutine, in an order that depends
// on the parameters alone. The bits of a result are therefore the same for
// every value of GOMAXPROCS. A function may be called from several goroutines
// at once as long as their outputs do not overlap.
//
// # Weights
//
// Weight matrices arrive as float32, dense and without padding, whatever
// storage type Params names: a GPU unpacks 16-bit weights as it reads them, and
// here that has been done already.
package cpu
