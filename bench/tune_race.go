package bench

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// racer is a variant in a race.
type racer struct {
	variant int
	run     func(n int) (us float64, err error) // the mean time of n runs in a row
	runs    int                                 // in one sample
	samples []float64                           // of the last heat that it was in
}

func (r *racer) summary() Summary { return Summarize(r.samples) }

// How a field is thinned out: after one run each, of those that take no more than farBehind
// times as long as the fastest, and after heats of heatSamples the faster half, until there
// are finalists beside the default.
const (
	farBehind   = 3
	heatSamples = 2
	finalists   = 3
)

// race times variants and returns those that came into the last heat, where the first of
// the field, the default, always is. Others are dropped on the way (successive halving: Jamieson
// and Talwalkar, "Non-stochastic Best Arm Identification", 2016). Within a heat the
// variants take turns, so that what changes with time, as a GPU's clock does, changes all
// of them alike.
func race(ctx context.Context, field []*racer, e effort) (final []*racer, err error) {
	if err := warm(ctx, field[0], e); err != nil {
		return nil, err
	}
	if err := heat(ctx, field, 1, nil); err != nil {
		return nil, err
	}
	for _, r := range field {
		r.runs = runsFor(r.samples[0])
	}
	field = within(field, farBehind)
	for len(field) > 1+finalists {
		if err := heat(ctx, field, heatSamples, nil); err != nil {
			return nil, err
		}
		field = fastest(field, max((len(field)-1)/2, finalists))
	}
	start := time.Now()
	return field, heat(ctx, field, e.samples, func(taken int) bool {
		return taken >= e.least && (settled(field) || time.Since(start) > e.budget*time.Duration(len(field)))
	})
}

// warm keeps the device busy with a variant until its clock is up.
func warm(ctx context.Context, r *racer, e effort) error {
	r.runs = 1
	for start, n := time.Now(), 1; time.Since(start) < e.warm && ctx.Err() == nil; {
		us, err := r.run(n)
		if err != nil {
			return err
		}
		n = runsFor(us)
	}
	return ctx.Err()
}

// runsFor is the number of runs in a sample, for runs of us microseconds.
func runsFor(us float64) int { return min(max(int(microseconds(batchTime)/max(us, 1)), 1), most) }

// heat takes samples of each variant, until there are enough or over says so.
func heat(ctx context.Context, field []*racer, samples int, over func(taken int) bool) error {
	for _, r := range field {
		r.samples = nil
	}
	for taken := 0; taken < samples && (over == nil || !over(taken)); taken++ {
		for _, r := range field {
			if err := ctx.Err(); err != nil {
				return err
			}
			us, err := r.run(max(r.runs, 1))
			if err != nil {
				return err
			}
			r.samples = append(r.samples, us)
		}
	}
	return nil
}

// within is the default and those that take at most times as long as the fastest.
func within(field []*racer, times float64) []*racer {
	least := slices.MinFunc(field, byTime).summary().Median
	kept := field[:1:1]
	for _, r := range field[1:] {
		if r.summary().Median <= times*least {
			kept = append(kept, r)
		}
	}
	return kept
}

// fastest is the default and the n fastest of the others.
func fastest(field []*racer, n int) []*racer {
	others := slices.SortedStableFunc(slices.Values(field[1:]), byTime)
	return append(field[:1:1], others[:min(n, len(others))]...)
}

func byTime(a, b *racer) int { return cmp.Compare(a.summary().Median, b.summary().Median) }

// settled reports whether more samples would change nothing: the fastest variant and all
// others, or the default, lie apart by more than their spread.
func settled(field []*racer) bool {
	first := slices.MinFunc(field, byTime)
	ahead := func(r *racer) bool { return first.summary().P90 < r.summary().P10 }
	if first != field[0] {
		return ahead(field[0])
	}
	return !slices.ContainsFunc(field[1:], func(r *racer) bool { return !ahead(r) })
}
