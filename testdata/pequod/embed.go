// Package pequod holds the language model that ships with the command, which this
// project trained. Programs that import the library do not carry it.
package pequod

import "embed"

// FS is the model's folder, to be loaded with the name ".": config.json,
// model.safetensors and tokenizer.json.
//
//go:embed config.json model.safetensors tokenizer.json
var FS embed.FS
