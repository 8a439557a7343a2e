package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/spf13/cobra"
)

// inputIDs is the tensor of a trace that holds the prompt.
const inputIDs = "input_ids"

// traceOptions are the flags of a trace.
type traceOptions struct {
	file   string // empty for no trace
	stages []string
	device device
	prompt string
	text   bool // the prompt is text, not idText
	idText string
	ids    []int
}

func (o *traceOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(textFlag(&o.file, "FILE"), "trace", "read a prompt and write what every stage gave to `FILE`, as safetensors")
	f.StringArrayVar(&o.stages, "stage", nil, "a stage's `NAME`, such as layer.3.conv or 'layer.*.conv', to trace only\n"+
		"this; may be given several times")
	f.StringVar(&o.prompt, "prompt", "", "the `TEXT` to trace; - reads standard input byte for byte")
	f.StringVar(&o.idText, "ids", "", "token `IDS` to trace, separated by commas, instead of text")
	addAdapterFlag(cmd, &o.device.adapter)
}

// complete checks the flags against each other and sets what to read.
func (o *traceOptions) complete(cmd *cobra.Command, from source) (err error) {
	given := cmd.Flags().Changed
	for _, name := range []string{"stage", "prompt", "ids", "adapter"} {
		if given(name) && o.file == "" {
			return usagef("--%s is for --trace FILE", name)
		}
	}
	o.text = !given("ids")
	switch {
	case o.file == "" || given("prompt") && o.text:
		return nil
	case given("prompt"):
		return usagef("--prompt and --ids cannot be given together")
	case given("ids"):
		o.ids, err = parseIDs(o.idText)
		return err
	case from.inside():
		o.prompt = shippedPrompt
		return nil
	}
	return usagef("nothing to trace: give --prompt TEXT, --prompt - for standard input, or --ids 1,2,3")
}

// traced is what --json prints of a trace.
type traced struct {
	File    string        `json:"file"`
	Adapter string        `json:"adapter"`
	Model   string        `json:"model"`
	IDs     []int         `json:"ids"`
	Stages  []tracedStage `json:"stages"`
}

type tracedStage struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
}

func (a *app) trace(ctx context.Context, from source, o traceOptions, asJSON bool) error {
	if err := from.checkFolder(); err != nil {
		return err
	}
	if o.text {
		if err := a.encodePrompt(ctx, from, &o); err != nil {
			return err
		}
	}
	model, err := a.load(ctx, from, o.device)
	if err != nil {
		return err
	}
	defer model.Close()
	t := traced{File: o.file, Adapter: model.Adapter(), Model: from.name(), IDs: o.ids}
	tensors, err := t.collect(ctx, model, o)
	if err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	if err := writeTensors(o.file, tensors); err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(t)
	}
	a.printTraced(t)
	return nil
}

// encodePrompt turns the prompt into ids before anything is loaded.
func (a *app) encodePrompt(ctx context.Context, from source, o *traceOptions) (err error) {
	tok, err := from.loadTokenizer()
	if err != nil {
		return err
	}
	if o.prompt == "-" {
		if o.prompt, err = a.readStdin(ctx); err != nil {
			return err
		}
	}
	o.ids = tok.Encode(o.prompt)
	return nil
}

// collect runs the trace and returns the tensors of the file.
func (t *traced) collect(ctx context.Context, model loaded, o traceOptions) ([]checkpoint.NamedData, error) {
	words := make([]float32, len(o.ids))
	for i, id := range o.ids {
		words[i] = float32(id)
	}
	tensors, err := appendTensor(nil, inputIDs, []int{len(words)}, words)
	if err != nil {
		return nil, err
	}
	err = model.Trace(ctx, o.ids, func(s mamba.Stage) (err error) {
		t.Stages = append(t.Stages, tracedStage{s.Name, s.Shape})
		tensors, err = appendTensor(tensors, s.Name, s.Shape, s.Data)
		return err
	}, o.stages...)
	return tensors, err
}

func appendTensor(list []checkpoint.NamedData, name string, shape []int, values []float32) ([]checkpoint.NamedData, error) {
	data, err := checkpoint.Encode(checkpoint.F32, values)
	return append(list, checkpoint.NamedData{Name: name, DType: checkpoint.F32, Shape: shape, Data: data}), err
}

func writeTensors(path string, tensors []checkpoint.NamedData) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(checkpoint.WriteSafetensors(f, tensors, nil), f.Close())
}

func (a *app) printTraced(t traced) {
	w := newTable(a.stdout)
	for _, s := range t.Stages {
		w.AppendRow(table.Row{s.Name, fmt.Sprint(s.Shape)})
	}
	w.Render()
}
