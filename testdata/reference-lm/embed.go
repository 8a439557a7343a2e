// Package referencelm holds the trained reference model, a Mamba-1 language
// model of 4.55 million parameters, and what it is expected to compute. The
// command embeds it to verify devices by; programs that import the library do not
// carry it.
package referencelm

import "embed"

// FS is the model's folder, to be loaded with the name ".": config.json,
// model.safetensors, tokenizer.json, expected.json and heldout.txt.gz.
//
//go:embed config.json model.safetensors tokenizer.json expected.json heldout.txt.gz
var FS embed.FS
