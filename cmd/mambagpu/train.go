package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/mamba/train"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// trainOptions is the command line of train.
type trainOptions struct {
	data      []string // files
	valid     string   // a file; empty for none
	tokenizer string   // a tokenizer.json; empty for the default
	config    string   // a config.json or sizes; empty for the default
	run       train.RunOptions
	trainer   train.Options
	lr        float64
	finalLR   float64 // negative for the default
	warmup    int     // negative for the default
	schedule  train.Decay
	validMost int // 0 for all
	decay     float64
	clip      float64
	recompute bool
	json      bool
}

func (a *app) trainCommand() *cobra.Command {
	o := trainOptions{lr: 3e-3, finalLR: -1, warmup: -1, schedule: train.DecayLinear, validMost: 65536, decay: 0.3, clip: 1}
	o.trainer = train.Options{Batch: 64, SeqLen: 512, Beta1: 0.9, Beta2: 0.95, Activations: checkpoint.F32}
	o.run = train.RunOptions{Steps: 600, Accumulate: 1, EvalEvery: 100, SaveEvery: 100, Keep: 2, DType: checkpoint.F32}
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a model on texts",
		Long: `Train a Mamba model on texts, from random weights or with --init from a model that
is there. The defaults are the recipe of the reference model.

A step learns from --batch windows of --seq-len tokens that begin anywhere in the
texts, which are joined by <|endoftext|>, by AdamW. Every --eval-every steps the
model predicts the text of --valid, in windows of --seq-len that lie end to end and
each begin with an empty state. --out is then the best model so far: all commands
read it, and other software for Mamba too.

  DIR/config.json, model.safetensors, tokenizer.json   the best model
  DIR/metrics.jsonl                                    a line a step (step, loss, lr, grad_norm, tokens, seconds)
                                                       and evaluation (step, valid_loss, valid_perplexity)
  DIR/loss.svg, loss.png                               the loss, drawn
  DIR/checkpoints/step-000600/                         the model after a step, and what it takes to go on

Interrupted by Ctrl-C, the run saves and says how to go on; killed at any moment, it
goes on from the last checkpoint. Give the same command with --resume: it ends with
the same weights as one that was not interrupted, to the bit on the same device.
--steps may then be another number; without a checkpoint the run begins anew.

A loss that is not finite, or that stays a nat above where it was for 100 steps,
stops the run: exit status 1, and the last good checkpoint is named.

--config takes a config.json, a folder that has one, or sizes: d_model, n_layer,
d_state (16), d_conv (4), expand (2), dt_rank (d_model/16), vocab_size (the
tokenizer's, rounded up to 8), tied (true), norm_eps (1e-5).

With --json the object has out, adapter, parameters, steps, tokens, seconds,
tokens_per_s, loss (of the last step), best_step, valid_loss and valid_perplexity
(of the best; null without --valid).`,
		Example: `  mambagpu train --data book.txt --valid held-out.txt --out my-model
  mambagpu train --data a.txt.gz,b.txt.gz --tokenizer tokenizer.json --config d_model=512,n_layer=12 --out my-model
  mambagpu train --data letters.txt --init mamba-130m-hf --lr 1e-4 --steps 200 --batch 8 --out my-letters
  mambagpu train --data book.txt --valid held-out.txt --out my-model --resume`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(cmd); err != nil {
				return err
			}
			return a.train(cmd.Context(), o)
		},
	}
	addTrainFlags(cmd, &o)
	for flag, values := range map[string][]string{"schedule": {"constant", "linear", "cosine"}, "dtype": {"f32", "f16", "bf16"}} {
		cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	return cmd
}

func addTrainFlags(cmd *cobra.Command, o *trainOptions) {
	f := cmd.Flags()
	f.SortFlags = false
	addDataFlag(cmd, &o.data)
	f.Var(textFlag(&o.valid, "FILE"), "valid", "a text to judge the model by, a `FILE` of UTF-8 or its .gz (default: none)")
	f.Var(textFlag(&o.run.Dir, "DIR"), "out", "the run's `DIR`")
	cmd.MarkFlagDirname("out")
	f.BoolVar(&o.run.Resume, "resume", false, "go on with the run in --out")
	f.Var(textFlag(&o.tokenizer, "FILE"), "tokenizer", "a tokenizer.json `FILE` (default: that of --init or --resume, else of the model that\n"+
		"ships)")
	cmd.MarkFlagFilename("tokenizer", "json")
	f.Var(textFlag(&o.config, "CONFIG"), "config", "the model's `CONFIG`: a file or sizes (default: d_model=256,n_layer=8)")
	f.Var(textFlag(&o.run.Init, "DIR"), "init", "begin with the weights of the model in `DIR`")
	cmd.MarkFlagDirname("init")
	addLearningFlags(f, o)
	f.Var(intFlag(&o.run.EvalEvery, 1), "eval-every", "steps between two evaluations; the last step has one")
	f.Var(intFlag(&o.validMost, 0), "valid-tokens", "tokens of --valid to predict at most; 0 for all")
	f.Var(intFlag(&o.run.SaveEvery, 1), "save-every", "steps between two checkpoints; the last step has one")
	f.Var(intFlag(&o.run.Keep, 1), "keep", "checkpoints to keep, the newest ones")
	f.Var(dtypeFlag(&o.run.DType, checkpoint.F32, checkpoint.F16, checkpoint.BF16), "dtype", "the `TYPE` of the best model's matrices: f32, f16 or bf16")
	f.Var(intFlag(&o.trainer.MicroBatch, 0), "micro-batch", "sequences that go through the network at a time (default: as many as there is room\n"+
		"for)")
	f.Var(dtypeFlag(&o.trainer.Activations, checkpoint.F32, checkpoint.F16), "activations", "the `TYPE` of what layers keep for the backward pass: f32, or f16 for two thirds of\n"+
		"the memory")
	f.BoolVar(&o.recompute, "recompute", false, "keep only the inputs of layers, and compute the rest twice: less memory")
	addAdapterFlag(cmd, &o.trainer.Adapter)
	f.Var(bytesFlag(&o.trainer.MemoryBudget), "memory-budget", "device memory that may be used, such as 900MB or 2GiB (default: no bound)")
	addJSONFlag(cmd, &o.json)
}

func addLearningFlags(f *pflag.FlagSet, o *trainOptions) {
	share := func(p *float64) pflag.Value {
		return floatFlag(p, "more than 0 and less than 1", func(v float64) bool { return v > 0 && v < 1 })
	}
	f.Var(intFlag(&o.run.Steps, 1), "steps", "updates of the weights")
	f.Var(intFlag(&o.trainer.Batch, 1), "batch", "windows of a batch")
	f.Var(intFlag(&o.trainer.SeqLen, 1), "seq-len", "tokens that a window predicts")
	f.Var(intFlag(&o.run.Accumulate, 1), "accumulate", "batches that a step learns from")
	f.Var(floatFlag(&o.lr, "more than 0", func(v float64) bool { return v > 0 && notNegative(v) }), "lr", "the highest learning rate")
	f.Var(defaulted{floatFlag(&o.finalLR, "0 or more", notNegative)}, "final-lr", "the last step's learning rate (default: 0.8 of --lr)")
	f.Var(defaulted{intFlag(&o.warmup, 0)}, "warmup", "steps in which the learning rate rises to --lr (default: 100, at most a sixth of all)")
	f.Var(scheduleFlag(&o.schedule), "schedule", "how the learning rate sinks after the warm-up: constant, linear or cosine")
	f.Var(floatFlag(&o.decay, "0 or more", notNegative), "weight-decay", "of tensors of two or more dimensions but A_log; 0 is off")
	f.Var(share(&o.trainer.Beta1), "beta1", "the decay of AdamW's first moment")
	f.Var(share(&o.trainer.Beta2), "beta2", "the decay of AdamW's second moment")
	f.Var(floatFlag(&o.clip, "0 or more", notNegative), "clip", "the largest norm of all gradients; 0 is off")
	f.Var(floatFlag(&o.run.Noise, "at least 0 and less than 1", func(v float64) bool { return v >= 0 && v < 1 }),
		"noise", "replace this share of a window's inputs by tokens from elsewhere in the text, which\n"+
			"keeps a model from learning a small text by heart")
	f.Var(floatFlag(&o.run.Average, "at least 0 and less than 1", func(v float64) bool { return v >= 0 && v < 1 }),
		"ema", "evaluate and keep a moving average of the weights, of which this share is old with\n"+
			"every step, such as 0.999; 0 is off")
	f.Uint64Var(&o.trainer.Seed, "seed", 0, "the `N` that weights and windows come from")
}

// defaulted is a flag whose default the help tells in words.
type defaulted struct{ pflag.Value }

// String is empty while the value is the negative one that stands for the default.
func (d defaulted) String() string {
	if d.Value == nil {
		return ""
	}
	if s := d.Value.String(); !strings.HasPrefix(s, "-") {
		return s
	}
	return ""
}

func scheduleFlag(p *train.Decay) pflag.Value {
	kinds := []train.Decay{train.DecayConstant, train.DecayLinear, train.DecayCosine}
	return &checked[train.Decay]{value: p, kind: "KIND", want: "constant, linear or cosine",
		parse: func(s string) (train.Decay, error) { return train.Decay(s), nil },
		show:  func(d train.Decay) string { return string(d) },
		ok:    func(d train.Decay) bool { return slices.Contains(kinds, d) }}
}

// dtypeFlag is a flag whose value is one of two types or more.
func dtypeFlag(p *checkpoint.DType, types ...checkpoint.DType) pflag.Value {
	lower := func(d checkpoint.DType) string { return strings.ToLower(d.String()) }
	var names []string
	for _, t := range types {
		names = append(names, lower(t))
	}
	last := len(names) - 1
	want := strings.Join(names[:last], ", ") + " or " + names[last]
	return &checked[checkpoint.DType]{value: p, kind: "TYPE", want: want, show: lower,
		parse: func(s string) (checkpoint.DType, error) {
			for _, d := range types {
				if lower(d) == s {
					return d, nil
				}
			}
			return 0, errors.New("no such type")
		},
		ok: func(checkpoint.DType) bool { return true }}
}

// complete checks the flags against each other and puts the options together.
func (o *trainOptions) complete(cmd *cobra.Command) error {
	switch {
	case len(o.data) == 0:
		return usagef("nothing to learn from: give --data FILE")
	case o.run.Dir == "":
		return usagef("nowhere to write: give --out DIR")
	case o.run.Init != "" && o.config != "":
		return usagef("--init has a configuration of its own: --config cannot be given with it")
	case cmd.Flags().Changed("valid-tokens") && o.valid == "":
		return usagef("--valid-tokens is for --valid FILE")
	case o.warmup > o.run.Steps:
		return usagef("--warmup %d: want at most as many as --steps %d", o.warmup, o.run.Steps)
	}
	s := train.DefaultSchedule(o.run.Steps)
	s.Decay, s.Peak, s.Final = o.schedule, o.lr, 0.8*o.lr
	if o.finalLR >= 0 {
		s.Final = o.finalLR
	}
	if o.warmup >= 0 {
		s.Warmup = o.warmup
	}
	o.run.Schedule = s
	o.run.ValidTokens = orNone(o.validMost)
	o.trainer.WeightDecay, o.trainer.Clip = orNone(o.decay), orNone(o.clip)
	if o.recompute {
		o.trainer.Recompute = train.EveryLayer
	}
	o.run.Options = &o.trainer
	return nil
}

// orNone makes zero the negative number that means none to package train.
func orNone[T int | float64](v T) T {
	if v == 0 {
		return -1
	}
	return v
}

func (a *app) train(ctx context.Context, o trainOptions) error {
	o.trainer.Notices = a.stderr
	_, err := await(ctx, func() (struct{}, error) { return struct{}{}, o.readTexts() })
	if err != nil {
		return err
	}
	show := newTrainProgress(a, o)
	o.run.OnStart, o.run.OnMetric = show.start, show.metric
	o.run.OnSave = func(string) { show.draw() }
	result, err := train.Run(ctx, &o.run)
	show.close()
	if err != nil {
		return a.trainError(o, err)
	}
	show.draw()
	summary := show.summary(result)
	if o.json {
		return a.printJSON(summary)
	}
	a.printTrained(summary)
	return nil
}

// trainError says what can be done about an error of a run.
func (a *app) trainError(o trainOptions, err error) error {
	if e, ok := errors.AsType[*train.InterruptedError](err); ok {
		fmt.Fprintf(a.stderr, "mambagpu: %s; go on with\n  %s\n", message(e), a.resumeCommand())
		return errInterrupted
	}
	if e, ok := errors.AsType[*train.SettingError](err); ok {
		flag, ok := settingFlags[e.Name]
		if size, config := strings.CutPrefix(e.Name, "Config."); config {
			flag, ok = "--config: "+size, true
		}
		if ok {
			return fmt.Errorf("%s is %v, but the run in %s was begun with %v: --resume goes on with what it was begun with",
				flag, e.Got, o.run.Dir, e.Begun)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is not empty: --resume goes on with the run in it; or name another folder with --out", o.run.Dir)
	}
	return err
}

// settingFlags are the flags behind the fields of train.Settings.
var settingFlags = map[string]string{
	"Batch": "--batch", "MicroBatch": "--micro-batch", "SeqLen": "--seq-len", "Activations": "--activations",
	"Accumulate":     "--accumulate",
	"Schedule.Decay": "--schedule", "Schedule.Peak": "--lr", "Schedule.Final": "--final-lr", "Schedule.Warmup": "--warmup",
	"Beta1": "--beta1", "Beta2": "--beta2", "WeightDecay": "--weight-decay", "Clip": "--clip", "Seed": "--seed",
	"Noise": "--noise", "Average": "--ema", "Data": "the text of --data", "Valid": "the text of --valid",
}

// resumeCommand is the command line that goes on with this run.
func (a *app) resumeCommand() string {
	words := []string{"mambagpu"}
	for _, arg := range a.args {
		words = append(words, shellWord(arg))
	}
	if !slices.Contains(a.args, "--resume") {
		words = append(words, "--resume")
	}
	return strings.Join(words, " ")
}

// shellWord quotes a word for a shell where that is needed.
func shellWord(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=,:+@%", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
