package process

import (
	"io"
	"os"
)

// EndWithCloud ends this program when its standard input does, at once and
// without a word, as a machine whose power is cut. The command of a machine
// calls it first, with os.Stdin: that is a pipe whose other end the cloud alone
// has, and never writes to, so that it ends when the cloud does, however that
// came to be. Unlike the signal that Linux sends, pipes end on every system.
func EndWithCloud(stdin io.Reader) {
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // an error says the same: nobody is there
		os.Exit(1)
	}()
}
