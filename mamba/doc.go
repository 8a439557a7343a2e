// Package mamba runs Mamba-1 language models (arXiv 2312.00752) on any GPU
// that WebGPU reaches, and in plain Go where there is none.
//
// # Overview
//
// [Load] reads a checkpoint in Hugging Face or original layout. The [Model]
// turns tokens into logits and text:
//
//	model, err := mamba.Load("mamba-130m-hf", nil)
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer model.Close()
//	for token, err := range model.Generate(ctx, "Call me Ishmael.", nil) {
//		if err != nil {
//			log.Fatal(err)
//		}
//		fmt.Print(token.Text)
//	}
//
// # How it computes
//
// A Mamba block is a linear recurrence whose step sizes and input and output
// matrices depend on the input. All that a sequence leaves behind is its
// [State], of the same size whatever the sequence's length: for every layer,
// d_inner x d_state numbers of the recurrence and d_inner x (d_conv-1) inputs
// of the convolution. Prefill takes a prompt in chunks, each as one scan
// that starts from the state the last one left, so that memory does not grow with
// length; Step takes one token, of one or of many sequences.
//
// Generation chooses tokens on the device, greedily or at random, several to a
// submission, and the next ones are under way while the host looks at the last. It
// may be ended at any token: a State holds what was given out and no more. Random
// choices depend on the seed and the place in the sequence alone.
//
// A state is cheap to keep: [State.Clone] copies it, [State.SaveFile] and
// [Model.LoadStateFile] take it to a file and back, on any device, and
// generation goes on from it as if it had never stopped. [Model.Trace] hands
// out what every stage of the network gave.
//
// # Weights
//
// Weights keep the type they are stored in, and the computation is in float32.
// [Options.Weights] rounds matrices while they are loaded, to 16-bit floats or to
// integers of 8 or 4 bits; [Quantize] writes a folder of the latter.
//
// # Layers
//
// A [Block] is a Mamba-1 block as a layer of its own, a [Layer] the layer that
// this project grew from, whose step size, A, B and C all depend on the input
// and whose A is complex. Both map a [Tensor] (B, L, d_model) to one of the same
// shape, at once or step by step; a Layer's parts can be called alone.
//
// # Where it computes
//
// On the WebGPU adapter that [Options] choose, or on the pure-Go backend named
// "go", which needs nothing and is taken, with a notice, only if the machine
// has no adapter at all.
//
// Kernels have variants, which are chosen by the shape. Where "mambagpu bench
// --tune" has measured them on an adapter, what it stored is used instead;
// [Options.Tuning] has the last word.
//
// # Goroutines
//
// A Model may be used from many goroutines: its methods run one after the
// other. A State belongs to one call at a time.
package mamba
