// Command mambagpu runs Mamba language models on any GPU that WebGPU reaches,
// and in plain Go where there is none.
//
//	mambagpu devices                 what this machine can compute on
//	mambagpu generate --prompt TEXT  continue a text
//	mambagpu info                    what a model is
//	mambagpu tokenize TEXT           text to token ids, and back
//	mambagpu verify                  does this device compute what it should?
//	mambagpu bench                   how fast is it?
//	mambagpu perplexity --file FILE  how well does a model predict a text?
//	mambagpu quantize --out DIR      round a model to 8 or 4 bits
//	mambagpu train --out DIR         train a model on texts
//	mambagpu tokenizer train         learn a vocabulary from texts
//
// Results go to standard output, everything else to standard error. With
// --json (of bench: --json -) a command prints one object to standard output and
// nothing else.
//
// # Exit status
//
//	0    success; also when the reader of standard output has closed it
//	1    failure, with one message on standard error
//	2    wrong usage
//	130  interrupted by SIGINT or SIGTERM; what was generated has been printed, and a
//	     training has been saved
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run(signals(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// signals returns a context that ends with the first SIGINT or SIGTERM; the
// second one kills the process. Writing to a closed pipe becomes an error of
// the write.
func signals() context.Context {
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: &output{w: stdout}, stderr: stderr, args: args}
	root := a.rootCommand()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	return a.status(cmd, err)
}
