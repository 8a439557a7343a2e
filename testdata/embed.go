// Package testdata holds the reference vectors that the command ships for its
// verification of a device. Programs that import the library do not carry
// them.
package testdata

import _ "embed"

// Ops is ops.safetensors, as package opsfile reads it.
//
//go:embed ops.safetensors
var Ops []byte

// TinyTrain is tiny_train.safetensors, as train.CheckFile reads it.
//
//go:embed tiny_train.safetensors
var TinyTrain []byte
