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
// of the convolution. Prefill takes a prompt in chunks, each as one blocked
// scan that starts from the state the last one left, so that memory does not
// grow with length; Step takes one token, of one or of many sequences.
//
// A state is cheap to keep: [State.Clone] copies it, [State.SaveFile] and
// [Model.LoadStateFile] take it to a file and back, on any device, and
// generation goes on from it as if it had never stopped. [Model.Trace] hands
// out what every stage of the network gave.
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
// # Goroutines
//
// A Model may be used from many goroutines: its methods run one after the
// other. A State belongs to one call at a time.
package mamba
