// Package train trains Mamba-1 language models (arXiv 2312.00752) on any GPU that
// WebGPU reaches, and in plain Go where there is none.
//
// # Overview
//
// A [Trainer] holds a model's weights, their gradients and the optimiser's moments
// on a device. [New] initialises a model, [Load] takes one from a checkpoint:
//
//	t, err := train.New(config, &train.Options{Batch: 16, SeqLen: 256})
//	if err != nil {
//		return err
//	}
//	defer t.Close()
//	for step := range 1000 {
//		r, err := t.Step(ctx, lr(step), train.Batch{IDs: next()})
//		if err != nil {
//			return err
//		}
//		fmt.Println(r.Step, r.Loss)
//	}
//	return t.SaveModel("my-model", checkpoint.F16)
//
// A folder that [Trainer.SaveModel] writes is read by package mamba and by other
// software that knows the Hugging Face layout.
//
// Who writes a loop of their own uses the parts of a step: [Trainer.Backward],
// [Trainer.Update] and [Trainer.ZeroGradients], with [Trainer.Gradient] in between.
//
// [Run] is the whole of it: texts, a schedule, validation, checkpoints that a run which
// was killed goes on from to the same weights, metrics.
//
// A [LayerTrainer] trains the input-modulated layer, [mamba.Layer], alone or as a part
// of a network of the caller's.
package train
