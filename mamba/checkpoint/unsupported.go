package checkpoint

import (
	"fmt"
	"strings"
)

const (
	mambaWay = "only Mamba-1 models are read, model_type mamba or the original layout with ssm_cfg.layer Mamba1"
	ggufWhat = "a GGUF file"
	ggufWay  = "take the model's safetensors folder (config.json and model.safetensors), from which GGUF files are made"
)

// hybrids are the model types that mix Mamba blocks with others.
var hybrids = map[string]bool{
	"bamba": true, "falcon_h1": true, "granitemoehybrid": true, "hymba": true,
	"jamba": true, "nemotron_h": true, "phi4flash": true, "plamo2": true,
	"samba": true, "zamba": true, "zamba2": true,
}

// unsupportedKind refuses a model_type other than mamba by name.
func unsupportedKind(path, kind string) error {
	what := "model_type " + clip(kind)
	switch {
	case kind == "mamba2":
		what = "Mamba-2 (model_type mamba2)"
	case kind == "falcon_mamba":
		what = "Falcon Mamba (model_type falcon_mamba), which normalises B, C and the step size,"
	case hybrids[kind]:
		what = "a hybrid of Mamba and other blocks (" + what + ")"
	}
	return &UnsupportedError{Path: path, What: what, Way: mambaWay}
}

// pickled picks the names of weights as PyTorch pickles them. In a folder of
// Hugging Face that leaves out a trainer's own files.
func pickled(names []string) []string {
	var model, other []string
	for _, name := range names {
		switch {
		case strings.HasPrefix(name, "pytorch_model") && !strings.HasSuffix(name, ".json"):
			model = append(model, name)
		case isPickle(name):
			other = append(other, name)
		}
	}
	if len(model) > 0 {
		return model
	}
	return other
}

func isPickle(name string) bool {
	switch name {
	case "training_args.bin", "optimizer.bin", "optimizer.pt", "scheduler.bin", "scheduler.pt", "rng_state.pth":
		return false
	}
	for _, suffix := range []string{".bin", ".pt", ".pth", ".ckpt"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// pickleWay says how to convert pickled weights: two lines of Python. Clones,
// because a tied lm_head shares its memory and save_file refuses that.
func pickleWay(files ...string) string {
	list := make([]string, len(files))
	for i, name := range files {
		list[i] = fmt.Sprintf("%q", name)
	}
	source := "[" + strings.Join(list, ", ") + "]"
	if len(files) > 4 {
		source = `__import__("glob").glob("pytorch_model*.bin")`
	}
	return "pickles can run code when they are read; convert them in the model's folder with Python " +
		"(clone, because a tied lm_head shares memory with the embedding, which save_file refuses):\n" +
		"    import torch; from safetensors.torch import save_file\n" +
		"    save_file({k: v.clone().contiguous() for f in " + source +
		` for k, v in torch.load(f, map_location="cpu", weights_only=True).items()}, "model.safetensors", metadata={"format": "pt"})`
}
