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
// A third kind, which has quantization_config, is described below.
//
// Open checks everything before it returns: every tensor of every layer is
// there, with the shape that the configuration asks for and a dtype of F32,
// F16 or BF16, or of a quantised model integers with scales. Whether there are
// biases, and whether the output matrix is the embedding, follows the tensors that
// are there. Values are not read; use [CheckFinite] on the chunks that are uploaded.
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
// # Quantised models
//
// "mambagpu quantize" and mamba.Quantize write folders whose matrices are integers.
// They have the Hugging Face layout, and config.json has
//
//	"quantization_config": {"quant_method": "mambagpu", "bits": 8, "group_size": -1}
//	"quantization_config": {"quant_method": "mambagpu", "bits": 4, "group_size": 32}
//
// Other programs refuse a quant_method that they do not know, instead of taking the
// integers for weights. The embedding, lm_head when untied, in_proj, x_proj and
// out_proj are two tensors each. Of a matrix NAME (rows, cols), with G = ceil(cols/32):
//
//	8 bits  NAME        I8   (rows, cols)   q from -127 to 127
//	        NAME_scale  F32  (rows)         0 or more
//	        w[n,k] = q[n,k] scale[n]
//
//	4 bits  NAME        U8   (rows, 16 G)   32 columns to 16 bytes
//	        NAME_scale  F16  (rows, G)      of either sign
//	        w[n,k] = (q[n,k] - 8) scale[n, k/32], q from 0 to 15
//
// Of 4 bits every 4 bytes hold 8 columns, first to fourth in the lower halves of the
// bytes, fifth to eighth in the upper ones; columns past the last are 8, which is
// zero. Scales are finite, none is a negative zero. All other tensors are floats: as
// written, dt_proj.weight has the type that it had, the rest is F32. [Open] refuses
// scales that are missing or that belong to no integers; [CheckIntegers] and
// [CheckScales] look at values.
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
