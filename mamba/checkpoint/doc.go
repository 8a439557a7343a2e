// Package checkpoint reads the weights and the configuration of Mamba-1
// language models. It knows files and formats, not GPUs.
//
// # Folders
//
// A checkpoint is a folder that holds config.json and either
// model.safetensors or several files listed in model.safetensors.index.json.
// Two layouts of it are in use, and [Open] reads both into one form:
//
//   - Hugging Face (transformers): hidden_size, num_hidden_layers, ...; the
//     embedding is backbone.embeddings.weight.
//   - original (state-spaces/mamba): d_model, n_layer, ssm_cfg, ...; the
//     embedding is backbone.embedding.weight.
//
// Open checks everything before it returns: every tensor of every layer is
// there, with the shape that the configuration asks for and a dtype of F32,
// F16 or BF16. Whether there are biases, and whether the output matrix is the
// embedding, follows the tensors that are there. Values are not read; use
// [CheckFinite] on the chunks that are uploaded.
//
//	c, err := checkpoint.Open(dir)
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	for _, name := range c.Names() {
//		t, err := c.Tensor(name) // t.Shape, t.DType, t.ReadAt
//		...
//	}
//
// # Shapes
//
// Shapes are row-major, the last axis contiguous. d is the model's width
// (d_model), E the width inside a block (d_inner), N the state size, K the
// width of the convolution, R the rank of the step size, V the rows of the
// embedding, padding included.
//
//	backbone.embeddings.weight           (V, d)
//	backbone.layers.I.norm.weight        (d)
//	backbone.layers.I.mixer.
//	    in_proj.weight                   (2E, d)   [in_proj.bias (2E)]
//	    conv1d.weight                    (E, 1, K) [conv1d.bias (E)]
//	    x_proj.weight                    (R+2N, E)
//	    dt_proj.weight, dt_proj.bias     (E, R), (E)
//	    A_log                            (E, N)
//	    D                                (E)
//	    out_proj.weight                  (d, E)    [out_proj.bias (d)]
//	backbone.norm_f.weight               (d)
//	lm_head.weight                       (V, d)    only when untied
//
// # Errors
//
// A file that lies is a [*FormatError], which says where, what was found and
// what was expected. A file that may be right but is not for this package
// (another architecture, pickled weights, GGUF) is an [*UnsupportedError],
// which says the way out. What is missing wraps [io/fs.ErrNotExist].
//
//	if e, ok := errors.AsType[*checkpoint.FormatError](err); ok {
//		fmt.Println(e.Path, e.Tensor, e.Got, e.Want)
//	}
//
// Sources: the safetensors format as its repository's README defines it,
// transformers' MambaConfig, and MambaConfig of state-spaces/mamba.
package checkpoint
