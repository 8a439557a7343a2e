// Package cases holds what every implementation of a kernel has to get right:
// named inputs, the twin's answer to each, and how far from it an answer may
// be. The twins' own tests, the GPU kernels' tests and the verify command all
// run these cases.
//
//	for _, c := range cases.Of("rms_norm") {
//		args := c.Args()
//		// run the kernel on c.Params and args; read its outputs back into args
//		if err := cases.Compare(c, args, c.RunTwin()); err != nil {
//			return err
//		}
//	}
//
// A case is named after what it stresses. Its data is made when it is asked
// for, from a generator seeded with the case's kernel and name, so it is the
// same on every machine and adding a case changes no other.
//
// # Traps
//
// Data is laid out to catch what a comparison of correct elements alone would
// not see:
//
//   - an output that is no input starts as NaN, so that an element nobody
//     wrote is found;
//   - elements of an output that the kernel must leave alone start as Untouched
//     and must be exactly that afterwards;
//   - gaps between the rows of a strided input are NaN, so that a read past a
//     row's end shows, even when multiplied by zero;
//   - a state that the kernel must not read (Fresh) is NaN;
//   - the state slots of a batch are permuted, with unused ones in between.
package cases
