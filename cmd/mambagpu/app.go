package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"

	"github.com/mambagpu/mambagpu/bench"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// The exit statuses.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// app is one run of the program: its streams, and how far it came.
type app struct {
	stdin   io.Reader
	stdout  *output
	stderr  io.Writer
	args    []string // the command line, without the program's name
	started bool     // a command began its work: errors are no longer those of usage
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "mambagpu",
		Short: "Mamba language models on any GPU",
		Long: `mambagpu runs Mamba language models on any GPU that WebGPU reaches (Vulkan,
Metal, DX12), and in plain Go where there is none. A small model ships with it.`,
		Example: `  mambagpu generate
  mambagpu generate --prompt "The state of the Union is" --temperature 0.8
  mambagpu devices
  mambagpu verify`,
		Version:       versionText(bench.ReadBuild()),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.AddCommand(a.benchCommand(), a.devicesCommand(), a.generateCommand(), a.infoCommand(),
		a.perplexityCommand(), a.quantizeCommand(), a.tokenizeCommand(), a.tokenizerCommand(), a.trainCommand(),
		a.verifyCommand(), a.versionCommand())
	for _, cmd := range root.Commands() {
		a.markStart(cmd)
	}
	completeBuiltins(root)
	return root
}

// completeBuiltins gives the commands that come with cobra what the others have:
// examples, and errors for arguments that mean nothing.
func completeBuiltins(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Example = "  mambagpu help generate"
			cmd.Args = helpTopic
		case "completion":
			cmd.Example = "  source <(mambagpu completion bash)"
			cmd.Args = noArgs
			cmd.Run = func(cmd *cobra.Command, _ []string) { cmd.Help() }
			for _, shell := range cmd.Commands() {
				shell.Example = "  mambagpu completion " + shell.Name()
				shell.Args = noArgs
			}
		}
	}
}

// helpTopic asks for the names of a command, or nothing.
func helpTopic(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err == nil && len(rest) > 0 {
		err = noArgs(found, rest)
	}
	return err
}

// noArgs asks for nothing but flags.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if cmd.Flags().Lookup("prompt") != nil {
		hint = "; the text to continue goes behind --prompt"
	}
	return usagef("%s takes flags only, got %q%s", cmd.Name(), clip(args[0], 60), hint)
}

// markStart notes when cmd, or a command below it, has been given valid arguments and
// begins.
func (a *app) markStart(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		a.markStart(sub)
	}
	work := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.started = true
		return work(cmd, args)
	}
}

// usageError is an error of the one who typed the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

func usagef(format string, args ...any) error {
	return usageError(fmt.Sprintf(format, args...))
}

// errInterrupted ends a command that a signal stopped.
var errInterrupted = errors.New("interrupted")

// status reports err, which cmd ended with, and returns the exit status.
func (a *app) status(cmd *cobra.Command, err error) int {
	if err == nil {
		err = a.stdout.err
	}
	_, usage := errors.AsType[usageError](err)
	switch {
	case err == nil, isClosedPipe(err):
		return exitOK
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case usage || !a.started:
		fmt.Fprintf(a.stderr, "mambagpu: %s\nRun '%s --help' for usage.\n", usageMessage(err), cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(a.stderr, "mambagpu: %s\n", message(err))
	return exitFailure
}

// usageMessage is the error's text in one line.
func usageMessage(err error) string {
	text, suggestions, found := strings.Cut(strings.TrimSpace(err.Error()), "\n\nDid you mean this?\n\t")
	text = strings.TrimSuffix(text, ` for "mambagpu"`)
	if found {
		text += "; did you mean " + strings.ReplaceAll(suggestions, "\n\t", " or ") + "?"
	}
	return text
}

// message is the error's text without the names of the packages that it came
// through.
func message(err error) string {
	text := err.Error()
	for {
		pkg, rest, ok := strings.Cut(text, ": ")
		switch pkg {
		case "mamba", "wgpu", "checkpoint", "tokenizer", "shaders", "bench", "train":
		default:
			return text
		}
		if !ok {
			return text
		}
		text = rest
	}
}

// output is standard output. It remembers the first error and then writes no
// more.
type output struct {
	w   io.Writer
	err error
}

// Write writes p unless an earlier write failed.
func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}

// isClosedPipe reports whether err says that nobody reads what was written.
func isClosedPipe(err error) bool {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return true
	}
	const brokenPipe, noData = syscall.Errno(109), syscall.Errno(232) // of Windows
	return runtime.GOOS == "windows" && (errors.Is(err, brokenPipe) || errors.Is(err, noData))
}

// isTerminal reports whether w is a person's terminal.
func isTerminal(w any) bool {
	if o, ok := w.(*output); ok {
		w = o.w
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// styled wraps text in a terminal attribute, such as dim, if w shows it.
func styled(w any, attribute, text string) string {
	if !isTerminal(w) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return text
	}
	return attribute + text + "\x1b[0m"
}

// Terminal attributes.
const (
	bold = "\x1b[1m"
	dim  = "\x1b[2m"
)

// printJSON prints v as the one object on standard output.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// readStdin returns the bytes of standard input, all of them as they are.
func (a *app) readStdin(ctx context.Context) (string, error) {
	return await(ctx, func() (string, error) {
		data, err := io.ReadAll(a.stdin)
		if err != nil {
			return "", fmt.Errorf("standard input: %w", err)
		}
		return string(data), nil
	})
}

// await returns what work does, or errInterrupted as soon as ctx ends: work that
// cannot be stopped is then left behind, for the process to end with it.
func await[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := work()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, errInterrupted
	}
}
