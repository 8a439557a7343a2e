package train

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// RunOptions say what [Run] does. The zero value of a field means the recipe of the
// reference model, as far as that has a say.
type RunOptions struct {
	// Options are those of the trainer. nil means the zero value.
	Options *Options
	// Config is the model's architecture. It is not looked at with Init, and may be
	// left out with Resume if there is a checkpoint.
	Config mamba.ModelConfig
	// Init is the folder of a checkpoint to train on. The zero value means random
	// weights.
	Init string
	// Tokenizer is the bytes of a tokenizer.json for the models that are written.
	// nil means none.
	Tokenizer []byte

	// Dir is the run's folder. Without Resume it must not exist, or be empty.
	Dir string
	// Resume goes on from the newest checkpoint in Dir, and from the beginning if
	// there is none.
	Resume bool

	// Data is the text to learn from, one window or more: see [Windows].
	Data []uint32
	// Valid is a text to judge the model by: see [ValidationBatches]. nil means none;
	// the model of the last step then counts as the best one.
	Valid []uint32
	// ValidTokens bounds how many tokens of Valid are predicted. The zero value means
	// 65,536, a negative one all.
	ValidTokens int

	// Steps is the number of updates. The zero value means 600.
	Steps int
	// Schedule is the learning rate; its Steps may be zero for the run's. The zero
	// value means [DefaultSchedule].
	Schedule Schedule
	// Accumulate is how many batches an update learns from. The zero value means 1.
	Accumulate int
	// Noise is the share of inputs that are replaced at random: see [Windows].
	Noise float64
	// Average, if not 0, is the share of the old that a moving average of the
	// weights keeps with every step. The average is then what is judged and what the
	// best model is. It takes in every tenth step, and at first more of the new.
	Average float64

	// EvalEvery is the number of steps between two judgements, SaveEvery that
	// between two checkpoints. The zero values mean 100. The last step has both.
	EvalEvery, SaveEvery int
	// Keep is how many checkpoints stay, the newest ones. The zero value means 2.
	Keep int
	// DType is the type of the best model's matrices. The zero value means F32.
	DType checkpoint.DType

	// OnStart, if set, is called before the first step, with the step that the run
	// goes on from or 0.
	OnStart func(t *Trainer, step int)
	// OnMetric, if set, is called with each line of the metrics.
	OnMetric func(Metric)
	// OnSave, if set, is called with each checkpoint's folder.
	OnSave func(dir string)
}

// RunResult is how a run ended.
type RunResult struct {
	Steps   int     // updates, those of runs before included
	Tokens  int64   // predicted in training
	Seconds float64 // of training and judging
	Loss    float64 // of the last step
	Best    Best
	Adapter string
}

// Best is the best model so far: that of the least loss on the validation text.
type Best struct {
	Step int     `json:"step"` // 0 if there was none yet
	Loss float64 `json:"loss"` // nats a token; 0 without validation text
}

// Perplexity is exp of the loss.
func (b Best) Perplexity() float64 { return math.Exp(b.Loss) }

// Run trains a model into a folder:
//
//	DIR/config.json, model.safetensors, tokenizer.json   the best model so far
//	DIR/metrics.jsonl                                    a line a step and judgement: see Metric
//	DIR/checkpoints/step-000600/                         a model of float32 and what it takes to go on
//	DIR/training.lock                                    while it runs
//
// DIR and each checkpoint are models in Hugging Face layout. A checkpoint appears as
// a whole when it is on disk, and so does the best model. A run that was killed at any
// moment is taken on by RunOptions.Resume and ends with the same weights as one that
// was not, to the bit on the same device.
//
// When ctx ends, the run saves a checkpoint after the step that is under way and
// returns an [*InterruptedError]. A loss that is not finite or that has risen and does
// not come back ends it with a [*RunError], which holds a [*DivergedError] or a
// [*RisenError]. Other errors: [*OptionError], [*DataError], [*SettingError] if
// resumed otherwise than it was begun, [*LockedError] for a folder that another run is
// training into, [fs.ErrExist] for one that is not empty, those of [New] and [Load] and
// of the file system.
func Run(ctx context.Context, opts *RunOptions) (RunResult, error) {
	o, err := opts.filled()
	if err != nil {
		return RunResult{}, err
	}
	r, err := newSession(o)
	if err != nil {
		return RunResult{}, err
	}
	defer r.close()
	if o.OnStart != nil {
		o.OnStart(r.trainer, r.state.Step)
	}
	err = r.run(ctx)
	return r.result(), err
}

// filled is the options with their defaults in place, or an *OptionError.
func (o *RunOptions) filled() (RunOptions, error) {
	f := *o
	t, err := f.Options.filled()
	if err != nil {
		return f, err
	}
	if f.Options == nil {
		f.Options = &Options{}
	}
	orElse(&f.ValidTokens, 65536)
	f.ValidTokens = max(f.ValidTokens, 0)
	orElse(&f.Steps, 600)
	orElse(&f.Schedule, DefaultSchedule(f.Steps))
	orElse(&f.Schedule.Steps, f.Steps)
	orElse(&f.Accumulate, 1)
	orElse(&f.EvalEvery, 100)
	orElse(&f.SaveEvery, 100)
	orElse(&f.Keep, 2)
	orElse(&f.DType, checkpoint.F32)
	if f.Dir == "" {
		return f, &OptionError{Name: "Dir", Got: `""`, Want: "the name of a folder"}
	}
	for _, c := range []struct {
		name  string
		value int
	}{{"Steps", f.Steps}, {"Accumulate", f.Accumulate}, {"EvalEvery", f.EvalEvery}, {"SaveEvery", f.SaveEvery}, {"Keep", f.Keep}} {
		if c.value < 1 {
			return f, &OptionError{Name: c.name, Got: c.value, Want: "1 or more"}
		}
	}
	if f.Schedule.Steps != f.Steps {
		return f, &OptionError{Name: "Schedule.Steps", Got: f.Schedule.Steps, Want: "the run's number of steps"}
	}
	if !(f.Noise >= 0 && f.Noise < 1) {
		return f, &OptionError{Name: "Noise", Got: f.Noise, Want: "at least 0 and less than 1"}
	}
	if !(f.Average >= 0 && f.Average < 1) {
		return f, &OptionError{Name: "Average", Got: f.Average, Want: "at least 0 and less than 1"}
	}
	if f.DType != checkpoint.F32 && f.DType != checkpoint.F16 && f.DType != checkpoint.BF16 {
		return f, &OptionError{Name: "DType", Got: f.DType, Want: "F32, F16 or BF16"}
	}
	if int64(len(f.Data)) <= int64(t.SeqLen) { // before a folder or a device is looked at
		return f, checkTokens(trainingText, f.Data, t.SeqLen, 0)
	}
	return f, f.Schedule.check()
}

// The texts' names in errors.
const (
	trainingText   = "training text"
	validationText = "validation text"
)

// session is a run under way.
type session struct {
	opts    RunOptions
	lock    *folderLock
	trainer *Trainer
	windows Windows
	valid   []Batch
	average *average // nil if none is kept
	metrics *metricsFile
	state   runState
	begun   time.Time // when this process began to train
	before  float64   // seconds of training before that
	saved   string    // the newest checkpoint; empty if there is none
}

func (r *session) close() {
	if r.metrics != nil {
		r.metrics.close()
	}
	if r.trainer != nil {
		r.trainer.Close()
	}
	r.lock.release()
}

func (r *session) result() RunResult {
	return RunResult{Steps: r.state.Step, Tokens: r.state.Tokens, Seconds: r.seconds(), Loss: r.state.Loss,
		Best: r.state.Best, Adapter: r.trainer.AdapterInfo().Name}
}

// seconds is how long the run has taken, without the time that it lay still.
func (r *session) seconds() float64 { return r.before + time.Since(r.begun).Seconds() }

// run trains, judges and saves to the last step.
func (r *session) run(ctx context.Context) error {
	err := r.advance(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		if r.state.Step > r.state.Saved {
			if err := r.save(); err != nil {
				return err
			}
		}
		return &InterruptedError{Step: r.state.Step, Checkpoint: r.saved, Err: err}
	}
	return &RunError{Step: r.state.Step, Checkpoint: r.saved, Err: err}
}

// advance goes from one step at which something is due to the next.
func (r *session) advance(ctx context.Context) error {
	for {
		if r.due(r.opts.EvalEvery) && r.state.Judged < r.state.Step {
			if err := r.judge(ctx); err != nil {
				return err
			}
		}
		if r.due(r.opts.SaveEvery) && r.state.Saved < r.state.Step && (!r.state.Watch.risen() || r.state.Step >= r.opts.Steps) {
			if err := r.save(); err != nil {
				return err
			}
		}
		if r.state.Step >= r.opts.Steps {
			return nil
		}
		if err := r.steps(ctx, r.nextStop()); err != nil {
			return err
		}
	}
}

// due reports whether something that comes with every so many steps, and with the
// last one, comes now.
func (r *session) due(every int) bool {
	return r.state.Step > 0 && (r.state.Step%every == 0 || r.state.Step >= r.opts.Steps)
}

// nextStop is the next step at which something is due.
func (r *session) nextStop() int {
	next := r.opts.Steps
	stop := func(every int) { next = min(next, (r.state.Step/every+1)*every) }
	stop(r.opts.EvalEvery)
	stop(r.opts.SaveEvery)
	if r.average != nil {
		stop(averageEvery)
	}
	return next
}

// steps trains up to a step. One step is made ready while another is under way.
func (r *session) steps(ctx context.Context, last int) error {
	var under []*Pending
	for next := r.state.Step + 1; r.state.Step < last; {
		if next <= last && len(under) < 2 && ctx.Err() == nil {
			p, err := r.submit(ctx, next)
			if err != nil {
				return err
			}
			under = append(under, p)
			next++
			continue
		}
		if len(under) == 0 {
			return ctx.Err()
		}
		result, err := under[0].Wait()
		if err != nil {
			return err
		}
		under = under[1:]
		if err := r.record(result); err != nil {
			return err
		}
	}
	if r.average != nil && r.state.Step%averageEvery == 0 {
		return r.average.take(r.trainer)
	}
	return nil
}

// submit gives a step to the device. The end of ctx does not reach it: a step that
// has begun is completed.
func (r *session) submit(ctx context.Context, step int) (*Pending, error) {
	rows := r.trainer.Options().Batch
	at := r.state.Position + uint64((step-r.state.Step-1)*rows*r.opts.Accumulate)
	batches := make([]Batch, r.opts.Accumulate)
	for i := range batches {
		batches[i] = r.windows.Batch(at+uint64(i*rows), rows)
	}
	return r.trainer.Submit(context.WithoutCancel(ctx), r.opts.Schedule.Rate(step), batches...)
}

// record takes in a step's result.
func (r *session) record(result Result) error {
	windows := r.trainer.Options().Batch * r.opts.Accumulate
	s := &r.state
	s.Step++
	s.Position += uint64(windows)
	s.Tokens += int64(windows * r.windows.SeqLen)
	s.Loss = result.Loss
	err := r.write(Metric{Step: s.Step, Trained: &Trained{Loss: result.Loss, LR: r.opts.Schedule.Rate(s.Step),
		GradNorm: result.GradNorm, Tokens: s.Tokens, Seconds: r.seconds()}})
	if err != nil {
		return err
	}
	return s.Watch.add(s.Step, result.Loss)
}

func (r *session) write(m Metric) error {
	if err := r.metrics.write(m); err != nil {
		return err
	}
	if r.opts.OnMetric != nil {
		r.opts.OnMetric(m)
	}
	return nil
}

// judge takes the loss on the validation text and keeps the model if it is the best
// so far. Without a text it is.
func (r *session) judge(ctx context.Context) (err error) {
	if r.average != nil {
		if err := r.average.swap(r.trainer); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.average.swap(r.trainer)) }()
	}
	best := Best{Step: r.state.Step}
	better := true
	if len(r.valid) > 0 {
		if best.Loss, err = r.validLoss(ctx); err != nil {
			return err
		}
		better = r.state.Best.Step == 0 || best.Loss < r.state.Best.Loss
		if err := r.write(Metric{Step: best.Step, Validated: &Validated{best.Loss, min(best.Perplexity(), math.MaxFloat64)}}); err != nil {
			return err
		}
	}
	if better {
		if err := r.saveBest(); err != nil {
			return err
		}
		r.state.Best = best
	}
	r.state.Judged = r.state.Step
	if r.state.Saved == r.state.Step { // by a run that was interrupted before it could judge
		return r.writeState(checkpointDir(r.opts.Dir, r.state.Step), r.state)
	}
	return nil
}

// validLoss is the mean loss over the validation windows.
func (r *session) validLoss(ctx context.Context) (float64, error) {
	sum, windows := 0.0, 0
	for _, b := range r.valid {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		loss, err := r.trainer.Loss(ctx, b)
		if err != nil {
			return 0, err
		}
		rows := len(b.IDs) / (r.windows.SeqLen + 1)
		sum, windows = sum+loss*float64(rows), windows+rows
	}
	mean := sum / float64(windows)
	if math.IsNaN(mean) || math.IsInf(mean, 0) {
		return 0, &DivergedError{Step: r.state.Step, Tensor: "loss", Loss: mean}
	}
	return mean, nil
}
