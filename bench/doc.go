// Package bench measures how fast a device runs the kernels and the models,
// and how close that is to what the device can do at all.
//
// # Overview
//
// [Run] first measures two roofs of the device: the bandwidth of a copy and
// the peak of multiply-adds. Then it times the kernels at the shapes of real
// models, a whole Mamba block, the seed's layer, prefill and decoding of whole
// models of the published sizes, and long inputs. The [Report] it gives becomes
// tables, JSON or a roofline, and can be compared with an older one:
//
//	dev, err := wgpu.Open(nil)
//	report, err := bench.Run(ctx, dev, &bench.Options{Quick: true})
//	err = report.WriteJSON(file)
//	for _, d := range bench.Compare(old, report) {
//		...
//	}
//
// [WritePage] and [Charts] make a page and drawings of one or more reports, beside
// the figures of the CUDA reference ([Row]). [Tune] chooses between variants of kernels,
// for a [mamba.TuningLog] to store; Run uses what is stored.
//
// # What is timed
//
// Nothing is timed that is wrong: the very buffers and dispatches that will be
// timed run once on known data, and a sample of their output is compared with
// the kernel's twin. Then runs warm up, a GPU for a quarter of a second, since
// one that was idle runs at a low clock, and the rest are samples, until there are
// enough of them or the case's time is up. A [Summary] is their median and their
// 10th and 90th percentile.
//
// Kernels are timed by the GPU's own clock where the adapter has timestamp
// queries and by wall time otherwise: as many runs in one compute pass as take
// about a millisecond, at most 64, since starting a compute pass takes longer than
// a small kernel. Every run waits for the one before, and caches are as warm as
// that left them, as in a model where each kernel reads what the last one wrote: a
// case whose data fits into a cache can lie above the roof of memory. Models are
// timed by wall time, host included. Every [Result] says which.
//
// A step of decoding is the time within a generation from the end of one submission to
// the end of a later one, over the steps between: what a generation takes to begin is
// not in it.
//
// # The roof
//
// A run moves at least its inputs and outputs, each once, and does at least
// the multiply-adds that its definition asks for (exponentials are not
// counted). The larger of bytes/bandwidth and operations/peak is the least
// time that it can take on the device; the share of the roof is that time over
// the measured one (Williams, Waterman and Patterson, "Roofline", CACM 2009).
package bench
